/** What makes a standby follow. It is made without a connection and then given one, so that the password is in one short statement only
 *  (connection.ts), and so that it is there whole or not at all.
 *
 *  What it is made with, and why:
 *  - `disable_on_error = false`: the end of the connection is an error too, and a source that restarts would leave a standby behind that a person has to
 *    switch on. So a change that cannot be applied is tried again every few seconds, and the watch tells it (`apply_error_count`).
 *  - `run_as_owner = false` (16+): rows are written with the rights of each table's owner. Otherwise whoever owns a table could lay code in its
 *    triggers that runs as the subscriber, who is the master. It asks that the master may SET ROLE to those owners.
 *  - `password_required` stays true, as only a superuser may change it.
 *  - `streaming = on`: a large transaction fills the standby's disk while it lasts, and not production's. `parallel` would need workers besides.
 *  - `binary = false`: text is what another version reads. `two_phase = false`: see slot.ts.
 *  - `origin` (16+): `any` there, `none` on the way back, where what came from the other side must not go back to it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { assertBefore, behindFence, explained, type Guarded, oneAtATime } from './behind-fence'
import { keepersOf, setConnection } from './connection'
import { conninfoOf, type Publisher } from './conninfo'
import { copyingSlotsOf } from './copying-slots'

export interface SubscriptionInput extends Guarded {
  readonly name: string
  readonly slot: string
  readonly publication: string
  readonly publisher: Publisher
  /** Whether tables that it does not know yet are copied first. Without it nobody may have written to them, but what replication brought, between the making
   *  of the slot and the end of this: what comes before they are known is passed over. */
  readonly copyData: boolean
  readonly origin: 'any' | 'none'
  /** False: it ends disabled. With `copyData` it knows no table then, which `enableSubscription` and `refreshSubscription` make good; without, it knows them
   *  all, and is enabled for that moment, since a server asks for them only then. */
  readonly enabled: boolean
  /** As `ensureSlot` told. */
  readonly failover?: boolean
}

export interface EnsuredSubscription {
  readonly made: boolean
  readonly oid: number
  /** A regular expression of the slots on the source that its copying workers make. To be kept: without the standby nobody knows it any more. */
  readonly copyingSlots: string
  /** Where the server keeps the password besides, one sentence each; none by default. */
  readonly keepers: readonly string[]
}

export interface FoundSubscription {
  readonly oid: number
  readonly enabled: boolean
  readonly slot: string | null
  readonly publications: readonly string[]
  readonly own: boolean
}

const ORIGIN_SINCE = 160_000
const FAILOVER_SINCE = 170_000
const TO_GRANT =
  'it needs pg_create_subscription and CREATE on the database, and has to own what is there; before PostgreSQL 16 only a superuser may subscribe'

/** `standby`: as the master that is to own it. One of that name that reads the same slot and publication is taken over and given the connection anew. Safe
 *  to repeat. Throws RESOURCE_NOT_OURS for another one, OPTION_INVALID also for what its version cannot do, CREDENTIALS_REJECTED for a right that is lacking there
 *  or where the source rejects the login, DATABASE_UNREACHABLE where the standby's server does not reach it, OPTION_INVALID where TLS is not as declared. */
export async function ensureSubscription(standby: Session, input: SubscriptionInput): Promise<EnsuredSubscription> {
  const { name, publisher, signal } = input
  const options = optionsOf(standby, input)
  const conninfo = conninfoOf(publisher, standby.serverVersionNum)
  const harmless = conninfoOf({ ...publisher, password: 'given right after' }, standby.serverVersionNum)
  const subscription = quoteIdentifier(name)
  const asks = input.enabled || !input.copyData
  const before = await behindFence(standby, input, TO_GRANT, async () => {
    await oneAtATime(standby, name)
    const found = await findSubscription(standby, name)
    if (found !== null) refuseOther(standby, input, found)
    await standby.execute(
      found === null
        ? `CREATE SUBSCRIPTION ${subscription} CONNECTION ${literal(harmless)} PUBLICATION ${quoteIdentifier(input.publication)}
             WITH (connect = false, slot_name = ${literal(input.slot)}, two_phase = false, ${options}${failoverOf(standby, input)})`
        : `ALTER SUBSCRIPTION ${subscription} SET (${options})`,
    )
    await setConnection(standby, { subscription: name, conninfo, password: publisher.password })
    signal?.throwIfAborted()
    if (asks) await standby.execute(`ALTER SUBSCRIPTION ${subscription} ENABLE`)
    return found
  })
  try {
    if (asks) await refreshSubscription(standby, input)
  } catch (error) {
    // whoever gives it up may be away for long, and one that is enabled means that this database follows
    if (!input.enabled) await disableSubscription(standby, { name, token: input.token, waitMs: 0 }).catch(() => undefined)
    throw error
  }
  if (!input.enabled) await disableSubscription(standby, { name, token: input.token, signal })
  const after = await findSubscription(standby, name)
  if (after === null) throw gone(standby, name)
  const { pattern } = await copyingSlotsOf(standby, after.oid)
  return { made: before === null, oid: after.oid, copyingSlots: pattern, keepers: await keepersOf(standby) }
}

function optionsOf({ serverVersionNum }: Session, { origin }: SubscriptionInput): string {
  const options = ['streaming = on', 'binary = false', 'disable_on_error = false']
  if (serverVersionNum >= ORIGIN_SINCE) return [...options, `origin = ${origin}`, 'run_as_owner = false'].join(', ')
  if (origin === 'any') return options.join(', ')
  throw failure(
    'OPTION_INVALID',
    `A subscriber of PostgreSQL 15 cannot tell what was written on its publisher from what came there from itself, from 16 on it can: there is no way back to it.`,
    { serverVersionNum },
  )
}

/** Only at the making: changing it later asks the source. */
function failoverOf({ serverVersionNum }: Session, { failover }: SubscriptionInput): string {
  return failover === true && serverVersionNum >= FAILOVER_SINCE ? ', failover = true' : ''
}

/** Null: there is none of that name in this database. */
export async function findSubscription(standby: Session, name: string): Promise<FoundSubscription | null> {
  const [row] = await standby.query<FoundSubscription>(
    `SELECT s.oid::bigint AS oid, s.subenabled AS enabled, s.subslotname::text AS slot, s.subpublications AS publications,
            pg_catalog.pg_has_role(s.subowner, 'USAGE') AS own
       FROM pg_catalog.pg_subscription s
      WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`,
    [name],
  )
  return row ?? null
}

export interface NamedSubscription extends Guarded {
  readonly name: string
}

/** Learns what is published now: tables that are new to it are copied if `copyData`, and what is published no more is forgotten. It has to be enabled. Asks the
 *  source. Safe to repeat. */
export async function refreshSubscription(
  standby: Session,
  input: NamedSubscription & { readonly copyData: boolean },
): Promise<void> {
  await assertBefore(standby, input)
  const sql = `ALTER SUBSCRIPTION ${quoteIdentifier(input.name)} REFRESH PUBLICATION WITH (copy_data = ${input.copyData})`
  try {
    await explained(standby, TO_GRANT, () => standby.execute(sql, { signal: input.signal }))
  } catch (error) {
    throw publisherFailure(standby, input.name, error) ?? missingTable(standby, error) ?? error
  }
}

/** A connection that the standby's server could not make to another one, in a session that stands. */
function publisherFailure(standby: Session, name: string, error: unknown): Failure | null {
  if (!(error instanceof Failure) || error.code !== 'CONNECTION_LOST' || !standby.open) return null
  const said = error.cause instanceof ServerError ? error.cause.message : String(error.facts.reason)
  const { host, database } = standby.endpoint
  const facts = { host, database, subscription: name }
  const cause = { cause: error }
  if (/certificate|support SSL|channel binding/i.test(said)) {
    const message = `The source that ${name} in ${database} on ${host} follows is not reached as its publisher’s tls asks for (${said}): enable it there, or declare another one.`
    return failure('OPTION_INVALID', message, facts, cause)
  }
  if (/authentication|pg_hba|not permitted|permission denied|does not exist|must be superuser or replication/i.test(said)) {
    const message = `The source does not let in what follows it as ${name} in ${database} on ${host} (${said}): check the publisher’s user, its password and REPLICATION, and who may come from there.`
    return failure('CREDENTIALS_REJECTED', message, facts, cause)
  }
  const message = `${host} does not reach the source that ${name} in ${database} follows (${said}): check the publisher’s host and port, and the network between both.`
  return failure('DATABASE_UNREACHABLE', message, facts, cause)
}

/** undefined_table, wrong_object_type: what is published is not there. */
function missingTable({ endpoint: { host, database } }: Session, error: unknown): Failure | null {
  if (!(error instanceof ServerError) || !['42P01', '42809', '3F000'].includes(error.sqlState)) return null
  return failure(
    'DATABASE_REFUSED',
    `What the source publishes is not all in ${database} on ${host} (${error.message}): bring its schema to that of the source first.`,
    { host, database, sqlState: error.sqlState },
    { cause: error },
  )
}

/** One that stands is given its connection anew, and is enabled. The source is not asked, and what is wrong with it its worker tells. Safe to repeat. Throws
 *  RESOURCE_NOT_OURS, DATABASE_REFUSED where there is none. */
export async function renewSubscription(
  standby: Session,
  input: Pick<SubscriptionInput, 'name' | 'slot' | 'publication' | 'publisher'> & Guarded,
): Promise<void> {
  const { name, publisher } = input
  const conninfo = conninfoOf(publisher, standby.serverVersionNum)
  await behindFence(standby, input, TO_GRANT, async () => {
    await oneAtATime(standby, name)
    const found = await findSubscription(standby, name)
    if (found === null) throw gone(standby, name)
    refuseOther(standby, input, found)
    // takes the lock that the connection is set under
    await standby.execute(`ALTER SUBSCRIPTION ${quoteIdentifier(name)} SET (binary = false)`)
    await setConnection(standby, { subscription: name, conninfo, password: publisher.password })
    await standby.execute(`ALTER SUBSCRIPTION ${quoteIdentifier(name)} ENABLE`)
  })
}

/** Its worker starts within a moment. Safe to repeat. */
export async function enableSubscription(standby: Session, input: NamedSubscription): Promise<void> {
  await behindFence(standby, input, TO_GRANT, async () => {
    if ((await findSubscription(standby, input.name)) === null) throw gone(standby, input.name)
    await standby.execute(`ALTER SUBSCRIPTION ${quoteIdentifier(input.name)} ENABLE`)
  })
}

export interface DisableInput extends NamedSubscription {
  /** How long its workers may take to end. Default 30,000. */
  readonly waitMs?: number | undefined
}

const WAIT_MS = 30_000
const PAUSE_MS = 50
/** Time for the worker that applies to come to the end of its transaction. */
const GRACE_MS = 2_000

/** Resolves once none of its workers runs: one that copies a table does not look up until it is done, so it is ended, and the table is copied anew later; one
 *  that applies is, after two seconds. Safe to repeat. Throws NOT_READY_YET where one is still there after `waitMs`. */
export async function disableSubscription(standby: Session, input: DisableInput): Promise<void> {
  const { name, waitMs = WAIT_MS, signal } = input
  const oid = await behindFence(standby, input, TO_GRANT, async () => {
    const found = await findSubscription(standby, name)
    if (found === null) throw gone(standby, name)
    await standby.execute(`ALTER SUBSCRIPTION ${quoteIdentifier(name)} DISABLE`)
    return found.oid
  })
  const began = performance.now()
  for (;;) {
    const workers = await standby.query<{ pid: number; copies: boolean }>(WORKERS, [oid])
    const [first] = workers
    if (first === undefined) return
    const waitedMs = performance.now() - began
    if (waitedMs > waitMs) {
      const { host, database } = standby.endpoint
      const message = `A worker of the subscription ${name} in ${database} on ${host} still runs (process ${first.pid}), ${waitMs / 1000} s after it was disabled: try again.`
      throw failure('NOT_READY_YET', message, { host, database, subscription: name, pid: first.pid })
    }
    const overdue = workers.filter(({ copies }) => copies || waitedMs > GRACE_MS)
    for (const { pid } of overdue)
      await explained(standby, 'it needs pg_signal_backend', () => standby.query(END_WORKER, [oid, pid]))
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

const WORKERS =
  'SELECT pid, relid IS NOT NULL AS copies FROM pg_catalog.pg_stat_subscription WHERE subid = $1::bigint::oid AND pid IS NOT NULL'
const END_WORKER = `SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_subscription WHERE subid = $1::bigint::oid AND pid = $2`

/** `SET` and `CREATE SUBSCRIPTION` take no parameters. Only for what is no secret. */
function literal(text: string): string {
  return text.includes('\\') ? ` E'${text.replace(/[\\']/g, '\\$&')}'` : `'${text.replaceAll("'", "''")}'`
}

function refuseOther(
  { endpoint: { host, database } }: Session,
  { name, slot, publication }: Pick<SubscriptionInput, 'name' | 'slot' | 'publication'>,
  found: FoundSubscription,
): void {
  const [only, ...others] = found.publications
  if (found.own && found.slot === slot && only === publication && others.length === 0) return
  const what = found.own
    ? `it reads the slot ${found.slot ?? 'NONE'} and ${found.publications.join(', ')}, where ${slot} and ${publication} were expected`
    : 'it belongs to another role'
  throw failure(
    'RESOURCE_NOT_OURS',
    `The subscription ${name} in ${database} on ${host} is there and is not what was to be made: ${what}. Remove it, then try again.`,
    { host, database, subscription: name, slot: found.slot },
  )
}

function gone({ endpoint: { host, database } }: Session, name: string): Error {
  return failure('DATABASE_REFUSED', `There is no subscription ${name} in ${database} on ${host}: somebody has removed it.`, {
    host,
    database,
    subscription: name,
  })
}
