/** What will keep rows of a table from coming back, as far as both databases tell now: parents that are not there, unique values that are taken, and
 *  sequences that would give out again what comes back. Counted while the missing rows are found; nothing here decides anything. */
import type { CatalogTable } from '../verify/catalog'
import { fromTable } from '../verify/catalog'
import { nameOf } from '../verify/found'
import type { Key } from '../verify/key-reader'
import type { TablePair } from '../verify/pairing'
import type { LiveTable } from './live-table'
import { lookUp, textsOf } from './look-up'
import { keyOf, type Sides, slices } from './missing'
import type { Expected, SequenceBehind } from './recovered'

const KEYS_MAX = 5_000

/** Columns of a table by which others refer to it. */
export interface Referred {
  readonly parent: string
  readonly columns: readonly string[]
}

/** What comes back, by the values that others refer to: of each `nameOfReferred`, the values' names. */
export type ComingBack = Map<string, Set<string>>

export const nameOfReferred = ({ parent, columns }: Referred): string => nameOf([parent, ...columns])

export class Expectations {
  readonly #pair: TablePair
  readonly #live: LiveTable
  readonly #sides: Sides
  readonly #referred: readonly Referred[]
  readonly #coming: ComingBack
  /** By foreign key: the values of absent parents, with how many rows refer to them. */
  readonly #absent = new Map<string, Map<string, number>>()
  readonly #taken = new Map<string, number>()
  readonly #highest = new Map<string, bigint>()

  constructor(input: {
    readonly pair: TablePair
    readonly live: LiveTable
    readonly sides: Sides
    /** How others refer to this table. */
    readonly referred: readonly Referred[]
    readonly coming: ComingBack
  }) {
    this.#pair = input.pair
    this.#live = input.live
    this.#sides = input.sides
    this.#referred = input.referred
    this.#coming = input.coming
  }

  async hear(keys: readonly Key[]): Promise<void> {
    for (const some of slices(keys, KEYS_MAX)) await this.#hearSome(some)
  }

  async #hearSome(keys: readonly Key[]): Promise<void> {
    const { foreignKeys, unique, sequences } = this.#live
    const there = new Set(this.#pair.columns.map(({ name }) => name))
    const names = [
      ...new Set([
        ...foreignKeys.flatMap(({ columns }) => columns),
        ...unique.flatMap(({ columns }) => columns.map(({ name }) => name)),
        ...sequences.map(({ column }) => column),
        ...this.#referred.flatMap(({ columns }) => columns),
      ]),
    ].filter((name) => there.has(name))
    if (names.length === 0) return
    const rows = await lookUp<{ texts: (string | null)[] }>(
      this.#sides.source,
      keyOf(this.#pair, 'source'),
      keys,
      `${textsOf(names.map((name) => ({ name })))} AS texts`,
    )
    /** Of the rows that have a value in each of the columns. */
    const valuesOf = (columns: readonly string[]): Key[] => {
      const places = columns.map((name) => names.indexOf(name))
      return rows.flatMap((row) => {
        const values = places.flatMap((at) => row?.texts[at] ?? [])
        return values.length === columns.length ? [values] : []
      })
    }
    for (const key of foreignKeys) await this.#hearParents(key, valuesOf(key.columns))
    for (const { name, columns } of this.#otherUnique())
      await this.#hearTaken(name, columns, valuesOf(columns.map((one) => one.name)))
    for (const { column } of sequences)
      for (const [value = '0'] of valuesOf([column])) {
        const highest = this.#highest.get(column)
        if (/^-?\d+$/.test(value) && (highest === undefined || BigInt(value) > highest)) this.#highest.set(column, BigInt(value))
      }
    for (const referred of this.#referred) {
      const name = nameOfReferred(referred)
      const coming = this.#coming.get(name) ?? new Set()
      for (const values of valuesOf(referred.columns)) coming.add(nameOf(values))
      this.#coming.set(name, coming)
    }
  }

  #otherUnique(): LiveTable['unique'] {
    const key = (this.#pair.key?.columns ?? []).map(({ name }) => name)
    return this.#live.unique.filter(
      ({ columns }) => columns.length !== key.length || columns.some(({ name }) => !key.includes(name)),
    )
  }

  async #hearParents(
    { name, parentFrom, parentColumns }: LiveTable['foreignKeys'][number],
    values: readonly Key[],
  ): Promise<void> {
    const absent = this.#absent.get(name) ?? new Map<string, number>()
    const found = await lookUp(this.#sides.target, { from: parentFrom, columns: parentColumns }, values, 'true AS there')
    for (const [at, value] of values.entries())
      if (found[at] === null) absent.set(nameOf(value), (absent.get(nameOf(value)) ?? 0) + 1)
    this.#absent.set(name, absent)
  }

  async #hearTaken(name: string, columns: LiveTable['unique'][number]['columns'], values: readonly Key[]): Promise<void> {
    const found = await lookUp(this.#sides.target, { from: fromTable(this.#target()), columns }, values, 'true AS there')
    this.#taken.set(name, (this.#taken.get(name) ?? 0) + found.filter((row) => row !== null).length)
  }

  #target(): CatalogTable {
    return this.#pair.target
  }

  /** Once all tables were heard: a parent may come back itself. */
  get orphans(): Expected[] {
    return this.#live.foreignKeys.flatMap(({ name, columns, parent, parentColumns }) => {
      const coming = this.#coming.get(nameOfReferred({ parent, columns: parentColumns.map((one) => one.name) }))
      const rows = [...(this.#absent.get(name) ?? [])].reduce((sum, [value, count]) => sum + (coming?.has(value) ? 0 : count), 0)
      return rows === 0 ? [] : [{ name, columns, rows }]
    })
  }

  get taken(): Expected[] {
    return this.#otherUnique().flatMap(({ name, columns }) => {
      const rows = this.#taken.get(name) ?? 0
      return rows === 0 ? [] : [{ name, columns: columns.map((column) => column.name), rows }]
    })
  }

  get sequencesBehind(): SequenceBehind[] {
    return this.#live.sequences.flatMap(({ name, column, at }) => {
      const highest = this.#highest.get(column)
      if (highest === undefined || (at !== null && BigInt(at) >= highest)) return []
      return [{ sequence: name, column, at, brought: String(highest) }]
    })
  }
}
