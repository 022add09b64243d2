/** Waits for a person when the policy asks. An approval binds to a plan's digest; if the world has drifted from that plan by the
 *  time somebody approved it, the operation plans again and asks again. */
import { condition } from '@temporalio/workflow'
import type { MigrationPolicy } from '../../contracts/fleet'
import { type InstanceAddress, type PlanSummary, MIGRATE_STEPS as STEPS } from '../../contracts/migrate'
import type { Run } from '../kit/run'

/** A plan, and the instance it was made for. */
export interface Planned {
  readonly target: InstanceAddress
  readonly plan: PlanSummary
}

export interface Approval {
  readonly rejected: boolean
  /** The plan that holds now. */
  readonly planned: Planned
}

interface Decided extends Approval {
  readonly by: string
  readonly summary: string
}

export async function awaitApproval(
  run: Run,
  planned: Planned,
  policy: MigrationPolicy,
  planAgain: () => Promise<Planned>,
): Promise<Approval> {
  if (policy.approval === 'none') return { rejected: false, planned }
  return run.step(STEPS.approve, {
    do: () => askUntilPlanHolds(run, planned, planAgain),
    detail: ({ summary, by, rejected, planned: { plan } }) => ({
      summary,
      planDigest: plan.digest,
      ...(rejected ? { rejectedBy: by } : { approvedBy: by }),
    }),
  })
}

async function askUntilPlanHolds(run: Run, first: Planned, planAgain: () => Promise<Planned>): Promise<Decided> {
  let planned = first
  for (;;) {
    const { digest } = planned.plan
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
    if (now.plan.digest === digest)
      return { rejected: false, planned: now, by: decision.by, summary: `approved by ${decision.by}` }
    const summary = `approved by ${decision.by}, but the target has changed since: planned again`
    await run.record.update(STEPS.approve.id, 'running', { summary })
    planned = now
  }
}
