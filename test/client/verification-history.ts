/** Verifications in a ledger, as their operations leave them there. */
import type { OperationId, OperationKind, OperationStatus } from '../../contracts/operation'
import {
  type MeasuredRto,
  type PlannedPoint,
  VERIFY_BACKUP_DOCUMENTS,
  type Verification,
  type VerificationPlan,
} from '../../contracts/verify-backup'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import type { Ledger } from '../../ledger/ledger'
import { fleetEntry } from './fleet-entry'

export const START = Date.parse('2026-11-01T03:00:00.000Z')
const HOUR_MS = 3_600_000
export const SNAPSHOT = { kind: 'snapshot', snapshot: 'nightly', createdAt: null } as const satisfies PlannedPoint
export const MOMENT = { kind: 'moment', at: '2026-10-31T12:00:00.000Z' } as const satisfies PlannedPoint

export interface Past {
  readonly id: OperationId
  readonly database: string
  /** Hours after `START`. */
  readonly hour: number
  readonly kind?: OperationKind
  readonly mode?: 'plan' | 'apply'
  readonly point?: PlannedPoint
  readonly instanceId?: string
  readonly objectives?: Verification['objectives']
  /** Left out: it came to none. */
  readonly verdict?: Verification['verdict']
  /** Left out: what the verdict makes of it. */
  readonly status?: OperationStatus
  readonly rpoMs?: number
  readonly rto?: MeasuredRto
}

export const took = (provisionMs: number, verifyMs: number): MeasuredRto => ({
  ...{ provisionMs, verifyMs, totalMs: provisionMs + verifyMs },
})

export async function record(ledger: Ledger, past: Past): Promise<void> {
  const { id, database, hour, kind = 'verify-backup', mode = 'apply', verdict } = past
  const bundle = await ledger.putBundle({ version: 1, database: fleetEntry(database), migrations: [] })
  const startedAt = new Date(START + hour * HOUR_MS).toISOString()
  const about = { kind, databases: [database], cloud: 'aws', environment: 'production' } as const
  await ledger.openOperation({ id, ...about, mode, requestedBy: 'ada', startedAt, bundle })
  const { point, instanceId = 'db-1', objectives = { rpoMs: 60_000, rtoMs: 600_000 } } = past
  if (point !== undefined) {
    const plan: Partial<VerificationPlan> = { version: 1, point, instanceId, objectives }
    await ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.plan, document: plan })
  }
  if (verdict !== undefined) {
    const { rpoMs = null, rto = null } = past
    const verification: Verification = {
      ...{ version: 1, operation: id, database, instance: 'i', instanceId, point: point ?? SNAPSHOT, ladder: [], rpoMs, rto },
      ...{ objectives, proven: verdict === 'pass', verdict, judgedAt: startedAt },
    }
    await ledger.putDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.verification, document: verification })
  }
  const ended: OperationStatus = mode === 'plan' ? 'planned' : verdict === 'pass' ? 'succeeded' : 'failed'
  const { status = ended } = past
  const failure = verdict === undefined && mode === 'apply' ? { code: 'VERIFICATION_TIMED_OUT', message: 'too slow' } : null
  const operation = await ledger.getOperation(id)
  if (operation === null) throw new Error(`${id} was not opened`)
  const evidence: EvidenceDocument = { version: 1, at: startedAt, operation, resources: [], documents: {} }
  await ledger.writeEvidence({ operation: id, document: evidence })
  await ledger.setStatus({ operation: id, status, failure, finishedAt: startedAt })
}
