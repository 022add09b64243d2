/** One file is carried over to one standby. All that came before it on the source is applied, nothing of what comes behind it: so both sides have the very same
 *  rows, and whatever the file does comes out alike. docs/decisions/0035-migrations-and-standbys.md.
 *
 *  (a) the line's table is held until the worker that applies waits for it; (b) the file and its row in the history, in one transaction, and behind it, on an old
 *  writer, the guard upon what it made; (c) the subscription learns of new tables, whose rows it would pass over without a word; (d) the line is raised, by the
 *  session of (a). Whoever dies in between leaves the constraint: what is done is found done, and the rest is done again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import type { StandbyNames } from '../../contracts/standby'
import type { Session } from '../connect/session'
import { age } from '../health/words'
import { applyMigrations } from '../migrate/apply'
import type { ApplyEvent } from '../migrate/events'
import { assertFence, type FenceToken } from '../migrate/fence'
import { DEFAULT_HISTORY, historyInsert, readHistory } from '../migrate/history'
import type { ResolvedMigration } from '../migrate/resolve'
import type { ApplyLimits } from '../migrate/run-context'
import { LINE_TABLE, raiseBound, readBound, readLines } from '../migrate/schema-line'
import { behindFence, explained } from './behind-fence'
import { refuseFiring } from './event-triggers'
import { guardNewTables } from './guard'
import { learnTables } from './line-tables'
import type { CarryStep } from './to-carry'

export interface CarryInput {
  readonly step: CarryStep
  readonly resolved: readonly ResolvedMigration[]
  /** Into the standby's database, as who owns the tables and the control schema, called by the token. Called four times a round at most, and closed here. */
  readonly connect: () => Promise<Session>
  /** In the standby's database, as the subscription's owner. */
  readonly admin: Session
  /** In the source's database, as who may migrate it. It is read, and other runs on it are kept away for a moment. */
  readonly source: Session
  readonly names: StandbyNames
  /** The one that stands in the standby's database. */
  readonly token: FenceToken
  readonly limits?: Partial<ApplyLimits> | undefined
  /** How long it is waited for all that came before, while the line is held. Default 60,000. */
  readonly arriveMs?: number | undefined
  /** How long altogether, in rounds of `arriveMs`; then it is refused. Absent: one round, which may be tried again. */
  readonly withinMs?: number | undefined
  /** Called right before each effect; throw to stop. */
  readonly mayAct?: (() => void) | undefined
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: ApplyEvent) => void) | undefined
}

export interface Carried {
  /** The last that the standby has. */
  readonly line: number
  /** The file was run by this call. */
  readonly ran: boolean
  /** The subscription has learnt of tables. */
  readonly refreshed: boolean
  /** As `schema.table`, quoted: it does not follow them yet, since the source has gone further; they are copied at the last line. */
  readonly deferred: readonly string[]
  /** From here on they are copied. */
  readonly copying: readonly string[]
  /** Of an old writer: tables upon which no guard could be put, as `schema.table`. */
  readonly unguarded: readonly string[]
}

const TO_GRANT = 'it has to own the schema capstan and the history of migrations'
const ARRIVE_MS = 60_000
const POLL_MS = 20
/** Shorter than a transaction may idle. */
const KEEP_ALIVE_MS = 15_000

/** Safe to repeat after any death. Whatever goes wrong, the standby stays where it was, whole. Throws NOT_READY_YET where the worker has not come there in
 *  `arriveMs`, still copies tables, or a lock was not had; DATABASE_REFUSED where it cannot come there at all, or has not `withinMs`; FENCED_OFF, CONNECTION_LOST, what
 *  `applyMigrations` and `learnTables` throw, and the signal's reason. */
export async function carryOne(input: CarryInput): Promise<Carried> {
  const { withinMs, arriveMs = ARRIVE_MS } = input
  if (withinMs === undefined) return carryOnce(input)
  for (const until = performance.now() + withinMs; ; ) {
    try {
      return await carryOnce({ ...input, arriveMs: Math.max(1, Math.min(arriveMs, Math.round(until - performance.now()))) })
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'NOT_READY_YET' || error.facts.reason !== 'not-there') throw error
      if (performance.now() >= until) throw waitedEnough(error, withinMs)
    }
  }
}

async function carryOnce(input: CarryInput): Promise<Carried> {
  const keeper = await input.connect()
  try {
    const bound = await readBound(keeper)
    if (bound === null) throw unbound(keeper)
    const nothing = { line: bound.line, ran: false, refreshed: false, deferred: [], copying: [], unguarded: [] }
    const { line } = input.step
    if (line !== null && line <= bound.line) return nothing
    if (line !== null && line !== bound.line + 1)
      throw new Error(`line ${line} is to be carried over, and ${bound.line} is the last`)
    if (input.step.way !== 'rows') await refuseFiring(keeper)
    if (line !== null) return await atTheLine(input, keeper, line)
    if (input.step.way === 'superseded') {
      input.mayAct?.()
      await behindFence(keeper, input, TO_GRANT, () => noteSuperseded(input, keeper))
      return nothing
    }
    if (input.step.way === 'free') await caughtUp(input, keeper, bound.line)
    return { ...nothing, ran: await run(input) }
  } finally {
    await keeper.close()
  }
}

async function atTheLine(input: CarryInput, keeper: Session, line: number): Promise<Carried> {
  const { step, names, signal } = input
  const mayAct = () => input.mayAct?.()
  const release = await hold(input, keeper, line, await isRun(input, keeper))
  try {
    const ran = step.way === 'superseded' ? false : await runOverEmpty(input, keeper)
    // before they are copied, since who copies holds them
    const unguarded = await guarded(input)
    const learnt = await learnTables({ keeper, admin: input.admin, source: input.source, names, line, mayAct, signal })
    mayAct()
    await explained(keeper, TO_GRANT, async () => {
      if (step.way === 'superseded') await noteSuperseded(input, keeper)
      await raiseBound(keeper, { line, deferred: learnt.deferred.map(({ oid }) => oid) })
      await keeper.execute('COMMIT')
    })
    return { ...learnt, line, ran, deferred: learnt.deferred.map(({ name }) => name), unguarded }
  } finally {
    await release()
  }
}

/** An old writer turns away whoever writes there, in what the file has made too. */
async function guarded({ admin, connect, token, signal, mayAct }: CarryInput): Promise<readonly string[]> {
  mayAct?.()
  return (await guardNewTables(admin, connect, { token, signal })) ?? []
}

/** The history's row of this file's line, whose content is the one that there is. */
async function isRun({ step, resolved }: CarryInput, standby: Session): Promise<boolean> {
  if (step.way === 'superseded') return true
  const { rows } = await readHistory(standby)
  const migration = resolved.find(({ script }) => script === step.script)
  const last = rows.findLast(({ script, success }) => success && script === step.script)
  return last !== undefined && (last.version !== null || last.checksum === migration?.checksum)
}

/** In the transaction that is under way: so that both histories say the same. */
async function noteSuperseded({ step, resolved }: CarryInput, keeper: Session): Promise<void> {
  const { script, checksum } = step
  const migration = resolved.find((one) => one.script === script)
  if (migration === undefined) throw new Error(`${script} was planned from a file that is not there`)
  const { sql, values } = historyInsert({ ...migration, checksum, executionTimeMs: 0 }, DEFAULT_HISTORY)
  await keeper.query(sql, values)
}

async function run({ connect, resolved, step, token, limits, signal, onEvent, mayAct }: CarryInput): Promise<boolean> {
  mayAct?.()
  const { applied } = await applyMigrations({
    ...{ connect, resolved, fence: token, only: step.script, as: 'standby', outOfOrder: true },
    ...(limits === undefined ? {} : { limits }),
    ...(signal === undefined ? {} : { signal }),
    ...(onEvent === undefined ? {} : { onEvent }),
  })
  return applied.length > 0
}

/** Tables that are copied at the last line only are empty until then, and a file that minds that will never pass. */
async function runOverEmpty(input: CarryInput, keeper: Session): Promise<boolean> {
  const bound = await readBound(keeper)
  try {
    return await run(input)
  } catch (error) {
    if (bound === null || bound.deferred === 0 || !(error instanceof Failure) || error.code !== 'MIGRATION_FAILED') throw error
    const { database, host } = placeOf(keeper)
    throw failure(
      'DATABASE_REFUSED',
      `${input.step.script} failed on the standby ${database} on ${host}, where ${bound.deferred} tables are empty until its last line, which it may never come to so: capstan standby reseed. ${error.message}`,
      { database, host, script: input.step.script, deferred: bound.deferred },
      { cause: error },
    )
  }
}

interface Seen {
  readonly enabled: boolean
  readonly copying: number
  /** The worker that applies waits for the line's table. */
  readonly waits: boolean
  readonly errors: number
}

const SEEN = `
  SELECT s.subenabled AS enabled,
         (SELECT count(*)::int FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') AS copying,
         coalesce((SELECT t.apply_error_count FROM pg_catalog.pg_stat_subscription_stats t WHERE t.subid = s.oid), 0)::bigint AS errors,
         EXISTS (SELECT FROM pg_catalog.pg_stat_subscription w JOIN pg_catalog.pg_locks l ON l.pid = w.pid
                  WHERE w.subid = s.oid AND w.relid IS NULL AND NOT l.granted AND l.locktype = 'relation' AND l.database = s.subdbid
                    AND l.relation = pg_catalog.to_regclass('${LINE_TABLE}')) AS waits
    FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database()
   WHERE s.subname = $1`

/** (a) In a transaction of `keeper`. Not in ACCESS EXCLUSIVE: who asks which tables are published takes the weakest lock on each, on this one too. Resolves to
 *  what gives it back, if it is held still. `isRun`: only what comes after the file is left to do, which what is copied does not mind.
 *
 *  That its worker waits for the table says nothing of the line at which it waits: it may have left the queue at the last one (`lock_timeout`, a restart, a walsender
 *  that gave up), and have that file's transaction and all rows behind it before it still. So the last line has to be there, else it is let past first. */
async function hold(input: CarryInput, keeper: Session, line: number, isRun: boolean): Promise<() => Promise<void>> {
  const { token, names, signal, arriveMs = ARRIVE_MS } = input
  input.mayAct?.()
  signal?.throwIfAborted()
  const deadline = performance.now() + arriveMs
  let alive: NodeJS.Timeout | undefined
  const release = async () => {
    clearInterval(alive)
    if (keeper.open) await keeper.execute('ROLLBACK').catch(() => undefined)
  }
  try {
    while (!(await heldBehind(keeper, token, line))) {
      await keeper.execute('ROLLBACK')
      if (performance.now() > deadline)
        throw notReady(keeper, 'not-there', `what applies has not come past line ${line - 1} within ${arriveMs} ms`)
      await sleep(POLL_MS * 5, undefined, { signal })
    }
    await arrived(keeper, names.subscription, { ...input, line, isRun })
    alive = setInterval(() => void keeper.query('SELECT 1').catch(() => undefined), KEEP_ALIVE_MS)
    return release
  } catch (error) {
    await release()
    throw error
  }
}

/** Begins the transaction. Whether all up to the line before is applied: the table is held then, so that the worker can come to this one and no further. */
async function heldBehind(keeper: Session, token: FenceToken, line: number): Promise<boolean> {
  await keeper.execute('BEGIN')
  await assertFence(keeper, token)
  await explained(keeper, TO_GRANT, () =>
    keeper.execute(`SET LOCAL lock_timeout = '10s'; LOCK TABLE ${LINE_TABLE} IN SHARE ROW EXCLUSIVE MODE`),
  )
  const [last] = await keeper.query<{ line: number | null }>(`SELECT max(line) AS line FROM ${LINE_TABLE}`)
  const had = last?.line ?? 0
  if (had >= line) throw pastIt(keeper, line)
  return had === line - 1
}

async function arrived(
  keeper: Session,
  subscription: string,
  {
    arriveMs = ARRIVE_MS,
    signal,
    line,
    isRun,
  }: Pick<CarryInput, 'arriveMs' | 'signal'> & { readonly line: number; readonly isRun: boolean },
): Promise<void> {
  const deadline = performance.now() + arriveMs
  for (;;) {
    const [seen] = await keeper.query<Seen>(SEEN, [subscription])
    if (seen === undefined || !seen.enabled) throw notFollowing(keeper, subscription)
    if (seen.copying > 0 && !isRun)
      throw notReady(keeper, 'copying', `${seen.copying} tables are still copied for the first time`)
    if (seen.waits) return
    if (performance.now() > deadline) {
      const failed = seen.errors > 0 ? `; it failed ${seen.errors} times to apply, of which its log says why` : ''
      throw notReady(keeper, 'not-there', `what applies has not come to line ${line} within ${arriveMs} ms${failed}`)
    }
    await sleep(POLL_MS, undefined, { signal })
  }
}

/** A unique index would fail on rows that the source had mended before it built its own. */
async function caughtUp(input: CarryInput, keeper: Session, bound: number): Promise<void> {
  const { source, names, arriveMs = ARRIVE_MS, signal } = input
  const next = (await readLines(source)).find(({ line }) => line > bound)
  if (next !== undefined) {
    const release = await hold(input, keeper, next.line, false)
    return release()
  }
  const [now] = await source.query<{ lsn: string }>('SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS lsn')
  const deadline = performance.now() + arriveMs
  for (;;) {
    const [slot] = await source.query<{ had: boolean | null }>(
      'SELECT confirmed_flush_lsn >= $2::pg_lsn AS had FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
      [names.slot, now?.lsn],
    )
    if (slot === undefined) throw notFollowing(keeper, names.subscription)
    if (slot.had === true) return
    if (performance.now() > deadline)
      throw notReady(keeper, 'not-there', `it has not confirmed what the source has within ${arriveMs} ms`)
    await sleep(POLL_MS * 5, undefined, { signal })
  }
}

const placeOf = ({ endpoint: { database, host } }: Session): { readonly database: string; readonly host: string } => ({
  database,
  host,
})

function notReady(standby: Session, reason: 'copying' | 'not-there', what: string): Error {
  const { database, host } = standby.endpoint
  return failure(
    'NOT_READY_YET',
    `The standby ${database} on ${host} stays where it is: ${what}. It is carried over with the next migration, or by capstan standby resume.`,
    {
      ...placeOf(standby),
      reason,
    },
  )
}

function waitedEnough(cause: Failure, withinMs: number): Error {
  const message = `${cause.message} It was waited for ${age(withinMs)} altogether, as the plan says (carryWithin of the fleet file).`
  return failure('DATABASE_REFUSED', message, cause.facts, { cause })
}

function unbound(standby: Session): Error {
  const { database, host } = standby.endpoint
  return failure(
    'DATABASE_REFUSED',
    `The standby ${database} on ${host} has no line up to which it follows: capstan standby resume sets it.`,
    placeOf(standby),
  )
}

function notFollowing(standby: Session, subscription: string): Error {
  const { database, host } = standby.endpoint
  return failure(
    'DATABASE_REFUSED',
    `The standby ${database} on ${host} does not follow by ${subscription}, so that nothing comes to a line: capstan standby resume.`,
    { ...placeOf(standby), subscription },
  )
}

/** Somebody took the constraint away, or it came too late. */
function pastIt(standby: Session, line: number): Error {
  const { database, host } = standby.endpoint
  return failure(
    'DATABASE_REFUSED',
    `The standby ${database} on ${host} has gone past line ${line} without the file that belongs to it, so that its rows are no longer known to be the source’s: capstan standby reseed.`,
    { ...placeOf(standby), line },
  )
}
