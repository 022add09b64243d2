/** What a managed PostgreSQL can do, in words that every cloud shares. No cloud here has client tokens, so every create is
 *  *adopt-if-mine*: made under a deterministic name and tagged with its operation and step; if the name is already there with
 *  the same tags it is ours from an earlier attempt, otherwise it is refused. Calls only start things: waiting is the
 *  caller's, by describing. Errors are failures of `contracts/failures.ts`. */
import type { Cloud } from '../contracts/fleet'
import type { IsoInstant, OperationId } from '../contracts/operation'

/** Who a resource is made for; written to it as tags (labels where the cloud has no tags). */
export interface Owner {
  readonly operation: OperationId
  readonly step: string
  /** When retention may remove it; null: the operation removes it itself. */
  readonly expiresAt: IsoInstant | null
}

/** `ready`: usable; `changing`: will become ready by itself; `failed`: will not. */
export type ResourceState = 'ready' | 'changing' | 'failed' | 'deleting'

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
  readonly storage: StorageDescription
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

export interface ManagedPostgres {
  describeInstance(input: { name: string }, options: CallOptions): Promise<InstanceDescription | null>
  describeSnapshot(input: { name: string }, options: CallOptions): Promise<SnapshotDescription | null>
  /** Every snapshot of that very instance that somebody asked for, ours and others'; those that the cloud takes by itself are its own. */
  listSnapshots(input: { instanceId: string }, options: CallOptions): Promise<readonly SnapshotDescription[]>
  /** Safe to repeat: adopts the snapshot already named so by the same operation and step. */
  startSnapshot(input: { instance: string; snapshot: string; owner: Owner }, options: ChangeOptions): Promise<SnapshotDescription>
  /** Safe to repeat: no snapshot of that name is a success. Looks at it right before, and refuses one that is not `owner`'s or was
   *  taken of another instance. */
  startSnapshotRemoval(
    input: { snapshot: string; instanceId: string; owner: Pick<Owner, 'operation' | 'step'> },
    options: ChangeOptions,
  ): Promise<void>
  /** Restores a copy that cannot act on the outside: its settings disable subscriptions and schedulers before its first
   *  start, and its network rules are the given ones. Safe to repeat. */
  startInertRestore(
    input: {
      source: string
      snapshot: string
      instance: string
      securityGroups: readonly string[]
      instanceClass: string | null
      owner: Owner
    },
    options: ChangeOptions,
  ): Promise<void>
  /** Sets the master's password; the instance is `changing` for a while. Safe to repeat. */
  startPasswordReset(input: { instance: string; password: string; operation: OperationId }, options: ChangeOptions): Promise<void>
  /** Removes every temporary instance, and what was made for it, that the operation owns. True when nothing is left.
   *  Safe to repeat, and safe when nothing was ever made. */
  removeOwnedInstances(
    input: { operation: OperationId },
    options: ChangeOptions,
  ): Promise<{ done: boolean; removing: readonly string[] }>
}
