/** What is found in one table, up to what is worth telling: every difference counts, the first are told with their columns. */
import { createHash } from 'node:crypto'
import { onBothSides } from './both-sides'
import type { ColumnDifference, RowDifference, TableDifferences } from './compared'
import type { HashedRow, Key, KeyReader } from './key-reader'
import type { TablePair } from './pairing'

/** Rows that are told one by one. */
export const TOLD_MAX = 20
/** After so many the table differs, whatever else it holds: the rest is not looked for. */
export const DIFFERING_MAX = 10_000

export class Found {
  onlyInSource = 0
  onlyInTarget = 0
  changed = 0
  unsettled = 0
  exact = true
  /** Sums of the whole tables, or of a range that stood still, differ: they are not equal, whatever is found or not. */
  proven = false
  /** What kept it from being exact, the first reason only. */
  note: string | null = null
  readonly told: { kind: RowDifference['kind']; key: Key | null; count: number }[] = []

  /** `differingMax`: after so many it is full. */
  constructor(private readonly differingMax = DIFFERING_MAX) {}

  get count(): number {
    return this.onlyInSource + this.onlyInTarget + this.changed
  }

  /** Counted by ones, which is what costs. */
  #named = 0

  get full(): boolean {
    return this.#named >= this.differingMax
  }

  /** Whole ranges are counted at once. */
  addMany(kind: 'only-in-source' | 'only-in-target', count: number): void {
    if (kind === 'only-in-source') this.onlyInSource += count
    else this.onlyInTarget += count
  }

  add(kind: RowDifference['kind'], key: Key | null, count = 1): void {
    this.#named += 1
    if (kind === 'only-in-source') this.onlyInSource += count
    else if (kind === 'only-in-target') this.onlyInTarget += count
    else this.changed += count
    if (this.told.length < TOLD_MAX) this.told.push({ kind, key, count })
  }

  /** The rest is not known. */
  inexact(why: string): void {
    this.exact = false
    this.note ??= why
  }

  get differences(): TableDifferences {
    const { onlyInSource, onlyInTarget, changed, exact } = this
    return { onlyInSource, onlyInTarget, changed, exact }
  }
}

interface HashesOfKey {
  readonly key: Key
  readonly source: string[]
  readonly target: string[]
}

/** Keys of either side whose rows are not the same, with how. A key that a damaged index let in twice is there as often as its rows are. */
export function differing(
  source: readonly HashedRow[],
  target: readonly HashedRow[],
): { kind: RowDifference['kind']; key: Key }[] {
  const byKey = new Map<string, HashesOfKey>()
  for (const [side, rows] of [['source', source] as const, ['target', target] as const])
    for (const { key, hash } of rows) {
      const name = nameOf(key)
      const known = byKey.get(name) ?? { key, source: [], target: [] }
      known[side].push(hash)
      byKey.set(name, known)
    }
  return [...byKey.values()].flatMap(({ key, source: ofSource, target: ofTarget }) => {
    const [here, there] = [without(ofSource, ofTarget), without(ofTarget, ofSource)]
    return Array.from({ length: Math.max(here, there) }, (_, at) => {
      const kind = at >= there ? 'only-in-source' : at >= here ? 'only-in-target' : 'changed'
      return { kind, key } as const
    })
  })
}

/** How many of `hashes` have no counterpart among `others`. */
function without(hashes: readonly string[], others: readonly string[]): number {
  if (hashes.length === 1 && others.length === 1) return hashes[0] === others[0] ? 0 : 1
  const left = new Map<string, number>()
  for (const hash of others) left.set(hash, (left.get(hash) ?? 0) + 1)
  return hashes.filter((hash) => {
    const count = left.get(hash) ?? 0
    left.set(hash, count - 1)
    return count <= 0
  }).length
}

/** One text for a key; lengths keep its columns apart. */
export const nameOf = (key: Key): string => key.map((value) => `${value.length}:${value}`).join('')

/** The told ones with the columns that differ, and their values where these were asked for. */
export async function explain(
  found: Found,
  pair: TablePair,
  readers: { readonly source: KeyReader; readonly target: KeyReader },
  showValues: boolean,
): Promise<RowDifference[]> {
  const keys = found.told.flatMap(({ kind, key }) => (kind === 'changed' && key !== null ? [key] : []))
  const { source, target } = await onBothSides((side) => readers[side].columnsOf(keys, showValues))
  const byKey = (rows: typeof source) => new Map(rows.map((row) => [nameOf(row.key), row]))
  const [sources, targets] = [byKey(source), byKey(target)]
  return found.told.map(({ kind, key, count }) => {
    const shown = shownOrNull(key, pair, showValues)
    const [one, other] = key === null ? [] : [sources.get(nameOf(key)), targets.get(nameOf(key))]
    if (kind !== 'changed' || one === undefined || other === undefined) return { kind, key: shown, count, columns: [] }
    const columns = pair.columns.flatMap(({ name }, at): ColumnDifference[] => {
      if (one.hashes[at] === other.hashes[at]) return []
      const values = showValues ? { source: one.values[at] ?? null, target: other.values[at] ?? null } : {}
      return [{ column: name, ...values }]
    })
    return { kind, key: shown, count, columns }
  })
}

/** The told ones without their columns. */
export function unexplained(found: Found, pair: TablePair, showValues: boolean): RowDifference[] {
  return found.told.map(({ kind, key, count }) => ({ kind, key: shownOrNull(key, pair, showValues), count, columns: [] }))
}

const shownOrNull = (key: Key | null, pair: TablePair, showValues: boolean): Key | null =>
  key === null ? null : shownKey(key, pair, showValues)

/** As it may be told: of types that may tell of a person, digests. */
export function shownKey(key: Key, pair: TablePair, showValues: boolean): Key {
  return pair.key?.shown || showValues ? key : key.map(digestOf)
}

/** What `md5(column::text)` says, to find the row by. */
const digestOf = (value: string): string => `md5:${createHash('md5').update(value).digest('hex')}`
