/** The copy's master has a password of its own since the restore; as production it has the one that the fleet file names. By SQL where a master may set its
 *  own (before 16 one with REPLICATION may not); else over the cloud's API, whose worker has to be given that password. */
import { Failure, failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import { ServerError } from '../../postgres/connect/errors'
import { quoteIdentifier } from '../../postgres/connect/quote'
import { scramVerifier } from '../../postgres/connect/scram-verifier'
import { connect, type Session } from '../../postgres/connect/session'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import { notReadyYet } from '../waiting'
import type { OfReplacement, ReplacementDataActivities } from './contract'

export async function adoptMaster(
  deps: ActivityDeps,
  asked: Parameters<ReplacementDataActivities['adoptMaster']>[0],
): Promise<{ adopted: boolean }> {
  const { database: entry } = await deps.ledger.getBundle(asked.bundle)
  const password = await deps.resolveSecret(entry.connections.admin.secret)
  if (await answersTo(deps, entry, password, asked)) return { adopted: true }
  const { operation, step, copy, wasReset } = asked
  // a cloud may answer for a while before a new password counts
  if (wasReset && currentAct().attempt < ADOPTION_LOOKS_MAX) {
    throw notReadyYet(`Instance ${copy.instance}`, 'not yet answering to the password of the fleet file')
  }
  const request = { entry, role: 'admin', operation, step, address: copy, canary: true } as const
  const done = await withSession(deps, request, (session) => setPassword(session, entry.connections.admin.user, password))
  if (!done) return { adopted: false }
  if (await answersTo(deps, entry, password, asked)) return { adopted: true }
  const message = `The master of ${copy.instance} does not answer to the password that the fleet file names for it, though it was given that.`
  throw failure('CREDENTIALS_REJECTED', message, { instance: copy.instance })
}

/** About five minutes. */
const ADOPTION_LOOKS_MAX = 60

/** False: it may not. */
async function setPassword(session: Session, user: string, password: string): Promise<boolean> {
  assertMayAct()
  try {
    // of letters, digits and +/=$:- alone
    await session.execute(`ALTER ROLE ${quoteIdentifier(user)} PASSWORD '${scramVerifier(password)}'`)
    return true
  } catch (error) {
    if (error instanceof ServerError && error.sqlState === '42501') return false
    throw error
  }
}

/** And whether it takes writes. */
async function answersTo(
  deps: ActivityDeps,
  entry: DatabaseEntry,
  password: string,
  { operation, step, copy }: OfReplacement,
): Promise<boolean> {
  const { user, tls } = entry.connections.admin
  const { sourceAddress } = deps
  const login = { host: copy.host, port: copy.port, database: entry.database, user, password, tls }
  try {
    const applicationName = `capstan ${operation} ${step}`
    const session = await connect({ ...login, applicationName, ...(sourceAddress === null ? {} : { sourceAddress }) })
    await assertWritable(session, copy.instance).finally(() => session.close())
    return true
  } catch (error) {
    if (error instanceof Failure && error.code === 'CREDENTIALS_REJECTED') return false
    throw error
  }
}

async function assertWritable(session: Session, instance: string): Promise<void> {
  const [row] = await session.query<{ standby: boolean }>('SELECT pg_catalog.pg_is_in_recovery() AS standby')
  if (row?.standby === false) return
  throw failure('DATABASE_REFUSED', `Instance ${instance} is a standby and takes no writes.`, { instance })
}
