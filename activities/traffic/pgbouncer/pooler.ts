/** What is asked of one pooler, and told it, each over a console of its own, so that nothing is left of an attempt that ended but what the pooler
 *  itself holds: whether the database is paused, and where it leads. */
import type { HostPort, PoolerFacts } from '../../../contracts/endpoint'
import { failure } from '../../../contracts/failures'
import { quoteIdentifier } from '../../../postgres/connect/quote'
import { printable } from '../../../postgres/printable'
import { parsePlace, shownPlace } from '../port'
import { type Console, type PoolerAccess, type Row, withConsole } from './console'

export interface PoolerOf extends PoolerAccess {
  /** As the pooler names it. */
  readonly database: string
}

export function placeOf(of: PoolerOf): Promise<HostPort> {
  return withConsole(of, async (console) => {
    await refuseSharedPort(console, of)
    return readPlace(await databaseOf(console, of), of)
  })
}

/** Reads its configuration anew. Connections to where a database led before are closed by PgBouncer itself as soon as their transaction ends.
 *  Resolves to where it leads then. */
export function reload(of: PoolerOf): Promise<HostPort> {
  return withConsole(of, async (console) => {
    await console.ask('RELOAD')
    return readPlace(await databaseOf(console, of), of)
  })
}

/** Who keeps a pause waiting: one line each; empty: it is paused, and no transaction is under way. The pause is in force either way: nothing new begins
 *  before `resume`. `opened`: a console that is there already, of no more use afterwards. */
export async function pause(of: PoolerOf, opened: Console, withinMs: number): Promise<readonly string[]> {
  // whether it answered in time is not asked: what counts is what is shown afterwards
  await opened.askWithin(`PAUSE ${quoteIdentifier(of.database)}`, withinMs)
  return withConsole(of, async (console) => {
    const holders = await holdersOf(console, of.database)
    const database = await databaseOf(console, of)
    if (Number(database.paused) === 1) return holders
    const message = `The pooler ${shownPlace(of.pooler)} was told to pause ${of.database} and shows that it is not paused: somebody else resumed it. Find out who, then begin anew.`
    throw failure('ENDPOINT_DRIFTED', message, { pooler: shownPlace(of.pooler) })
  })
}

/** Whether it was paused. */
export function resume(of: PoolerOf): Promise<boolean> {
  return withConsole(of, async (console) => {
    const paused = async () => Number((await databaseOf(console, of)).paused) === 1
    if (!(await paused())) return false
    try {
      await console.ask(`RESUME ${quoteIdentifier(of.database)}`)
    } catch (error) {
      // refused where somebody else was faster
      if (await paused()) throw error
    }
    return true
  })
}

export function factsOf(of: PoolerOf): Promise<PoolerFacts> {
  return withConsole(of, async (console) => {
    const config = await configOf(console)
    const [version] = await console.ask('SHOW VERSION')
    const database = await databaseOf(console, of)
    const pools = (await console.ask('SHOW POOLS')).filter((pool) => pool.database === of.database)
    const modes = [database.pool_mode ?? config.get('pool_mode'), ...pools.map((pool) => pool.pool_mode)]
    const seconds = (key: string) => Number(config.get(key) ?? 0) * 1_000
    return {
      host: of.pooler.host,
      port: of.pooler.port,
      version: printable(String(version?.version ?? 'unknown')),
      poolModes: [...new Set(modes.map(String))].sort(),
      queryWaitTimeoutMs: seconds('query_wait_timeout') || null,
      serverLoginRetryMs: seconds('server_login_retry'),
      serverLifetimeMs: seconds('server_lifetime'),
      clientsMax: Number(config.get('max_client_conn') ?? 0),
      sharedPort: config.get('so_reuseport') === '1',
      paused: Number(database.paused) === 1,
    }
  })
}

async function configOf(console: Console): Promise<ReadonlyMap<string, string>> {
  return new Map((await console.ask('SHOW CONFIG')).map(({ key, value }) => [String(key), String(value ?? '')]))
}

async function refuseSharedPort(console: Console, { pooler }: PoolerOf): Promise<void> {
  if ((await configOf(console)).get('so_reuseport') !== '1') return
  throw failure('ENDPOINT_REFUSED', sharedPort(pooler), { pooler: shownPlace(pooler) })
}

export function sharedPort(pooler: HostPort): string {
  return `The pooler ${shownPlace(pooler)} shares its port with others (so_reuseport): a command reaches one of them alone. Give each a port of its own, and name them all.`
}

async function databaseOf(console: Console, { pooler, database }: PoolerOf): Promise<Row> {
  const found = (await console.ask('SHOW DATABASES')).find(({ name }) => name === database)
  if (found !== undefined) return found
  const message = `The pooler ${shownPlace(pooler)} has no database ${database}: let it %include the file of the endpoint.`
  throw failure('ENDPOINT_REFUSED', message, { pooler: shownPlace(pooler), database })
}

function readPlace(database: Row, { pooler }: PoolerOf): HostPort {
  const host = String(database.host ?? '')
  const at = parsePlace(host.includes(':') ? `[${host}]:${database.port}` : `${host}:${database.port}`)
  if (at !== null) return at
  const message = `The pooler ${shownPlace(pooler)} leads to a socket or to several hosts; the endpoint has to lead to one host and port.`
  throw failure('ENDPOINT_REFUSED', message, { pooler: shownPlace(pooler) })
}

const HOLDERS_MAX = 5

/** Clients whose transaction has a connection to the server. */
async function holdersOf(console: Console, database: string): Promise<string[]> {
  const ofDatabase = (row: Row) => row.database === database
  const servers = (await console.ask('SHOW SERVERS')).filter((row) => ofDatabase(row) && row.state === 'active')
  const clients = new Map((await console.ask('SHOW CLIENTS')).filter(ofDatabase).map((row) => [row.ptr, row]))
  return servers.slice(0, HOLDERS_MAX).map((server) => {
    const client = clients.get(server.link)
    const name = client?.application_name ? ` (${client.application_name})` : ''
    const from = client === undefined ? 'nobody' : `${client.user} from ${client.addr}:${client.port}${name}`
    return printable(`${from} by the server's process ${server.remote_pid}`)
  })
}
