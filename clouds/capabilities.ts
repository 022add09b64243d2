/** Where the clouds differ, declared so that a plan can say what a cloud cannot do before anything is done. Facts of each cloud's API, with
 *  their sources in docs/decisions/0006-one-port.md; nothing here depends on an account. */

export interface Capabilities {
  /** `new-instance`: as a new one. `in-place`: over an instance, which the adapter makes for it first. `moment`: not at all; the moment at
   *  which the snapshot was complete is restored from its instance's log, for as long as the instance and its log are there. */
  readonly restoreFromSnapshot: 'new-instance' | 'in-place' | 'moment'
  /** To any moment of the instance's `restoreWindow`. */
  readonly restoreToTime: boolean
  /** From when on a restored copy cannot act on the outside. `after-start`: it runs for minutes with its source's settings. A copy of a
   *  subscriber then attaches to production's slots: a plan that cannot promise that the source is no subscriber, and that nothing in
   *  it acts by itself, must refuse. */
  readonly inertCopy: { readonly fromSnapshot: Inertness; readonly toTime: Inertness }
  /** Whether a copy can be made with another class than its source's. */
  readonly copyOfAnotherClass: { readonly fromSnapshot: boolean; readonly toTime: boolean }
  /** How a snapshot says whose it is. `name`: by its name alone, so that descriptions name no owner and the ledger has to. */
  readonly snapshotOwner: 'tags' | 'name'
  /** False: an instance's snapshots go with it. */
  readonly snapshotsOutliveInstance: boolean
  /** What `networkRules` are: ids of security groups, or IPv4 networks such as `10.1.2.0/24`. */
  readonly networkRules: 'security-groups' | 'networks'
  /** Whether an instance can be protected from removal by a setting of its own. */
  readonly deletionProtection: boolean
  /** The only name that a new instance's master can have; null: any. */
  readonly masterName: string | null
  /** Whether the cloud keeps a record of what it accepted, so that `describeOperation` tells of a failure that the resource does not show. */
  readonly operationRecords: boolean
}

export type Inertness = 'before-first-start' | 'after-start'
