/** What a managed PostgreSQL can do, in words that every cloud shares; where the clouds differ, `capabilities` says so. No cloud here has
 *  client tokens, so every create is *adopt-if-mine*: made under a deterministic name and tagged with its operation and step; if the name
 *  is already there with the same tags it is ours from an earlier attempt, otherwise it is refused. Calls only start things: waiting is
 *  the caller's, by describing. Errors are failures of `contracts/failures.ts`. */
import type { Cloud } from '../contracts/fleet'
import type { IsoInstant, OperationId } from '../contracts/operation'
import type { Capabilities } from './capabilities'

/** Who a resource is made for; written to it as tags (labels where the cloud has no tags). */
export interface Owner {
  readonly operation: OperationId
  readonly step: string
  /** When retention may remove it; null: the operation removes it itself. */
  readonly expiresAt: IsoInstant | null
}

/** `ready`: usable; `changing`: will become ready by itself; `stopped`: runs once somebody starts it; `failed`: will not. */
export type ResourceState = 'ready' | 'changing' | 'stopped' | 'failed' | 'deleting'

export interface InstanceDescription {
  readonly cloud: Cloud
  /** The cloud account, subscription or project that holds it. */
  readonly account: string
  readonly name: string
  /** Immutable: differs for another instance of the same name. */
  readonly instanceId: string
  readonly state: ResourceState
  /** The cloud's own word for the state. */
  readonly cloudState: string
  /** Null while the cloud has not given it one. */
  readonly endpoint: { readonly host: string; readonly port: number } | null
  readonly engineVersion: string
  readonly instanceClass: string
  readonly storage: StorageDescription
  readonly deletionProtected: boolean
  readonly tags: Readonly<Record<string, string>>
}

export interface StorageDescription {
  readonly sizeGib: number
  readonly encrypted: boolean
  /** The cloud's id of the key; null: not encrypted, or with a key that the cloud does not name. */
  readonly key: string | null
}

export interface SnapshotDescription {
  readonly name: string
  /** Of the instance that it was taken of; another instance may bear that name today. */
  readonly instance: string
  readonly instanceId: string
  readonly state: ResourceState
  readonly cloudState: string
  readonly createdAt: IsoInstant | null
  readonly engineVersion: string
  readonly storage: StorageDescription
  /** Who it says it was made for; null where its tags name no operation and step. Tags can be written by others: a claim, no proof. */
  readonly owner: Owner | null
}

export interface CallOptions {
  readonly signal: AbortSignal
}

/** Of a method that changes something. */
export interface ChangeOptions extends CallOptions {
  /** Asked right before each change, after whatever is looked at first. Rejects when the caller can no longer be sure that the work is its
   *  own: no cloud compares a fence, so whoever lost touch has to keep his hands off by himself. */
  readonly mayChange: () => Promise<void>
}

/** What a method that starts something answers. `operation`: the cloud's own record of it, for `describeOperation` in any process; null
 *  where the cloud keeps none, or where an earlier attempt began it: then the resource's description is all there is. */
export interface Started {
  readonly operation: string | null
}

export interface OperationDescription {
  readonly state: 'running' | 'done' | 'failed'
  /** Why it failed, in the cloud's words. */
  readonly message: string | null
}

/** A very instance: one that was replaced by another of its name is refused with TARGET_MISMATCH. */
export interface InstanceRef {
  readonly name: string
  readonly instanceId: string
}

/** A copy that cannot act on the outside: its settings disable subscriptions and schedulers, and only `networkRules` let anybody in. */
export interface CopyRequest {
  readonly source: string
  /** Of the copy. */
  readonly instance: string
  /** As `capabilities.networkRules` says. */
  readonly networkRules: readonly string[]
  /** Null: the source's own class. */
  readonly instanceClass: string | null
  readonly owner: Owner
}

export interface NewInstance {
  readonly instance: string
  /** Major version, as '17'. */
  readonly engineVersion: string
  readonly instanceClass: string
  readonly storageGib: number
  readonly master: { readonly name: string; readonly password: string }
  readonly deletionProtected: boolean
  readonly owner: Owner
}

export interface ManagedPostgres {
  readonly capabilities: Capabilities
  describeInstance(input: { name: string }, options: CallOptions): Promise<InstanceDescription | null>
  /** All that the adapter's account and region (on Azure: its resource group) hold. */
  listInstances(options: CallOptions): Promise<readonly InstanceDescription[]>
  /** The moments that `startRestoreToTime` can restore; null: none, since no log is kept. */
  restoreWindow(
    input: { name: string },
    options: CallOptions,
  ): Promise<{ readonly earliest: IsoInstant; readonly latest: IsoInstant } | null>
  /** What became of something that was started. `done` says that the cloud has carried it out, not that the resource is ready. */
  describeOperation(input: { operation: string }, options: CallOptions): Promise<OperationDescription>
  /** `instance`: what it was taken of. */
  describeSnapshot(input: { instance: string; name: string }, options: CallOptions): Promise<SnapshotDescription | null>
  /** Every snapshot of that very instance that somebody asked for, ours and others'; those that the cloud takes by itself are its own. */
  listSnapshots(input: { instanceId: string }, options: CallOptions): Promise<readonly SnapshotDescription[]>
  /** Safe to repeat: adopts the snapshot already named so by the same operation and step. */
  startSnapshot(
    input: { instance: string; snapshot: string; owner: Owner },
    options: ChangeOptions,
  ): Promise<SnapshotDescription & Started>
  /** Safe to repeat: no snapshot of that name is a success. Looks at it right before, and refuses one that is not `owner`'s or was
   *  taken of another instance. */
  startSnapshotRemoval(
    input: { snapshot: string; instanceId: string; owner: Pick<Owner, 'operation' | 'step'> },
    options: ChangeOptions,
  ): Promise<Started>
  /** Restores a snapshot as an inert copy. Safe to repeat. Where it takes several calls to the cloud it fails with NOT_READY_YET between
   *  them and has to be repeated; once it returns, nothing remains but to wait. */
  startInertRestore(input: CopyRequest & { snapshot: string }, options: ChangeOptions): Promise<Started>
  /** As `startInertRestore`, to a moment of the source's `restoreWindow`. */
  startRestoreToTime(input: CopyRequest & { at: IsoInstant }, options: ChangeOptions): Promise<Started>
  /** Nobody is let in but by what its network lets in anyway: see `setNetworkRules`. Safe to repeat: adopts its own. */
  startCreate(input: NewInstance, options: ChangeOptions): Promise<Started>
  /** Class and storage at once, without a maintenance window. Safe to repeat: does nothing about what is so, or is becoming so, already. */
  startScale(
    input: { instance: InstanceRef; instanceClass: string | null; storageGib: number | null },
    options: ChangeOptions,
  ): Promise<Started>
  /** Restarts the server. A repeat of a call whose answer was lost may restart it once more, unless it finds it restarting. */
  startRestart(input: { instance: InstanceRef }, options: ChangeOptions): Promise<Started>
  /** Sets the master's password; the instance is `changing` for a while. Safe to repeat. Refuses an instance that the operation did not make. */
  startPasswordReset(
    input: { instance: string; password: string; operation: OperationId },
    options: ChangeOptions,
  ): Promise<Started>
  /** Lets in whom the rules let in, and nobody else. Safe to repeat, and to be repeated until `done`. */
  setNetworkRules(
    input: { instance: InstanceRef; networkRules: readonly string[] },
    options: ChangeOptions,
  ): Promise<{ readonly done: boolean }>
  /** Removes an instance that the operation's step made. Safe to repeat: none of that name is a success. Refuses one that is not `owner`'s,
   *  that is another than `instance`, or that is protected. No snapshot is taken of it. */
  startRemoval(
    input: { instance: InstanceRef; owner: Pick<Owner, 'operation' | 'step'> },
    options: ChangeOptions,
  ): Promise<Started>
  /** Removes every temporary instance, and what was made for it, that the operation owns. True when nothing is left.
   *  Safe to repeat, and safe when nothing was ever made. */
  removeOwnedInstances(
    input: { operation: OperationId },
    options: ChangeOptions,
  ): Promise<{ done: boolean; removing: readonly string[] }>
}
