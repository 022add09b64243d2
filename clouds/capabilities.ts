/** Where the clouds differ, declared so that a plan can say what a cloud cannot do before anything is done. Facts of each cloud's API, with
 *  their sources in docs/decisions/0006-one-port.md; nothing here depends on an account. */

export interface Capabilities {
  /** `new-instance`: as a new one. `in-place`: over an instance, which the adapter makes for it first. `moment`: not at all; the moment at
   *  which the snapshot was complete is restored from its instance's log, for as long as the instance and its log are there. */
  readonly restoreFromSnapshot: 'new-instance' | 'in-place' | 'moment'
  /** To any moment of the instance's `restoreWindow`. */
  readonly restoreToTime: boolean
  /** Whether the end of the `restoreWindow` is the cloud's own word; false: it names none, and the log may be minutes behind. */
  readonly newestMomentTold: boolean
  /** From when on a restored copy cannot act on the outside. `after-start`: it runs for minutes with its source's settings. A copy of a
   *  subscriber then attaches to production's slots: a plan that cannot promise that the source is no subscriber, and that nothing in
   *  it acts by itself, must refuse. */
  readonly inertCopy: { readonly fromSnapshot: Inertness; readonly toTime: Inertness }
  /** Whether a copy can be made with another class than its source's. */
  readonly copyOfAnotherClass: { readonly fromSnapshot: boolean; readonly toTime: boolean }
  /** How a snapshot says whose it is. `name`: by its name alone, so that descriptions name no owner and the ledger has to. */
  readonly snapshotOwner: 'tags' | 'name'
  /** When a snapshot that was begun is listed. `when-complete`: until then nothing but the operation's record tells of it. */
  readonly snapshotListed: 'at-once' | 'when-complete'
  /** Whether a snapshot can be restored whose instance is gone: nothing that a copy needs has to be asked of the instance. `class-named`: only
   *  as the class that somebody names, since the snapshot does not say what its instance was. */
  readonly restoreOfDeleted: 'never' | 'class-named' | 'as-it-was'
  /** Whether an instance can be overwritten with a snapshot of its own, so that it keeps its name, address and settings. */
  readonly overwrite: boolean
  /** Whether a snapshot can be copied into another region of its account. */
  readonly snapshotCopies: boolean
  /** What `networkRules` are: ids of security groups, or IPv4 networks such as `10.1.2.0/24`. */
  readonly networkRules: 'security-groups' | 'networks'
  /** What a parameter does that PostgreSQL takes at its start only: it waits for a restart that is asked for, or the cloud restarts the server
   *  at once, which a plan must say. */
  readonly staticParameters: 'wait-for-restart' | 'restart-at-once'
  /** Whether an instance can be protected from removal by a setting of its own. */
  readonly deletionProtection: boolean
  /** `sized`: an instance has a size of its own, which can be raised. `grows`: it has none, and holds what is written to it. */
  readonly storage: 'sized' | 'grows'
  /** Whether an instance can have read replicas that become instances of their own; false: its readers share its storage. */
  readonly replicas: boolean
  /** Whether a promotion can wait by itself until the replica has everything; false: whoever promotes has to see to it by SQL. */
  readonly promotionAwaitsSource: boolean
  /** What the vendor calls the act by which an instance and its read replica exchange their roles and nothing is lost; null: there is none, or none for instances
   *  of this kind. */
  readonly roleExchange: string | null
  /** What the vendor calls the act by which a read replica takes over from an instance that is given up; null wherever `roleExchange` is. */
  readonly failover: string | null
  /** The only name that a new instance's master can have; null: every name will do. */
  readonly masterName: string | null
  /** Whether the cloud keeps a record of what it accepted, so that `describeOperation` tells of a failure that the resource does not show. */
  readonly operationRecords: boolean
}

export type Inertness = 'before-first-start' | 'after-start'
