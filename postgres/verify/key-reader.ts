/** What one side says of a range of keys: its sum, its rows' hashes, where to cut it. Keys travel as text; bounds are `(after, upTo]`. */
import { columnText, fromTable, outputText } from './catalog'
import type { Sum } from './compared'
import type { TablePair } from './pairing'
import { type FormedColumn, rowHash } from './row-hash'
import type { Side } from './side'

export type Key = readonly string[]

export interface KeyRange {
  /** Null: from the very first. */
  readonly after: Key | null
  /** Null: to the very last, and what is behind it over there. */
  readonly upTo: Key | null
}

export interface HashedRow {
  readonly key: Key
  readonly hash: string
}

/** With what tells it from every other version of the same row, also from one that says the same: an update, and a row that was removed and
 *  came again, has another. */
export interface RowVersion extends HashedRow {
  readonly version: string
}

const VERSION = `format('%s %s', t.xmin, t.ctid)`

/** Rows of a range whose keys share a hash: their sum, and the sum of hashes of their versions. */
export interface Bucket extends Sum {
  readonly versions: bigint
}

export const BUCKETS = 1_024

export class KeyReader {
  readonly side: Side
  readonly #from: string
  readonly #hash: string
  readonly #columns: readonly FormedColumn[]
  readonly #keys: readonly FormedColumn[]

  constructor(side: Side, pair: TablePair) {
    this.side = side
    this.#from = `${fromTable(pair[side.name])} AS t`
    this.#columns = pair.columns.map((column) => column[side.name])
    this.#hash = rowHash(this.#columns)
    this.#keys = (pair.key?.columns ?? []).map((column) => column[side.name])
  }

  async sum(range: KeyRange): Promise<Sum> {
    const { where, values } = this.#within(range)
    const sql = `SELECT count(*) AS rows, coalesce(sum(${this.#hash}), 0)::text AS sum FROM ${this.#from}${where}`
    const [row] = await this.side.query<{ rows: number; sum: string }>(sql, values)
    return { rows: row?.rows ?? 0, sum: BigInt(row?.sum ?? 0) }
  }

  /** The same by the hash of the key, of all buckets or of some; empty ones are left out. Read as the sum is read, by no index of its own. */
  async buckets(range: KeyRange, only: readonly number[] | null): Promise<Map<number, Bucket>> {
    const { where, values } = this.#within(range)
    const bucket = `((${rowHash(this.#keys)}) & ${BUCKETS - 1})::int`
    const some = only === null ? '' : `${where === '' ? ' WHERE' : ' AND'} ${bucket} = ANY ($${values.length + 1}::int[])`
    const rows = await this.side.query<{ bucket: number; rows: number; sum: string; versions: string }>(
      `SELECT ${bucket} AS bucket, count(*) AS rows, sum(${this.#hash})::text AS sum, sum(hashtextextended(${VERSION} COLLATE "C", 0))::text AS versions
         FROM ${this.#from}${where}${some} GROUP BY 1`,
      only === null ? values : [...values, only],
    )
    return new Map(rows.map((row) => [row.bucket, { rows: row.rows, sum: BigInt(row.sum), versions: BigInt(row.versions) }]))
  }

  /** The key of the `n`th row of the range; null: it has fewer. */
  async nth(range: KeyRange, n: number): Promise<Key | null> {
    const { where, values } = this.#within(range)
    const sql = `SELECT ${this.#keyText()} AS key FROM ${this.#from}${where} ORDER BY ${this.#order()} OFFSET ${n - 1} LIMIT 1`
    const [row] = await this.side.query<{ key: Key }>(sql, values)
    return row?.key ?? null
  }

  /** Null: it is empty. */
  async last(): Promise<Key | null> {
    const order = this.#keys.map(({ column }) => `${columnText(column)} DESC`)
    const [row] = await this.side.query<{ key: Key }>(
      `SELECT ${this.#keyText()} AS key FROM ${this.#from} ORDER BY ${order.join(', ')} LIMIT 1`,
    )
    return row?.key ?? null
  }

  /** In the key's order. Read as the sum of the range is read, whole and then sorted (OFFSET 0 keeps the order from choosing another index): what
   *  a damaged index hides from the one must not be hidden from the other only. */
  async rows(range: KeyRange, limit: number): Promise<HashedRow[]> {
    const { where, values } = this.#within(range)
    const order = this.#keys.map((_, at) => `k${at}`)
    const keys = this.#keys.map(({ column }, at) => `${columnText(column)} AS k${at}`).join(', ')
    return this.side.query<HashedRow & Record<string, unknown>>(
      `SELECT key, hash FROM (SELECT ${this.#keyText()} AS key, ${this.#hash}::text AS hash, ${keys} FROM ${this.#from}${where} OFFSET 0) AS u
        ORDER BY ${order.join(', ')} LIMIT ${limit}`,
      values,
    )
  }

  /** Those of these keys that the range has, read as its sum is read. */
  async among(range: KeyRange, keys: readonly Key[], limit: number): Promise<RowVersion[]> {
    const { where, values } = this.#within(range)
    const asked = `SELECT ARRAY(SELECT jsonb_array_elements_text(k)) FROM jsonb_array_elements($${values.length + 1}::jsonb) AS k`
    return this.side.query<RowVersion & Record<string, unknown>>(
      `SELECT key, hash, version
         FROM (SELECT ${this.#keyText()} AS key, ${this.#hash}::text AS hash, ${VERSION} AS version FROM ${this.#from}${where} OFFSET 0) AS u
        WHERE key COLLATE "C" IN (${asked}) LIMIT ${limit}`,
      [...values, JSON.stringify(keys)],
    )
  }

  /** A hash for each column, in the order of the pair's; and their texts where `values` are asked for. */
  async columnsOf(keys: readonly Key[], values: boolean): Promise<{ key: Key; hashes: string[]; values: (string | null)[] }[]> {
    const hashes = this.#columns.map((column) => `${rowHash([column])}::text`)
    const texts = values
      ? this.#columns.map(
          ({ column }) => `CASE WHEN num_nulls(${columnText(column)}) = 0 THEN left(${outputText(column)}, 200) END`,
        )
      : []
    return this.#ofKeys(keys, `ARRAY[${hashes.join(', ')}]::text[] AS hashes, ARRAY[${texts.join(', ')}]::text[] AS values`)
  }

  async #ofKeys<T extends { key: Key } & Record<string, unknown>>(keys: readonly Key[], what: string): Promise<T[]> {
    if (keys.length === 0) return []
    const rows = keys.map((key, row) => `(${key.map((_, at) => this.#bound(row * key.length + at)).join(', ')})`)
    const columns = this.#keys.map(({ column }) => columnText(column)).join(', ')
    const sql = `SELECT ${this.#keyText()} AS key, ${what} FROM ${this.#from} WHERE (${columns}) IN (${rows.join(', ')})`
    return this.side.query<T>(sql, keys.flat())
  }

  #within({ after, upTo }: KeyRange): { where: string; values: string[] } {
    const columns = `ROW(${this.#keys.map(({ column }) => columnText(column)).join(', ')})`
    const values = [...(after ?? []), ...(upTo ?? [])]
    const bounds = (key: Key | null, first: number) => `ROW(${(key ?? []).map((_, at) => this.#bound(first + at)).join(', ')})`
    const parts = [
      ...(after === null ? [] : [`${columns} > ${bounds(after, 0)}`]),
      ...(upTo === null ? [] : [`${columns} <= ${bounds(upTo, after?.length ?? 0)}`]),
    ]
    return { where: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, values }
  }

  /** `position`: from 0, over whole keys. */
  #bound(position: number): string {
    const column = this.#keys[position % this.#keys.length]?.column
    return `CAST($${position + 1} AS ${column?.base ?? 'text'})`
  }

  #keyText(): string {
    return `ARRAY[${this.#keys.map(({ column }) => outputText(column)).join(', ')}]`
  }

  #order(): string {
    return this.#keys.map(({ column }) => columnText(column)).join(', ')
  }
}
