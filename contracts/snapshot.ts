/** Inputs and results of the snapshot operation, and of the list of an instance's snapshots. */
import type { Cloud, DatabaseEntry, GenerationPolicy } from './fleet'
import { type Generation, shownRetention } from './generations'
import type { CloudTraits } from './migrate'
import {
  type Finding,
  type IsoInstant,
  OPERATION_STEPS,
  type OperationId,
  type OperationInput,
  type Sha256,
  type StepName,
} from './operation'
import type { OperationStarter } from './start'

export const SNAPSHOT_WORKFLOW = 'snapshot'
export const LIST_SNAPSHOTS_WORKFLOW = 'listSnapshots'

/** The runbook's steps in order; docs/runbooks/snapshot.md has the same headings. */
export const SNAPSHOT_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan against the instance' },
  manifestBefore: { id: 'manifest-before', title: 'Read what it must hold' },
  take: { id: 'take', title: 'Take the snapshot' },
  manifestAfter: { id: 'manifest-after', title: 'Read what has changed meanwhile' },
  verify: { id: 'verify', title: 'Verify the snapshot' },
  /** Only where the policy has other regions. */
  copy: { id: 'copy', title: 'Copy it to other regions' },
  expire: { id: 'expire', title: 'Remove what has expired' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const SNAPSHOT_DOCUMENTS = {
  plan: 'snapshot-plan',
  snapshot: 'snapshot',
  expiry: 'expiry',
  /** Only where a policy has generations. */
  retention: 'retention',
} as const

/** What bears the copy in a region: in its name and its tags, so that it is never taken for the snapshot of which it is a copy. */
export function copyStepOf(region: string): string {
  return `${COPY_STEP}${region}`
}

/** The region of a copy; null: it is no copy's step. */
export function copyRegionOf(step: string): string | null {
  return step.startsWith(COPY_STEP) ? step.slice(COPY_STEP.length) : null
}

const COPY_STEP = 'copy-'

/** What an operation writes of the snapshots of one place: `region` is a copy's, null the database's own. */
export function documentOf(name: 'snapshot' | 'expiry' | 'retention', region: string | null): string {
  return region === null ? SNAPSHOT_DOCUMENTS[name] : `${SNAPSHOT_DOCUMENTS[name]}-${region}`
}

/** All that an operation writes of its copy in one region. */
export function documentsIn(region: string): string[] {
  return (['retention', 'snapshot', 'expiry'] as const).map((name) => documentOf(name, region))
}

/** The same of what was read around the snapshot. Evidence has their digests only. */
export const MANIFEST_DOCUMENTS = { before: 'manifest-before', after: 'manifest-after' } as const

export interface ManifestSummary {
  /** Of the document in the ledger; null: there is none. */
  readonly digest: Sha256 | null
  /** One line for people. */
  readonly summary: string
}

export interface SnapshotInput extends OperationInput {
  /** At least: the bundle's policy may have generations. */
  readonly retentionHours: number
  /** Regions that it is copied into; absent: none. */
  readonly copies?: readonly string[]
}

export function snapshotStarter(entry: DatabaseEntry, mode: SnapshotInput['mode']): OperationStarter<SnapshotInput> {
  const { name, cloud, environment, policy } = entry
  const retentionHours = policy.snapshotRetentionHours
  const copies = policy.snapshotCopies?.map(({ region }) => region)
  return {
    kind: 'snapshot',
    workflow: SNAPSHOT_WORKFLOW,
    summary: `${mode} ${name} (${cloud}, ${environment}): kept ${shownRetention(policy)}${copies ? `, copied to ${copies.join(', ')}` : ''}`,
    inputOf: (common) => ({ ...common, retentionHours, ...(copies && { copies }) }),
  }
}

/** What `--plan` shows. Its digest covers everything but `digest` itself. */
export interface SnapshotPlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  readonly storage: SnapshotStorage
  /** The name that the snapshot will have. */
  readonly snapshot: string
  readonly retentionHours: number
  /** Where the policy has generations: they, and of which the snapshot would be by now. Decided anew when it is taken. */
  readonly generations?: { readonly policy: GenerationPolicy; readonly of: readonly Generation[] }
  /** Snapshots that could be removed by now, once this one is there. Decided anew when it is time. */
  readonly expiring: readonly string[]
  /** Where the policy has other regions. */
  readonly copies?: readonly PlannedSnapshotCopy[]
  /** Where the cloud's snapshots are less than a copy that can be restored by its name for as long as it is kept. */
  readonly traits?: CloudTraits
}

export interface PlannedSnapshotCopy {
  readonly region: string
  /** The name that the copy will have. */
  readonly snapshot: string
  /** As the fleet file names it; null: none is named. */
  readonly key: string | null
  /** As the plan's own, of that region; null: it could not be asked. */
  readonly expiring: readonly string[] | null
  /** Why it could not be asked. The operation tries all the same. */
  readonly unreached?: string
}

/** `168 h`, or the generations that it is of: `daily (7 d), weekly (4 wk)`. */
export function shownKept({ retentionHours, generations }: Pick<SnapshotPlan, 'retentionHours' | 'generations'>): string {
  if (generations === undefined) return `${retentionHours} h`
  const { policy, of } = generations
  return of.map((generation) => `${generation} (${policy[generation]} ${UNITS[generation]})`).join(', ')
}

const UNITS: Readonly<Record<Generation, string>> = { daily: 'd', weekly: 'wk', monthly: 'mo', yearly: 'y' }

/** Null: a volume without a size, which grows by itself. */
export type StorageSize = number | null

export function shownSize(sizeGib: StorageSize): string {
  return sizeGib === null ? 'a volume that grows by itself' : `${sizeGib} GiB`
}

export interface SnapshotStorage {
  readonly sizeGib: StorageSize
  readonly encrypted: boolean
  /** The cloud's id of the key; null: not encrypted, or the cloud does not say. */
  readonly key: string | null
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface SnapshotPlanSummary {
  readonly digest: Sha256
  readonly sizeGib: StorageSize
  readonly expiringCount: number
  /** How long it would be kept, in words; left out by what was planned before there were generations. */
  readonly kept?: string
}

/** What became of the copy in one region. */
export interface SnapshotCopyRecord extends SnapshotVerification {
  readonly region: string
  readonly snapshot: string
}

export interface SnapshotVerification {
  readonly findings: readonly Finding[]
  readonly createdAt: IsoInstant | null
  /** One line for people. */
  readonly summary: string
}

/** Why a snapshot stays, or that it may go. `expired` is the only one that is ever removed. */
export type SnapshotStanding =
  /** Taken by somebody else, by hand, or by a Capstan with another ledger. */
  | 'not-ours'
  /** Of an instance that had the same name, or of one that is gone and of which its cloud tells no more than the name. */
  | 'other-instance'
  | 'being-made'
  | 'being-removed'
  /** The operation that took it has not ended. */
  | 'in-use'
  /** It bears no instant from which it may be removed. */
  | 'no-retention'
  | 'within-retention'
  /** The newest good one of its instance: it outlives its retention until there is a newer one. */
  | 'last-good'
  /** It was found wanting, by its own operation or by a verification, and so was every other one: the newest stays until there is a good one. */
  | 'last-of-all'
  /** The newest one that a verification proved, of copies also the newest that was itself proven in its region: the same. */
  | 'last-proven'
  /** A verification restores it just now. */
  | 'being-verified'
  | 'expired'

export interface ListedSnapshot {
  /** Of a copy in another region than the database's. */
  readonly region?: string
  readonly name: string
  /** The cloud's own word. */
  readonly state: string
  readonly createdAt: IsoInstant | null
  readonly expiresAt: IsoInstant | null
  /** The operation that took it; null: not ours. */
  readonly operation: OperationId | null
  readonly step: string | null
  readonly sizeGib: StorageSize
  readonly standing: SnapshotStanding
  /** Those that it is kept as and that are not over; left out where it was taken without. */
  readonly generations?: readonly Generation[]
}

export interface SnapshotList {
  readonly version: 1
  readonly database: string
  readonly instance: string
  /** Null: the database's own region could not be asked, and what is listed is of each instance that it has had. */
  readonly instanceId: string | null
  /** Newest first; after them those of each other region that the policy names, newest first. */
  readonly snapshots: readonly ListedSnapshot[]
  /** Regions that could not be asked, and why; absent: none. */
  readonly unreached?: readonly { readonly region: string; readonly why: string }[]
}

export interface ListSnapshotsInput {
  readonly bundle: Sha256
  readonly cloud: Cloud
  readonly heartbeatTimeoutMs: number
}

/** How long a snapshot is kept, decided once, right before it is taken. */
export interface RetentionRecord {
  readonly version: 1
  readonly takenAt: IsoInstant
  readonly expiresAt: IsoInstant
  /** Each with the end that it alone would have. */
  readonly generations: readonly { readonly generation: Generation; readonly until: IsoInstant }[]
}

/** What an expiry did so far: it is written down after each removal. */
export interface ExpiryRecord {
  readonly version: 1
  /** What the first look found expired. */
  readonly due: readonly string[]
  readonly removed: readonly string[]
  /** Found expired and left after all. */
  readonly kept: readonly { readonly name: string; readonly why: string }[]
}
