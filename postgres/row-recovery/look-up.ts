/** Rows of one side by the values of some of their columns: whether they are there, and what they hold. Values travel as text. */
import { quoteIdentifier } from '../connect/quote'
import { type CatalogColumn, columnText, outputText } from '../verify/catalog'
import type { Key } from '../verify/key-reader'
import type { Side } from '../verify/side'

export interface Where {
  /** What SQL reads the table by. */
  readonly from: string
  readonly columns: readonly Pick<CatalogColumn, 'name' | 'base'>[]
}

/** One answer for each of `keys`, in their order; null: there is no such row. `what`: SQL columns over a row `t`. */
export async function lookUp<T extends object>(
  side: Side,
  { from, columns }: Where,
  keys: readonly Key[],
  what: string,
): Promise<(T | null)[]> {
  if (keys.length === 0) return []
  const names = columns.map((_, at) => `k${at}`)
  const values = columns.map((_, at) => keys.map((key) => key[at]))
  const same = columns.map(({ name, base }, at) => `t.${quoteIdentifier(name)} = CAST(u.k${at} AS ${base})`)
  const rows = await side.query<T & { n: number }>(
    `SELECT u.n::int AS n, ${what} FROM unnest(${names.map((_, at) => `$${at + 1}::text[]`).join(', ')}) WITH ORDINALITY AS u (${names.join(', ')}, n)
       JOIN ${from} AS t ON ${same.join(' AND ')}`,
    values,
  )
  const found = new Map<number, T>(rows.map((row) => [row.n, row]))
  return keys.map((_, at) => found.get(at + 1) ?? null)
}

/** SQL of these columns' texts, as their output functions write them. */
export const textsOf = (columns: readonly Pick<CatalogColumn, 'name'>[]): string =>
  `ARRAY[${columns.map((column) => `CASE WHEN num_nulls(${columnText(column)}) = 0 THEN ${outputText(column)} END`).join(', ')}]::text[]`
