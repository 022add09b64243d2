/** What an old writer and the one in its place hold otherwise than each other: every table by its key, in both directions, and one without a key by its whole rows. Reads
 *  both, and changes nothing. The new writer goes on meanwhile: each count is of its own moment. */
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { findMissing, type Lacking } from '../row-recovery/missing'
import { asked } from '../row-recovery/survey'
import { onBothSides } from '../verify/both-sides'
import { shownKey, TOLD_MAX } from '../verify/found'
import { refuseSame } from '../verify/identity'
import type { Key } from '../verify/key-reader'
import { pairTables, type TablePair } from '../verify/pairing'
import { Side, type SideOptions, SnapshotLost, TooSlow } from '../verify/side'
import { lookAtWholeRows } from './whole-rows'

/** `there`: in the old writer alone; `gone`: in the new one alone. */
export type SalvageClass = 'there' | 'differs' | 'gone'

export interface LookedTable {
  readonly table: string
  /** Null: whole rows were compared. */
  readonly key: readonly string[] | null
  readonly there: number
  readonly differs: number
  readonly gone: number
  /** The first of each, as a comparison shows them. */
  readonly keys: Readonly<Record<SalvageClass, readonly Key[]>>
  /** Why nothing, or not all, is known of it; or how it was compared otherwise. */
  readonly note: string | null
  /** False: the counts are of a part of it at most. */
  readonly whole: boolean
}

export interface Looked {
  readonly tables: readonly LookedTable[]
  readonly apart: readonly Apart[]
}

/** A table, or a column, of one side alone. */
export interface Apart {
  readonly lackedBy: 'old' | 'writer'
  /** A sentence. */
  readonly said: string
}

export interface LookOptions {
  readonly old: () => Promise<Session>
  readonly writer: () => Promise<Session>
  /** Rows of the old writer that the new one lacks, or has otherwise, piece by piece: with their whole keys. */
  readonly take?: (found: Taken) => Promise<void>
  /** The same of a table without a key, of which nothing is known to be the same and otherwise: a row as JSON, and its table's name. */
  readonly takeWhole?: (table: string, row: string) => Promise<void>
  readonly onProgress?: (progress: { readonly table: string; readonly rows: number }) => void
  readonly signal?: AbortSignal
}

export interface Taken {
  readonly pair: TablePair
  readonly sides: { readonly source: Side; readonly target: Side }
  readonly there: readonly Key[]
  readonly differs: readonly Key[]
}

/** Throws as `connect` does, OPTION_INVALID for the same database twice, DATABASE_REFUSED, or the signal's reason. What stands in the way of one table is told of it. */
export async function lookForSalvage(options: LookOptions): Promise<Looked> {
  return onSides(options, 'live', (sides) => asked(() => lookInto(sides, options)))
}

async function onSides<T>(
  { old, writer, signal }: LookOptions,
  mode: SideOptions['mode'],
  work: (sides: Sides) => Promise<T>,
): Promise<T> {
  const open = (name: 'source' | 'target') =>
    Side.open({ name, connect: name === 'source' ? old : writer, mode, jobs: 1, signal })
  const source = await open('source')
  try {
    const target = await open('target')
    try {
      return await work({ source, target })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

type Sides = Taken['sides']

async function lookInto(sides: Sides, options: LookOptions): Promise<Looked> {
  const { signal } = options
  await refuseSame(sides)
  const everything = { tables: [], exclude: [] }
  const { source, target } = await onBothSides((side) => sides[side].catalog())
  const { pairs, structure, unreadable } = pairTables(source, target, everything)
  const back = new Map(pairTables(target, source, everything).pairs.map((pair) => [pair.name, pair]))
  const tables: LookedTable[] = [...unreadable].map(([table, why]) => unknown(table, why))
  for (const pair of pairs) {
    signal?.throwIfAborted()
    tables.push(await lookAtTable({ pair, turned: back.get(pair.name) ?? null, sides, options }))
  }
  const apart = structure.map(({ kind, side, table, column }) => {
    const where = side === 'source' ? 'the old writer' : 'the new writer'
    const said = kind === 'table-missing' ? `${where} has no table ${table}` : `${where} has no column ${column} of ${table}`
    return { lackedBy: side === 'source' ? ('old' as const) : ('writer' as const), said }
  })
  return { tables: tables.sort((a, b) => (a.table < b.table ? -1 : 1)), apart }
}

interface OneTable {
  readonly pair: TablePair
  /** The same, the other way round. */
  readonly turned: TablePair | null
  readonly sides: Sides
  readonly options: LookOptions
}

async function lookAtTable({ pair, turned, sides, options }: OneTable): Promise<LookedTable> {
  const { name, key } = pair
  if (key === null || turned === null || turned.key === null) return lookAtWhole(pair, options)
  const { take, onProgress } = options
  const found = { there: new Keys(pair), differs: new Keys(pair), gone: new Keys(turned) }
  let rows = 0
  try {
    const hear = async ({ looked, missing, changed }: Lacking): Promise<void> => {
      rows += looked
      const there = missing.map((row) => row.key)
      found.there.add(there)
      found.differs.add(changed)
      if (there.length + changed.length > 0) await take?.({ pair, sides, there, differs: changed })
      onProgress?.({ table: name, rows })
    }
    await findMissing({ sides, pair, where: null, hear })
    const swapped = { source: sides.target, target: sides.source }
    const hearGone = async ({ missing }: Lacking): Promise<void> => found.gone.add(missing.map((row) => row.key))
    if (take === undefined) await findMissing({ sides: swapped, pair: turned, where: null, hear: hearGone })
    return told(pair, found, { note: pair.note, whole: true })
  } catch (error) {
    if (!(error instanceof TooSlow) && !(error instanceof ServerError)) throw error
    const why =
      error instanceof TooSlow
        ? `${TOO_SLOW} These are at least so many.`
        : `PostgreSQL refused (SQLSTATE ${error.sqlState}). These are at least so many.`
    return told(pair, found, { note: why, whole: false })
  }
}

const TOO_SLOW = 'Even its smallest piece took longer than a statement is allowed: ask again when the servers are less busy.'

const BY_ROWS =
  'Nothing tells its rows apart, so that whole rows were counted: one that was changed is there alone as it was, and in the new writer alone as it is now. None goes over.'

async function lookAtWhole(pair: TablePair, options: LookOptions): Promise<LookedTable> {
  const { name } = pair
  const { takeWhole, onProgress } = options
  const take = takeWhole === undefined ? undefined : (row: string) => takeWhole(name, row)
  try {
    const { there, gone, why } = await onSides(options, 'static', (sides) => lookAtWholeRows({ pair, sides, take }))
    onProgress?.({ table: name, rows: there })
    const note = why !== null && there + gone === 0 ? why : [why, pair.note, BY_ROWS].filter((one) => one !== null).join(' ')
    return { ...unknown(name, note), there, gone, whole: why === null }
  } catch (error) {
    if (error instanceof SnapshotLost) return unknown(name, `${error.message}: ask again.`)
    if (error instanceof TooSlow) return unknown(name, TOO_SLOW)
    if (error instanceof ServerError) return unknown(name, `PostgreSQL refused (SQLSTATE ${error.sqlState}).`)
    throw error
  }
}

class Keys {
  count = 0
  readonly first: Key[] = []
  constructor(private readonly pair: TablePair) {}

  add(keys: readonly Key[]): void {
    this.count += keys.length
    for (const key of keys.slice(0, TOLD_MAX - this.first.length)) this.first.push(shownKey(key, this.pair, false))
  }
}

function told(
  { name, key }: TablePair,
  { there, differs, gone }: Readonly<Record<SalvageClass, Keys>>,
  how: Pick<LookedTable, 'note' | 'whole'>,
): LookedTable {
  return {
    ...{ table: name, key: key?.columns.map((column) => column.name) ?? null, ...how },
    ...{ there: there.count, differs: differs.count, gone: gone.count },
    keys: { there: there.first, differs: differs.first, gone: gone.first },
  }
}

function unknown(table: string, note: string): LookedTable {
  return { table, key: null, there: 0, differs: 0, gone: 0, keys: { there: [], differs: [], gone: [] }, note, whole: false }
}
