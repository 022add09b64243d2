/** The record of an operation, and the evidence made from it. */
import { BREAK_GLASS_DOCUMENTS } from '../../contracts/break-glass'
import { EXCHANGE_DOCUMENTS } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import { failure } from '../../contracts/failures'
import { FIND_MOMENT_DOCUMENTS } from '../../contracts/find-moment'
import type { DatabaseEntry } from '../../contracts/fleet'
import { OLD_INSTANCE, type OldKeptDocument, oldKeptDocument } from '../../contracts/old-instance'
import { FINAL_STATUSES, type OperationId } from '../../contracts/operation'
import { OVERWRITE_DOCUMENTS } from '../../contracts/overwrite'
import { RECOVER_ROWS_DOCUMENTS } from '../../contracts/recover-rows'
import { REPLACE_DOCUMENTS } from '../../contracts/replace'
import { REPLICATE_DOCUMENTS } from '../../contracts/replicate'
import { RESTORE_DOCUMENTS } from '../../contracts/restore'
import { SALVAGE_DOCUMENTS } from '../../contracts/salvage'
import { documentsIn, SNAPSHOT_DOCUMENTS } from '../../contracts/snapshot'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { UPGRADE_DOCUMENTS } from '../../contracts/upgrade'
import { VERIFY_BACKUP_DOCUMENTS } from '../../contracts/verify-backup'
import type { EvidenceRequest } from '../../ledger/evidence-document'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import { reckonCost } from '../backup/cost'
import type { ActivityDeps } from '../deps'
import { isRunning } from '../running'
import { notReadyYet } from '../waiting'
import type { LedgerActivities } from './contract'

/** Documents that the evidence repeats whole, in the order in which they came to be. */
export const EVIDENCE_DOCUMENTS = [
  'plan',
  'rehearsal',
  'checks-canary',
  'apply',
  'checks-target',
  'bake',
  ...Object.values(SNAPSHOT_DOCUMENTS),
  ...Object.values(VERIFY_BACKUP_DOCUMENTS),
  ...Object.values(RESTORE_DOCUMENTS),
  ...Object.values(RECOVER_ROWS_DOCUMENTS),
  ...Object.values(FIND_MOMENT_DOCUMENTS),
  // without the captured configuration: a parameter's value may be a secret
  REPLACE_DOCUMENTS.plan,
  REPLACE_DOCUMENTS.report,
  REPLACE_DOCUMENTS.remainder,
  REPLACE_DOCUMENTS.written,
  REPLACE_DOCUMENTS.tookOver,
  ...Object.values(OVERWRITE_DOCUMENTS),
  ...Object.values(REPLICATE_DOCUMENTS),
  ...Object.values(SWITCHOVER_DOCUMENTS),
  ...Object.values(BREAK_GLASS_DOCUMENTS),
  ...Object.values(FAILOVER_DOCUMENTS),
  ...Object.values(EXCHANGE_DOCUMENTS),
  ...Object.values(UPGRADE_DOCUMENTS),
  ...Object.values(SALVAGE_DOCUMENTS),
] as const

export function createLedgerActivities({ ledger }: Pick<ActivityDeps, 'ledger'>): LedgerActivities {
  return {
    recordStep: ({ operation, sequence, record }) => ledger.recordStep({ operation, sequence, step: record }),
    recordStatus: (update) => ledger.setStatus(update),
    async writeEvidence({ operation, at, status, verdict, failure: why }) {
      // A repeat after a kill finds what the first attempt wrote: evidence has one text.
      const written = await ledger.getEvidence(operation)
      if (written !== null) return { digest: written.digest }
      const record = await ledger.getOperation(operation)
      if (record === null) throw failure('OPERATION_UNKNOWN', `The ledger has no operation ${operation}.`, { operation })
      await reckonCost(ledger, { operation, at })
      const request = await requestOf(ledger, operation)
      const regions = (request.policy.snapshotCopies ?? []).map(({ region }) => region)
      const documents: Record<string, unknown> = {}
      for (const name of [...EVIDENCE_DOCUMENTS, ...regions.flatMap(documentsIn)]) {
        const document = await ledger.getDocument({ operation, name })
        if (document !== null) documents[name] = document
      }
      const steps = record.steps.filter((step) => step.id !== 'evidence')
      // What was there before is told by the operation's own documents: whether its keeping is recorded by now is another workflow's matter.
      const resources = (await ledger.listResources({ operation })).filter(({ kind }) => kind !== OLD_INSTANCE)
      const document = {
        version: 1,
        at,
        operation: { ...record, status, verdict, failure: why, steps, evidence: null },
        request,
        resources,
        documents,
      }
      return { digest: await ledger.writeEvidence({ operation, document }) }
    },
    async awaitOperationEnd({ operation }) {
      const { client } = currentAct()
      const working = await isRunning(client, operation)
      const record = await ledger.getOperation(operation)
      const over = record === null || FINAL_STATUSES.includes(record.status)
      if (!over && working) throw notReadyYet(`Operation ${operation}`, record.status)
      return { endedAt: record?.finishedAt ?? new Date().toISOString() }
    },
    async recordExpiry({ operation, name, expiresAt }) {
      const made = await ledger.listResources({ operation })
      const copy = made.find((one) => one.kind === 'instance' && one.name === name)
      if (copy !== undefined) await ledger.recordResource({ ...copy, expiresAt })
    },
    async recordReplaced({ operation, cloud, name, until, by, gone }) {
      const now = new Date().toISOString()
      const ends = { expiresAt: until, removedAt: gone ? now : null }
      await ledger.recordResource({ operation, cloud, kind: OLD_INSTANCE, name, createdAt: now, ...ends })
      if (by === null) return
      const document: OldKeptDocument = { version: 1, by, until }
      await ledger.putDocumentOnce({ operation, name: oldKeptDocument(until), document })
    },
  }
}

/** What was asked for, with the limits that it was held against: evidence has to be readable without the ledger. */
async function requestOf(ledger: Ledger, operation: OperationId): Promise<EvidenceRequest> {
  const { mode, bundle } = await ledger.getOrigin(operation)
  const entry = (await ledger.getBundle(bundle)).database
  const { cloud, account, region, instance, database, environment, policy } = entry
  return { mode, bundle, cloud, account, ...withinOf(entry), region, instance, database, environment, policy }
}

function withinOf(entry: DatabaseEntry): Pick<EvidenceRequest, 'resourceGroup' | 'copiesResourceGroup' | 'aurora'> {
  if (entry.cloud === 'aws') return entry.aurora ? { aurora: entry.aurora } : {}
  if (entry.cloud !== 'azure') return {}
  const { resourceGroup, copiesResourceGroup } = entry
  return { resourceGroup, ...(copiesResourceGroup !== undefined && { copiesResourceGroup }) }
}
