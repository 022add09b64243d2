/** What the verifications of a database's backups came to, out of the record of the operations. */
import { regionOfCopies } from '../contracts/copies-place'
import { Failure } from '../contracts/failures'
import type { FailureRecord, IsoInstant, OperationDocument, OperationId, OperationStatus } from '../contracts/operation'
import {
  type PlannedPoint,
  type StatedObjectives,
  VERIFY_BACKUP_DOCUMENTS,
  type Verification,
  type VerificationPlan,
} from '../contracts/verify-backup'
import type { Ledger } from './ledger'

/** Newest first; of the last `limit` operations that did not only plan, those that came to a verdict. `database`: name in the fleet file. */
export async function listVerifications(
  ledger: Ledger,
  { database, limit }: { database: string; limit: number },
): Promise<Verification[]> {
  const operations = await ledger.listOperations({ database, kind: 'verify-backup', mode: 'apply', limit })
  const found: Verification[] = []
  for (const { id } of operations) {
    const held = await ledger.getDocument({ operation: id, name: VERIFY_BACKUP_DOCUMENTS.verification })
    if (held !== null) found.push(held as Verification)
  }
  return found
}

/** The region whose copy of a snapshot it was asked to verify; null: what is at home, as which one counts whose bundle is gone. */
export async function regionOfRun(ledger: Ledger, operation: OperationId): Promise<string | null> {
  try {
    return regionOfCopies(await ledger.getBundle((await ledger.getOrigin(operation)).bundle))
  } catch (error) {
    if (error instanceof Failure && error.code === 'BUNDLE_MISSING') return null
    throw error
  }
}

/** The first of them that was to verify what is at home; null: none was. */
export async function firstAtHome<Run extends Pick<OperationDocument, 'id'>>(
  ledger: Ledger,
  runs: readonly Run[],
): Promise<Run | null> {
  for (const run of runs) if ((await regionOfRun(ledger, run.id)) === null) return run
  return null
}

/** A verification that was to restore something, whatever it came to. */
export interface VerificationRun {
  readonly operation: OperationId
  readonly startedAt: IsoInstant
  readonly status: OperationStatus
  readonly failure: FailureRecord | null
  /** Null: it came to no verdict. */
  readonly verification: Verification | null
  /** What it restored, or was to; null: it did not get as far as to choose it. */
  readonly point: PlannedPoint | null
  readonly instanceId: string | null
  /** What it was held against, or was to be; null as `point`. */
  readonly objectives: StatedObjectives | null
}

export interface RunsUpTo {
  /** Name in the fleet file. */
  readonly database: string
  /** The newest of them; null: whichever is. There are none up to one that only planned. */
  readonly upTo: Pick<OperationDocument, 'id' | 'startedAt'> | null
  readonly limit: number
}

/** Newest first. Those that only planned are none. */
export async function listVerificationRuns(ledger: Ledger, { database, upTo, limit }: RunsUpTo): Promise<VerificationRun[]> {
  const until = upTo === null ? {} : { until: upTo.startedAt }
  const listed = await ledger.listOperations({ database, kind: 'verify-backup', mode: 'apply', ...until, limit })
  // Of two that started in the same instant the later one may stand before it.
  const from = upTo === null ? 0 : listed.findIndex(({ id }) => id === upTo.id)
  const operations = from < 0 ? [] : listed.slice(from)
  const runs: VerificationRun[] = []
  for (const { id: operation, startedAt, status, failure } of operations) {
    const read = (name: string): Promise<unknown> => ledger.getDocument({ operation, name })
    const verification = (await read(VERIFY_BACKUP_DOCUMENTS.verification)) as Verification | null
    const known = verification ?? ((await read(VERIFY_BACKUP_DOCUMENTS.plan)) as VerificationPlan | null)
    const { point = null, instanceId = null, objectives = null } = known ?? {}
    runs.push({ operation, startedAt, status, failure, verification, point, instanceId, objectives })
  }
  return runs
}
