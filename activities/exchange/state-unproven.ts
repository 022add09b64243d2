/** What somebody is asked behind a fence that nobody can prove, of a source that a replica is to take over from. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan, type ExchangePlanSummary } from '../../contracts/exchange'
import { sha256Of } from '../../ledger/digest'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { UNPROVEN_ASKS, unprovenOf } from '../failover/stated'
import type { ExchangeDataActivities } from './contract'

const { plan: name } = EXCHANGE_DOCUMENTS

export async function stateUnprovenTakeOver(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  { operation, fenced }: Parameters<ExchangeDataActivities['stateUnprovenTakeOver']>[0],
): Promise<ExchangePlanSummary> {
  const plan = (await ledger.getDocument({ operation, name })) as ExchangePlan | null
  if (plan?.takeOver === undefined) throw new Error('there is no plan that could be stated anew')
  const takeOver = { ...plan.takeOver, asks: UNPROVEN_ASKS, unproven: unprovenOf(fenced) }
  const lasting = { ...plan, takeOver, digest: '' }
  const digest = sha256Of(lasting)
  assertMayAct()
  await ledger.putDocument({ operation, name, document: { ...lasting, digest } })
  const summary = `${fenced.outcome}: ${fenced.evidence.join('; ')}`
  return { digest, epoch: 0, blocks: plan.blocks, summary, asks: UNPROVEN_ASKS, lossMsMax: null }
}
