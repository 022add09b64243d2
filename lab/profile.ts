/** How long the simulated control planes take, state by state. Real clouds take minutes; what matters to most callers is that each state
 *  can be seen, and that an accepted change does not show at once. A time is the least: work that takes longer is waited for. */
import { setTimeout as sleep } from 'node:timers/promises'
import { draw, seedOf } from './random'

/** What lasts. */
export interface Durations {
  /** `creating`, of a new instance and of a restored one. */
  readonly createMs: number
  readonly restoreMs: number
  /** `backing-up` after a creation. */
  readonly firstBackupMs: number
  /** `creating` of a snapshot, `backing-up` of its instance. */
  readonly snapshotMs: number
  readonly modifyMs: number
  /** `storage-optimization` after the storage grew: usable meanwhile. */
  readonly optimizeMs: number
  /** `resetting-master-credentials`. */
  readonly passwordMs: number
  readonly rebootMs: number
  /** `rebooting` after a crash. */
  readonly recoverMs: number
  readonly deleteMs: number
  /** `available` is still shown after a change was accepted. */
  readonly lagMs: number
  /** Something that belongs to an instance (a rule, a database, a setting) is added, changed or taken away. */
  readonly itemMs: number
  /** A new instance looks ready, and still refuses changes. */
  readonly tailMs: number
  /** A name that was given up is not given to anybody. */
  readonly droppingMs: number
}

export interface Profile extends Durations {
  /** The share by which a time is shorter or longer, by chance. */
  readonly jitter: number
  /** How much of the log may not be archived yet when somebody asks how far an instance can be restored to. */
  readonly archiveMs: number
}

const MINUTE = 60_000

export const PROFILES = {
  /** As quick as the mechanics. */
  instant: {
    createMs: 0,
    restoreMs: 0,
    firstBackupMs: 0,
    snapshotMs: 0,
    modifyMs: 0,
    optimizeMs: 0,
    passwordMs: 0,
    rebootMs: 0,
    recoverMs: 0,
    deleteMs: 0,
    lagMs: 0,
    itemMs: 0,
    tailMs: 0,
    droppingMs: 0,
    jitter: 0,
    archiveMs: 200,
  },
  /** Each state lasts long enough to be seen. */
  fast: {
    createMs: 150,
    restoreMs: 150,
    firstBackupMs: 150,
    snapshotMs: 150,
    modifyMs: 150,
    optimizeMs: 150,
    passwordMs: 150,
    rebootMs: 150,
    recoverMs: 150,
    deleteMs: 150,
    lagMs: 100,
    itemMs: 100,
    tailMs: 150,
    droppingMs: 300,
    jitter: 0,
    archiveMs: 1_000,
  },
  /** As a small instance in life, where each of them varies more still. */
  realistic: {
    createMs: 6 * MINUTE,
    restoreMs: 8 * MINUTE,
    firstBackupMs: 2 * MINUTE,
    snapshotMs: 3 * MINUTE,
    modifyMs: 5 * MINUTE,
    optimizeMs: 30 * MINUTE,
    passwordMs: 30_000,
    rebootMs: 45_000,
    recoverMs: MINUTE,
    deleteMs: 4 * MINUTE,
    lagMs: 15_000,
    itemMs: 20_000,
    tailMs: 30_000,
    droppingMs: 5 * MINUTE,
    jitter: 0.3,
    archiveMs: 5 * MINUTE,
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof PROFILES

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name)
}

/** So much longer than the profile's time when nothing was written. */
const IDLE_FACTOR = 10

export class Pace {
  readonly #seed: number
  #profile: ProfileName
  #changed = new AbortController()
  /** How often each resource went through each state. */
  readonly #times = new Map<string, number>()

  constructor(profile: ProfileName, seed: number) {
    this.#profile = profile
    this.#seed = seed
  }

  get profile(): ProfileName {
    return this.#profile
  }

  get seed(): number {
    return this.#seed
  }

  /** From now on, also for states that are being waited for. */
  choose(profile: ProfileName): void {
    this.#profile = profile
    this.#changed.abort()
    this.#changed = new AbortController()
  }

  /** From -1 to 1: by how much of the profile's jitter the next time differs. The n-th of a resource's state is the same in every lab of
   *  one seed, whatever others do meanwhile. */
  swing(state: keyof Durations, who: string): number {
    const name = `${who} ${state}`
    const n = this.#times.get(name) ?? 0
    this.#times.set(name, n + 1)
    return 2 * draw(seedOf(this.#seed, name), n) - 1
  }

  /** How old what is known of an archive's end may be, and how old when nothing was written since. */
  archivePatience(): { youngMs: number; idleMs: number } {
    const { archiveMs } = PROFILES[this.#profile]
    return { youngMs: archiveMs, idleMs: archiveMs * IDLE_FACTOR }
  }

  /** How long the next one of a resource's states lasts. */
  durationMs(state: keyof Durations, who: string): number {
    return durationMs(PROFILES[this.#profile], state, this.swing(state, who))
  }

  /** Resolves when the state of `who` has lasted. */
  async lasts(state: keyof Durations, who: string, signal: AbortSignal): Promise<void> {
    const swing = this.swing(state, who)
    const began = Date.now()
    for (;;) {
      const leftMs = began + durationMs(PROFILES[this.#profile], state, swing) - Date.now()
      if (leftMs <= 0) return
      const changed = this.#changed.signal
      await sleep(leftMs, undefined, { signal: AbortSignal.any([signal, changed]) }).catch((error) => {
        if (signal.aborted) throw error
      })
    }
  }
}

/** `swing`: from -1 to 1. */
export function durationMs(profile: Profile, state: keyof Durations, swing: number): number {
  return Math.round(profile[state] * (1 + profile.jitter * swing))
}

/** Work that takes no shorter than a time. Work that fails is not waited out; work that is given up is waited for all the same: what it has
 *  begun would otherwise go on behind the back of whoever thinks that nothing runs any more. */
export async function atLeast<Result>(work: Promise<Result>, time: Promise<void>): Promise<Result> {
  time.catch(() => {})
  const result = await work
  await time
  return result
}
