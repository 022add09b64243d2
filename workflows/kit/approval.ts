/** Waits for a person. An approval binds to a plan's digest; if the world has drifted from that plan by the time somebody approved it, the
 *  operation plans again and asks again. */
import { condition } from '@temporalio/workflow'
import type { Sha256, StepDetail, StepName } from '../../contracts/operation'
import type { Run } from './run'

export interface Asked<Plan> {
  readonly step: StepName
  readonly planned: Plan
  readonly digestOf: (planned: Plan) => Sha256
  readonly planAgain: () => Promise<Plan>
  /** For the record: what has changed since it was planned. */
  readonly drifted: string
}

export interface AskedAgain<Plan> extends Asked<Plan> {
  /** The step that goes on meanwhile. */
  readonly during: StepName
}

export interface Approval<Plan> {
  readonly rejected: boolean
  /** The plan that holds now. */
  readonly planned: Plan
}

interface Decided<Plan> extends Approval<Plan> {
  readonly by: string
  readonly summary: string
}

export async function awaitApproval<Plan>(run: Run, asked: Asked<Plan>): Promise<Approval<Plan>> {
  return run.step(asked.step, {
    do: () => askUntilPlanHolds(run, asked),
    detail: (decided) => detailOf(decided, asked),
  })
}

/** Once more, within the step that acts on what was approved: it did not hold any more. The record of the approval becomes that of the last one. */
export async function askAgain<Plan>(run: Run, { step, during, ...asked }: AskedAgain<Plan>): Promise<Approval<Plan>> {
  await run.record.update(during.id, 'running', { summary: `${asked.drifted} since the approval: planned again` })
  const decided = await askUntilPlanHolds(run, { ...asked, step: during })
  // who approved what held no longer has not approved this
  await run.record.update(step.id, 'done', { approvedBy: undefined, ...detailOf(decided, asked) })
  return decided
}

function detailOf<Plan>(
  { summary, by, rejected, planned }: Decided<Plan>,
  { digestOf }: Pick<Asked<Plan>, 'digestOf'>,
): StepDetail {
  return { summary, planDigest: digestOf(planned), ...(rejected ? { rejectedBy: by } : { approvedBy: by }) }
}

async function askUntilPlanHolds<Plan>(
  run: Run,
  { step, planned: first, digestOf, planAgain, drifted }: Asked<Plan>,
): Promise<Decided<Plan>> {
  let planned = first
  for (;;) {
    const digest = digestOf(planned)
    run.messages.ask(digest)
    await run.record.setStatus('awaiting-approval', { planDigest: digest })
    await condition(() => run.messages.decision() !== null)
    const decision = run.messages.takeDecision()
    await run.record.setStatus('running')
    if (!decision.approved) {
      const why = decision.reason === '' ? '' : `: ${decision.reason}`
      return { rejected: true, planned, by: decision.by, summary: `rejected by ${decision.by}${why}` }
    }
    const now = await planAgain()
    if (digestOf(now) === digest) return { rejected: false, planned: now, by: decision.by, summary: `approved by ${decision.by}` }
    const summary = `approved by ${decision.by}, but ${drifted} since: planned again`
    await run.record.update(step.id, 'running', { summary })
    planned = now
  }
}
