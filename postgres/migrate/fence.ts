/** One row that says who may change this database. A mutating transaction locks it and compares; a newer attempt raises it and ends
 *  the backends of older ones. So a worker that was paused and wakes up, or a zombie beside its own retry, cannot act. */
import { type Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { controlTables, ensureControlSchema } from './control-schema'

/** Ordered by epoch, then attempt. Commands with only a URL run with the token they found. Within an epoch, attempts are ordered by who
 *  hands them out, so that a later one has a higher number: never by counting here. */
export interface FenceToken {
  readonly epoch: number
  readonly attempt: number
}

/** The tag goes first: PostgreSQL cuts names at 63 bytes. */
export function fencedName(token: FenceToken, name: string): string {
  return `c${token.epoch}.${token.attempt} ${name.replace(/^c\d+\.\d+ /, '')}`
}

/** Marks the session as belonging to the token, so that a newer one can end it. `name`: what it is called; by default it is asked. */
export async function tagSession(session: Session, token: FenceToken, name?: string): Promise<void> {
  const called = name ?? (await session.query<{ name: string }>(`SELECT current_setting('application_name') AS name`))[0]?.name
  await session.set('application_name', fencedName(token, called ?? ''))
}

export function compareTokens(a: FenceToken, b: FenceToken): number {
  return a.epoch - b.epoch || a.attempt - b.attempt
}

interface StandingFence extends FenceToken {
  /** Who raised it; null where it was never raised. */
  readonly operation: string | null
}

const NEVER_RAISED: StandingFence = { epoch: 0, attempt: 0, operation: null }

async function readStanding(session: Session, lock: '' | 'FOR UPDATE', before = ''): Promise<StandingFence> {
  const [row] = await session.query<StandingFence & Record<string, unknown>>(
    `${before}SELECT epoch, attempt, operation FROM capstan.fence WHERE singleton ${lock}`,
  )
  return row ?? NEVER_RAISED
}

/** Whose it is, too; as it stands. Of a database where it was raised once. */
export function standingFence(session: Session): Promise<FenceToken & { readonly operation: string | null }> {
  return readStanding(session, '')
}

/** The fence as it stands; (0, 0) where none was ever raised. Throws CONTROL_SCHEMA_FOREIGN. */
export async function readFence(session: Session): Promise<FenceToken> {
  if (!(await controlTables(session)).has('fence')) return { epoch: 0, attempt: 0 }
  const { epoch, attempt } = await readStanding(session, '')
  return { epoch, attempt }
}

/** The epoch that stands; 0 where no run has ever been. A new operation needs a higher one. Reads only. */
export async function standingEpoch(session: Session): Promise<number> {
  return (await readFence(session)).epoch
}

export interface RaisedFence {
  /** What was raised. Act under this one. */
  readonly token: FenceToken
  /** Backends of older attempts that were ended. */
  readonly terminated: number
}

export interface RaiseFenceInput extends FenceToken {
  readonly operation: string
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** What the session is called from then on, behind the tag; left out: as before. */
  readonly name?: string | undefined
  /** The session's own role has just been seen to own the control schema: it is not looked for again. */
  readonly ensured?: boolean | undefined
}

/** Raises the fence to the token and ends the backends of older ones. An epoch belongs to one operation; an attempt that stands is not
 *  overtaken by an older one, however late that comes. Safe to repeat. Three round trips where nobody holds the row, two with `ensured`: while writing moves nobody is
 *  served, and the server may be far.
 *  Throws FENCED_OFF when a newer attempt, a newer epoch or another operation's stands, CONTROL_SCHEMA_FOREIGN, MIGRATION_LOCK_HELD when
 *  a session that is unknown, or cannot be ended, holds the row for longer than `waitMs` (default 10,000). */
export async function raiseFence(session: Session, input: RaiseFenceInput): Promise<RaisedFence> {
  if (input.ensured !== true) await ensureControlSchema(session)
  const deadline = performance.now() + (input.waitMs ?? 10_000)
  let terminated = 0
  for (let lockMs = FREE_MS; ; lockMs = LOCK_MS) {
    try {
      const raised = await writeFence(session, input, lockMs)
      return { ...raised, terminated: terminated + raised.terminated }
    } catch (error) {
      input.signal?.throwIfAborted()
      if (!(error instanceof ServerError) || error.sqlState !== '55P03') throw error
    }
    // An older attempt's open transaction holds the row: it has to go before the row can change.
    const ended = await terminateOlder(session, nextToken(input, await readStanding(session, '')))
    terminated += ended
    if (ended === 0 && performance.now() > deadline) throw rowHeld(session)
  }
}

function rowHeld({ endpoint: { database } }: Session): Failure {
  return failure('MIGRATION_LOCK_HELD', `Another session holds the fence row of ${database}: end it, then try again.`, {
    database,
  })
}

function nextToken(asked: FenceToken & { readonly operation: string }, standing: StandingFence): FenceToken {
  const { epoch, attempt, operation } = asked
  if (epoch === standing.epoch && standing.operation !== null && standing.operation !== operation) {
    throw failure(
      'FENCED_OFF',
      `Epoch ${epoch} on this database belongs to ${standing.operation}, so ${operation} may not act under it: start the operation again, which takes a higher one.`,
      { epoch, attempt, operation, standingOperation: standing.operation, standingAttempt: standing.attempt },
    )
  }
  refuseOlder({ epoch, attempt }, standing)
  return { epoch, attempt }
}

const WRITE_FENCE = `INSERT INTO capstan.fence (epoch, attempt, operation, raised_at) VALUES ($1, $2, $3, now())
  ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch, attempt = excluded.attempt, operation = excluded.operation, raised_at = now()`

/** Of a row that nobody holds: an older attempt that does is ended at once. */
const FREE_MS = 10
const LOCK_MS = 300

const NAME = `SELECT pg_catalog.set_config('application_name', $1, false)`

/** Once it is committed older attempts fail by themselves, and what they still have under way ends in the same round trip. */
async function writeFence(session: Session, input: RaiseFenceInput, lockMs: number): Promise<RaisedFence> {
  try {
    const before = `BEGIN; SET LOCAL lock_timeout = ${lockMs}; `
    const token = nextToken(input, await readStanding(session, 'FOR UPDATE', before))
    const naming = input.name === undefined ? [] : [{ sql: NAME, values: [fencedName(token, input.name)] }]
    const ending = { sql: endOlder(session), values: [token.epoch, token.attempt] }
    const { fields, failed } = await session.commitWith(
      WRITE_FENCE,
      [token.epoch, token.attempt, input.operation],
      [...naming, ending],
    )
    if (!failed && fields !== null) return { token, terminated: Number(fields[0]) }
    if (input.name !== undefined) await tagSession(session, token, input.name)
    return { token, terminated: await terminateOlder(session, token) }
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** As another role, which may end others than the one that raised it. Resolves to how many were ended. */
export function endOlderBackends(session: Session, token: FenceToken): Promise<number> {
  return terminateOlder(session, token)
}

/** Shorter than a transaction may idle. */
const KEEP_ALIVE_MS = 15_000

/** Keeps the row as it stands until what it resolves to is called, or the session ends: for acts of other sessions, which cannot lock it themselves. The
 *  whole table is locked and no row, since a row's lock takes a transaction id, and whoever makes a slot waits for all of those to end. Throws FENCED_OFF. */
export async function holdFence(session: Session, token: FenceToken): Promise<() => Promise<void>> {
  await session.execute('BEGIN; LOCK TABLE capstan.fence IN SHARE MODE')
  const end = () => (session.open ? session.execute('ROLLBACK').catch(() => 0) : Promise.resolve(0))
  try {
    compareFence(token, await readStanding(session, ''))
  } catch (error) {
    await end()
    throw error
  }
  const alive = setInterval(() => void session.query('SELECT 1').catch(() => undefined), KEEP_ALIVE_MS)
  return async () => {
    clearInterval(alive)
    await end()
  }
}

/** Ends backends of this database whose name carries an older token and that this role may end, and counts those. The time limit (14+) makes the call wait until the backend is gone
 *  and its locks with it: false, where it does not go. */
function endOlder({ serverVersionNum }: Pick<Session, 'serverVersionNum'>): string {
  const wait = serverVersionNum >= 140_000 ? ', 5000' : ''
  return `SELECT count(*) FILTER (WHERE gone) AS ended FROM (SELECT pg_terminate_backend(pid${wait}) AS gone FROM (
       SELECT pid, (regexp_match(application_name, '^c(\\d+)\\.(\\d+) '))[1]::bigint AS epoch,
              (regexp_match(application_name, '^c(\\d+)\\.(\\d+) '))[2]::bigint AS attempt
         FROM pg_catalog.pg_stat_activity JOIN pg_catalog.pg_roles r ON r.oid = usesysid
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ '^c\\d{1,15}\\.\\d{1,15} '
          AND (pg_has_role(usesysid, 'USAGE') OR (NOT r.rolsuper AND pg_has_role('pg_signal_backend', 'USAGE')))
     ) AS tagged WHERE (epoch, attempt) < ($1::bigint, $2::bigint)) AS older`
}

async function terminateOlder(session: Session, { epoch, attempt }: FenceToken): Promise<number> {
  const [row] = await session.query<{ ended: number }>(endOlder(session), [epoch, attempt])
  return row?.ended ?? 0
}

/** Locks the row until the transaction ends. */
export const LOCK_FENCE = 'SELECT epoch, attempt FROM capstan.fence WHERE singleton FOR SHARE'

/** Locks the row until the transaction ends and compares. `before`: statements to run in the same round trip. Throws FENCED_OFF. */
export async function assertFence(session: Session, token: FenceToken, before = ''): Promise<void> {
  const [row] = await session.query<{ epoch: number; attempt: number }>(`${before}${LOCK_FENCE}`)
  compareFence(token, row)
}

/** As `inTransaction`, with a look at the row by the statement that begins it. `settings`: to be made first. Throws FENCED_OFF. */
export async function inFencedTransaction<T>(
  session: Session,
  token: FenceToken,
  work: () => Promise<T>,
  settings = '',
): Promise<T> {
  try {
    await assertFence(session, token, `BEGIN; ${settings}`)
    const result = await work()
    await session.execute('COMMIT')
    return result
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Statements of one transaction that looks at the row first, in two round trips: where nobody is served meanwhile, each way to another cloud counts. None may
 *  need a value. Throws FENCED_OFF, ServerError. */
export async function executeFenced(session: Session, token: FenceToken, statements: readonly string[]): Promise<void> {
  try {
    await assertFence(session, token, 'BEGIN; ')
    await session.execute([...statements, 'COMMIT'].join('; '))
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

const FLUSHED = 'SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS lsn'

/** One statement, on disk before it is acknowledged, behind the row. Resolves to how far the log was on disk then, so that it is at or before that. In two round
 *  trips. Throws FENCED_OFF, ServerError. */
export async function commitFlushed(
  session: Session,
  token: FenceToken,
  sql: string,
  values: readonly string[],
  signal?: AbortSignal | undefined,
): Promise<string> {
  signal?.throwIfAborted()
  try {
    // somebody may have turned it off for the role or the database
    await assertFence(session, token, 'BEGIN; SET LOCAL synchronous_commit = on; ')
    const { fields } = await session.commitWith(sql, values, [FLUSHED], { signal })
    const lsn = fields?.[0] ?? (await session.query<{ lsn: string }>(FLUSHED, [], { signal }))[0]?.lsn
    if (lsn == null) throw new Error('the server does not say how far its log goes')
    return lsn
  } catch (error) {
    if (session.open) await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** `standing`: what LOCK_FENCE found. Throws FENCED_OFF. */
export function compareFence(token: FenceToken, { epoch, attempt }: FenceToken = { epoch: 0, attempt: 0 }): void {
  refuseOlder(token, { epoch, attempt })
  if (compareTokens(token, { epoch, attempt }) > 0) throw new Error('the fence was never raised to this attempt')
}

function refuseOlder(token: FenceToken, standing: FenceToken): void {
  if (compareTokens(token, standing) >= 0) return
  throw failure(
    'FENCED_OFF',
    `Attempt ${token.epoch}.${token.attempt} was overtaken by ${standing.epoch}.${standing.attempt} on this database and may not act.`,
    { epoch: token.epoch, attempt: token.attempt, standingEpoch: standing.epoch, standingAttempt: standing.attempt },
  )
}
