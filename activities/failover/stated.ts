/** What may be lost as of the proof of the fence, held against what was allowed while the standby is closed still. What was declared dead may have taken writes until
 *  it was proven fenced, and that can take minutes: an allowance that covered the one may not cover the other. */
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverPlan, type FailoverPlanSummary } from '../../contracts/failover'
import type { OperationId } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import { lastBeat } from '../../postgres/replicate/watch/beat'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import type { FailoverActivities } from './contract'
import { lossMsMax } from './exposure'
import { fencedSince } from './fenced-since'
import { failoverPair } from './pair'
import { askedOfLoss, seconds } from './plan'

const { plan: name } = FAILOVER_DOCUMENTS

async function plannedOf({ ledger }: Pick<ActivityDeps, 'ledger'>, operation: OperationId): Promise<FailoverPlan> {
  const plan = (await ledger.getDocument({ operation, name })) as FailoverPlan | null
  if (plan === null) throw new Error('there is no plan that could be stated anew')
  return plan
}

export async function stateLoss(
  deps: ActivityDeps,
  input: Parameters<FailoverActivities['stateLoss']>[0],
): Promise<FailoverPlanSummary> {
  const { operation, epoch } = input
  const { places } = await failoverPair(deps, input)
  const plan = await plannedOf(deps, operation)
  const fencedAt = await fencedSince(deps, operation, input.fencedAt)
  const found = await looking(deps, places.standby, 'migrator', lastBeat)
  const stated = statedAnew(plan, found === null ? null : { at: found.at, lsn: found.lsn }, fencedAt)
  const { exposure, asks, blocks } = stated
  if (asks !== null) {
    assertMayAct()
    await deps.ledger.putDocument({ operation, name, document: stated })
  }
  const lost = exposure.lossMsMax === null ? 'nobody knows what may be lost' : `up to ${seconds(exposure.lossMsMax)} may be lost`
  const summary = `proven fenced at ${fencedAt}: ${lost}${asks === null ? ', as was allowed or approved beforehand' : ''}`
  return { digest: stated.digest, epoch, blocks, summary, lossMsMax: exposure.lossMsMax, asks }
}

/** Its digest covers the beat and the moment, neither of which moves any more. Pure. */
export function statedAnew(plan: FailoverPlan, beat: FailoverPlan['exposure']['beat'], fencedAt: string): FailoverPlan {
  const { allowedLossMs } = plan
  const exposure = { ...plan.exposure, beat, lossMsMax: lossMsMax(beat, fencedAt, plan.exposure.skew) }
  // whoever approved a loss beyond what was allowed knew that it is reckoned to the fence, or that nobody can prove one; whoever was asked for another reason did not
  const isApproved = plan.unproven !== undefined || askedOfLoss({ ...plan.exposure, allowedLossMs }) !== null
  const isHeld = plan.fencedAt !== undefined || !isApproved
  const beyond = isHeld ? askedOfLoss({ ...exposure, allowedLossMs }) : null
  const asks = beyond === null ? null : `${beyond}: the source was proven fenced no sooner than ${fencedAt}`
  const lasting = { ...plan, exposure, asks, fencedAt, digest: '' }
  return { ...lasting, digest: sha256Of(lasting) }
}

export const UNPROVEN_ASKS = 'nobody can prove that the source takes no writes, and whoever approves answers for it by name'

/** As it is asked about. */
export function unprovenOf({ outcome, by, evidence, at }: FailoverFence): NonNullable<FailoverPlan['unproven']> {
  return { outcome, by, evidence, at }
}

/** Its digest covers each thing that was tried and met. */
export async function stateUnproven(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  { operation, epoch, fenced }: Parameters<FailoverActivities['stateUnproven']>[0],
): Promise<FailoverPlanSummary> {
  const plan = await plannedOf({ ledger }, operation)
  const lasting = { ...plan, asks: UNPROVEN_ASKS, unproven: unprovenOf(fenced), digest: '' }
  const digest = sha256Of(lasting)
  assertMayAct()
  await ledger.putDocument({ operation, name, document: { ...lasting, digest } })
  const summary = `${fenced.outcome}: ${fenced.evidence.join('; ')}`
  return { digest, epoch, blocks: plan.blocks, summary, lossMsMax: null, asks: UNPROVEN_ASKS }
}
