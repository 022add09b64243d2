/** When a standby is to be compared with its source. Pure: the ledger's row says it, so that nothing is forgotten with a worker. */
import { createHash } from 'node:crypto'
import type { StandbyId, StandbyRecord } from '../../contracts/standby'

/** Where somebody asks for a comparison of a standby that declares none. */
const WITHIN_MS = 6 * 3_600_000

/** A look's finding while the source has changed its tables and the standby has not yet. */
const AT_ITS_LINE = 'waits-for-migration'

/** What differs of a standby that does not follow closely may only be late. */
export function mayCompare({ state, look }: Pick<StandbyRecord, 'state' | 'look'>): boolean {
  return state === 'following' && !(look?.findings ?? []).some(({ rule }) => rule === AT_ITS_LINE)
}

/** `now`: in milliseconds. */
export function isDue(record: StandbyRecord, now: number): boolean {
  const { compared, declared } = record
  if (compared === undefined || !mayCompare(record)) return false
  if (compared.running !== null || compared.askedAt !== null) return true
  if (declared.compare === undefined) return false
  const { everyMs } = declared.compare
  const offset = offsetOf(record, everyMs)
  const turn = (at: number): number => Math.floor((at - offset) / everyMs)
  return turn(now) > turn(Date.parse(compared.last?.startedAt ?? compared.since))
}

export function overAt({ declared }: Pick<StandbyRecord, 'declared'>, since: string): number {
  return Date.parse(since) + (declared.compare?.withinMs ?? WITHIN_MS)
}

/** By the pair's name: not all standbys of a fleet are compared at the same time. */
function offsetOf({ source, target }: StandbyId, everyMs: number): number {
  return createHash('sha256').update(`${source}/${target}`).digest().readUInt32BE(0) % everyMs
}
