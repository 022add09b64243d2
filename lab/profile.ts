/** How long the simulated control planes take beyond what the mechanics need. Real clouds take minutes; what matters to a
 *  caller is that each state can be seen, and that an accepted change does not show at once. */
import { setTimeout as sleep } from 'node:timers/promises'

export const PROFILES = {
  /** As quick as the mechanics. */
  instant: { stateMs: 0, lagMs: 0 },
  /** Each state lasts long enough to be seen; an accepted change shows after `lagMs`. */
  fast: { stateMs: 150, lagMs: 100 },
} as const satisfies Record<string, Timing>

export type ProfileName = keyof typeof PROFILES

export interface Timing {
  /** Least time that a transitional state is shown. */
  stateMs: number
  /** How long `available` is still shown after a change was accepted. */
  lagMs: number
}

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name)
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal })
}
