/** The rows that come back, copied into tables of the live database's `capstan` schema before the first of them is written, and proven there to be
 *  the plan's. From then on the copy is not needed, and nothing joins them. */
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import { fromTable } from '../verify/catalog'
import type { Key } from '../verify/key-reader'
import type { TablePair } from '../verify/pairing'
import { rowHash } from '../verify/row-hash'
import type { JournalEntry } from './journal'
import { keptRows } from './kept'
import { lookUp, textsOf } from './look-up'
import { keyOf, type Sides } from './missing'
import type { RowRecoveryPlan } from './recovered'
import { asLogin, fenced, type RecoveryRun } from './run'
import { OF_A_PIECE, overStaged } from './staged-pieces'
import { digestNow, type FitTable, type Survey, survey } from './survey'

/** The quoted name of what a table's rows are staged in. */
export function stagingOf({ digest, request: { tables } }: RowRecoveryPlan, table: string): string {
  return `capstan.${quoteIdentifier(`rows_${digest.slice(0, 16)}_${tables.indexOf(table)}`)}`
}

export const columnList = (names: readonly string[], of = ''): string =>
  names.map((name) => `${of}${quoteIdentifier(name)}`).join(', ')

interface Found {
  readonly sides: Sides
  readonly tables: readonly FitTable[]
  readonly previous: string | null
}

/** Nothing is staged unless all of it is what the plan says. Throws PLAN_DRIFTED, DATABASE_REFUSED, FENCED_OFF. */
export async function stage(run: RecoveryRun, found: Found): Promise<void> {
  const { plan } = run
  const { tables } = found
  await dropLeftOvers(run)
  await (plan.kept === undefined ? loadMissing(run, found) : loadKept(run, found, plan.kept))
  for (const { pair } of tables) await prove(run, pair)
  await fenced(run, async (session) => {
    await session.query(`UPDATE capstan.row_recovery SET state = 'staged', changed_at = now() WHERE digest = $1`, [plan.digest])
  })
}

/** What is missing now, if it is what the plan says. */
async function loadMissing(run: RecoveryRun, { sides, tables, previous }: Found): Promise<void> {
  const { plan } = run
  await begin(run, tables)
  const loaders = new Map(tables.map(({ pair }) => [pair.name, new Loader(run, sides, pair)]))
  const now = await survey({
    sides,
    request: plan.request,
    previous,
    tables,
    phase: 'staging',
    onProgress: run.onProgress,
    take: async ({ pair }, keys) => loaders.get(pair.name)?.take(keys),
  })
  if (now.digest === plan.digest) return
  await dropLeftOvers(run)
  throw drifted(plan, now)
}

/** The rows whose keys were kept when the plan was made: what is missing since, and what is there again, is no part of it. */
async function loadKept(run: RecoveryRun, { sides, tables, previous }: Found, kept: string): Promise<void> {
  const { plan, onProgress } = run
  if ((await digestNow(plan, { sides, tables, previous })) !== plan.digest) throw drifted(plan, plan)
  await begin(run, tables)
  for (const { pair } of tables) {
    const loader = new Loader(run, sides, pair)
    let rows = 0
    for await (const keys of keptRows(sides.source, kept, plan.request.tables.indexOf(pair.name))) {
      await loader.take(keys)
      rows += keys.length
      onProgress?.({ phase: 'staging', table: pair.name, rows })
    }
  }
}

/** What a run left that was cut off while it staged: it has brought nothing back, and under the lock it is gone. */
export async function dropLeftOvers(run: RecoveryRun): Promise<void> {
  await fenced(run, async (session) => {
    const left = await session.query<Pick<JournalEntry, 'plan'>>(
      `DELETE FROM capstan.row_recovery WHERE state = 'staging' RETURNING plan`,
    )
    for (const { plan } of left)
      for (const table of plan.request.tables) await session.execute(`DROP TABLE IF EXISTS ${stagingOf(plan, table)}`)
  })
}

async function begin(run: RecoveryRun, tables: readonly FitTable[]): Promise<void> {
  const { plan } = run
  await fenced(run, async (session) => {
    await session.query(`INSERT INTO capstan.row_recovery (digest, state, plan) VALUES ($1, 'staging', $2)`, [
      plan.digest,
      JSON.stringify(plan),
    ])
    for (const { pair } of tables) {
      const staging = stagingOf(plan, pair.name)
      const columns = columnList(pair.columns.map(({ name }) => name))
      await session.execute(`CREATE TABLE ${staging} AS SELECT ${columns} FROM ${fromTable(pair.target)} WITH NO DATA`)
      await session.execute(
        `ALTER TABLE ${staging} ADD capstan_n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ADD capstan_outcome text, ADD capstan_why text`,
      )
    }
  })
}

function drifted({ digest, tables }: RowRecoveryPlan, found: Pick<Survey, 'tables'>): Error {
  const now = new Map(found.tables.map((table) => [table.table, table]))
  const other = tables.find(({ table, rows, sum }) => now.get(table)?.rows !== rows || now.get(table)?.sum !== sum)
  const what =
    other === undefined
      ? 'the databases, tables or triggers are not the same any more'
      : `of ${other.table} other rows are missing now (${now.get(other.table)?.rows ?? 0}) than it says (${other.rows})`
  return failure(
    'PLAN_DRIFTED',
    `The plan ${digest.slice(0, 12)}… does not hold: ${what}. Nothing was brought back; plan again.`,
    {
      digest,
      table: other?.table ?? null,
    },
  )
}

/** Count and sum of what is staged are those of the plan, which the copy's server took when it was made. They are not where the transport changed a value,
 *  and where the copy, or the keys that were kept in it, lack what they had then. */
async function prove(run: RecoveryRun, pair: TablePair): Promise<void> {
  const { plan } = run
  const expected = plan.tables.find(({ table }) => table === pair.name)
  const staging = stagingOf(plan, pair.name)
  const hash = rowHash(pair.columns.map(({ target }) => target))
  const sums = overStaged(run, staging, async (session, bounds) => {
    const [found] = await session.query<{ rows: number; sum: string }>(
      `SELECT count(*) AS rows, coalesce(sum(${hash}), 0)::text AS sum FROM ${staging} AS t WHERE ${OF_A_PIECE}`,
      bounds,
    )
    return found
  })
  let [rows, sum] = [0, 0n]
  for await (const found of sums) {
    rows += found?.rows ?? 0
    sum += BigInt(found?.sum ?? 0)
  }
  if (expected !== undefined && rows === expected.rows && String(sum) === expected.sum) return
  throw failure(
    'ROWS_UNRECOVERABLE',
    `What was staged of ${pair.name} (${rows} rows) is not what the plan says (${expected?.rows ?? 0}): one of its types holds something else in the live database, or the copy is not what it was. Nothing was brought back.`,
    { table: pair.name, rows },
  )
}

/** Texts that are held at a time. */
const CHARACTERS = { least: 1_000_000, most: 4_000_000 }
const ROWS = { first: 50, most: 1_000 }

class Loader {
  readonly #run: RecoveryRun
  readonly #sides: Sides
  readonly #pair: TablePair
  #rows = ROWS.first

  constructor(run: RecoveryRun, sides: Sides, pair: TablePair) {
    this.#run = run
    this.#sides = sides
    this.#pair = pair
  }

  /** As many rows at a time as fit. A row that the copy no longer has is left out: the proof says so. */
  async take(keys: readonly Key[]): Promise<void> {
    for (let at = 0; at < keys.length; ) {
      const some = keys.slice(at, at + this.#rows)
      at += some.length
      const characters = await this.#copy(some)
      if (characters > CHARACTERS.most) this.#rows = Math.max(1, Math.floor(this.#rows / 2))
      else if (characters < CHARACTERS.least) this.#rows = Math.min(ROWS.most, this.#rows * 2)
    }
  }

  async #copy(keys: readonly Key[]): Promise<number> {
    const columns = this.#pair.columns
    const texts = textsOf(columns.map(({ source: { column } }) => column))
    const rows = await lookUp<{ texts: (string | null)[] }>(
      this.#sides.source,
      keyOf(this.#pair, 'source'),
      keys,
      `${texts} AS texts`,
    )
    const lines = rows.flatMap((row) => (row === null ? [] : [row.texts.map(copyText).join('\t')]))
    const data = lines.map((line) => `${line}\n`).join('')
    const into = `${stagingOf(this.#run.plan, this.#pair.name)} (${columnList(columns.map(({ name }) => name))})`
    await fenced(this.#run, (session) => asLogin(this.#run, session, () => session.copyIn(`COPY ${into} FROM STDIN`, data)))
    return data.length
  }
}

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** As COPY's text format has it. */
const copyText = (value: string | null): string =>
  value === null ? '\\N' : value.replaceAll(/[\\\n\r\t]/g, (one) => ESCAPED[one] ?? one)
