/** What a managed PostgreSQL can do, in words that every cloud shares; where the clouds differ, `capabilities` says so. No cloud here has
 *  client tokens, so every create is *adopt-if-mine*: made under a deterministic name and tagged with its operation and step; if the name
 *  is already there with the same tags it is ours from an earlier attempt, otherwise it is refused. Calls only start things: waiting is
 *  the caller's, by describing. Errors are failures of `contracts/failures.ts`. */
import type { Cloud } from '../contracts/fleet'
import type { ConfigurationPart, InstanceConfiguration } from '../contracts/instance-configuration'
import type { IsoInstant, OperationId } from '../contracts/operation'
import type { BlueGreen } from './blue-green-port'
import type { CallOptions, ChangeOptions, InstanceRef, Owner } from './call'
import type { Capabilities } from './capabilities'

export type { CallOptions, ChangeOptions, InstanceRef, Owner } from './call'

/** `ready`: usable; `changing`: will become ready by itself; `stopped`: runs once somebody starts it; `failed`: will not. */
export type ResourceState = 'ready' | 'changing' | 'stopped' | 'failed' | 'deleting'

export interface InstanceDescription {
  readonly cloud: Cloud
  /** The cloud account, subscription or project that holds it. */
  readonly account: string
  /** In the cloud's own word, as `eu-central-1`, `westeurope`, `europe-west3`. */
  readonly region: string
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
  /** How far its cloud makes the storage larger when it fills up; 0: without a limit, null: it does not, or there is no size. */
  readonly growsToGib: number | null
  /** What snapshots can be had of it; null: none. `hoursMax`: how long the cloud keeps one at most, null: until somebody removes it.
   *  `outliveInstance`: as it is set up now; false: they go with it. */
  readonly snapshots: { readonly hoursMax: number | null; readonly outliveInstance: boolean } | null
  /** What the cloud takes by itself, without being asked for each. `log`: the server's log as well, so that moments in between can be restored. */
  readonly automaticBackups: { readonly taken: boolean; readonly log: boolean }
  readonly deletionProtected: boolean
  /** The name of the instance that it is a read replica of. */
  readonly replicaOf: string | null
  readonly tags: Readonly<Record<string, string>>
}

export interface StorageDescription {
  /** Null where `capabilities.storage` is `grows`. */
  readonly sizeGib: number | null
  readonly encrypted: boolean
  /** The cloud's id of the key; null: not encrypted, or with a key that the cloud does not name. */
  readonly key: string | null
}

/** Who may reach an instance over the network, as far as its own cloud's API says. */
export interface NetworkExposure {
  /** Whether it can be reached by an address on the internet at all. */
  readonly publicAddress: boolean
  /** Rules by which that address lets in much of the internet, as `clouds/networks.ts` says, or whoever rents anything of the cloud. */
  readonly wideRules: readonly WideRule[]
  /** What decides as well and was not looked into, in words: another service's matter, or not understood. */
  readonly undecided: readonly string[]
  /** Whether it takes connections in clear text; null: that is not told with the rest. */
  readonly clearText: boolean | null
}

export interface WideRule {
  /** Empty where the cloud gives rules none. */
  readonly name: string
  /** As the cloud writes it. */
  readonly range: string
  readonly whom: 'internet' | 'customers'
}

/** Whom an instance lets in by its network, and whether it can be stopped: all that keeps everybody off it takes. */
export interface InstanceAccess {
  readonly instance: InstanceDescription
  /** As `capabilities.networkRules` says, sorted: those that `setNetworkRules` can give back. */
  readonly rules: readonly string[]
  /** For `setNetworkRules`, to give them back as they were. */
  readonly ruleNames: RuleNames
  /** Further ones, which it takes away and cannot give back, in words. */
  readonly notGivenBack: readonly string[]
  /** Ways in that no rule of these closes, in words. */
  readonly beyondRules: readonly string[]
  /** Why its cloud would refuse to stop it, which it may do in words that mean anything: a sentence. Null: nothing that is known. */
  readonly unstoppable: string | null
}

export interface SnapshotDescription {
  readonly name: string
  /** That holds it; left out by clouds whose adapters are of one account. */
  readonly account?: string
  /** Of the instance that it was taken of; another instance may bear that name today. */
  readonly instance: string
  /** No instance's, and ending in `@unknown`, where the cloud tells the name alone of one that is gone. */
  readonly instanceId: string
  readonly state: ResourceState
  readonly cloudState: string
  readonly createdAt: IsoInstant | null
  readonly engineVersion: string
  readonly storage: StorageDescription
  /** Who it says it was made for; null where its tags name no operation and step. Tags can be written by others: a claim, no proof. */
  readonly owner: Owner | null
}

/** A snapshot that another region of the adapter's account holds, and that is complete. */
export interface SnapshotElsewhere {
  readonly account: string
  readonly region: string
  readonly name: string
  readonly encrypted: boolean
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

/** How far a configuration was applied. */
export interface ConfigurationProgress {
  readonly done: boolean
  /** Some of it waits for a restart. */
  readonly restartNeeded: boolean
  /** What will not be as it was, each in words: what the configuration does not hold, and what the cloud cannot be told. */
  readonly notCarried: readonly string[]
}

/** Whether an instance can be overwritten with a snapshot of its own. */
export interface Overwritable {
  /** What stands in the way, each a sentence with what to do; empty: nothing that is known. */
  readonly obstacles: readonly string[]
  /** The cloud's own id of the snapshot: another one may bear its name. Null: there is none of that name. */
  readonly snapshotId: string | null
  /** Of the instance's network rules, as they have to be given back. */
  readonly ruleNames: RuleNames
}

/** Names of network rules, by the rule. */
export type RuleNames = Readonly<Record<string, string>>

/** How far an instance was overwritten. */
export interface OverwriteProgress {
  readonly done: boolean
  /** The cloud's own record of the restore; null: not known yet. */
  readonly operation: string | null
  /** What it failed of, in the cloud's words: somebody has to decide whether it is begun once more. Null: it did not. */
  readonly failure: string | null
}

export interface Exchanging {
  /** That is written to. */
  readonly source: InstanceRef
  readonly replica: InstanceRef
  /** The source is given up: it is asked nothing, what the replica lacks of it is lost, and whether it ends to write is nobody's promise. */
  readonly losing?: true
}

export interface Exchangeable {
  /** Each a sentence with what to do; empty: nothing that is known. */
  readonly obstacles: readonly string[]
  /** Where the cloud's own record of the replica ends now; empty where it keeps none that can be read later. */
  readonly mark: string
  /** How a person has it done, as command lines. */
  readonly byHand: readonly string[]
  /** Where each answers once they are exchanged, where a cloud has an address for each role; left out: where it does now. Of a source that is given up nothing is said. */
  readonly afterwards?: { readonly source?: HostPort; readonly replica: HostPort }
}

interface HostPort {
  readonly host: string
  readonly port: number
}

export interface CopyRequest {
  readonly source: string
  /** Of the new one. */
  readonly instance: string
  /** As `capabilities.networkRules` says. */
  readonly networkRules: readonly string[]
  /** Null: the source's own class. */
  readonly instanceClass: string | null
  /** Of RDS and Aurora, where the source is gone or in another region. Left out: the account's default. */
  readonly subnetGroup?: string
  readonly owner: Owner
}

export interface NewInstance {
  readonly instance: string
  /** Major version, as '17'. */
  readonly engineVersion: string
  readonly instanceClass: string
  /** Null where `capabilities.storage` is `grows`, and nowhere else. */
  readonly storageGib: number | null
  readonly master: { readonly name: string; readonly password: string }
  readonly deletionProtected: boolean
  readonly owner: Owner
}

export interface ManagedPostgres {
  readonly capabilities: Capabilities
  /** Null: the cloud has no such act, or none for instances of this kind. */
  readonly blueGreen: BlueGreen | null
  describeInstance(input: { name: string }, options: CallOptions): Promise<InstanceDescription | null>
  /** All that the adapter's account and region (on Azure: its resource groups) hold. */
  listInstances(options: CallOptions): Promise<readonly InstanceDescription[]>
  /** Fails with INSTANCE_NOT_FOUND. */
  networkExposure(input: { name: string }, options: CallOptions): Promise<NetworkExposure>
  /** Null: there is none of that name. */
  accessOf(input: { name: string }, options: CallOptions): Promise<InstanceAccess | null>
  /** The moments that `startRestoreToTime` can restore; null: none, since no log is kept. */
  restoreWindow(
    input: { name: string },
    options: CallOptions,
  ): Promise<{ readonly earliest: IsoInstant; readonly latest: IsoInstant } | null>
  /** What became of something that was started. `done` says that the cloud has carried it out, not that the resource is ready. */
  describeOperation(input: { operation: string }, options: CallOptions): Promise<OperationDescription>
  /** `instance`: what it was taken of. `sourceGone`: where names of snapshots are no identities those of today's instance are not looked at; elsewhere
   *  it changes nothing. */
  describeSnapshot(
    input: { instance: string; name: string; sourceGone?: true },
    options: CallOptions,
  ): Promise<SnapshotDescription | null>
  /** Every snapshot of that very instance that somebody asked for, ours and others'; those that the cloud takes by itself are its own. */
  listSnapshots(input: { instanceId: string }, options: CallOptions): Promise<readonly SnapshotDescription[]>
  /** Safe to repeat: adopts the snapshot already named so by the same operation and step. */
  startSnapshot(
    input: { instance: string; snapshot: string; owner: Owner },
    options: ChangeOptions,
  ): Promise<SnapshotDescription & Started>
  /** Copies a snapshot that another region of the same account holds into the adapter's own region, under a name of its own: from then on it
   *  is a snapshot there, described, listed and removed as any. `key`: of this region; null: the copy is encrypted as its source is, with the
   *  cloud's default key here. Safe to repeat: adopts the snapshot already named so by the same operation and step. Refused where
   *  `capabilities.snapshotCopies` is false. */
  startSnapshotCopy(
    input: { source: SnapshotElsewhere; snapshot: string; key: string | null; owner: Owner },
    options: ChangeOptions,
  ): Promise<SnapshotDescription & Started>
  /** Safe to repeat: no snapshot of that name is a success. Looks at it right before, and refuses one that is not `owner`'s or was
   *  taken of another instance. */
  startSnapshotRemoval(
    input: { snapshot: string; instanceId: string; owner: Pick<Owner, 'operation' | 'step'> },
    options: ChangeOptions,
  ): Promise<Started>
  /** Restores a snapshot as a copy that cannot act on the outside: its settings disable subscriptions and schedulers, and only `networkRules`
   *  let anybody in. Safe to repeat. Where it takes several calls to the cloud it fails with NOT_READY_YET between
   *  them and has to be repeated; once it returns, nothing remains but to wait. `sourceGone`: where `capabilities.restoreOfDeleted` allows
   *  it; nothing is taken from the source, which need not be there, or is in another region: the copy has what the snapshot holds of its settings, and else
   *  the cloud's own defaults, but for `subnetGroup`. Where that says `class-named`, `instanceClass` is not null. */
  startInertRestore(input: CopyRequest & { snapshot: string; sourceGone?: true }, options: ChangeOptions): Promise<Started>
  /** As `startInertRestore`, to a moment of the source's `restoreWindow`. */
  startRestoreToTime(input: CopyRequest & { at: IsoInstant }, options: ChangeOptions): Promise<Started>
  /** What stands in the way of `overwrite`, a name that several snapshots bear too. Refused where `capabilities.overwrite` is false, by either. */
  overwriteObstacles(input: { instance: InstanceRef; snapshot: string }, options: CallOptions): Promise<Overwritable>
  /** Overwrites an instance with a snapshot of its own: what was written to it since is gone; its settings, tags and networks stay. It cannot be taken
   *  back. Safe to repeat, and to be repeated until `done`: adopts whatever restore of the instance the cloud knows that began after `since`, by the
   *  cloud's own clock, and begins another one only once that many failed as `failedBefore` says. Of the snapshot of that id, whatever bears its
   *  name. Fails with RESOURCE_NOT_OURS where that was of another one. */
  overwrite(
    input: { instance: InstanceRef; snapshot: string; snapshotId: string; since: IsoInstant; failedBefore: number },
    options: ChangeOptions,
  ): Promise<OverwriteProgress>
  /** A read replica, which streams what its source writes. Safe to repeat, and NOT_READY_YET, as `startInertRestore`. Refused where
   *  `capabilities.replicas` is false. */
  startReplica(input: CopyRequest, options: ChangeOptions): Promise<Started>
  /** Makes a replica an instance of its own, which its source goes on without. `awaitSource`: only once it has everything that its source wrote;
   *  refused where `capabilities.promotionAwaitsSource` is false. Safe to repeat: one that is no replica any more is a success. */
  startPromotion(input: { instance: InstanceRef; awaitSource: boolean }, options: ChangeOptions): Promise<Started>
  /** What stands in the way of `startExchange`, as far as the cloud's API says. `mark`: for that one. Refused where `capabilities.roleExchange` is null, by
   *  either. */
  exchangeObstacles(input: Exchanging, options: CallOptions): Promise<Exchangeable>
  /** Has the cloud exchange the roles of an instance and its read replica: the one ends to write, the other gets all that was written, writes, and is followed.
   *  Once begun it cannot be stopped. Safe to repeat: adopts an exchange of both that began after `mark`, and one that took place. */
  startExchange(input: Exchanging & { readonly mark: string }, options: ChangeOptions): Promise<Started>
  /** Nobody is let in but by what its network lets in anyway: see `setNetworkRules`. Safe to repeat, and NOT_READY_YET, as
   *  `startInertRestore`: adopts its own. */
  startCreate(input: NewInstance, options: ChangeOptions): Promise<Started>
  /** Class and storage at once, without a maintenance window. Safe to repeat: does nothing about what is so, or is becoming so, already. Storage
   *  is refused where `capabilities.storage` is `grows`. */
  startScale(
    input: { instance: InstanceRef; instanceClass: string | null; storageGib: number | null },
    options: ChangeOptions,
  ): Promise<Started>
  /** Restarts the server; refuses one that is stopped. A repeat of a call whose answer was lost may restart it once more, unless it finds it
   *  restarting. */
  startRestart(input: { instance: InstanceRef }, options: ChangeOptions): Promise<Started>
  /** Safe to repeat: does nothing about one that is stopped, or is being stopped. Every cloud here starts a stopped instance again by itself
   *  some time or other (RDS and Azure after seven days), or bills its storage on. */
  startStop(input: { instance: InstanceRef }, options: ChangeOptions): Promise<Started>
  /** Safe to repeat: does nothing about one that runs, or is being started. */
  startStart(input: { instance: InstanceRef }, options: ChangeOptions): Promise<Started>
  /** Sets PostgreSQL's parameters, under PostgreSQL's own names or the cloud's; others stay. Safe to repeat, and to be repeated until `done`;
   *  `restartNeeded`: some wait for a restart. Refuses where others' instances would get them, too. */
  setParameters(
    input: { instance: InstanceRef; parameters: Readonly<Record<string, string>> },
    options: ChangeOptions,
  ): Promise<{ readonly done: boolean; readonly restartNeeded: boolean }>
  /** Sets the master's password; the instance is `changing` for a while. Safe to repeat. Refuses an instance that the operation did not make. */
  startPasswordReset(
    input: { instance: string; password: string; operation: OperationId },
    options: ChangeOptions,
  ): Promise<Started>
  /** Lets in whom the rules let in, and nobody else. `names`: of rules, where the cloud gives them any; one that stays keeps its own. Safe to
   *  repeat, and to be repeated until `done`. */
  setNetworkRules(
    input: { instance: InstanceRef; networkRules: readonly string[]; names?: RuleNames },
    options: ChangeOptions,
  ): Promise<{ readonly done: boolean }>
  /** Sets tags of an instance and takes others off; what is not named stays. On Google Cloud they are labels. Safe to repeat, and to be repeated
   *  until `done`. */
  setTags(
    input: { instance: InstanceRef; set: Readonly<Record<string, string>>; remove: readonly string[] },
    options: ChangeOptions,
  ): Promise<{ readonly done: boolean }>
  /** How it is set up, for `applyConfiguration`. Several questions, one after the other: what changes meanwhile may be in it by half. Fails with
   *  INSTANCE_NOT_FOUND. */
  describeConfiguration(input: { name: string }, options: CallOptions): Promise<InstanceConfiguration>
  /** Sets an instance up as another one of its kind was, as far as the parts go. What keeps a copy inert stays: that is `endInertness`'s. Safe to
   *  repeat, and to be repeated until `done`; refuses one that is stopped. docs/decisions/0014 has the order. */
  applyConfiguration(
    input: { instance: InstanceRef; configuration: InstanceConfiguration; parts: readonly ConfigurationPart[] },
    options: ChangeOptions,
  ): Promise<ConfigurationProgress>
  /** Lets subscriptions and schedulers of an inert copy start again, as far as the configuration's did: from then on it acts on the outside.
   *  Safe to repeat, and to be repeated until `done` and no restart is needed. */
  endInertness(
    input: { instance: InstanceRef; configuration: InstanceConfiguration },
    options: ChangeOptions,
  ): Promise<{ readonly done: boolean; readonly restartNeeded: boolean }>
  /** Removes an instance that the operation's step made. Safe to repeat: none of that name is a success. Refuses one that is not `owner`'s,
   *  that is another than `instance`, or that is protected. No snapshot is taken of it. NOT_READY_YET, as `startInertRestore`. */
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
