/** The record of an operation, and the evidence made from it. */
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import { SNAPSHOT_DOCUMENTS } from '../../contracts/snapshot'
import type { EvidenceRequest } from '../../ledger/evidence-document'
import type { Ledger } from '../../ledger/ledger'
import type { ActivityDeps } from '../deps'
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
      const documents: Record<string, unknown> = {}
      for (const name of EVIDENCE_DOCUMENTS) {
        const document = await ledger.getDocument({ operation, name })
        if (document !== null) documents[name] = document
      }
      const request = await requestOf(ledger, operation)
      const steps = record.steps.filter((step) => step.id !== 'evidence')
      const resources = await ledger.listResources({ operation })
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
  }
}

/** What was asked for, with the limits that it was held against: evidence has to be readable without the ledger. */
async function requestOf(ledger: Ledger, operation: OperationId): Promise<EvidenceRequest> {
  const { mode, bundle } = await ledger.getOrigin(operation)
  const entry = (await ledger.getBundle(bundle)).database
  const { cloud, account, region, instance, database, environment, policy } = entry
  const within = entry.cloud === 'azure' ? { resourceGroup: entry.resourceGroup } : {}
  return { mode, bundle, cloud, account, ...within, region, instance, database, environment, policy }
}
