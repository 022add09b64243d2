/** What the ladder comes to. Pure. */
import type { Finding, Verdict } from '../../contracts/operation'
import {
  type MeasuredRto,
  type NegativeControl,
  type Rung,
  type RungId,
  rungLevel,
  type StatedObjectives,
  type Verification,
  type VerificationPlanSummary,
} from '../../contracts/verify-backup'

export interface Climbed {
  readonly plan: VerificationPlanSummary
  readonly ladder: readonly Rung[]
  readonly rpoMs: number | null
  readonly rto: MeasuredRto | null
  /** None: no rung passed that damage could be shown to. */
  readonly controls: readonly NegativeControl[]
}

/** Those that say something of what is in it: a copy may answer, whole to the last block, and be of another day. */
const OF_THE_CONTENT: readonly RungId[] = ['reached', 'content', 'use']

/** `pass` only if every promised rung passed, one of those that tell of the content among the passed, and no objective was missed; one that failed,
 *  promised or not, decides. A rung that missed damage which was done on purpose proves nothing, whatever it said. `lacking`: why nothing failed and it is not proven all the same, for people; null where nothing is to be said. */
export function judge({ plan, ladder, rpoMs, rto, controls }: Climbed): Pick<Verification, 'ladder' | 'proven' | 'verdict'> & {
  /** Of the verification itself. */
  readonly blind: readonly Finding[]
  readonly missed: readonly Finding[]
  readonly lacking: string | null
} {
  const whole = plan.rungs.map(({ id, promised, why }) => ({
    ...(ladder.find((rung) => rung.id === id) ?? notClimbed(id, promised ? 'not come to' : why)),
    promised,
  }))
  const failed = whole.some(({ outcome }) => outcome === 'fail')
  const kept = whole.every(({ outcome, promised }) => outcome === 'pass' || !promised)
  const ofContent = whole.some(({ id, outcome }) => outcome === 'pass' && OF_THE_CONTENT.includes(id))
  const blind = controls.filter(({ outcome }) => outcome === 'missed').map(blindness)
  const proven = !failed && kept && ofContent && blind.length === 0
  const lacking = failed ? null : whatLacks(ofContent, blind.length > 0)
  const missed = missedObjectives(plan.objectives, { rpoMs, rtoMs: rto?.totalMs ?? null })
  const verdict: Verdict = failed || missed.length > 0 ? 'fail' : proven ? 'pass' : 'inconclusive'
  return { ladder: whole, proven, verdict, blind, missed, lacking }
}

function blindness({ rung, summary }: NegativeControl): Finding {
  const message = `${summary}. What ${rungLevel(rung)} says proves nothing, of this backup and of the others: the verification itself is at fault.`
  return { rule: `control:${rung}`, message }
}

function whatLacks(ofContent: boolean, isBlind: boolean): string | null {
  if (isBlind) return 'damage that was done to the copy was not noticed: the verification itself is at fault'
  return ofContent ? null : 'nothing tells of its content: L2, L4 and L5 prove nothing'
}

function notClimbed(id: Rung['id'], why: string): Rung {
  return { id, outcome: 'not-proven', findings: [], summary: why, durationMs: 0 }
}

function missedObjectives(objectives: StatedObjectives, measured: StatedObjectives): Finding[] {
  return [
    ...missed('rpo', measured.rpoMs, objectives.rpoMs, 'A recovery would lose what was written in the last'),
    ...missed('rto', measured.rtoMs, objectives.rtoMs, 'A recovery with its verification took'),
  ]
}

function missed(name: 'rpo' | 'rto', measured: number | null, allowed: number | null, what: string): Finding[] {
  if (measured === null || allowed === null || measured <= allowed) return []
  const message = `${what} ${Math.round(measured / 1000)} s; the objective ${name} allows ${Math.round(allowed / 1000)} s.`
  return [{ rule: `objective:${name}`, message, measured, allowed }]
}
