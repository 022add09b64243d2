/** The words of bringing rows back: what was asked, what a plan says, how it ended. Plain JSON; rows are counted and named by their keys as
 *  a comparison names them, and no other value is in here. */

export interface RecoveryRequest {
  /** `schema.table`, quoted as PostgreSQL quotes, in the bytes' order. */
  readonly tables: readonly string[]
  /** SQL over a row of the copy; only what it is true for comes back. Null: all that is missing. */
  readonly where: string | null
  /** Triggers of the live tables may run for what comes back. */
  readonly fireTriggers: boolean
}

export interface Place {
  /** Null: the server does not tell it to the role. */
  readonly system: string | null
  readonly database: string
}

/** An expectation from what stands in the live database now; traffic changes it. */
export interface Expected {
  /** Of the constraint or index. */
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: number
}

export interface SequenceBehind {
  readonly sequence: string
  readonly column: string
  /** Null: it has given out nothing. */
  readonly at: string | null
  /** The highest value that comes back. */
  readonly brought: string
}

export interface TablePlan {
  readonly table: string
  readonly key: readonly string[]
  /** What comes back of a row, the key included. */
  readonly columns: readonly string[]
  /** Columns that only the live table has: they get their defaults. */
  readonly defaults: readonly string[]
  /** That run when a row comes back. */
  readonly triggers: readonly string[]
  /** Only in the copy. */
  readonly rows: number
  /** Of the 64-bit hashes of these rows, in decimal. */
  readonly sum: string
  /** Only in the copy too, but `where` is not true for them: they stay away. */
  readonly leftOut: number
  /** In both and not the same: they stay as they are. */
  readonly changed: number
  /** Rows that refer to one that is neither there nor comes back, by foreign key. */
  readonly orphans: readonly Expected[]
  /** Rows whose value of another unique index is taken. */
  readonly taken: readonly Expected[]
  readonly sequencesBehind: readonly SequenceBehind[]
  /** The first keys of each. */
  readonly sample: { readonly missing: readonly (readonly string[])[]; readonly changed: readonly (readonly string[])[] }
}

export interface RowRecoveryPlan {
  readonly version: 1
  /** SHA-256 over what an approval binds: both places, the request, what went before, and of each table all but what traffic changes by itself. */
  readonly digest: string
  readonly copy: Place
  readonly live: Place
  readonly request: RecoveryRequest
  /** Digest of the last run that ended over one of these tables: the same rows may be lost twice, and then they are another plan. */
  readonly previous: string | null
  /** In the order in which they are written: parents first. */
  readonly tables: readonly TablePlan[]
  /** A run of this very plan was cut off after its rows were staged: applying it goes on, with these rows and not with those of another copy. */
  readonly underWay: boolean
  /** The run before it ended for the same request: what is missing now may have been deleted since, and with reason. */
  readonly repeats: boolean
  /** Where the copy has the keys of these rows: staging takes just them. Absent: it surveys once more, and takes only what the plan says. */
  readonly kept?: string
}

/** `altered`: brought back, and a trigger made something else of it. `reappeared`: its key was there again. `refused`: another unique value is
 *  taken, or PostgreSQL or a trigger said no. `orphan`: a row that it refers to is not there. */
export const OUTCOMES = ['brought', 'altered', 'reappeared', 'refused', 'orphan'] as const
export type Outcome = (typeof OUTCOMES)[number]

export interface ToldRow {
  readonly outcome: Outcome
  readonly key: readonly string[]
  /** For `refused`. */
  readonly why: string | null
}

export interface TableRecovered {
  readonly table: string
  readonly key: readonly string[]
  readonly rows: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** The first of those that were not simply brought back. */
  readonly sample: readonly ToldRow[]
}

export interface RowRecoveryResult {
  readonly version: 1
  readonly digest: string
  readonly tables: readonly TableRecovered[]
}

/** A table as the live database alone knows it, before there is a copy. */
export interface ExaminedTable {
  readonly table: string
  readonly key: readonly string[]
  /** Tables that its rows refer to. */
  readonly parents: readonly string[]
  readonly triggers: readonly string[]
}

export interface RecoveryProgress {
  readonly phase: 'looking' | 'staging' | 'bringing back'
  readonly table: string
  /** Looked at, staged or tried, of this table. */
  readonly rows: number
}
