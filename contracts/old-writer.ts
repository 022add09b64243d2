/** An old writer, once writing has moved away from it for good: what its cloud, the instance, the new writer and the endpoint say when somebody means to remove it. Nothing here
 *  removes it, and nothing is changed: what is found is judged by who asks. docs/decisions/0017-taking-the-place.md. */
import type { EndpointQueue, HostPort } from './endpoint'
import type { Cloud } from './fleet'
import type { FencedTarget } from './instance-fence'
import type { InstanceAddress } from './migrate'
import type { OldAtCloud } from './old-instance'
import type { IsoInstant, OperationId, Sha256 } from './operation'

export const LOOK_AT_OLD_WRITER_WORKFLOW = 'lookAtOldWriter'

export interface LookAtOldWriterInput {
  /** By which writing moved away from it. */
  readonly moved: OperationId
  readonly old: {
    /** In which its entry is. */
    readonly bundle: Sha256
    readonly cloud: Cloud
    /** As the ledger knows it. */
    readonly instanceId: string
    /** Whom its network may let in although its cloud keeps it closed; null: its cloud does not. */
    readonly leftIn: readonly string[] | null
    /** As whom others followed it: they may connect still. */
    readonly publishers: readonly string[]
  }
  readonly writer: {
    /** In which its entry is, with the endpoint of both. */
    readonly bundle: Sha256
    readonly cloud: Cloud
    readonly endpointOn: EndpointQueue
  }
  readonly heartbeatTimeoutMs: number
  /** How long work may lie in a queue before a worker is missed. */
  readonly unclaimedTimeoutMs: number
}

export interface OldWriterAtCloud extends OldAtCloud {
  readonly instance: FencedTarget
  /** The cloud's own word; null where there is none. */
  readonly cloudState: string | null
  /** Null: it does not run, or has no address. */
  readonly address: InstanceAddress | null
  /** Rules that let in somebody, other than the control plane, while it runs; null: it is not its cloud that keeps it closed. */
  readonly lettingIn: readonly string[] | null
}

/** What could not be asked, and why. */
export interface NotAsked {
  readonly asked: false
  readonly why: string
}

export interface OldWriterInside {
  readonly asked: true
  /** Where it is written who may act, and that writing moved away; without it nothing says so. */
  readonly keyhole: boolean
  /** What is written there; null: nothing. */
  readonly mark: { readonly operation: string; readonly writer: string } | null
  /** It takes no connections. */
  readonly closed: boolean
  /** By the catalog, in words; empty: it takes no connections, or none but of its own roles. */
  readonly open: readonly string[]
  /** Who may come in besides its own roles, by whatever right. */
  readonly stillIn: readonly string[]
  /** Who is in it now, in words; null: nobody. */
  readonly sessions: string | null
  /** Transactions that are prepared and neither committed nor rolled back, of every database of the instance. */
  readonly prepared: readonly string[]
  /** Slots that somebody reads. */
  readonly readers: readonly string[]
  /** Other databases of the instance that hold something, or may. */
  readonly others: readonly OtherDatabase[]
}

export interface OtherDatabase {
  readonly name: string
  readonly open: boolean
  /** Where writing of it moved to, by which operation; null: it did not. */
  readonly moved: { readonly operation: string; readonly writer: string } | null
}

export interface NewWriterAtCloud {
  /** Null: its cloud has none of that name. */
  readonly instance: FencedTarget | null
  readonly state: string
  /** The cloud's own word. */
  readonly cloudState: string
  readonly replicaOf: string | null
  readonly address: InstanceAddress | null
  readonly backups: {
    /** Of the snapshots that somebody asked for, and that are complete. */
    readonly newestSnapshot: IsoInstant | null
    /** The newest moment that can be restored; null: the cloud names none. */
    readonly restorableTo: IsoInstant | null
    /** Its cloud takes some by itself. */
    readonly automatic: boolean
  }
}

export interface NewWriterInside {
  readonly asked: true
  /** A physical standby. */
  readonly recovering: boolean
  /** By its own word, the fleet name of what it follows; null: nobody's standby. */
  readonly follows: string | null
  /** That writing moved away from it. */
  readonly mark: { readonly operation: string; readonly writer: string } | null
  /** Applications may not come in, in words; empty: they may. */
  readonly shut: readonly string[]
}

/** What workers saw. Where the old writer is not there any more nothing else was asked. */
export interface OldWriterSeen {
  readonly old: OldWriterAtCloud
  readonly rest: {
    readonly inside: OldWriterInside | NotAsked
    readonly writer: NewWriterAtCloud
    readonly writerInside: NewWriterInside | NotAsked
    /** Where the endpoint leads; null: nobody can be asked. */
    readonly endpointAt: HostPort | null
  } | null
  readonly asOf: IsoInstant
}
