/** Who takes writes after a switchover, out of what each side says of itself. Neither the cloud's word alone nor an error says it. */
import { failure } from '../../contracts/failures'
import type { InstanceAddress } from '../../contracts/migrate'
import type { SwitchEnd, UpgradeProven } from '../../contracts/upgrade'
import type { WriterWord } from '../../postgres/replicate/takes-writes'

/** A text: why it said nothing. */
export type Word = WriterWord | string

export interface BothSaid {
  /** By which ids, of what the cloud says: whether the name is green's by now. */
  readonly outcome: SwitchEnd['outcome']
  readonly named: Pick<InstanceAddress, 'instance'>
  readonly other: Pick<InstanceAddress, 'instance'> | null
  /** Of the mark that blue got right before. */
  readonly epoch: number
  readonly namedSaid: Word
  readonly otherSaid: Word
  /** Of the activity, from 1. */
  readonly attempt: number
}

/** About ten seconds of attempts: a server that restarts is back by then, as a rule. */
const SILENT_ATTEMPTS = 6

export function judgeUpgraded(said: BothSaid): Omit<UpgradeProven, 'findings'> {
  const { outcome, named, other, epoch, namedSaid, otherSaid, attempt } = said
  const otherName = other?.instance ?? (outcome === 'switched' ? 'what was there before' : 'green')
  if (typeof otherSaid !== 'string' && otherSaid.takesWrites && typeof namedSaid !== 'string' && namedSaid.takesWrites) {
    const message = `Both ${named.instance} and ${otherName} take writes. Applications are led to ${named.instance} by its name: keep everybody off ${otherName}, bring over what was written there, then have this tried again.`
    throw failure('FENCE_NOT_PROVEN', message, { instance: otherName })
  }
  if (typeof namedSaid === 'string') throw disagree(`${named.instance} cannot be asked whether it takes writes: ${namedSaid}`)
  if (!namedSaid.takesWrites) throw disagree(`${named.instance} takes no writes yet`)
  if (namedSaid.epoch < epoch) {
    const message = `${named.instance} takes writes and lacks what was written right before the switchover (mark ${epoch}, found ${namedSaid.epoch}): rows that were acknowledged are missing. Keep applications off before it is known which; ${otherName} has them.`
    throw failure('FENCE_NOT_PROVEN', message, { instance: named.instance, found: namedSaid.epoch, expected: epoch })
  }
  const writer = outcome === 'switched' ? 'green' : 'blue'
  const evidence = [`${named.instance} takes writes, is PostgreSQL ${namedSaid.version}, and has what was written right before`]
  if (typeof otherSaid !== 'string')
    return { version: 1, writer, other: 'refuses', evidence: [...evidence, `${otherName} refused a write`] }
  if (other !== null && attempt < SILENT_ATTEMPTS)
    throw disagree(`${otherName} cannot be asked whether it takes writes: ${otherSaid}`)
  return { version: 1, writer, other: 'silent', evidence: [...evidence, `${otherName} did not say: ${otherSaid}`] }
}

/** What comes to agree by itself, as a rule; at the pace of the proxy. */
function disagree(message: string): Error {
  return failure('NOT_READY_YET', message)
}
