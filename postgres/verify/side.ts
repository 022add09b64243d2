/** One of the two databases: read-only sessions with everything pinned that a value's form could depend on, and under `static` one snapshot
 *  for all of them. Nothing here waits long: for a lock 2 s, for one statement a minute. */
import { Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { type Row, refusePooler, type Session } from '../connect/session'
import { type Catalog, type CatalogTable, fromTable, readCatalog } from './catalog'
import type { SideName } from './compared'

export interface SideOptions {
  readonly name: SideName
  /** Opens a session; called `jobs` times, and once more under `static`. */
  readonly connect: () => Promise<Session>
  readonly mode: 'static' | 'live'
  readonly jobs: number
  readonly signal?: AbortSignal | undefined
}

/** The connection that keeps the rows of a side from changing is gone, and with it what all its statements have in common. */
export class SnapshotLost extends Error {
  override readonly name = 'SnapshotLost'
}

/** A statement was stopped by its time limit: ask for less. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow'
  readonly side: SideName
  constructor(message: string, side: SideName) {
    super(message)
    this.side = side
  }
}

/** out_of_memory, which it is too when the table of locks is full. */
const OUT_OF_MEMORY = '53200'

const LOCK_NOT_AVAILABLE = '55P03'

/** A full table of locks ends the whole run, since the next table would meet the same; anything else stays what it was. */
function refusal(error: unknown, side: SideName): unknown {
  if (!(error instanceof ServerError) || error.sqlState !== OUT_OF_MEMORY) return error
  const { message, sqlState } = error
  const said = `${message} (SQLSTATE ${sqlState})`
  return failure(
    'DATABASE_REFUSED',
    `The ${side} has no room for more locks: ${said}. Compare fewer tables at a time with --table, or raise max_locks_per_transaction.`,
    { side, sqlState },
  )
}

const STATEMENT_TIMEOUT_MS = 60_000
const LOCK_TIMEOUT_MS = 2_000
/** Since 14: ranges of blocks are read without reading the others, and record hashes are extended. */
const VERSION_MIN = 140_000

const SINCE_17: Readonly<Record<string, string>> = { transaction_timeout: '0' }

const PINNED: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog',
  default_transaction_read_only: 'on',
  // An error instead of fewer rows.
  row_security: 'off',
  statement_timeout: `${STATEMENT_TIMEOUT_MS}ms`,
  lock_timeout: `${LOCK_TIMEOUT_MS}ms`,
  // The one that holds the snapshot does nothing else.
  idle_in_transaction_session_timeout: '0',
  lc_monetary: 'C',
  xmlbinary: 'base64',
  // One connection means one process; the compiler costs more than it saves on chunks of half a second.
  max_parallel_workers_per_gather: '0',
  jit: 'off',
}

export class Side {
  readonly name: SideName
  readonly #options: SideOptions
  readonly #sessions: Session[] = []
  readonly #free: Session[] = []
  readonly #waiting: ((session: Session) => void)[] = []
  #leader: Session | null = null
  #snapshot = ''
  #lost = false

  private constructor(options: SideOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Fails as `connect` does, with POOLER_REFUSED, or with DATABASE_REFUSED for a server older than 14. */
  static async open(options: SideOptions): Promise<Side> {
    const side = new Side(options)
    try {
      for (let n = 0; n < options.jobs; n += 1) side.#free.push(await side.#connect())
      return side
    } catch (error) {
      await side.close()
      throw error
    }
  }

  async #connect(): Promise<Session> {
    const session = await this.#options.connect()
    this.#sessions.push(session)
    refusePooler(session)
    if (session.serverVersionNum < VERSION_MIN) {
      const version = Math.floor(session.serverVersionNum / 10_000)
      throw failure('DATABASE_REFUSED', `The ${this.name} is PostgreSQL ${version}; comparing needs 14 or newer on both sides.`, {
        side: this.name,
        version,
      })
    }
    const pinned = { ...PINNED, ...(session.serverVersionNum < 170_000 ? {} : SINCE_17) }
    for (const [name, value] of Object.entries(pinned)) await session.set(name, value)
    return session
  }

  get jobs(): number {
    return this.#options.jobs
  }

  /** Under `static`: a lock on each table that keeps it from being dropped, emptied or rewritten (these are not versioned), and only then one
   *  snapshot for all sessions, so that nothing of the kind lies between the two. The locks stop no reader or writer. Resolves to the tables
   *  that could not be locked, with why. Throws DATABASE_REFUSED when the server has no room for so many locks. */
  async begin(tables: readonly CatalogTable[]): Promise<Map<string, string>> {
    const refused = new Map<string, string>()
    if (this.#options.mode === 'live') return refused
    const leader = await this.#connect()
    this.#leader = leader
    await leader.execute('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    for (const table of tables) {
      this.#options.signal?.throwIfAborted()
      try {
        await leader.execute(`SAVEPOINT one; LOCK TABLE ${fromTable(table)} IN ACCESS SHARE MODE; RELEASE SAVEPOINT one`)
      } catch (error) {
        if (!(error instanceof ServerError) || error.sqlState === OUT_OF_MEMORY) throw refusal(error, this.name)
        // Released as well: within a subtransaction no snapshot can be exported.
        await leader.execute('ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one')
        refused.set(table.name, `${this.name}: ${error.message} (SQLSTATE ${error.sqlState})`)
      }
    }
    const [exported] = await leader.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot')
    this.#snapshot = exported?.snapshot ?? ''
    await Promise.all(this.#readers().map((session) => this.#join(session)))
    return refused
  }

  #readers(): Session[] {
    return this.#sessions.filter((session) => session !== this.#leader)
  }

  async #join(session: Session, end = ''): Promise<void> {
    if (this.#snapshot === '') return
    try {
      await session.execute(`${end}BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '${this.#snapshot}'`)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      this.#lost = true
      throw new SnapshotLost(`The ${this.name} no longer knows the snapshot (${error.message})`)
    }
  }

  /** After each table, with no statement under way: the readers let go of their locks, which else would add up; those of the leader stay. */
  async renew(): Promise<void> {
    if (this.#snapshot === '' || this.#lost) return
    try {
      await Promise.all(this.#readers().map((session) => this.#join(session, 'COMMIT; ')))
    } catch (error) {
      // told of every table that comes after, and by `held`
      if (!(error instanceof SnapshotLost)) throw error
    }
  }

  /** Whether all that was read had one snapshot, and its locks are still there. Always true under `live`, which has none. */
  async held(): Promise<boolean> {
    if (this.#leader === null) return true
    if (this.#lost) return false
    try {
      await this.#leader.query('SELECT 1', [], { signal: this.#options.signal })
      return true
    } catch (error) {
      if (error instanceof ServerError || (error instanceof Failure && error.code === 'CONNECTION_LOST')) return false
      throw error
    }
  }

  /** The catalog as it stands under the locks, where there are any; where a table is locked by another its sizes are those of the last VACUUM. Throws DATABASE_REFUSED as `begin` does. */
  async catalog(): Promise<Catalog> {
    const { signal } = this.#options
    const session = this.#leader ?? (await this.#take())
    try {
      return await readCatalog(session, signal).catch((error) => {
        // Outside of a transaction, which the refusal would have ended.
        const isLocked = error instanceof ServerError && error.sqlState === LOCK_NOT_AVAILABLE && session !== this.#leader
        if (!isLocked) throw error
        return readCatalog(session, signal, 'remembered')
      })
    } catch (error) {
      throw refusal(error, this.name)
    } finally {
      if (session !== this.#leader) this.#give(session)
    }
  }

  /** Runs one statement on whichever session is free. Throws TooSlow, ServerError, DATABASE_REFUSED as `begin` does, CONNECTION_LOST, or the
   *  signal's reason. */
  async query<T extends Row>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    const { signal } = this.#options
    if (this.#lost) throw new SnapshotLost(`The ${this.name} no longer knows the snapshot`)
    const session = await this.#take()
    try {
      return await session.query<T>(sql, values, { signal })
    } catch (error) {
      if (session.open && this.#snapshot !== '') {
        await this.#join(session, 'ROLLBACK; ')
      }
      // query_canceled, and nobody of us asked for it
      if (error instanceof ServerError && error.sqlState === '57014' && !signal?.aborted)
        throw new TooSlow(error.message, this.name)
      throw refusal(error, this.name)
    } finally {
      this.#give(session)
    }
  }

  #take(): Promise<Session> {
    this.#options.signal?.throwIfAborted()
    const session = this.#free.pop()
    return session === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(session)
  }

  #give(session: Session): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(session)
    else next(session)
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()))
  }
}
