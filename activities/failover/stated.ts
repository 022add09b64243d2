/** What may be lost as of the proof of the fence, held against what was allowed while the standby is closed still. What was declared dead may have taken writes until
 *  it was proven fenced, and that can take minutes: an allowance that covered the one may not cover the other. */
import { FAILOVER_DOCUMENTS, type FailoverPlan, type FailoverPlanSummary } from '../../contracts/failover'
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

export async function stateLoss(
  deps: ActivityDeps,
  input: Parameters<FailoverActivities['stateLoss']>[0],
): Promise<FailoverPlanSummary> {
  const { operation, epoch } = input
  const { ledger } = deps
  const { places } = await failoverPair(deps, input)
  const { plan: name } = FAILOVER_DOCUMENTS
  const plan = (await ledger.getDocument({ operation, name })) as FailoverPlan | null
  if (plan === null) throw new Error('there is no plan whose loss could be stated anew')
  const fencedAt = await fencedSince(deps, operation, input.fencedAt)
  const found = await looking(deps, places.standby, 'migrator', lastBeat)
  const stated = statedAnew(plan, found === null ? null : { at: found.at, lsn: found.lsn }, fencedAt)
  const { exposure, asks, blocks } = stated
  if (asks !== null) {
    assertMayAct()
    await ledger.putDocument({ operation, name, document: stated })
  }
  const lost = exposure.lossMsMax === null ? 'nobody knows what may be lost' : `up to ${seconds(exposure.lossMsMax)} may be lost`
  const summary = `proven fenced at ${fencedAt}: ${lost}${asks === null ? ', as was allowed or approved beforehand' : ''}`
  return { digest: stated.digest, epoch, blocks, summary, lossMsMax: exposure.lossMsMax, asks }
}

/** Its digest covers the beat and the moment, neither of which moves any more. Pure. */
export function statedAnew(plan: FailoverPlan, beat: FailoverPlan['exposure']['beat'], fencedAt: string): FailoverPlan {
  const { allowedLossMs } = plan
  const exposure = { ...plan.exposure, beat, lossMsMax: lossMsMax(beat, fencedAt, plan.exposure.skew) }
  // whoever approved a loss beyond what was allowed knew that it is reckoned to the fence; whoever was asked for another reason did not
  const isHeld = plan.fencedAt !== undefined || askedOfLoss({ ...plan.exposure, allowedLossMs }) === null
  const beyond = isHeld ? askedOfLoss({ ...exposure, allowedLossMs }) : null
  const asks = beyond === null ? null : `${beyond}: the source was proven fenced no sooner than ${fencedAt}`
  const lasting = { ...plan, exposure, asks, fencedAt, digest: '' }
  return { ...lasting, digest: sha256Of(lasting) }
}
