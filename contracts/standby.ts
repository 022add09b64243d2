/** A standby in another cloud: what is declared of it, the states that it may be in, and what a look at it tells. It follows its source by logical
 *  replication, one database each. docs/decisions/0027. */
import type { DeclaredStandby } from './fleet'
import type { Finding, IsoInstant, OperationId } from './operation'

export type { DeclaredStandby }

/** Both by their names in the fleet file. */
export interface StandbyId {
  readonly source: string
  readonly target: string
}

/** `following`, `late`: it gets what is written; `paused`: a person stopped it, and the slot holds the log; `broken`: it gets nothing, for the reason that
 *  is told, and may go on once that is mended; `switching`: an operation moves writing, and has it in hand; `to-be-seeded`: its slot is gone, what it has will
 *  never be whole again. */
export type StandbyState =
  | 'building'
  | 'copying'
  | 'following'
  | 'late'
  | 'paused'
  | 'broken'
  | 'switching'
  | 'to-be-seeded'
  | 'gone'

/** What is named alike on both servers; 63 bytes at most, of lower-case letters, digits and underscores. */
export interface StandbyNames {
  readonly publication: string
  /** On the source. */
  readonly slot: string
  /** On the standby. */
  readonly subscription: string
}

/** The ledger's row of one standby. */
export interface StandbyRecord extends StandbyId {
  readonly version: 1
  readonly state: StandbyState
  /** One sentence; null where the state says it all. */
  readonly reason: string | null
  /** In this state since. */
  readonly since: IsoInstant
  /** That changed it last; null: the watch did. */
  readonly operation: OperationId | null
  /** Of the instances, as their clouds tell them: others of the same names are others. */
  readonly instances: { readonly source: string; readonly target: string }
  readonly names: StandbyNames
  readonly declared: DeclaredStandby
  /** Null: nobody has looked yet. */
  readonly look: StandbyLook | null
  /** Absent: it was never compared, nor is it to be. */
  readonly compared?: StandbyComparisons
  /** Absent: nobody has asked yet, or its storage has no size. */
  readonly disk?: StandbyDisk
}

/** Of the standby's instance, about once an hour. */
export interface StandbyDisk {
  readonly at: IsoInstant
  /** As its cloud says. */
  readonly sizeGib: number
  /** As far as its cloud makes it larger as fast as it fills up; 0: without a limit, absent: it does not. */
  readonly growsToGib?: number
  /** By all of its databases, and by its log. */
  readonly bytesUsed: number
}

/** What is known of its rows by comparing them with its source's, table by table, while others write. It never changes the state. */
export interface StandbyComparisons {
  /** Since when it is to be compared. */
  readonly since: IsoInstant
  /** Somebody has asked for one, which has not begun; null: nobody has. */
  readonly askedAt: IsoInstant | null
  /** The one that is under way; null: none is. */
  readonly running: { readonly since: IsoInstant; readonly tables: number; readonly tablesDone: number } | null
  /** The newest that has ended; null: none has. */
  readonly last: ComparisonTold | null
  /** When the newest began that found all of it equal; null: none has. */
  readonly equalAt: IsoInstant | null
}

/** `different`: of a table at least, rows differ; `inconclusive`: nothing differs, and something could not be compared. No value, and no key. */
export interface ComparisonTold {
  readonly startedAt: IsoInstant
  readonly endedAt: IsoInstant
  readonly verdict: 'equal' | 'different' | 'inconclusive'
  readonly tables: number
  /** At most 50, by name. */
  readonly differing: readonly DifferingTable[]
  /** All of them. */
  readonly tablesDiffering: number
  /** Those of which nothing is known, at most 20, each with why. */
  readonly left: readonly { readonly table: string; readonly why: string }[]
  /** All of them. */
  readonly tablesLeft: number
}

export interface DifferingTable {
  /** As `schema.table`. */
  readonly table: string
  readonly onlyInSource: number
  readonly onlyInStandby: number
  readonly changed: number
  /** False: at least so many. */
  readonly exact: boolean
}

/** One look at both sides. Null: that side could not be asked, or does not tell. */
export interface StandbyLook {
  readonly at: IsoInstant
  readonly source: SourceLook | null
  readonly target: TargetLook | null
  /** Why a side could not be asked, one sentence each. */
  readonly unreached: readonly string[]
  /** The newest beat that has arrived, by the source's clock; null: none has, or the standby could not be asked. */
  readonly beatAt: IsoInstant | null
  /** How late it is by the row that beats: how old that beat is by the source's clock, asked after it was read. */
  readonly lagMs: number | null
  /** Log that the source has flushed and the standby has not confirmed. */
  readonly lagBytes: number | null
  /** By what the names of the slots match that copy its tables, on the source; as the last look knew it that could ask. Null: not known. */
  readonly copySlots: string | null
  /** Schema objects that differ, by id; null: not compared in this look. */
  readonly schemaDiffers: readonly string[] | null
  readonly findings: readonly Finding[]
  /** When the source answered a look last, this one or one before, and where its log ended then. Absent: it never has. */
  readonly heard?: SourceHeard
  /** It has come as far as a file that the source has applied, and gets nothing behind it until it has the file, too. Absent: it has not. */
  readonly waits?: WaitsAtLine
  /** By `"schema"."name"`, where sequences of the source stood about a minute ago that no column draws from: nothing that is replicated tells of them. */
  readonly sequences?: Readonly<Record<string, string>>
  /** What the source held that goes to no standby, as it was seen last. Absent: nobody has looked. */
  readonly uncarried?: UncarriedLook
  /** The source's clock beside that of the worker that watches, as it was seen last. Absent: nobody has looked. */
  readonly skew?: ClockSkew
}

/** What the source's clock says is `aheadMs` after what the worker's does, by `withinMs` more or less: half the time that asking took. */
export interface ClockSkew {
  readonly at: IsoInstant
  /** Negative: behind. */
  readonly aheadMs: number
  readonly withinMs: number
}

/** A few seconds old while the source answers. */
export interface UncarriedLook {
  readonly at: IsoInstant
  /** In no publication, though a standby that is made now would have them; at most 200, by `schema.table`. */
  readonly tables: readonly string[]
  readonly largeObjects: number
  /** Those that hold something; at most 200, by `schema.table`. */
  readonly unlogged: readonly string[]
}

/** A standby that is at its line, as a look saw it. */
export interface WaitsAtLine {
  /** Since the first look that saw it wait, whichever file it was for then. */
  readonly since: IsoInstant
  /** The file that it gets next. */
  readonly script: string
  /** Files that change tables, this one among them, which the source has and it has not. */
  readonly files: number
  /** Tables of it that are empty until its last line, where they are copied. Absent: none. */
  readonly deferred?: number
}

export interface SourceHeard {
  readonly at: IsoInstant
  readonly flushed: string
}

export interface SourceLook {
  /** Null: it is gone. */
  readonly slot: SlotLook | null
  readonly publishedTables: number
  /** Slots by which its tables are copied, while the one that follows is not there: nobody ends them any more. Absent: there are none. */
  readonly strayCopySlots?: { readonly count: number; readonly retainedBytes: number }
}

export interface SlotLook {
  /** A walsender serves it. */
  readonly active: boolean
  /** PostgreSQL's own word: `reserved`, `extended`, `unreserved`, `lost`. */
  readonly walStatus: string | null
  /** Log that it holds back, or one of those does that copy its tables. */
  readonly retainedBytes: number | null
  /** Until `max_slot_wal_keep_size` cuts it off; null: it is not limited. */
  readonly safeBytes: number | null
}

export interface TargetLook {
  /** Null: it is gone. */
  readonly subscription: SubscriptionLook | null
}

export interface SubscriptionLook {
  readonly enabled: boolean
  /** It disables itself after an error. */
  readonly disablesOnError: boolean
  /** The apply worker runs. */
  readonly working: boolean
  /** Since the statistics were reset. */
  readonly applyErrors: number
  readonly syncErrors: number
  readonly tables: CopyProgress
}

/** Of the initial copy. */
export interface CopyProgress {
  readonly tables: number
  /** Copied, and following. */
  readonly ready: number
  /** By `schema.table`; at most 20. */
  readonly copying: readonly { readonly table: string; readonly bytesDone: number; readonly bytesTotal: number | null }[]
  readonly bytesDone: number
  readonly bytesTotal: number
}
