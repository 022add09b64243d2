/** Whether a backup of a database was ever restored and looked at, as far as the ledger's record goes. */
import type { IsoInstant, OperationDocument, OperationId, OperationKind } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'

export interface ProvenRestore {
  readonly operation: OperationId
  readonly at: IsoInstant
}

/** The step of each kind of operation that holds what was restored against checks; null: it restores nothing. A new kind has to say. Those whose
 *  steps find for themselves whether it was proven say so as `proven`: an objective that was missed takes nothing from the backup. */
const PROVING_STEP = {
  // its canary
  migrate: 'check-canary',
  snapshot: null,
  restore: 'check',
  'verify-backup': 'judge',
  // it looks at some tables of its copy
  'recover-rows': null,
  'find-moment': null,
  // held against the ladder, and in use since
  overwrite: 'verify',
  // held against the ladder, and in use since
  replace: 'verify',
  // a standby is no backup: what is deleted in its source is deleted in it
  replicate: null,
  switchover: null,
  failover: null,
  exchange: null,
  // its copy follows production: what is deleted in the one is deleted in the other
  upgrade: null,
  salvage: null,
} as const satisfies Record<OperationKind, string | null>

/** How far back the record of each kind is read. */
const OPERATIONS_MAX = 200

/** The newest restore whose checks, one at least, all passed. `database`: name in the fleet file. Fails as the ledger does. */
export async function lastProvenRestore(ledger: Ledger, database: string): Promise<ProvenRestore | null> {
  const proofs: ProvenRestore[] = []
  for (const [kind, step] of Object.entries(PROVING_STEP)) {
    if (step === null) continue
    const operations = await ledger.listOperations({ database, kind, mode: 'apply', limit: OPERATIONS_MAX })
    proofs.push(...operations.flatMap((operation) => proofOf(operation, step)))
  }
  return proofs.sort((a, b) => Date.parse(b.at) - Date.parse(a.at))[0] ?? null
}

function proofOf({ id, steps }: OperationDocument, proving: string): ProvenRestore[] {
  const checked = steps.find(({ id: step }) => step === proving)
  if (checked?.state !== 'done' || checked.finishedAt === null) return []
  const { proven, findings = [], checkCount } = checked.detail
  // Where no checks are declared none says no, and nothing was looked at.
  const isProven = proven ?? (findings.length === 0 && typeof checkCount === 'number' && checkCount > 0)
  if (isProven !== true) return []
  return [{ operation: id, at: checked.finishedAt }]
}
