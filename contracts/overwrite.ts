/** Inputs and results of the operation that overwrites an instance with a snapshot of its own: `capstan restore … --in-place`. */
import type { InstanceAddress } from './migrate'
import {
  type IsoInstant,
  OPERATION_STEPS,
  type OperationId,
  type OperationInput,
  type Sha256,
  type StepName,
  temporaryName,
} from './operation'
import type { PlannedPoint } from './restore'
import type { SnapshotStorage } from './snapshot'

export const OVERWRITE_WORKFLOW = 'overwrite'

/** The runbook's steps in order; the last part of docs/runbooks/restore.md has the same headings. */
export const OVERWRITE_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan the overwriting' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  fence: { id: 'fence', title: 'Fence the instance' },
  backup: { id: 'backup', title: 'Take the fresh backup' },
  verifyBackup: { id: 'verify-backup', title: 'Verify the fresh backup' },
  close: { id: 'close', title: 'Close its networks' },
  overwrite: { id: 'overwrite', title: 'Overwrite the instance' },
  settle: { id: 'settle', title: 'Take over what it holds' },
  setUp: { id: 'set-up', title: 'Set it up as it was' },
  verify: { id: 'verify', title: 'Verify what it holds' },
  admit: { id: 'admit', title: 'Let the applications in' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const OVERWRITE_DOCUMENTS = {
  plan: 'overwrite-plan',
  /** From then on the instance may hold other data, and no step closes it any more. */
  begun: 'overwriting',
} as const

/** The document of an overwriting that was, or is about to be, asked for. */
export interface OverwriteBegun {
  readonly version: 1
  readonly instance: { readonly name: string; readonly instanceId: string }
  readonly snapshot: string
  /** The cloud's own name of it. */
  readonly snapshotId: string
  /** When its fresh backup was begun, behind the fence. */
  readonly since: IsoInstant
}

/** What was asked for. A moment no cloud restores in place. */
export interface OverwriteRequest {
  readonly snapshot: string
  /** How long the fresh backup is kept at least, counted from the end of the operation. */
  readonly keepHours: number
}

export interface OverwriteInput extends OperationInput, OverwriteRequest {}

/** What `--plan` shows, and what an approval binds to. Its digest covers everything but `digest` itself. */
export interface OverwritePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  readonly storage: SnapshotStorage
  /** What was committed after it is overwritten. */
  readonly point: PlannedPoint
  /** The cloud's own id of the snapshot: it is overwritten with that one, whatever bears its name by then. */
  readonly snapshotId: string
  /** The name of the fresh backup: the way back. */
  readonly backup: string
  readonly keepHours: number
  /** Digest of the captured configuration. */
  readonly configuration: Sha256
  /** Who is let in until it was verified. */
  readonly networksMeanwhile: readonly string[]
  /** Who is let in again. */
  readonly networkRules: readonly string[]
  /** What these are called, where the cloud gives them names. */
  readonly networkNames: Readonly<Record<string, string>>
  readonly fence: { readonly summary: string; readonly databases: readonly string[] }
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface OverwritePlanSummary {
  readonly digest: Sha256
  readonly point: PlannedPoint
  readonly source: InstanceAddress
  /** The `snapshot` of this database that took it, with manifests around it; null: none. */
  readonly takenBy: OperationId | null
}

/** What the cloud answers for, before it was asked whether it could be fenced. */
export type PlannedOverwriting = Omit<OverwritePlanSummary, 'digest'>

export interface FreshBackup {
  readonly snapshot: string
  /** By the cloud's own clock: whatever restore began later is this operation's. */
  readonly takenAt: IsoInstant
}

export function freshBackupOf(operation: OperationId): string {
  return temporaryName(operation, OVERWRITE_STEPS.backup.id)
}

/** Until when the fresh backup is kept that is promised for so many hours from `at` on. */
export function keptFrom(at: IsoInstant, keepHours: number): IsoInstant {
  return new Date(Date.parse(at) + keepHours * 3_600_000).toISOString()
}

/** The command that goes back to what the instance held. */
export function wayBack(operation: OperationId, database: string): string {
  return `capstan restore ${database} --snapshot ${freshBackupOf(operation)} --in-place`
}
