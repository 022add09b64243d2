/** What evidence holds. The activity that writes it and whoever shows it share this shape; its digest is taken over its canonical JSON.
 *  Row values and secrets are never part of it: what goes in are counts, names, and statements whose constants were left out. */
import { failure } from '../contracts/failures'
import type { MigrationPolicy } from '../contracts/fleet'
import type { ApplySummary, MigrationPlan } from '../contracts/migrate'
import type { IsoInstant, OperationDocument, Sha256 } from '../contracts/operation'
import type { ReckonedCost, Verification } from '../contracts/verify-backup'
import type { StatementRecord } from '../postgres/observe/statement-observer'
import type { CheckResult } from '../postgres/verify/checks'
import type { CloudResource } from './resources'

export type { CheckResult, StatementRecord }

/** What was asked for, and what it was held against. */
export interface EvidenceRequest {
  readonly mode: 'plan' | 'apply'
  readonly bundle: Sha256
  readonly cloud: string
  readonly account: string
  /** On Azure. */
  readonly resourceGroup?: string
  /** Where its copies were made, if not there. */
  readonly copiesResourceGroup?: string
  /** On AWS, of Aurora: `instance` is a cluster. */
  readonly aurora?: true
  readonly region: string
  readonly instance: string
  /** The PostgreSQL database. */
  readonly database: string
  readonly environment: string
  readonly policy: MigrationPolicy
}

/** As far as it is shown: the canary's whole schema is part of it too. */
export interface RehearsalEvidence {
  readonly canary: string
  readonly records: readonly StatementRecord[]
  readonly durationMs: number
  readonly walBytes: number
  /** Rows written per second on the target while the canary rehearsed, by `schema.table`. */
  readonly writesPerSecond: Readonly<Record<string, number>>
  readonly schema: { readonly fingerprint: Sha256 }
}

export interface CheckEvidence {
  readonly results: readonly CheckResult[]
}

/** What an apply left; `finishedAt` is missing when it did not end well. */
export type ApplyEvidence = Pick<ApplySummary, 'applied' | 'current'> & {
  readonly healedIndexes?: readonly string[]
  readonly invalidIndexes?: readonly string[]
  readonly finishedAt?: IsoInstant
}

/** Only what the operation came to. */
export interface EvidenceDocuments {
  readonly plan?: MigrationPlan
  readonly rehearsal?: RehearsalEvidence
  readonly 'checks-canary'?: CheckEvidence
  readonly 'checks-copy'?: CheckEvidence
  readonly apply?: ApplyEvidence
  readonly 'checks-target'?: CheckEvidence
  readonly bake?: CheckEvidence
  readonly verification?: Verification
  readonly 'verification-cost'?: ReckonedCost
}

export interface EvidenceDocument {
  readonly version: 1
  /** When it was written: all but the lock's release was over by then. */
  readonly at: IsoInstant
  readonly operation: OperationDocument
  /** Missing where the bundle could not be read any more. */
  readonly request?: EvidenceRequest
  readonly resources: readonly CloudResource[]
  readonly documents: EvidenceDocuments
}

/** Of a document whose digest was checked: only what it claims to be is asked. Fails with EVIDENCE_UNREADABLE. */
export function readEvidence(document: unknown): EvidenceDocument {
  if (typeof document === 'object' && document !== null && 'version' in document) {
    if (document.version === 1 && 'operation' in document && 'documents' in document) return document as EvidenceDocument
    const message = `The evidence is of version ${String(document.version)}; this program reads version 1. Use the program that wrote it, or a newer one.`
    throw failure('EVIDENCE_UNREADABLE', message)
  }
  throw failure('EVIDENCE_UNREADABLE', 'The document is no evidence: it names no version. Ask for it with --out to look at it.')
}
