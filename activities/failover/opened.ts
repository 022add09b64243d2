/** Whether an operation has made another database the writer in the place of its source. */
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import type { OperationId } from '../../contracts/operation'
import type { ActivityDeps } from '../deps'

/** Written down before it is done; a failover by the cloud that came to nothing has withdrawn it by what it found then. Reads only. */
export async function hasOpened(ledger: Pick<ActivityDeps['ledger'], 'getDocument'>, operation: OperationId): Promise<boolean> {
  if ((await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.opened })) === null) return false
  const proven = (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.proven })) as WriterProven | null
  return proven === null || proven.writer === 'standby'
}
