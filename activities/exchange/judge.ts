/** Which of both takes writes, out of what each says of itself. Nobody is led anywhere by less than that. */
import type { ExchangeEnd, GivenUpSource, WriterProven } from '../../contracts/exchange'
import { failure } from '../../contracts/failures'
import type { StandbySides } from '../../contracts/replicate'
import type { PhysicalSide } from '../../postgres/replicate/physical'

/** What a side says of itself; a text: why it said nothing. */
export type Word = Pick<PhysicalSide, 'replays' | 'epoch'> | string

export interface BothSaid {
  readonly sides: {
    readonly source: Pick<StandbySides['source'], 'instance'>
    readonly standby: Pick<StandbySides['standby'], 'instance'>
  }
  /** Of the mark that the source got right before; null: it got none. */
  readonly epoch: number | null
  /** Of a source that is given up. */
  readonly givenUp?: GivenUpSource
  /** Null: a person has taken the waiting out of our hands. */
  readonly cloudSays: ExchangeEnd['outcome'] | null
  readonly old: Word
  readonly next: Word
  /** Of the activity, from 1. */
  readonly attempt: number
}

/** About ten seconds of attempts: an old writer that restarts as a replica is back by then, as a rule, and applications wait. */
const SILENT_ATTEMPTS = 6

const writes = (word: Word): boolean => typeof word !== 'string' && !word.replays
const follows = (word: Word): boolean => typeof word !== 'string' && word.replays

/** What two addresses of one side come to, of which its cloud serves each for one role. Who writes is believed at either. Its readers tell that it follows only where
 *  its writer's address is known to be nobody's: a writer that stands still beside readers of its own replays nothing. */
export function wordOfRoles({ asWriter, asReplica, nobodysWriter }: WordsOfRoles): Word {
  const writing = [asWriter, asReplica].find(writes)
  if (writing !== undefined) return writing
  if (typeof asWriter !== 'string') return asWriter
  if (typeof asReplica === 'string') return asReplica
  return nobodysWriter ? asReplica : `its readers replay, and where its writer would be: ${asWriter}`
}

export interface WordsOfRoles {
  readonly asWriter: Word
  readonly asReplica: Word
  /** By its cloud's word. */
  readonly nobodysWriter: boolean
}

/** `none`: of a source that is given up the cloud says that it came to nothing, and nobody takes writes. Fails with NOT_READY_YET while they do not agree, and with FENCE_NOT_PROVEN where both take writes or the new writer lacks the mark. */
export function judgeWriter({
  sides: { source, standby },
  epoch,
  givenUp,
  cloudSays,
  old,
  next,
  attempt,
}: BothSaid): WriterProven {
  const heard = attempt >= SILENT_ATTEMPTS || givenUp?.isFenced === true
  if (writes(old) && writes(next)) {
    const message = `Both ${source.instance} and ${standby.instance} take writes. Keep everybody off the one that applications are not led to, then find out by its cloud what became of the exchange, and have this tried again.`
    throw failure('FENCE_NOT_PROVEN', message, { instance: source.instance })
  }
  if (typeof next !== 'string' && !next.replays) {
    if (epoch !== null) assertMarked(next, epoch, standby.instance)
    const marked = epoch === null ? '' : `, and has what was written to ${source.instance} right before`
    const evidence = [`${standby.instance} takes writes${marked}`]
    if (typeof old !== 'string')
      return {
        version: 1,
        writer: 'standby',
        other: 'follows',
        evidence: [...evidence, `${source.instance} replays and takes none`],
      }
    if (cloudSays === 'exchanged' && heard)
      return { version: 1, writer: 'standby', other: 'silent', evidence: [...evidence, `${source.instance} did not say: ${old}`] }
    throw disagree(`The old writer ${source.instance} cannot be asked whether it takes writes: ${old}`)
  }
  if (writes(old) && cloudSays !== 'exchanged' && (follows(next) || cloudSays === 'stayed')) {
    const other = follows(next) ? 'follows' : 'silent'
    return { version: 1, writer: 'source', other, evidence: [`${source.instance} takes writes as before`] }
  }
  if (givenUp !== undefined && cloudSays === 'stayed' && follows(next) && !writes(old) && heard) {
    const word = typeof old === 'string' ? `did not say: ${old}` : 'replays and takes none'
    const other = typeof old === 'string' ? 'silent' : 'follows'
    const evidence = [`${standby.instance} replays as before, and takes no writes`, `${source.instance} ${word}`]
    return { version: 1, writer: 'none', other, evidence }
  }
  const said = typeof next === 'string' ? `cannot be asked: ${next}` : 'replays still'
  throw disagree(`The replica ${standby.instance} ${said}`)
}

/** What comes to agree by itself, as a rule; at the pace of the proxy. */
function disagree(message: string): Error {
  return failure('NOT_READY_YET', message)
}

function assertMarked({ epoch: found }: Pick<PhysicalSide, 'epoch'>, epoch: number, instance: string): void {
  if (found >= epoch) return
  const message = `${instance} takes writes and lacks what was written to the old writer right before the exchange (mark ${epoch}, found ${found}): rows that were acknowledged are missing. Lead nobody there before it is known which.`
  throw failure('FENCE_NOT_PROVEN', message, { instance, found, expected: epoch })
}
