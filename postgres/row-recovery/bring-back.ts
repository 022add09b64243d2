/** Writes staged rows into their table, each tried once: the insert and the mark on the staged row are one transaction, so that a run that was cut
 *  off anywhere goes on behind what is marked, and a row that somebody deletes again stays deleted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { fromTable } from '../verify/catalog'
import { ChunkSize } from '../verify/chunk-size'
import { rowHash } from '../verify/row-hash'
import { triggersNow } from './live-table'
import type { TablePlan } from './recovered'
import { asLogin, fenced, type RecoveryRun, refusedBy } from './run'
import { columnList, stagingOf } from './staging'
import { refuseUnforeseen } from './still-as-planned'
import type { FitTable } from './survey'

const BATCH = { first: 500, least: 1, most: 5_000 }
const LOCK_ATTEMPTS = 8
const LOCK_WAIT_MS = 250
const LOCK_WAIT_MS_MAX = 4_000

/** lock_not_available, deadlock_detected, serialization_failure: the same may work later. */
const LATER = new Set(['55P03', '40P01', '40001'])
/** query_canceled, as a rule by its time limit: fewer rows may work. */
const TOO_LONG = '57014'
/** Of one row: its data, its constraints, what a trigger raised. */
const OF_A_ROW = /^(22|23|44|P0|HV)/
const PARENT_GONE = '23503'

/** In the order of `tables`, round after round until one brings nothing back: a parent may come after its child. */
export async function bringAllBack(run: RecoveryRun, tables: readonly FitTable[]): Promise<void> {
  const writers = tables.map((table) => new TableWriter(run, table))
  for (let brought = 1; brought > 0; ) {
    brought = 0
    for (const writer of writers) brought += await writer.round()
  }
}

class TableWriter {
  readonly #run: RecoveryRun
  readonly #table: FitTable
  readonly #staging: string
  readonly #planned: Pick<TablePlan, 'table' | 'triggers'>
  readonly #size = new ChunkSize(BATCH)
  #tried = 0

  constructor(run: RecoveryRun, table: FitTable) {
    this.#run = run
    this.#table = table
    this.#staging = stagingOf(run.plan, table.pair.name)
    const triggers = run.plan.tables.find((planned) => planned.table === table.pair.name)?.triggers ?? []
    this.#planned = { table: table.pair.name, triggers }
  }

  /** Tries every staged row that was not tried yet and whose parents are there. Resolves to how many came back. */
  async round(): Promise<number> {
    const { work, signal, onProgress } = this.#run
    let brought = 0
    for (let after = 0; ; ) {
      const open = await work.query<{ n: number }>(
        `SELECT capstan_n AS n FROM ${this.#staging} WHERE capstan_n > $1 AND capstan_outcome IS NULL ORDER BY capstan_n LIMIT ${this.#size.size}`,
        [after],
        { signal },
      )
      const last = open.at(-1)
      if (last === undefined) return brought
      const began = performance.now()
      brought += await this.#batch(open.map(({ n }) => n))
      this.#size.took(performance.now() - began, open.length)
      this.#tried += open.length
      after = last.n
      onProgress?.({ phase: 'bringing back', table: this.#table.pair.name, rows: this.#tried })
    }
  }

  /** A batch that one of its rows spoils is halved, down to that row. */
  async #batch(numbers: readonly number[]): Promise<number> {
    try {
      return await this.#patiently(numbers)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      const fewer = OF_A_ROW.test(error.sqlState) || (error.sqlState === TOO_LONG && numbers.length > 1)
      if (!fewer) throw refusedBy(error, this.#table.pair.name)
      if (numbers.length === 1) {
        // its parent went meanwhile: it waits like any other without one
        if (error.sqlState !== PARENT_GONE) await this.#refuse(numbers, `${error.message} (SQLSTATE ${error.sqlState})`)
        return 0
      }
      const half = Math.ceil(numbers.length / 2)
      return (await this.#batch(numbers.slice(0, half))) + (await this.#batch(numbers.slice(half)))
    }
  }

  async #patiently(numbers: readonly number[]): Promise<number> {
    const { signal, work } = this.#run
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await fenced(this.#run, (session) => this.#write(session, numbers))
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof ServerError) || !LATER.has(error.sqlState)) throw error
        if (attempt === LOCK_ATTEMPTS) throw held(this.#table.pair.name, work.endpoint.database, error)
        await sleep(Math.min(LOCK_WAIT_MS * 2 ** (attempt - 1), LOCK_WAIT_MS_MAX), undefined, { signal })
      }
    }
  }

  async #write(session: Session, numbers: readonly number[]): Promise<number> {
    const { pair, live } = this.#table
    const keys = (pair.key?.columns ?? []).map(({ name }) => name)
    const names = pair.columns.map(({ name }) => name)
    const mine = (state: string) => `t.capstan_n = ANY ($1::bigint[]) AND t.capstan_outcome ${state}`
    await session.query(
      `UPDATE ${this.#staging} AS t SET capstan_outcome = 'tried' WHERE ${mine('IS NULL')}${this.#parentsThere()}`,
      [numbers],
    )
    // Read with the path of whoever logs in, where others may make functions and operators: nothing here is left to be looked for.
    const [count] = await asLogin(this.#run, session, () =>
      session.query<{ brought: number; marked: number }>(
        `WITH brought AS (
           INSERT INTO ${pair.target.quoted} AS t (${columnList(names)}) OVERRIDING SYSTEM VALUE
           SELECT ${columnList(names, 't.')} FROM ${this.#staging} AS t WHERE ${TRIED}
           ON CONFLICT${live.deferrable ? ` (${columnList(keys)})` : ''} DO NOTHING
           RETURNING ${keys.map((name, at) => `t.${quoteIdentifier(name)} AS k${at}`).join(', ')}),
         marked AS (
           UPDATE ${this.#staging} AS t SET capstan_outcome = 'inserted' FROM brought
            WHERE ${TRIED} AND ${sameKey(keys, 't', (at) => `brought.k${at}`)} RETURNING 1)
         SELECT (SELECT pg_catalog.count(*) FROM brought) AS brought, (SELECT pg_catalog.count(*) FROM marked) AS marked`,
        [numbers],
      ),
    )
    // Somebody may have made one since the run began: then this transaction does not count.
    refuseUnforeseen(this.#planned, await triggersNow(session, pair.target))
    if (count === undefined || count.brought !== count.marked) throw keyChanged(pair.name)
    const hash = rowHash(pair.columns.map(({ target }) => target))
    const twin = (at: number) => `s.${quoteIdentifier(keys[at] ?? '')}`
    await session.query(
      `UPDATE ${this.#staging} AS s SET capstan_outcome = CASE
          WHEN (SELECT ${hash} FROM ${this.#staging} AS t WHERE t.capstan_n = s.capstan_n)
             = (SELECT ${hash} FROM ${fromTable(pair.target)} AS t WHERE ${sameKey(keys, 't', twin)}) THEN 'brought' ELSE 'altered' END
        WHERE s.capstan_n = ANY ($1::bigint[]) AND s.capstan_outcome = 'inserted'`,
      [numbers],
    )
    await session.query(
      `UPDATE ${this.#staging} AS t SET capstan_outcome = 'reappeared' FROM ${fromTable(pair.target)} AS l
        WHERE ${mine(`= 'tried'`)} AND ${sameKey(keys, 't', (at) => `l.${quoteIdentifier(keys[at] ?? '')}`)}`,
      [numbers],
    )
    await session.query(
      `UPDATE ${this.#staging} AS t SET capstan_outcome = 'refused', capstan_why = $2 WHERE ${mine(`= 'tried'`)}`,
      [numbers, LEFT_OUT],
    )
    return count.brought
  }

  /** SQL of a condition: whatever a staged row `t` refers to is there. */
  #parentsThere(): string {
    const { pair, live } = this.#table
    const staged = new Set(pair.columns.map(({ name }) => name))
    const referring = live.foreignKeys.filter(({ columns }) => columns.every((name) => staged.has(name)))
    const parents = referring.map(({ columns, parent: of, parentFrom, parentColumns }) => {
      const parent = sameKey(columns, 't', (at) => `p.${quoteIdentifier(parentColumns[at]?.name ?? '')}`)
      const none = columns.map((name) => `t.${quoteIdentifier(name)} IS NULL`)
      // the root of a tree may be its own parent
      const ownKey = of === pair.name && parentColumns.every(({ name }) => staged.has(name))
      if (ownKey) none.push(sameKey(columns, 't', (at) => `t.${quoteIdentifier(parentColumns[at]?.name ?? '')}`))
      return ` AND (${none.join(' OR ')} OR EXISTS (SELECT FROM ${parentFrom} AS p WHERE ${parent}))`
    })
    return parents.join('')
  }

  async #refuse(numbers: readonly number[], why: string): Promise<void> {
    await fenced(this.#run, (session) =>
      session.query(
        `UPDATE ${this.#staging} SET capstan_outcome = 'refused', capstan_why = $2 WHERE capstan_n = ANY ($1::bigint[])`,
        [numbers, why],
      ),
    )
  }
}

const TRIED = `t.capstan_n OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.int8[]) AND t.capstan_outcome OPERATOR(pg_catalog.=) 'tried'::pg_catalog.text`

/** SQL of a condition that reads the same under any search path. `other`: of the name at a place. */
const sameKey = (names: readonly string[], row: string, other: (at: number) => string): string =>
  names.map((name, at) => `${row}.${quoteIdentifier(name)} OPERATOR(pg_catalog.=) ${other(at)}`).join(' AND ')

const LEFT_OUT = 'another unique value of it is taken, or a trigger left it out'

const held = (table: string, database: string, error: ServerError): Error =>
  failure(
    'LOCK_BUSY',
    `Rows of ${table} in ${database} could not be written in ${LOCK_ATTEMPTS} attempts (${error.message}): what came back stays; ask for the same once more, with its --digest, and it goes on.`,
    { table, sqlState: error.sqlState },
  )

const keyChanged = (table: string): Error =>
  failure(
    'ROWS_UNRECOVERABLE',
    `A trigger of ${table} changes the key of what is inserted, so nobody could say what came back: disable it.`,
    {
      table,
    },
  )
