/** Records what each statement of a rehearsal cost: time, locks, rewrites, WAL. The records lie in the rehearsed database, written with
 *  the migration itself, so a rehearsal that was killed and resumed still knows all of them.
 *  Nothing here belongs on a database with users: it reads the catalogs around every statement. */
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { controlTables } from '../migrate/control-schema'
import { withoutLiterals } from '../migrate/without-literals'
import { type LockMode, strength } from './lock-modes'
import { type LockState, type Relation, readLocks, readRelations } from './relations'
import type {
  HeldLock,
  ObservedStatement,
  Rewrite,
  SampledRecording,
  StatementObserver,
  StatementRecord,
  TransactionRecording,
} from './statement-observer'

const SQL_LENGTH_MAX = 200
const SAMPLE_MS = 10
const COUNTED_ROWS_MAX = 5_000_000

/** An observer for one run of `applyMigrations`. */
export function createStatementRecorder(): StatementObserver {
  const before = new ExistingRelations()
  return {
    async beginTransaction(session, script) {
      await before.load(session)
      const relations = await readRelations(session)
      return new ExactRecording(session, script, before.only(relations), await readLocks(session, session.backendPid))
    },
    async beginOutside(session, monitor, script) {
      await before.load(session)
      const relations = before.only(await readRelations(session))
      return new Sampler(session, monitor, script, relations, await readLocks(monitor, session.backendPid))
    },
  }
}

/** All records in the order in which the statements finished. Empty where nothing was rehearsed. */
export async function readStatementLog(session: Session): Promise<StatementRecord[]> {
  if (!(await controlTables(session)).has('statement_log')) return []
  const rows = await session.query<{ record: StatementRecord }>(
    `SELECT record FROM capstan.statement_log WHERE script <> '' ORDER BY position`,
  )
  return rows.map(({ record }) => record)
}

async function writeRecord(session: Session, script: string, index: number, record: unknown): Promise<void> {
  await session.query(
    `INSERT INTO capstan.statement_log (script, statement_index, record) VALUES ($1, $2, $3)
     ON CONFLICT (script, statement_index) DO UPDATE SET record = excluded.record`,
    [script, index, JSON.stringify(record)],
  )
}

/** The relations from before the run. Tables that the run itself creates have no users, so their locks do not matter. The list is kept
 *  in the database under an empty script name, since a resumed run would otherwise take them for old. */
class ExistingRelations {
  #oids: Set<number> | null = null

  async load(session: Session): Promise<void> {
    const oids = this.#oids ?? new Set((await readRelations(session)).keys())
    // Each time, since the transaction that wrote it first may have been rolled back.
    const [row] = await session.query<{ record: { oids: number[] } }>(
      `WITH written AS (
         INSERT INTO capstan.statement_log (script, statement_index, record) VALUES ('', 0, $1) ON CONFLICT DO NOTHING RETURNING record
       ) SELECT record FROM written
         UNION ALL SELECT record FROM capstan.statement_log WHERE script = '' AND statement_index = 0`,
      [JSON.stringify({ oids: [...oids] })],
    )
    this.#oids = row === undefined ? oids : new Set(row.record.oids)
  }

  only(relations: Map<number, Relation>): Map<number, Relation> {
    return new Map([...relations].filter(([oid]) => this.#oids?.has(oid) === true))
  }
}

interface Taken {
  readonly statement: number
  readonly oid: number
  readonly mode: LockMode
  readonly sinceMs: number
}

/** Inside a transaction locks only accumulate: what is new after a statement was taken by it. */
class ExactRecording implements TransactionRecording {
  readonly #strongest = new Map<number, LockMode>()
  readonly #filenodes = new Map<number, number>()
  readonly #taken: Taken[] = []
  readonly #rewritten: { statement: number; oid: number }[] = []
  readonly #records: (Omit<StatementRecord, 'locks' | 'rewrites'> & { readonly statement: number })[] = []
  readonly #session: Session
  readonly #script: string
  readonly #relations: ReadonlyMap<number, Relation>
  #walPosition: number

  constructor(session: Session, script: string, relations: ReadonlyMap<number, Relation>, start: LockState) {
    this.#session = session
    this.#script = script
    this.#relations = relations
    this.#walPosition = start.walPosition
    for (const { oid, filenode } of relations.values()) this.#filenodes.set(oid, filenode)
  }

  async after(statement: ObservedStatement, durationMs: number): Promise<void> {
    const sinceMs = performance.now() - durationMs
    const state = await readLocks(this.#session, this.#session.backendPid)
    for (const { oid, mode, filenode } of state.locks) {
      if (!this.#relations.has(oid)) continue
      const known = this.#strongest.get(oid)
      if (known === undefined || strength(mode) > strength(known)) {
        this.#strongest.set(oid, mode)
        this.#taken.push({ statement: statement.index, oid, mode, sinceMs })
      }
      this.#noteRewrite(statement, oid, filenode)
    }
    this.#records.push({
      ...describe(this.#script, statement),
      statement: statement.index,
      durationMs: round(durationMs),
      walBytes: state.walPosition - this.#walPosition,
    })
    this.#walPosition = state.walPosition
  }

  #noteRewrite(statement: ObservedStatement, oid: number, filenode: number | null): void {
    if (filenode === null || filenode === this.#filenodes.get(oid)) return
    this.#filenodes.set(oid, filenode)
    if (statement.kind !== 'TRUNCATE') this.#rewritten.push({ statement: statement.index, oid })
  }

  async save(): Promise<void> {
    const now = performance.now()
    for (const { statement, ...record } of this.#records) {
      const locks = this.#taken
        .filter((taken) => taken.statement === statement)
        .map(({ oid, mode, sinceMs }) => ({ relation: this.#name(oid), mode, heldMs: round(now - sinceMs), sampled: false }))
      const oids = this.#rewritten.filter((rewrite) => rewrite.statement === statement).map(({ oid }) => oid)
      const rewrites = await rewritesOf(this.#session, this.#relations, oids)
      await writeRecord(this.#session, this.#script, statement, { ...record, locks, rewrites } satisfies StatementRecord)
    }
  }

  #name(oid: number): string {
    return this.#relations.get(oid)?.name ?? String(oid)
  }
}

/** Outside a transaction locks come and go while the statement runs: another connection looks each 10 ms. */
class Sampler implements SampledRecording {
  readonly #seen = new Map<number, { mode: LockMode; firstMs: number; lastMs: number }>()
  readonly #session: Session
  readonly #monitor: Session
  readonly #script: string
  readonly #relations: ReadonlyMap<number, Relation>
  readonly #start: LockState
  readonly #done: Promise<void>
  #running = true

  constructor(session: Session, monitor: Session, script: string, relations: ReadonlyMap<number, Relation>, start: LockState) {
    this.#session = session
    this.#monitor = monitor
    this.#script = script
    this.#relations = relations
    this.#start = start
    this.#done = this.#sample()
  }

  async #sample(): Promise<void> {
    while (this.#running && this.#monitor.open) {
      const atMs = performance.now()
      const state = await readLocks(this.#monitor, this.#session.backendPid).catch(() => null)
      for (const { oid, mode } of state?.locks ?? []) {
        if (!this.#relations.has(oid)) continue
        const known = this.#seen.get(oid)
        const stronger = known === undefined || strength(mode) > strength(known.mode)
        this.#seen.set(oid, stronger ? { mode, firstMs: atMs, lastMs: atMs } : { ...known, lastMs: atMs })
      }
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
    }
  }

  async save(statement: ObservedStatement, durationMs: number): Promise<void> {
    await this.abandon()
    const after = await readLocks(this.#session, this.#session.backendPid)
    const locks: HeldLock[] = [...this.#seen].map(([oid, { mode, firstMs, lastMs }]) => ({
      relation: this.#relations.get(oid)?.name ?? String(oid),
      mode,
      heldMs: round(Math.min(lastMs - firstMs + SAMPLE_MS, durationMs)),
      sampled: true,
    }))
    const now = await readRelations(this.#session)
    const oids = [...this.#relations.values()]
      .filter(({ oid, filenode }) => now.has(oid) && now.get(oid)?.filenode !== filenode)
      .map(({ oid }) => oid)
    await writeRecord(this.#session, this.#script, statement.index, {
      ...describe(this.#script, statement),
      durationMs: round(durationMs),
      walBytes: after.walPosition - this.#start.walPosition,
      locks,
      rewrites: await rewritesOf(this.#session, this.#relations, oids),
    } satisfies StatementRecord)
  }

  async abandon(): Promise<void> {
    this.#running = false
    await this.#done
  }
}

function describe(script: string, { index, line, sql, kind }: ObservedStatement) {
  return { script, index, line, sql: withoutLiterals(sql, SQL_LENGTH_MAX), kind }
}

async function rewritesOf(
  session: Session,
  relations: ReadonlyMap<number, Relation>,
  oids: readonly number[],
): Promise<Rewrite[]> {
  const rewrites: Rewrite[] = []
  for (const oid of new Set(oids)) {
    const relation = relations.get(oid)
    if (relation !== undefined) rewrites.push({ relation: relation.name, rows: await rowsOf(session, relation) })
  }
  return rewrites
}

async function rowsOf(session: Session, { oid, estimatedRows }: Relation): Promise<number> {
  if (estimatedRows > COUNTED_ROWS_MAX) return Math.round(estimatedRows)
  const [now] = await session.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = $1::int8::oid`,
    [oid],
  )
  if (now === undefined) return Math.max(0, Math.round(estimatedRows))
  const [row] = await session.query<{ rows: number }>(
    `SELECT count(*) AS rows FROM ${quoteIdentifier(now.schema)}.${quoteIdentifier(now.name)}`,
  )
  return row?.rows ?? 0
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
