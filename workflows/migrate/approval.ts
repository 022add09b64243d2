/** Waits for a person when the policy asks. An approval binds to a plan's digest; if the world has drifted from that plan by the
 *  time somebody approved it, the operation plans again and asks again. */
import { condition } from '@temporalio/workflow'
import type { MigrationPolicy } from '../../contracts/fleet'
import { type PlanSummary, MIGRATE_STEPS as STEPS } from '../../contracts/migrate'
import type { Run } from '../kit/run'

export interface Approval {
  readonly rejected: boolean
  /** The plan that holds now. */
  readonly plan: PlanSummary
}

interface Decided extends Approval {
  readonly summary: string
}

export async function awaitApproval(
  run: Run,
  planned: PlanSummary,
  policy: MigrationPolicy,
  planAgain: () => Promise<PlanSummary>,
): Promise<Approval> {
  if (policy.approval === 'none') return { rejected: false, plan: planned }
  return run.step(STEPS.approve, {
    do: () => askUntilPlanHolds(run, planned, planAgain),
    detail: ({ summary }) => ({ summary }),
  })
}

async function askUntilPlanHolds(run: Run, planned: PlanSummary, planAgain: () => Promise<PlanSummary>): Promise<Decided> {
  let plan = planned
  for (;;) {
    run.messages.ask(plan.digest)
    await run.record.setStatus('awaiting-approval', { planDigest: plan.digest })
    await condition(() => run.messages.decision() !== null)
    const decision = run.messages.takeDecision()
    await run.record.setStatus('running')
    if (!decision.approved) {
      return {
        rejected: true,
        plan,
        summary: `rejected by ${decision.by}${decision.reason === '' ? '' : `: ${decision.reason}`}`,
      }
    }
    const now = await planAgain()
    if (now.digest === plan.digest) return { rejected: false, plan, summary: `approved by ${decision.by}` }
    await run.record.update(STEPS.approve.id, 'running', {
      summary: `approved by ${decision.by}, but the target has changed since: planned again`,
    })
    plan = now
  }
}
