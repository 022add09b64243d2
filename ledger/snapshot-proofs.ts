/** What verifications say of an instance's snapshots: which were proven, and which are being looked at just now. */
import { VERIFY_BACKUP_DOCUMENTS, type Verification, type VerificationPlan, verifiedName } from '../contracts/verify-backup'
import type { LedgerDatabase } from './connect'
import { unsealDocument } from './digest'
import { isFinal } from './operations'

/** `proven`: a verification proved it, as its report counts. `refuted`: one did, and a later one found it wanting. `failed`: none ever did, and the last
 *  one that says anything found it wanting. */
export type SnapshotProof = 'proven' | 'refuted' | 'failed'

/** By what `verifiedName` calls the snapshot. */
export interface SnapshotProofs {
  readonly proofs: ReadonlyMap<string, SnapshotProof>
  /** Snapshots that a verification that has not ended restores. */
  readonly underVerification: ReadonlySet<string>
}

/** Of that very instance, whichever database of it was verified, and however long ago. One statement: a verification writes its proof
 *  before it ends, so that none can be missed between the two. */
export async function readSnapshotProofs(
  db: LedgerDatabase,
  { cloud, instanceId }: { cloud: string; instanceId: string },
): Promise<SnapshotProofs> {
  const { plan, verification } = VERIFY_BACKUP_DOCUMENTS
  const rows = await db
    .selectFrom('documents')
    .innerJoin('operations', 'operations.id', 'documents.operation')
    .select(['documents.operation', 'documents.name', 'documents.digest', 'documents.body', 'operations.status'])
    .where('operations.kind', '=', 'verify-backup')
    .where('operations.cloud', '=', cloud)
    .where('documents.name', 'in', [plan, verification])
    // The body is canonical JSON: this narrows the look, the document itself decides.
    .where((eb) => eb(eb.fn<number>('strpos', ['documents.body', eb.val(JSON.stringify(instanceId))]), '>', 0))
    .execute()
  const underVerification = new Set<string>()
  const verifications: Verification[] = []
  for (const row of rows) {
    const document = unsealDocument(row, `document ${row.name} of ${row.operation}`) as Verification | VerificationPlan
    if (document.instanceId !== instanceId || document.point.kind !== 'snapshot') continue
    if (row.name === verification) verifications.push(document as Verification)
    else if (!isFinal(row.status)) underVerification.add(verifiedName(document.point))
  }
  return { proofs: proofsOf(verifications), underVerification }
}

/** What proves nothing either way (a copy that was never restored, a missed objective alone) takes no proof back, and refutes nothing. */
function proofsOf(verifications: readonly Verification[]): Map<string, SnapshotProof> {
  const proofs = new Map<string, SnapshotProof>()
  const inOrder = [...verifications].sort((a, b) => (a.judgedAt < b.judgedAt ? -1 : 1))
  for (const { point, proven, ladder } of inOrder) {
    if (point.kind !== 'snapshot') continue
    const name = verifiedName(point)
    if (proven) proofs.set(name, 'proven')
    else if (ladder.some(({ outcome }) => outcome === 'fail')) proofs.set(name, foundWanting(proofs.get(name)))
  }
  return proofs
}

const foundWanting = (before: SnapshotProof | undefined): SnapshotProof =>
  before === undefined || before === 'failed' ? 'failed' : 'refuted'
