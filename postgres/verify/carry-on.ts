/** Going on with a comparison that was interrupted. A table that was proven equal then is not summed again where every row of it still is the very
 *  version that was summed: no row is of a transaction that had not ended before that snapshot, and there are as many. That is counted under
 *  the new snapshot, so that what is said of all tables holds for one and the same moment again. */
import { createHash } from 'node:crypto'
import { ServerError } from '../connect/errors'
import { alteredSince } from './altered'
import { onBothSides } from './both-sides'
import { SIDES, type SideName, type TableResult } from './compared'
import { isOld, TRANSACTIONS_MAX } from './horizon'
import type { TablePair } from './pairing'
import { rowHash } from './row-hash'
import { type Side, TooSlow } from './side'
import { shapeOf } from './standing'
import { overBlocks } from './sweep'

type OfBoth<T> = Readonly<Record<SideName, T>>

/** Plain JSON, some 200 bytes a table. It holds names of tables and numbers of rows. */
export interface ProvenSoFar {
  readonly version: 1
  readonly mode: 'static' | 'live'
  /** Which database of which running server. */
  readonly databases: OfBoth<string>
  readonly tables: readonly ProvenTable[]
}

interface ProvenTable {
  readonly name: string
  /** Digest of what the catalogs say of it, and of how its rows are hashed. */
  readonly shape: string
  /** Null under `live`, where it is not counted. */
  readonly rows: TableResult['rows']
  /** Every transaction with a smaller number had ended when it was read (64 bits, as text). */
  readonly horizons: OfBoth<string>
}

/** More would weigh down every heartbeat that carries them: those with the most rows are kept. */
const TABLES_MAX = 1_000

interface Standing {
  readonly database: string
  readonly horizon: string
  /** No transaction with this number or a greater one had ended. */
  readonly next: string
}

/** A server that crashed may give numbers away a second time, those of commits that it had not written down. Its statistics begin anew then, with the
 *  time, also where its postmaster goes on. */
const STANDING = `
  SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), (SELECT extract(epoch FROM stats_reset) FROM pg_stat_archiver),
           (SELECT oid FROM pg_database WHERE datname = current_database())) AS database,
         pg_snapshot_xmin(s)::text AS horizon, pg_snapshot_xmax(s)::text AS next
    FROM pg_current_snapshot() s`

export interface CarryingOn {
  readonly mode: 'static' | 'live'
  /** Of the run before. Of another version of this program, or of another pair of databases, it is worth nothing. */
  readonly earlier: ProvenSoFar | undefined
  readonly tell: ((known: ProvenSoFar) => void) | undefined
}

export class Proven {
  readonly #sides: OfBoth<Side>
  readonly #standing: OfBoth<Standing>
  readonly #options: CarryingOn
  readonly #tables: Map<string, ProvenTable>

  private constructor(sides: OfBoth<Side>, standing: OfBoth<Standing>, options: CarryingOn, tables: readonly ProvenTable[]) {
    this.#sides = sides
    this.#standing = standing
    this.#options = options
    this.#tables = new Map(tables.map((table) => [table.name, table]))
  }

  /** Under the snapshots of both sides, where there are any. */
  static async open(sides: OfBoth<Side>, options: CarryingOn): Promise<Proven> {
    const standing = await onBothSides((side) => standingOf(sides[side]))
    return new Proven(sides, standing, options, await stillMeant(sides, ofThese(standing, options)))
  }

  /** Its rows where it is known to be equal; undefined: it has to be compared. `live`: it was equal at its time, as every table before this one was. */
  async rowsOf(pair: TablePair, onChunk: (rows: number, bytes: number) => void): Promise<Pick<ProvenTable, 'rows'> | undefined> {
    const known = this.#tables.get(pair.name)
    if (known === undefined || known.shape !== shapeOfBoth(pair)) return undefined
    const { rows } = known
    if (rows === null || (await this.#standStill(pair, { ...known, rows }, onChunk))) return { rows }
    this.#tables.delete(pair.name)
    return undefined
  }

  async #standStill(
    pair: TablePair,
    { rows, horizons }: Pick<ProvenTable, 'horizons'> & { readonly rows: OfBoth<number> },
    onChunk: (rows: number, bytes: number) => void,
  ): Promise<boolean> {
    try {
      const still = await onBothSides((name, stopped) => {
        const side = this.#sides[name]
        return standsStill({ side, pair, horizon: horizons[name], rows: rows[name], stopped, onChunk })
      })
      return still.source && still.target
    } catch (error) {
      // Whatever it is, the comparison meets it again and says so.
      if (error instanceof TooSlow || error instanceof ServerError) return false
      throw error
    }
  }

  add(pair: TablePair, rows: TableResult['rows']): void {
    const horizons = { source: this.#standing.source.horizon, target: this.#standing.target.horizon }
    this.#tables.set(pair.name, { name: pair.name, shape: shapeOfBoth(pair), rows, horizons })
    const { mode, tell } = this.#options
    const databases = { source: this.#standing.source.database, target: this.#standing.target.database }
    tell?.({ version: 1, mode, databases, tables: largest([...this.#tables.values()]) })
  }
}

function ofThese(standing: OfBoth<Standing>, { earlier, mode }: CarryingOn): readonly ProvenTable[] {
  if (earlier?.version !== 1 || earlier.mode !== mode) return []
  if (SIDES.some((side) => earlier.databases[side] !== standing[side].database)) return []
  return earlier.tables.filter(({ horizons }) => SIDES.every((side) => isNear(standing[side], horizons[side])))
}

function isNear({ next }: Standing, horizon: string): boolean {
  const passed = BigInt(next) - BigInt(horizon)
  return passed >= 0n && passed < BigInt(TRANSACTIONS_MAX)
}

/** Those of which nothing was altered that says what their rows mean. */
async function stillMeant(sides: OfBoth<Side>, tables: readonly ProvenTable[]): Promise<readonly ProvenTable[]> {
  const [first, ...others] = tables
  if (first === undefined) return []
  const altered = await onBothSides((side) => {
    const oldest = others.reduce((least, { horizons }) => older(least, horizons[side]), first.horizons[side])
    return alteredSince(sides[side], oldest)
  })
  return tables.filter(({ name }) => !altered.source(name) && !altered.target(name))
}

const older = (one: string, other: string): string => (BigInt(one) < BigInt(other) ? one : other)

function largest(tables: readonly ProvenTable[]): readonly ProvenTable[] {
  if (tables.length <= TABLES_MAX) return tables
  return [...tables].sort((a, b) => (b.rows?.source ?? 0) - (a.rows?.source ?? 0)).slice(0, TABLES_MAX)
}

async function standingOf(side: Side): Promise<Standing> {
  const [row] = await side.query<Standing & Record<string, unknown>>(STANDING)
  if (row === undefined) throw new Error('a SELECT of one row answered none')
  return row
}

/** Whoever hashes otherwise, as another version of this program may, has proven something else. */
function shapeOfBoth(pair: TablePair): string {
  const told = SIDES.flatMap((side) => [shapeOf(pair[side]), rowHash(pair.columns.map((column) => column[side]))]).join('\n')
  return createHash('sha256').update(told).digest('hex').slice(0, 32)
}

interface Looking {
  readonly side: Side
  readonly pair: TablePair
  readonly horizon: string
  readonly rows: number
  readonly stopped: () => boolean
  readonly onChunk: (rows: number, bytes: number) => void
}

/** A row that was changed is a new version, of a later transaction; one that went is missing in the number. */
async function standsStill({ side, pair, horizon, rows, stopped, onChunk }: Looking): Promise<boolean> {
  let [found, newer] = [0, 0]
  const changed = () => newer > 0 || found > rows
  await overBlocks(side, pair[side.name], () => stopped() || changed(), {
    ask: async (blocks) => {
      const sql = `SELECT count(*) AS rows, count(*) FILTER (WHERE NOT (${isOld('t.xmin', horizon)})) AS newer FROM ${blocks.from}`
      const [row] = await side.query<{ rows: number; newer: number }>(sql)
      return { bytes: blocks.bytes, rows: row?.rows ?? 0, newer: row?.newer ?? 0 }
    },
    hear: (answer) => {
      found += answer.rows
      newer += answer.newer
      onChunk(answer.rows, answer.bytes)
    },
  })
  return newer === 0 && found === rows
}
