/** A slice of the comparison of a standby with its source that nobody waits for: some minutes, by one connection to each side that reads. It takes no lock, and
 *  changes nothing but the ledger's word. What is known goes into the ledger at the end of each slice, so that the next one goes on from there, whatever dies.
 *  docs/decisions/0035-migrations-and-standbys.md. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { IsoInstant } from '../../contracts/operation'
import type { StandbyWatch } from '../../contracts/replicate'
import type { StandbyRecord } from '../../contracts/standby'
import type { ProvenSoFar } from '../../postgres/verify/carry-on'
import { compareDatabases } from '../../postgres/verify/compare'
import type { TableResult } from '../../postgres/verify/compared'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import { isDue, mayCompare, overAt } from './comparison-due'
import { publishedTables } from './published'
import { type Both, bothOf, opener, type SideName } from './sides'
import { type ToldTable, toldOf, toldOfAll } from './told'

/** No table is begun any more after it; one that takes longer is read to its end. */
const SLICE_MS = 10 * 60_000
/** Between two looks at whether it still may go on. */
const ASK_EVERY_MS = 3_000

/** Its activities have no record: what opens a session shows whose it is. */
const COMPARE = { operation: 'watch', step: 'compare' } as const

/** In the ledger between two slices. Plain JSON. */
interface SoFar {
  readonly version: 1
  /** Of which comparison. */
  readonly since: IsoInstant
  /** Null: no table was proven equal yet. */
  readonly proven: ProvenSoFar | null
  /** Tables that were equal, and are too many for `proven`. */
  readonly equal: readonly string[]
  readonly told: readonly ToldTable[]
}

const nothingYet = (since: IsoInstant): SoFar => ({ version: 1, since, proven: null, equal: [], told: [] })

export async function compareByClock(
  deps: ActivityDeps,
  watch: StandbyWatch,
  sliceMs: number = SLICE_MS,
): Promise<{ ended: boolean }> {
  const { ledger } = deps
  const both = await bothOf(deps, watch.bundle)
  const record = await ledger.getStandby(both.id)
  if (record === null || !isDue(record, Date.now())) return { ended: true }
  assertMayAct()
  const { compared } = await ledger.noteComparison({ ...both.id, note: { kind: 'begun', at: new Date().toISOString() } })
  const since = compared?.running?.since
  if (since === undefined) return { ended: true }
  const slice = new Slice(deps, { watch, both, record, since, sliceMs })
  const soFar = await slice.known()
  const tables = await slice.tables()
  const hasTime = overAt(record, since) > Date.now()
  const { known, left } = hasTime ? await slice.compare(soFar, tables) : { known: soFar, left: unknownOf(soFar, tables) }
  const isOver = left.length === 0 || Date.now() >= overAt(record, since)
  assertMayAct()
  if (!isOver) return { ended: false }
  const told = toldOfAll({ since, tables, told: known.told, left })
  await ledger.noteComparison({ ...both.id, note: { kind: 'ended', since, told } })
  return { ended: true }
}

interface Sliced {
  readonly watch: StandbyWatch
  readonly both: Both
  readonly record: StandbyRecord
  readonly since: IsoInstant
  readonly sliceMs: number
}

/** `left`: of which nothing is known yet. */
interface Compared {
  readonly known: SoFar
  readonly left: readonly string[]
}

class Slice {
  constructor(
    private readonly deps: ActivityDeps,
    private readonly sliced: Sliced,
  ) {}

  async known(): Promise<SoFar> {
    const { both, since } = this.sliced
    const held = (await this.deps.ledger.getComparison(both.id)) as SoFar | null
    return held?.version === 1 && held.since === since ? held : nothingYet(since)
  }

  /** What the source publishes, by name. */
  async tables(): Promise<readonly string[]> {
    const { entry, address } = this.#place('source')
    const request = { ...COMPARE, entry, role: 'migrator', address, canary: false } as const
    const { published } = await withSession(this.deps, request, (session) => publishedTables(session, this.sliced.record.names))
    return published
  }

  async compare(before: SoFar, tables: readonly string[]): Promise<Compared> {
    const wanted = restOf(before, tables)
    if (wanted.length === 0) return { known: before, left: [] }
    const { signal, kept, keep } = currentAct()
    const { record, since } = this.sliced
    const stop = new AbortController()
    const ended = new AbortController()
    const asking = this.#askMeanwhile(stop, AbortSignal.any([signal, ended.signal]))
    let proven = ofThis(kept, since)?.proven ?? before.proven
    // one at least that is not known yet, however short a slice is
    let sure = (proven?.tables.length ?? 0) + 1
    const until = performance.now() + this.sliced.sliceMs
    try {
      const comparison = await compareDatabases({
        source: opener(this.deps, this.#place('source'), 'migrator'),
        target: opener(this.deps, this.#place('standby'), 'migrator'),
        ...{ mode: 'live', jobs: 1, slots: [record.names.slot], signal, stop: stop.signal },
        selection: { tables: wanted, exclude: [] },
        enough: () => sure-- <= 0 && performance.now() >= until,
        carriedOn: proven ?? undefined,
        onProven: (now) => {
          proven = now
          keep?.({ version: 1, since, proven: now } satisfies Kept)
        },
      })
      const told = toldOf(comparison)
      const equal = comparison.tables.filter(({ verdict, table }) => verdict === 'equal' && !isAmong(proven, table)).map(nameOf)
      const known = { ...before, proven, equal: [...before.equal, ...equal], told: [...before.told, ...told] }
      return { known, left: await this.#keep(known, tables, comparison.notReached ?? []) }
    } catch (error) {
      // what was proven until then holds
      await this.#keep({ ...before, proven }, tables, wanted).catch(() => undefined)
      throw error
    } finally {
      ended.abort()
      await asking
    }
  }

  async #keep(known: SoFar, tables: readonly string[], left: readonly string[]): Promise<readonly string[]> {
    const { both, since } = this.sliced
    assertMayAct()
    await this.deps.ledger.putComparison({ ...both.id, document: known })
    const tablesDone = tables.filter((table) => isKnown(known, table)).length
    await this.deps.ledger.noteComparison({ ...both.id, note: { kind: 'under-way', since, tables: tables.length, tablesDone } })
    return left
  }

  /** Stops it once it may not go on: its time is over, or the standby does something else by now. A ledger that is away stops nothing. */
  async #askMeanwhile(stop: AbortController, signal: AbortSignal): Promise<void> {
    const { both, record, since } = this.sliced
    while (!signal.aborted) {
      await sleep(ASK_EVERY_MS, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      const now = await this.deps.ledger.getStandby(both.id).catch(() => undefined)
      const goesOn = now === undefined || (now !== null && mayCompare(now) && now.compared?.running?.since === since)
      if (!goesOn || Date.now() >= overAt(record, since)) return stop.abort()
    }
  }

  #place(side: SideName) {
    const { both, watch } = this.sliced
    return { ref: { ...COMPARE, bundle: watch.bundle }, entry: both.entries[side], address: watch.sides[side] }
  }
}

/** For the next attempt at this very slice, should this one die. */
interface Kept extends Pick<SoFar, 'version' | 'since'> {
  readonly proven: ProvenSoFar
}

function ofThis(kept: unknown, since: IsoInstant): Kept | null {
  const told = kept as Kept | undefined
  return told?.version === 1 && told.since === since ? told : null
}

const nameOf = ({ table }: TableResult): string => table
const isAmong = (proven: ProvenSoFar | null, table: string): boolean => proven?.tables.some(({ name }) => name === table) ?? false
const isTold = ({ equal, told }: SoFar, table: string): boolean =>
  equal.includes(table) || told.some((one) => one.table === table)
const isKnown = (known: SoFar, table: string): boolean => isTold(known, table) || isAmong(known.proven, table)

function unknownOf(known: SoFar, tables: readonly string[]): string[] {
  return tables.filter((table) => !isKnown(known, table))
}

/** Those that were proven are asked for again, which costs nothing: whether they are what they were. */
function restOf(known: SoFar, tables: readonly string[]): string[] {
  return tables.filter((table) => !isTold(known, table))
}
