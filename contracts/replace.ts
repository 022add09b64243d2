/** Inputs and results of the operation by which a restored copy takes its instance's place: `capstan restore … --as replacement`. */
import type { EndpointQueue, EndpointState } from './endpoint'
import type { InstanceAddress } from './migrate'
import { type IsoInstant, OPERATION_STEPS, type OperationId, type OperationInput, type Sha256, type StepName } from './operation'
import type { PlannedPoint } from './restore'
import type { RestorePoint } from './restore-point'
import type { SnapshotStorage } from './snapshot'

export const REPLACE_WORKFLOW = 'replace'

/** The runbook's steps in order; the second half of docs/runbooks/restore.md has the same headings. */
export const REPLACE_STEPS = {
  lock: OPERATION_STEPS.lock,
  plan: { id: 'plan', title: 'Plan the replacement' },
  copy: { id: 'copy', title: 'Restore the inert replacement' },
  setUp: { id: 'set-up', title: 'Set it up as the instance was' },
  verify: { id: 'verify', title: 'Verify the replacement' },
  report: { id: 'report', title: 'Report what would be lost' },
  approve: { id: 'approve', title: 'Wait for an approval' },
  remainder: { id: 'remainder', title: 'Report what was written since' },
  fence: { id: 'fence', title: 'Fence the old instance' },
  act: { id: 'act', title: 'Let the replacement act' },
  admit: { id: 'admit', title: 'Let the applications in' },
  move: { id: 'move', title: 'Move the endpoint' },
  handOver: { id: 'hand-over', title: 'Hand the replacement over' },
  protect: { id: 'protect', title: 'Protect the replacement' },
  keepOld: { id: 'keep-old', title: 'Keep the old instance for its time' },
  removeCopy: { id: 'remove-copy', title: 'Remove the replacement' },
  evidence: OPERATION_STEPS.evidence,
  unlock: OPERATION_STEPS.unlock,
} as const satisfies Record<string, StepName>

/** Names of the operation's documents in the ledger. */
export const REPLACE_DOCUMENTS = {
  plan: 'replacement-plan',
  /** How the instance was set up, captured before anything changed. */
  configuration: 'configuration',
  checks: 'checks-copy',
  report: 'delta',
  remainder: 'delta-remainder',
  written: 'written-since',
  /** Once it is there, the copy is production: no step of the operation may remove it any more. */
  tookOver: 'took-over',
} as const

/** What was asked for. */
export interface ReplaceRequest {
  readonly point: RestorePoint
  /** A person's word that nothing acted by itself in the instance at that moment; asked for where a copy runs before it is inert. */
  readonly wasDormant: boolean
  /** A person's word that the instance is down for good, and that nobody writes into it: it cannot be fenced. */
  readonly oldIsGone: boolean
  /** Tables and databases that came to be after the report may be lost as well. Rows of the reported ones are, in any case. */
  readonly acceptLaterWrites: boolean
  /** How long the comparison of the rows may take; after that rows are only counted. */
  readonly compareMs: number
  /** How long the old instance is kept, closed, before somebody is told that it may go. Null, or none in an older input: nobody is told. */
  readonly keepOldHours?: number | null
}

export interface ReplaceInput extends OperationInput, ReplaceRequest {
  /** Whose worker moves the endpoint; absent: that of `postgres`. */
  readonly endpointOn?: EndpointQueue
}

/** What `--plan` shows. Its digest covers everything but `digest` itself. */
export interface ReplacePlan {
  readonly version: 1
  readonly digest: Sha256
  readonly bundle: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  /** The cloud's own word for the instance's state. */
  readonly cloudState: string
  readonly storage: SnapshotStorage
  readonly point: PlannedPoint
  readonly copy: string
  readonly inertCopy: 'before-first-start' | 'after-start'
  readonly wasDormant: boolean
  readonly oldIsGone: boolean
  readonly acceptLaterWrites: boolean
  /** Null: for good. */
  readonly keepOldHours: number | null
  /** Digest of the captured configuration. */
  readonly configuration: Sha256
  readonly instanceClass: string
  /** Whom the replacement will let in, once it may: the instance's own rules. */
  readonly networkRules: readonly string[]
  /** What the replacement will not have, each in words. */
  readonly notCarried: readonly string[]
  /** Null: the instance cannot be fenced, since it is gone. */
  readonly fence: {
    readonly summary: string
    readonly databases: readonly string[]
    readonly obstacles: readonly string[]
  } | null
  readonly endpoint: EndpointState
}

/** The plan as the workflow carries it: the whole one is in the ledger. */
export interface ReplacePlanSummary {
  readonly digest: Sha256
  readonly instance: string
  readonly instanceId: string
  readonly engineVersion: string
  readonly point: PlannedPoint
  /** Null for an instance that is gone. */
  readonly source: InstanceAddress | null
  /** Where the instance is, whether it answers or not; null: it has no address. */
  readonly address: InstanceAddress | null
  /** The copy runs for a while with its source's settings. */
  readonly afterStart: boolean
  /** The `snapshot` of this database that took it, with manifests around it; null: none. */
  readonly takenBy: OperationId | null
  readonly notCarriedCount: number
}

/** What the cloud answers for, before the fence and the endpoint were asked. */
export type PlannedReplacement = Omit<ReplacePlanSummary, 'digest'>

/** Rows of one table, counted: null where it is not there, or could not be counted. */
export interface CountedTable {
  readonly table: string
  readonly live: number | null
  readonly copy: number | null
}

export interface TableDelta {
  readonly table: string
  readonly onlyInLive: number
  readonly onlyInCopy: number
  readonly changed: number
  /** False: at least so many. */
  readonly exact: boolean
  /** Columns that tell rows apart; null: it has none. */
  readonly key: readonly string[] | null
  /** The first of them, each in words: which row, by its key, and where it is. */
  readonly rows: readonly string[]
}

/** By the server's own counters. */
export interface WrittenRows {
  /** Changes whenever all counters may have been lost: by a start, a crash, another server. Null: not asked. */
  readonly sameServer: string | null
  /** By database. `since` changes when its counter begins anew. */
  readonly databases: Readonly<Record<string, { readonly rows: number; readonly since: string }>>
}

/** What would be lost by the replacement, and what of it is not known. Never a value that may tell of a person. */
export interface DeltaReport {
  readonly version: 1
  readonly digest: Sha256
  /** When the instance was asked. */
  readonly asOf: IsoInstant
  /** What the copy holds: from then on everything is lost. */
  readonly from: IsoInstant | null
  /** Why the instance could not be asked; null: it could. */
  readonly unasked: string | null
  /** Where the instance's log was when it was asked, as text; null: unknown. */
  readonly lsn: string | null
  /** How many rows were ever written by then. What is more of them under the fence is written since, as long as nothing made the counters begin anew. */
  readonly written: WrittenRows
  /** Tables of the declared database whose rows differ, or that one of both does not have. */
  readonly tables: readonly TableDelta[]
  readonly equalTables: readonly string[]
  /** By `schema.table`: why its rows could not be compared. */
  readonly notCompared: readonly { readonly table: string; readonly why: string }[]
  /** Tables and columns that one of both does not have, in words. */
  readonly structure: readonly string[]
  /** Roles, grants, settings and extensions that differ, in words. */
  readonly roles: readonly string[]
  /** Of the instance's other databases, and of tables that were not compared. */
  readonly counted: readonly {
    readonly database: string
    readonly tables: readonly CountedTable[]
    readonly why: string | null
  }[]
  /** By database: the instance's tables before anything was compared; null: they could not be listed. What is not among them came to be since. */
  readonly listed: Readonly<Record<string, readonly string[] | null>>
  /** By database: numbers of all that has rows or could be asked for some, as a catalog that all databases share has them; null: not asked. With them
   *  it is found under the fence, where no database but ours may be read, what came to be behind the list of names. */
  readonly relations: Readonly<Record<string, readonly number[]>> | null
  /** Databases that the copy does not have. */
  readonly missingDatabases: readonly string[]
  /** What no row tells, each a sentence. */
  readonly caveats: readonly string[]
}

export interface DeltaSummary {
  readonly digest: Sha256
  readonly asked: boolean
  /** Rows that only the instance has, or has otherwise: what is lost. */
  readonly lostRows: number
  readonly exact: boolean
  readonly summary: string
}

/** What was written between the last look and the fence: no more than these rows. TRUNCATE and DDL are in no counter, and are between both places of the log. */
export interface WrittenSince {
  readonly version: 1
  readonly since: IsoInstant
  /** Where the log was then; null: unknown. */
  readonly sinceLsn: string | null
  /** Where it ends. */
  readonly fencedAt: string
  /** Null: a counter began anew meanwhile, and nobody can say. */
  readonly databases: readonly { readonly database: string; readonly rowsMax: number | null }[]
  /** What came to be behind the last list, each in words: of what has no more than a number nobody can read the name. */
  readonly cameToBe: readonly string[]
  /** By database: the version of its row in the catalog. Another one later says that it was altered, and perhaps opened. */
  readonly databaseRows: Readonly<Record<string, string>>
}

/** What an approval binds to. */
export interface ReplacementQuestion {
  readonly plan: Sha256
  readonly delta: Sha256
}
