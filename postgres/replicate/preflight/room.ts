/** Places of which a server has a fixed number: slots, senders, workers. */
import type { PreflightFinding } from '../../../contracts/preflight'
import { grouped } from '../../health/words'
import type { PreflightSide, SideLook } from './check'
import { toSet } from './to-set'

export interface Places {
  readonly side: PreflightSide
  readonly setting: string
  /** In words, several: `replication slots`. */
  readonly what: string
  readonly max: number
  readonly taken: number
  /** Without these nothing comes about. */
  readonly least: number
  /** With these nothing waits for another. */
  readonly wanted: number
  /** What happens below either. */
  readonly why: { readonly least: string; readonly wanted: string }
}

export type Room = 'enough' | 'scarce' | 'none'

export function roomOf({ max, taken, least, wanted }: Pick<Places, 'max' | 'taken' | 'least' | 'wanted'>): Room {
  const free = Math.max(0, max - taken)
  if (free < least) return 'none'
  return free < wanted ? 'scarce' : 'enough'
}

/** `halfMade`: some of what is taken may be ours already, so that nothing is blocked by it. */
export function scarce(places: Places, { cloud }: SideLook, halfMade: boolean): Omit<PreflightFinding, 'check'>[] {
  const room = roomOf(places)
  if (room === 'enough') return []
  const { side, setting, what, max, taken, least, wanted, why } = places
  const needed = room === 'none' ? least : wanted
  return [
    {
      severity: room === 'none' && !halfMade ? 'blocks' : 'warning',
      side,
      object: null,
      message: `The ${side} has ${grouped(Math.max(0, max - taken))} of ${grouped(max)} ${what} left (${setting}), and ${grouped(needed)} are needed.`,
      why: room === 'none' ? why.least : why.wanted,
      command: toSet(cloud, setting, taken + wanted, true),
    },
  ]
}
