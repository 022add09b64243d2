/** Compares the rows of two databases: table by table, read-only, without shipping a value. Says that they are equal, or which rows differ and how.
 *
 *  `static`: nobody writes on either side; each is read under one snapshot of its own. `live`: the target follows the source by replication.
 *  Why it is done so: docs/decisions/0012-comparing-two-databases.md. */
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { onBothSides } from './both-sides'
import { compareBuckets } from './buckets'
import { Proven, type ProvenSoFar } from './carry-on'
import {
  type CompareProgress,
  type Comparison,
  SIDES,
  type SideName,
  type Sum,
  same,
  type TableResult,
  type Verdict,
} from './compared'
import { explain, Found, unexplained } from './found'
import { refuseSame } from './identity'
import { KeyReader } from './key-reader'
import { type Pairing, pairTables, type Selection, type TablePair } from './pairing'
import { compareRanges } from './ranges'
import { type CaughtUp, FellBehind, firstCopies, followingOf } from './replication'
import { Side, SnapshotLost, TooSlow } from './side'
import { type Catalogs, whatChanged } from './standing'
import { sweep } from './sweep'

export interface CompareOptions {
  readonly source: () => Promise<Session>
  readonly target: () => Promise<Session>
  readonly mode: 'static' | 'live'
  /** Connections on each side that read; under `static` one more holds the snapshot. */
  readonly jobs: number
  readonly selection?: Selection
  /** Put values of differing columns, and keys of any type, into the result. Default false: they may tell of persons. */
  readonly showValues?: boolean
  /** Logical replication slots of the source that the target follows; default: found out. For `live`. */
  readonly slots?: readonly string[]
  /** For `live`: how long the target is waited for at a time. What differs and has not come by then leaves its table inconclusive. Default 60,000. */
  readonly waitMaxMs?: number
  /** After every chunk. */
  readonly onProgress?: (progress: CompareProgress) => void
  /** What `onProven` was told last by a run of the same comparison that was interrupted; default: there was none. */
  readonly carriedOn?: ProvenSoFar | undefined
  /** After every table that was proven equal. */
  readonly onProven?: ((known: ProvenSoFar) => void) | undefined
  /** Asked before each table: true leaves it and those behind it for another run. */
  readonly enough?: (() => boolean) | undefined
  /** Once it fires no further table is begun. For `live`: the one under way is left, too, unless rows of it are known to differ. */
  readonly stop?: AbortSignal | undefined
  readonly signal?: AbortSignal
}

const WAIT_MAX_MS = 60_000
const EVERYTHING: Selection = { tables: [], exclude: [] }

/** Throws as `connect` does, OPTION_INVALID for a table that nobody has and for the same database twice, POOLER_REFUSED, DATABASE_REFUSED (for
 *  one: no room for more locks), CONNECTION_LOST, or the signal's reason. A table that cannot be read is told in its result. */
export async function compareDatabases(options: CompareOptions): Promise<Comparison> {
  const { mode, jobs, signal } = options
  const open = (name: SideName) => Side.open({ name, connect: options[name], mode, jobs, signal })
  const opened = await Promise.allSettled([open('source'), open('target')])
  try {
    const [source, target] = opened.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    })
    if (source === undefined || target === undefined) throw new Error('two sides were opened')
    return await new Run({ source, target }, options).compare()
  } finally {
    await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)))
  }
}

type Sides = Readonly<Record<SideName, Side>>

class Run {
  readonly #sides: Sides
  readonly #options: CompareOptions
  readonly #done: TableResult[] = []
  readonly #notReached: string[] = []
  #caughtUp: CaughtUp | null = null
  #proven: Proven | null = null
  #progress: CompareProgress = { tables: 0, tablesDone: 0, table: null, bytes: 0, bytesDone: 0, rows: 0, differing: 0 }

  constructor(sides: Sides, options: CompareOptions) {
    this.#sides = sides
    this.#options = options
  }

  async compare(): Promise<Comparison> {
    const { mode, selection = EVERYTHING, slots = [], waitMaxMs = WAIT_MAX_MS, signal } = this.#options
    const first = await this.#catalogs()
    const pairing = pairTables(first.source, first.target, selection)
    await refuseSame(this.#sides)
    const { source, target } = this.#sides
    if (mode === 'live') this.#caughtUp = this.#unlessStopped(await followingOf(source, target, { slots, waitMaxMs, signal }))
    const refused = await onBothSides((side) => this.#sides[side].begin(pairing.pairs.map((pair) => pair[side])))
    // Between the first look and the locks a table may have become another.
    const standing = await this.#catalogs()
    const under = pairTables(standing.source, standing.target, selection)
    const changed = whatChanged(first, pairing, standing, under)
    const copied = await this.#firstCopies()
    await this.#carryOn()
    await this.#eachPair(pairing.pairs, new Map([...changed, ...refused.source, ...refused.target, ...copied]))
    for (const [name, why] of new Map([...pairing.unreadable, ...changed])) this.#leave(name, why)
    await this.#stillHeld(standing, under)
    for (const [name, why] of await this.#firstCopies()) if (!copied.has(name)) this.#takeBack(name, why)
    const outside = [...new Set(SIDES.flatMap((side) => standing[side].outside))]
    const { structure } = under
    const left = this.#notReached.length === 0 ? {} : { notReached: this.#notReached }
    return { verdict: this.#verdict(structure), mode, structure, tables: this.#done, outside, ...left }
  }

  #catalogs(): Promise<Catalogs> {
    return onBothSides((side) => this.#sides[side].catalog())
  }

  async #carryOn(): Promise<void> {
    const { mode, carriedOn, onProven } = this.#options
    if (carriedOn === undefined && onProven === undefined) return
    this.#proven = await Proven.open(this.#sides, { mode, earlier: carriedOn, tell: onProven })
  }

  async #firstCopies(): Promise<ReadonlyMap<string, string>> {
    return this.#options.mode === 'live' ? firstCopies(this.#sides.target) : new Map()
  }

  async #eachPair(pairs: readonly TablePair[], left: ReadonlyMap<string, string>): Promise<void> {
    this.#progress = { ...this.#progress, tables: pairs.length, bytes: bytesOf(pairs) }
    for (const pair of pairs) {
      this.#options.signal?.throwIfAborted()
      this.#tell({ table: pair.name })
      const why = left.get(pair.name)
      const result = why === undefined ? await this.#table(pair) : notCompared(pair.name, why)
      if (result === null) this.#notReached.push(pair.name)
      else this.#done.push(result)
      await onBothSides((side) => this.#sides[side].renew())
      this.#tell({ tablesDone: this.#done.length, bytesDone: bytesOf(pairs.slice(0, this.#done.length)) })
    }
  }

  /** Says of a table that it is not compared, unless something is said of it already. */
  #leave(name: string, why: string): void {
    if (!this.#done.some(({ table }) => table === name)) this.#done.push(notCompared(name, why))
  }

  /** What was found holds only if all of it was read under one snapshot and the tables are still the same. */
  async #stillHeld(standing: Catalogs, pairing: Pairing): Promise<void> {
    const held = await onBothSides((side) => this.#sides[side].held())
    const lost = SIDES.find((side) => !held[side])
    if (lost !== undefined) {
      for (const { table } of [...this.#done])
        this.#takeBack(table, `The connection that kept the ${lost} from changing was lost: compare again.`)
      return
    }
    const last = await this.#catalogs()
    const pairedLast = pairTables(last.source, last.target, this.#options.selection ?? EVERYTHING)
    for (const [name, why] of whatChanged(standing, pairing, last, pairedLast)) {
      this.#takeBack(name, why)
      this.#leave(name, why)
    }
  }

  #takeBack(name: string, why: string): void {
    const at = this.#done.findIndex(({ table }) => table === name)
    const result = this.#done[at]
    if (result === undefined) return
    const differences = { ...result.differences, exact: false }
    this.#done[at] = { ...result, verdict: 'inconclusive', differences, note: joined([why, result.note]) }
  }

  #verdict(structure: Pairing['structure']): Verdict {
    const verdicts = new Set(this.#done.map(({ verdict }) => verdict))
    if (structure.length > 0 || verdicts.has('different')) return 'different'
    const isWhole = this.#done.length > 0 && this.#notReached.length === 0 && !verdicts.has('inconclusive')
    return isWhole ? 'equal' : 'inconclusive'
  }

  #unlessStopped(caughtUp: CaughtUp): CaughtUp {
    const { stop } = this.#options
    if (stop === undefined) return caughtUp
    return async () => {
      stop.throwIfAborted()
      await caughtUp()
    }
  }

  #isStop(error: unknown): boolean {
    const { stop } = this.#options
    return stop?.aborted === true && error === stop.reason
  }

  /** What stands in the way of one table is told of it, and keeps nobody from the others. Null: it is left for another run. */
  async #table(pair: TablePair): Promise<TableResult | null> {
    const { stop, enough } = this.#options
    if (stop?.aborted || enough?.()) return null
    try {
      const result = await this.#compareTable(pair)
      if (result.verdict === 'equal') this.#proven?.add(pair, result.rows)
      return result
    } catch (error) {
      return this.#isStop(error) ? null : notCompared(pair.name, whyNot(error))
    }
  }

  async #compareTable(pair: TablePair): Promise<TableResult> {
    if (pair.columns.length === 0) return notCompared(pair.name, 'The sides have no column of it in common.')
    if (this.#options.mode === 'live' && !pair.key?.ordered) {
      const why = pair.key === null ? 'has no key' : 'has a key that the sides order differently'
      return notCompared(
        pair.name,
        `It ${why}: under replication only ranges of a key can be looked at again. Compare it while nobody writes.`,
      )
    }
    const found = new Found()
    const known = await this.#proven?.rowsOf(pair, (rows, bytes) => this.#swept(rows, bytes))
    if (known !== undefined)
      return this.#result(pair, { method: known.rows === null ? 'ranges' : 'sums', rows: known.rows, found })
    if (this.#options.mode === 'live')
      return this.#result(pair, { method: 'ranges', rows: await this.#narrow(pair, found), found })
    const sums = await onBothSides((side, stopped) => this.#sweep(pair, side, stopped))
    const rows = { source: sums.source.rows, target: sums.target.rows }
    if (same(sums.source, sums.target)) return this.#result(pair, { method: 'sums', rows, found })
    found.proven = true
    const seen = await this.#narrow(pair, found)
    if (found.exact) this.#holdAgainst(rows, seen, found)
    return this.#result(pair, { method: pair.key?.ordered ? 'ranges' : 'buckets', rows, found })
  }

  #sweep(pair: TablePair, name: SideName, stopped: () => boolean): Promise<Sum> {
    return sweep({
      side: this.#sides[name],
      pair,
      stopped,
      onChunk: (rows, bytes) => this.#swept(rows, bytes),
    })
  }

  #swept(rows: number, bytes: number): void {
    this.#tell({ rows: this.#progress.rows + rows, bytesDone: this.#progress.bytesDone + bytes })
  }

  /** Looks for the rows that differ. What stops it does not undo what is known: that the sums differ, and what was found until then. */
  async #narrow(pair: TablePair, found: Found): Promise<Rows | null> {
    try {
      return pair.key?.ordered ? await this.#byRanges(pair, found) : await compareBuckets(pair, this.#sides, found)
    } catch (error) {
      if (!found.proven && found.count === 0) throw error
      found.inexact(this.#isStop(error) ? 'The time that it was given was over before all of it was read.' : whyNot(error))
      return null
    }
  }

  /** What was found has to explain what the sums say: an index that does not agree with its table hides rows. */
  #holdAgainst(rows: Rows, seen: Rows | null, found: Found): void {
    const { onlyInSource, onlyInTarget } = found.differences
    const surplus = rows.source - rows.target
    const whole = seen !== null && seen.source === rows.source && seen.target === rows.target
    if (whole && found.count > 0 && onlyInSource - onlyInTarget === surplus) return
    found.inexact(
      'The sums over the whole table differ, and the rows found by its key do not explain it: an index may not agree with its table.',
    )
  }

  async #byRanges(pair: TablePair, found: Found): Promise<Rows | null> {
    const live = this.#caughtUp !== null
    const rows = await compareRanges({
      ...this.#readers(pair),
      caughtUp: this.#caughtUp,
      jobs: this.#options.jobs,
      found,
      signal: this.#options.signal,
      onChunk: (count) => {
        this.#tell({ rows: this.#progress.rows + (live ? count : 0), differing: this.#differing() + found.count })
        this.#options.stop?.throwIfAborted()
      },
    })
    return live ? null : rows
  }

  #readers(pair: TablePair): { source: KeyReader; target: KeyReader } {
    return { source: new KeyReader(this.#sides.source, pair), target: new KeyReader(this.#sides.target, pair) }
  }

  async #result(
    pair: TablePair,
    { method, rows, found }: Pick<TableResult, 'method' | 'rows'> & { found: Found },
  ): Promise<TableResult> {
    const sample = await this.#explain(pair, found)
    const verdict: Verdict =
      found.count > 0 || found.proven ? 'different' : found.unsettled > 0 || !found.exact ? 'inconclusive' : 'equal'
    const key = pair.key?.columns.map(({ name }) => name) ?? null
    const { differences, unsettled } = found
    return { table: pair.name, verdict, method, key, rows, differences, sample, unsettled, note: joined([found.note, pair.note]) }
  }

  /** That rows differ is known by now; which of their columns may be beyond asking, for types whose operators are an extension's. */
  async #explain(pair: TablePair, found: Found): Promise<TableResult['sample']> {
    const showValues = this.#options.showValues === true
    try {
      return await explain(found, pair, this.#readers(pair), showValues)
    } catch (error) {
      if (error instanceof TooSlow || error instanceof ServerError || error instanceof SnapshotLost)
        return unexplained(found, pair, showValues)
      throw error
    }
  }

  #differing(): number {
    return this.#done.reduce((sum, { differences: d }) => sum + d.onlyInSource + d.onlyInTarget + d.changed, 0)
  }

  #tell(change: Partial<CompareProgress>): void {
    this.#progress = { ...this.#progress, ...change }
    this.#options.onProgress?.(this.#progress)
  }
}

type Rows = NonNullable<TableResult['rows']>

function joined(notes: readonly (string | null)[]): string | null {
  const said = notes.filter((note) => note !== null)
  return said.length === 0 ? null : said.join('; ')
}

/** What stands in the way of one table, in words. Throws what stands in the way of all of them. */
function whyNot(error: unknown): string {
  if (error instanceof TooSlow)
    return 'Even its smallest piece took longer than the 60 s that a statement is allowed: try again when the servers are less busy.'
  if (error instanceof FellBehind) return error.message
  if (error instanceof SnapshotLost) return `${error.message}: compare again.`
  if (!(error instanceof ServerError)) throw error
  return whyRefused(error)
}

/** insufficient_privilege: rows are never left out in silence, since row_security is off. */
function whyRefused({ sqlState, message }: ServerError): string {
  const said = `${message} (SQLSTATE ${sqlState})`
  if (sqlState !== '42501') return `PostgreSQL refused: ${said}`
  return `The role may not read all of its rows: ${said}. Compare as its owner, or as a role with BYPASSRLS.`
}

function bytesOf(pairs: readonly TablePair[]): number {
  return pairs.reduce((sum, { source, target }) => sum + source.bytes + target.bytes, 0)
}

const NOTHING = { onlyInSource: 0, onlyInTarget: 0, changed: 0, exact: false } as const

function notCompared(table: string, why: string): TableResult {
  return {
    table,
    verdict: 'inconclusive',
    method: null,
    key: null,
    rows: null,
    differences: NOTHING,
    sample: [],
    unsettled: 0,
    note: why,
  }
}
