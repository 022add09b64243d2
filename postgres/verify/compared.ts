/** The words of a comparison: what was compared, what it found, how far it is. Plain JSON; rows are counted and named by their keys, and no
 *  other value is in here unless somebody asked for it. */

export type SideName = 'source' | 'target'
export const SIDES = ['source', 'target'] as const satisfies readonly SideName[]

/** `equal`: every table was compared and every row is the same. `inconclusive`: nothing differs, but something could not be compared, or did
 *  not stand still. */
export type Verdict = 'equal' | 'different' | 'inconclusive'

/** `sums`: one sum over each side was enough. `ranges`: by ranges of the key. `buckets`: by the hash of the key, or of the whole row. */
export type Method = 'sums' | 'ranges' | 'buckets'

export interface StructureDifference {
  readonly kind: 'table-missing' | 'column-missing'
  /** Where it is missing. */
  readonly side: SideName
  /** `schema.table`, quoted as PostgreSQL quotes. */
  readonly table: string
  readonly column: string | null
}

export interface ColumnDifference {
  readonly column: string
  /** As text, cut to 200 characters; null: it is NULL. Only on request. */
  readonly source?: string | null
  readonly target?: string | null
}

export interface RowDifference {
  readonly kind: 'only-in-source' | 'only-in-target' | 'changed'
  /** Values of the key's columns as text; where they may tell of a person (`keyShown` of the table), `md5:…` of it. Null: the table has no key. */
  readonly key: readonly string[] | null
  /** How many such rows; more than one only without a key. */
  readonly count: number
  /** For `changed`. */
  readonly columns: readonly ColumnDifference[]
}

export interface TableDifferences {
  readonly onlyInSource: number
  readonly onlyInTarget: number
  readonly changed: number
  /** False: at least so many. */
  readonly exact: boolean
}

export interface TableResult {
  readonly table: string
  readonly verdict: Verdict
  readonly method: Method | null
  /** Columns that tell its rows apart; null: it has none, and rows are compared as a multiset. */
  readonly key: readonly string[] | null
  /** Null: not counted exactly, because rows changed meanwhile or the table was not compared. */
  readonly rows: { readonly source: number; readonly target: number } | null
  readonly differences: TableDifferences
  /** The first of them. */
  readonly sample: readonly RowDifference[]
  /** Live: keys that changed so often that nothing can be said of them. */
  readonly unsettled: number
  /** Why it could not be compared, or what was compared in another way than usual. */
  readonly note: string | null
}

export interface Comparison {
  readonly verdict: Verdict
  readonly mode: 'static' | 'live'
  readonly structure: readonly StructureDifference[]
  readonly tables: readonly TableResult[]
  /** What there is in either database that no table's rows tell: sequences, large objects, tables without rows of their own. */
  readonly outside: readonly string[]
  /** Tables that were left for another run. Absent: none was. */
  readonly notReached?: readonly string[]
}

/** Rows and the exact sum of their 64-bit hashes. */
export interface Sum {
  readonly rows: number
  readonly sum: bigint
}

export const NO_ROWS: Sum = { rows: 0, sum: 0n }

export function plus(a: Sum, b: Sum): Sum {
  return { rows: a.rows + b.rows, sum: a.sum + b.sum }
}

export function same(a: Sum, b: Sum): boolean {
  return a.rows === b.rows && a.sum === b.sum
}

export interface CompareProgress {
  readonly tables: number
  readonly tablesDone: number
  /** What is compared now. */
  readonly table: string | null
  /** Of all bytes of both sides, by the sizes that the servers tell; a table that differs is read again, which does not count. */
  readonly bytes: number
  readonly bytesDone: number
  readonly rows: number
  readonly differing: number
}
