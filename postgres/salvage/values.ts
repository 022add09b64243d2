/** The rows themselves that an old writer has alone, or has otherwise, for a file of the person's own: they go nowhere else. Reads only. */
import { lookUp } from '../row-recovery/look-up'
import { keyOf, slices } from '../row-recovery/missing'
import type { Key } from '../verify/key-reader'
import { type LookOptions, lookForSalvage, type SalvageClass, type Taken } from './look'

export interface SalvagedRow {
  readonly table: string
  readonly class: Exclude<SalvageClass, 'gone'>
  /** By column; empty: nothing tells rows of its table apart. */
  readonly key: Readonly<Record<string, string>>
  /** JSON, as PostgreSQL writes it: parsed, its numbers would be rounded. Null: it is there no more. */
  readonly old: string | null
  /** The same; null: it has no such row. */
  readonly writer: string | null
}

export interface SalvageRead {
  readonly rows: number
  /** What was not read, or not all of it, each a sentence: its rows may be in the old writer alone. */
  readonly left: readonly string[]
}

const ROWS_MAX = 500

/** `row`: one at a time. Throws as `lookForSalvage` does. */
export async function readSalvage(
  options: Omit<LookOptions, 'take' | 'takeWhole'>,
  row: (found: SalvagedRow) => Promise<void>,
): Promise<SalvageRead> {
  let rows = 0
  const take = async ({ pair, sides, there, differs }: Taken): Promise<void> => {
    const names = (pair.key?.columns ?? []).map(({ name }) => name)
    const read = (side: 'source' | 'target', keys: readonly Key[]) =>
      lookUp<{ row: string }>(sides[side], keyOf(pair, side), keys, 'to_jsonb(t)::text AS row')
    for (const [of, keys] of [['there', there] as const, ['differs', differs] as const])
      for (const some of slices(keys, ROWS_MAX)) {
        const [olds, writers] = [await read('source', some), of === 'there' ? [] : await read('target', some)]
        for (const [at, key] of some.entries()) {
          const named = Object.fromEntries(names.map((name, column) => [name, key[column] ?? '']))
          await row({ table: pair.name, class: of, key: named, old: olds[at]?.row ?? null, writer: writers[at]?.row ?? null })
          rows += 1
        }
      }
  }
  const takeWhole = async (table: string, old: string): Promise<void> => {
    await row({ table, class: 'there', key: {}, old, writer: null })
    rows += 1
  }
  const { tables, apart } = await lookForSalvage({ ...options, take, takeWhole })
  return {
    rows,
    left: [
      ...tables.flatMap(({ table, whole, note }) => (whole ? [] : [`${table}: ${note}`])),
      ...apart.flatMap(({ lackedBy, said }) => (lackedBy === 'writer' ? [said] : [])),
    ],
  }
}
