/** What earlier verifications tell of the next one. */
import type { PlannedPoint } from '../../contracts/verify-backup'
import type { Ledger } from '../../ledger/ledger'
import { listVerifications } from '../../ledger/verifications'

const LOOKED_AT_MAX = 30

/** As long as the newest one took that restored the same kind of point; null: none did. */
export async function expectedMs(ledger: Ledger, database: string, kind: PlannedPoint['kind']): Promise<number | null> {
  const earlier = await listVerifications(ledger, { database, limit: LOOKED_AT_MAX })
  const isSnapshot = kind === 'snapshot'
  return earlier.find(({ point, rto }) => rto !== null && (point.kind === 'snapshot') === isSnapshot)?.rto?.totalMs ?? null
}
