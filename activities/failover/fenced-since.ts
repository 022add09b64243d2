/** Since when the source is shut, as the ledger has it. What was proven fenced may have been started since, by its cloud or by somebody, until the watch of fenced instances
 *  stopped it again: what was written meanwhile is lost like what was written before. */
import { FAILOVER_DOCUMENTS, type FailoverFence } from '../../contracts/failover'
import type { IsoInstant, OperationId } from '../../contracts/operation'
import { holdsOf } from '../../ledger/fenced-instances'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'

type Deps = { readonly ledger: Pick<ActivityDeps['ledger'], 'getDocument' | 'putDocument' | 'listFences'> }

const { fenced: name } = FAILOVER_DOCUMENTS

/** How often the watch had to close or stop it again; 0 where no cloud fences it. */
async function reassertedOf({ ledger }: Deps, operation: OperationId): Promise<number> {
  const fences = await ledger.listFences()
  return fences.find((fence) => holdsOf(fence).some((hold) => hold.operation === operation))?.reasserted ?? 0
}

export async function recordFenced(deps: Deps, operation: OperationId, fenced: FailoverFence): Promise<void> {
  const reasserted = await reassertedOf(deps, operation)
  assertMayAct()
  await deps.ledger.putDocument({ operation, name, document: { ...fenced, reasserted } })
}

/** `fencedAt`: of the proof. Where it was closed or stopped again since, now, which is written down and holds from then on. */
export async function fencedSince(deps: Deps, operation: OperationId, fencedAt: IsoInstant): Promise<IsoInstant> {
  const fenced = (await deps.ledger.getDocument({ operation, name })) as FailoverFence | null
  if (fenced?.reasserted === undefined || fenced.outcome !== 'proven') return fencedAt
  const reasserted = await reassertedOf(deps, operation)
  if (reasserted <= fenced.reasserted) return fenced.at
  const at = new Date().toISOString()
  const evidence = [...fenced.evidence, `Until ${at} it was found open or running again, and was closed or stopped once more.`]
  assertMayAct()
  await deps.ledger.putDocument({ operation, name, document: { ...fenced, at, reasserted, evidence } })
  return at
}
