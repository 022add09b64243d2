/** The publisher's password: on a server that logs whatever it can be told to log, it stands nowhere. */
import { chownSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connect, inTransaction } from '../../../postgres/connect/session'
import { setConnection } from '../../../postgres/replicate/connection'
import { ensureSubscription } from '../../../postgres/replicate/subscription'
import { removeStandby } from '../../../postgres/replicate/teardown'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { type AskingServer, startAskingServer } from '../support/asking-server'
import { selfSigned } from '../support/self-signed'
import { freePort } from '../support/server'
import { copied, follow, type Pair, pairOf, type ReplicatingServer, startReplicating, valuesOf } from './support'

/** Parts of it that no quoting changes. */
const SECRET = /s0me length|follower 'secret'|wr0ng-password/

let server: ReplicatingServer
let both: Pair
/** Takes connections and says nothing. */
let silent: AskingServer
/** Where its machine keeps the authorities that everybody believes: there are none yet. */
const AUTHORITIES = 'authorities.pem'
const LOGS_ALL = {
  log_statement: 'all',
  log_min_duration_statement: '0',
  log_min_messages: 'info',
  log_parameter_max_length_on_error: '-1',
  log_replication_commands: 'on',
  log_connections: 'on',
  shared_preload_libraries: 'pg_stat_statements',
}
beforeAll(async () => {
  server = await startReplicating(17, LOGS_ALL, (folder) => ({ SSL_CERT_FILE: path.join(folder, AUTHORITIES) }))
  both = await pairOf(server, server, 'CREATE TABLE orders (id int PRIMARY KEY)')
  await both.source.master.execute('INSERT INTO orders VALUES (1)')
  await both.standby.superuser.execute('CREATE EXTENSION pg_stat_statements')
  silent = await startAskingServer([Buffer.alloc(0)])
})
afterAll(async () => {
  await silent?.close()
  await server?.server.stop()
})

const logged = () =>
  server
    .log()
    .split('\n')
    .filter((line) => SECRET.test(line))

const kept = async (): Promise<unknown[]> =>
  (await valuesOf(both.standby.superuser, 'SELECT query FROM pg_stat_statements')).filter((query) => SECRET.test(String(query)))

test('the log of this server does hold what is given as a parameter', async () => {
  await both.standby.master.query(`SELECT set_config('capstan.test', $1, false)`, ['a p4rameter'])
  await until('the log', async () => server.log().includes('a p4rameter'))
})

test('it is in no log and no statistics, neither where all goes well nor where it is wrong or nobody answers', async () => {
  const { source, standby, names, publisher } = both
  await follow(both, ['public.orders'])
  await copied(both, 1)
  const again = (more: object) =>
    ensureSubscription(standby.master, {
      name: names.subscription,
      slot: names.slot,
      publication: names.publication,
      publisher: { ...publisher, ...more },
      copyData: true,
      origin: 'any',
      enabled: true,
    })
  const rejected = await failureOf(again({ password: 'wr0ng-password' }), 'CREDENTIALS_REJECTED')
  expect(rejected.message).toMatch(/password authentication failed/)
  const away = await failureOf(again({ port: await freePort() }), 'DATABASE_UNREACHABLE')
  const nowhere = await failureOf(again({ host: 'nowhere.invalid' }), 'DATABASE_UNREACHABLE')
  const unencrypted = await failureOf(again({ tls: 'require' }), 'OPTION_INVALID')
  for (const { message, facts, cause } of [rejected, away, nowhere, unencrypted]) {
    expect(JSON.stringify({ message, facts, cause: cause instanceof Error ? [cause.message, cause.cause] : null })).not.toMatch(
      SECRET,
    )
  }
  // and it still follows, once all is right again
  expect(await again({})).toMatchObject({ made: false, keepers: [] })
  await source.master.execute('INSERT INTO orders VALUES (2)')
  await until('the row', async () => (await valuesOf(standby.master, 'SELECT id FROM orders')).length === 2)
  expect(server.log()).toContain('CREATE SUBSCRIPTION')
  expect(logged()).toEqual([])
  expect(await kept()).toEqual([])
  await removeStandby({ names, source: source.master, standby: standby.master })
})

test('it is in no log when the server does not take it', async () => {
  const { source, standby, names } = both
  await standby.master.execute(
    `CREATE SUBSCRIPTION ${names.subscription} CONNECTION 'host=there password=x' PUBLICATION p WITH (connect = false, slot_name = 'x')`,
  )
  const password = 'wr0ng-password'
  for (const conninfo of [`nonsense=1 password=${password}`, `host=there user=${password}`, password]) {
    const refused = await failureOf(
      inTransaction(standby.master, () =>
        setConnection(standby.master, { subscription: names.subscription, conninfo, password }),
      ),
      'DATABASE_REFUSED',
    )
    expect(JSON.stringify([refused.message, refused.facts])).not.toMatch(SECRET)
    expect(refused.facts.sqlState).toMatch(/42601|2F003/)
  }
  expect(logged()).toEqual([])
  await removeStandby({ names, source: source.master, standby: standby.master })
})

test('it is in no log when the session that subscribes is ended, or cancelled, while it waits for the source', async () => {
  const { source, standby, names, publisher } = both
  for (const end of ['pg_terminate_backend', 'pg_cancel_backend']) {
    const waiting = await connect(standby.options)
    const failed = follow(
      { ...both, publisher: { ...publisher, port: silent.port } },
      ['public.orders'],
      {},
      { source: source.master, standby: waiting },
    ).then(
      () => 'it went well',
      (error: unknown) => error,
    )
    await until('the wait for the source', async () => {
      const rows = await standby.superuser.query(
        `SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query ~ 'REFRESH'`,
        [waiting.backendPid],
      )
      return rows.length === 1
    })
    await standby.superuser.query(`SELECT ${end}($1)`, [waiting.backendPid])
    expect(await failed).toBeInstanceOf(Error)
    await waiting.close()
    await removeStandby({ names, source: source.master, standby: standby.master })
  }
  expect(logged()).toEqual([])
})

test('a server that keeps it all the same is told', async () => {
  const { source, standby, names } = both
  await standby.superuser.execute(`ALTER ROLE master SET pg_stat_statements.track = 'all'`)
  const tracked = await connect(standby.options)
  const { subscribed } = await follow(both, ['public.orders'], {}, { source: source.master, standby: tracked })
  await tracked.close()
  await standby.superuser.execute('ALTER ROLE master RESET pg_stat_statements.track')
  expect(subscribed.keepers).toEqual([
    expect.stringContaining('pg_stat_statements on 127.0.0.1 keeps the statements of code as well (track = all)'),
  ])
  expect(await kept()).toHaveLength(1)
  await removeStandby({ names, source: source.master, standby: standby.master })
})

test('encrypted, the source proves that it knows the password; who it is nobody has to believe but an authority of the standby’s machine, for its very address', async () => {
  const { source, standby, names, publisher } = both
  const [row] = await standby.superuser.query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`)
  const { cert, key } = selfSigned('127.0.0.1')
  const { uid, gid } = statSync(row!.folder)
  const fileOf = (name: string, text: string) => {
    const file = path.join(path.dirname(row!.folder), name)
    writeFileSync(file, text, { mode: 0o600 })
    if (process.getuid?.() === 0) chownSync(file, uid, gid)
    return file
  }
  await standby.superuser.execute(`ALTER SYSTEM SET ssl_cert_file = '${fileOf('server.crt', cert)}'`)
  await standby.superuser.execute(`ALTER SYSTEM SET ssl_key_file = '${fileOf('server.key', key)}'`)
  await standby.superuser.execute('ALTER SYSTEM SET ssl = on')
  await standby.superuser.execute('SELECT pg_reload_conf()')
  const by = (more: Partial<typeof publisher>) => follow({ ...both, publisher: { ...publisher, ...more } }, ['public.orders'])
  const isEncrypted = () =>
    until('an encrypted walsender', async () => {
      const rows = await source.superuser.query(
        'SELECT FROM pg_stat_ssl JOIN pg_stat_replication USING (pid) WHERE ssl AND application_name = $1',
        [names.subscription],
      )
      return rows.length === 1
    })
  const unknown = await failureOf(by({ tls: 'verify-full' }), 'OPTION_INVALID')
  expect(unknown.message).toContain('certificate')
  await by({ tls: 'require' })
  await isEncrypted()
  await removeStandby({ names, source: source.master, standby: standby.master })

  fileOf(AUTHORITIES, cert)
  // who is vouched for is another
  const another = await failureOf(by({ tls: 'verify-full', host: 'localhost' }), 'OPTION_INVALID')
  expect(another.message).toContain('certificate')
  await standby.master.execute('TRUNCATE orders')
  await by({ tls: 'verify-full' })
  await copied(both, 1)
  await isEncrypted()
  await removeStandby({ names, source: source.master, standby: standby.master })
  expect(logged()).toEqual([])
})
