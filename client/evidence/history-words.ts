/** A run of a verification in words and signs, the same in the picture and in its table. */
import { shownSnapshot } from '../../contracts/restore-point'
import type { VerificationRun } from '../../ledger/verifications'
import { chosenDuration, duration, instant } from '../quantities'

export interface Sign {
  readonly sign: '✓' | '✗' | '?' | '–'
  readonly word: string
  readonly tone: 'good' | 'bad' | 'still'
}

export const SIGNS = {
  pass: { sign: '✓', word: 'pass', tone: 'good' },
  fail: { sign: '✗', word: 'fail', tone: 'bad' },
  inconclusive: { sign: '?', word: 'inconclusive', tone: 'still' },
} as const satisfies Record<string, Sign>

/** The verdict stands whatever became of the run after it; that it came to no end of its own is said beside it. */
export function signOf({ verification, status }: VerificationRun): Sign {
  if (verification === null) return { sign: '–', word: `no verdict, ${status}`, tone: 'still' }
  const known: Sign = SIGNS[verification.verdict]
  return status === 'succeeded' || status === 'failed' ? known : { ...known, word: `${known.word}, ${status}` }
}

/** A moment of a verification's own is a moment. Empty: it was not chosen. */
export function pointLetter({ point }: VerificationRun): 'S' | 'M' | '' {
  if (point === null) return ''
  return point.kind === 'snapshot' ? 'S' : 'M'
}

export function pointWords({ point }: Pick<VerificationRun, 'point'>): string {
  switch (point?.kind) {
    case 'snapshot':
      return shownSnapshot(point)
    case 'moment':
      return `moment ${instant(point.at)}`
    case 'now':
      return 'a moment of its own'
    default:
      return 'not chosen'
  }
}

export interface Held {
  readonly value: string
  readonly note: string
  readonly over: boolean
}

/** A time against what was allowed for it; null where none was measured. */
export function heldAgainst(measuredMs: number | null, allowedMs: number | null): Held | null {
  if (measuredMs === null) return null
  const over = allowedMs !== null && measuredMs > allowedMs
  return { value: duration(measuredMs), note: allowedMs === null ? '' : `of ${chosenDuration(allowedMs)}`, over }
}

export function runSentence(run: VerificationRun): string {
  const { operation, startedAt, verification, failure, objectives } = run
  const { rpoMs = null, rto = null } = verification ?? {}
  const said = (name: string, held: Held | null): string =>
    held === null ? `no ${name}` : `${name} ${held.value}${held.note === '' ? '' : ` ${held.note}`}${held.over ? ', over' : ''}`
  const parts = rto === null ? '' : ` (${duration(rto.provisionMs)} until it answered, ${duration(rto.verifyMs)} proving)`
  const why = verification === null && failure !== null ? ` (${failure.code})` : ''
  return `${instant(startedAt)}, ${operation}: ${signOf(run).word}${why}; ${pointWords(run)}; ${said('RPO', heldAgainst(rpoMs, objectives?.rpoMs ?? null))}; ${said('RTO', heldAgainst(rto?.totalMs ?? null, objectives?.rtoMs ?? null))}${parts}`
}
