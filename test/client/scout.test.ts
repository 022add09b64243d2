import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Finding } from '../../contracts/operation'
import { freePort, query } from '../ledger/postgres-server'
import { cliFiles, FLEET_EXAMPLE } from './cli-files'
import { capstan } from './recorded-io'
import { startTestTemporal, type TestTemporal } from './temporal-server'
import { withLedger } from './with-ledger'

const { folder, remove } = cliFiles()
const own = withLedger()
afterAll(remove)

/** One that takes the workflows' work alone. */
async function withWorker<T>(address: string, work: () => Promise<T>): Promise<T> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF', forward: {} } } })
  const connection = await NativeConnection.connect({ address })
  const code = readFileSync(join(__dirname, '../../dist/workflow-bundle.js'), 'utf8')
  const worker = await Worker.create({ connection, taskQueue: 'control', workflowBundle: { code } })
  try {
    return await worker.runUntil(work)
  } finally {
    await connection.close()
  }
}

interface ScoutDocument {
  readonly version: number
  readonly scouted: readonly {
    readonly name: string | null
    readonly provenRestore: { readonly operation: string } | null
    readonly findings: readonly { readonly check: string; readonly severity: string; readonly message: string }[]
    readonly notKnown: readonly { readonly check: string; readonly why: string }[]
    readonly error?: { readonly code: string }
  }[]
}

const document = (run: { readonly json: unknown }) => run.json as ScoutDocument

async function ailing(): Promise<string> {
  const url = await own.server.freshDatabase()
  await query(
    url,
    `CREATE TABLE "Order""s" (id serial, note text); INSERT INTO "Order""s" (note) VALUES ('a value of a row');
     SELECT setval(pg_get_serial_sequence('"Order""s"', 'id'), 2147483647);
     CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c (); CREATE TABLE "d${'\u001b'}[31m" ()`,
  )
  return url
}

/** The example with one database for each URL, reached as the URL says; without one, by the instance's own endpoint. */
function fleetFile(databases: Readonly<Record<string, string | null>>): { file: string; env: Record<string, string> } {
  const [head = '', example = ''] = readFileSync(FLEET_EXAMPLE, 'utf8').split('databases:\n')
  const env: Record<string, string> = { CAPSTAN_SECRET_VARIABLES: 'SCOUTED_' }
  const entries = Object.entries(databases).map(([name, text], index) => {
    const url = text === null ? null : new URL(text)
    env[`SCOUTED_${index}`] = url?.password ?? 'none'
    const where = url === null ? '' : `, host: ${url.hostname}, port: ${url.port}, tls: disable`
    return example
      .replace('name: shop ', `name: ${name} `)
      .replace('database: shop ', `database: ${url?.pathname.slice(1) ?? 'shop'} `)
      .replace(/admin: \{.*\}/, `admin: { user: ${url?.username ?? 'boss'}, secret: "env:SCOUTED_${index}"${where} }`)
  })
  const file = join(folder, `fleet-${Object.keys(databases).join('-')}.yaml`)
  writeFileSync(file, `${head}databases:\n${entries.join('')}`)
  return { file, env }
}

test('a URL is enough: one screen with the worst first, the command for each, and what is not known', async () => {
  const { exit, out, err } = await capstan(['scout', '--url', await ailing()])
  expect({ exit, err }).toEqual({ exit: 1, err: '' })
  const lines = out.split('\n')
  expect(lines[0]).toMatch(/^127\.0\.0\.1:\d+\/t_\w+ as ledger, PostgreSQL 17\.\d+: 1 critical finding, 5 notes$/)
  expect(lines[1]).toBe(
    '  ✘ Sequence public."Order""s_id_seq" has used 100 % of its range, which ends at 2,147,483,647; 0 are left.',
  )
  expect(out).toContain(
    '      ALTER TABLE public."Order""s" ALTER COLUMN id TYPE bigint; ALTER SEQUENCE public."Order""s_id_seq" AS bigint;',
  )
  expect(out).toContain('    … and 2 more like these: --json has all')
  expect(out).toContain('Not known: who on the internet may reach it; what could be restored; whether one call deletes it.')
  expect(out).toContain('Not known: whether its backups can be restored.')
  expect(out).toMatch(/Looked into t_\w+, and not into postgres/)
  expect(out).not.toContain('a value of a row')
  expect(out).not.toContain('\u001b')
})

test('--json is one document in a versioned form, with every finding and its object', async () => {
  const run = await capstan(['scout', '--url', await ailing(), '--json'])
  expect(run.exit).toBe(1)
  const { version, scouted } = document(run)
  expect(version).toBe(1)
  expect(Object.keys(scouted[0] ?? {}).sort()).toEqual(
    [
      'name',
      'host',
      'port',
      'database',
      'at',
      'engineVersion',
      'role',
      'standby',
      'databases',
      'provenRestore',
      'findings',
      'notKnown',
    ].sort(),
  )
  expect(scouted[0]?.findings.map(({ check }) => check)).toEqual(['sequences', ...Array(5).fill('replica-identity')])
  expect(scouted[0]?.findings).toContainEqual(
    expect.objectContaining({
      object: { kind: 'table', schema: 'public', name: 'd\u001b[31m' },
      command: expect.stringMatching(/^ALTER TABLE public\.U&"d\\\+00001b\[31m" ADD PRIMARY KEY/),
    }),
  )
  expect(run.out).not.toContain('\u001b')
})

test('a database that nothing is wrong with is exit 0, and says what that is worth', async () => {
  const url = await own.server.freshDatabase()
  const { password } = new URL(url)
  const run = await capstan(['scout', '--url', url.replace(`:${password}@`, '@')], { env: { PGPASSWORD: password } })
  expect(run).toMatchObject({ exit: 0, out: expect.stringMatching(/: nothing found\n {2}Looked into t_/) })
})

const AT = new Date(Date.now() - 3_600_000).toISOString()

async function recordCanary(
  id: string,
  database: string,
  finishedAt: string,
  { findings, checkCount }: { findings: readonly Finding[]; checkCount: number },
): Promise<void> {
  const bundle = await own.ledger.putBundle({ version: 1, database: { name: database } as DatabaseEntry, migrations: [] })
  const about = { kind: 'migrate', databases: [database], cloud: 'aws', environment: 'production', mode: 'apply' } as const
  await own.ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt: finishedAt, bundle })
  const step = { id: 'check-canary', title: 'Check', state: 'done', attempts: 1, startedAt: finishedAt, finishedAt } as const
  await own.ledger.recordStep({ operation: id, sequence: 0, step: { ...step, detail: { findings, checkCount } } })
}

test('by its name in the fleet file, the ledger says whether a restore of it was ever checked', async () => {
  const { file, env } = fleetFile({
    unproven: await own.server.freshDatabase(),
    proven: await own.server.freshDatabase(),
    old: await own.server.freshDatabase(),
  })
  await recordCanary('migrate-unproven-1', 'unproven', AT, { findings: [{ rule: 'row-count', message: 'fewer' }], checkCount: 1 })
  // Nobody declared a check that could have said no.
  await recordCanary('migrate-unproven-2', 'unproven', AT, { findings: [], checkCount: 0 })
  await recordCanary('migrate-proven-1', 'proven', AT, { findings: [], checkCount: 1 })
  await recordCanary('migrate-old-1', 'old', '2026-01-05T03:00:00.000Z', { findings: [], checkCount: 1 })
  const recorded = { env: { ...env, CAPSTAN_LEDGER_URL: own.ledgerUrl } }

  const unproven = await capstan(['scout', 'unproven', '--fleet', file], recorded)
  expect(unproven.exit).toBe(1)
  expect(unproven.out).toContain('  ▲ The ledger knows of no restore of unproven that was checked.')
  const proven = await capstan(['scout', 'proven', '--fleet', file], recorded)
  expect(proven).toMatchObject({ exit: 0, out: expect.stringContaining(`Last checked restore: ${AT} by migrate-proven-1.`) })
  const all = document(await capstan(['scout', '--all', '--fleet', file, '--json'], recorded))
  expect(all.scouted.map(({ name, provenRestore, findings }) => [name, provenRestore?.operation, findings.length])).toEqual([
    ['unproven', undefined, 1],
    ['proven', 'migrate-proven-1', 0],
    ['old', 'migrate-old-1', 1],
  ])
  expect(all.scouted[2]?.findings[0]?.message).toMatch(/^The last restore of old that was checked is \d+ d/)
})

test('a ledger that is not known, or does not answer, is told and keeps nobody from looking', async () => {
  const { file, env } = fleetFile({ shop: await own.server.freshDatabase() })
  const none = await capstan(['scout', 'shop', '--fleet', file, '--json'], { env })
  expect(none.exit).toBe(0)
  expect(document(none).scouted[0]?.notKnown[0]).toMatchObject({
    check: 'proven-restore',
    why: expect.stringContaining('CAPSTAN_LEDGER_URL'),
  })
  const gone = { ...env, CAPSTAN_LEDGER_URL: `postgres://u:w@127.0.0.1:${await freePort()}/x` }
  const away = await capstan(['scout', 'shop', '--fleet', file, '--json'], { env: gone })
  expect(away.exit).toBe(0)
  expect(document(away).scouted[0]?.notKnown[0]?.why).toContain('127.0.0.1')
})

test('of a fleet, one that cannot be looked at is told beside the others, and the exit code says so', async () => {
  const { file, env } = fleetFile({ homeless: null, there: await own.server.freshDatabase() })
  const run = await capstan(['scout', '--all', '--fleet', file], { env })
  expect(run.exit).toBe(4)
  expect(run.out).toMatch(
    /^homeless: not looked at\n {2}No Temporal server is known; .* gives no host for homeless, .* \[TEMPORAL_UNREACHABLE\]\n\nthere \(/,
  )
  const { CAPSTAN_SECRET_VARIABLES: _allowed, ...closed } = env
  const refused = await capstan(['scout', 'there', '--fleet', file], { env: closed })
  expect(refused).toMatchObject({ exit: 2, err: expect.stringContaining('[SECRET_UNRESOLVED]') })
})

describe('a database that the fleet file gives no host for', () => {
  let temporal: TestTemporal
  beforeAll(async () => {
    temporal = await startTestTemporal()
  })
  afterAll(() => temporal?.stop())
  const hurried = { lookEveryMs: 100, unclaimedMs: 500 }
  const doors = () => ({ TEMPORAL_ADDRESS: temporal.address, CAPSTAN_LEDGER_URL: own.ledgerUrl })

  test('needs Temporal and a ledger: what is away is named, with the way around it', async () => {
    const { file, env } = fleetFile({ homeless: null })
    const nobody = `127.0.0.1:${await freePort()}`
    const away = await capstan(['scout', 'homeless', '--fleet', file], {
      env: { ...env, ...doors(), TEMPORAL_ADDRESS: nobody },
    })
    expect(away).toMatchObject({
      exit: 4,
      out: '',
      err: expect.stringMatching(`${nobody}.*connections.admin.host.*TEMPORAL_UNREACHABLE`),
    })
    const { CAPSTAN_LEDGER_URL: _ledger, ...without } = doors()
    const none = await capstan(['scout', 'homeless', '--fleet', file], { env: { ...env, ...without } })
    expect(none).toMatchObject({ exit: 4, out: '', err: expect.stringMatching(/CAPSTAN_LEDGER_URL.*LEDGER_UNREACHABLE/) })
  })

  test('waits for no worker that is not there: none for control, none for its cloud', async () => {
    const { file, env } = fleetFile({ homeless: null })
    const look = () => capstan(['scout', 'homeless', '--fleet', file], { env: { ...env, ...doors() }, vigilance: hurried })
    expect(await look()).toMatchObject({
      exit: 4,
      out: '',
      err: expect.stringMatching(/workers for control run\..*NOT_READY_YET/),
    })
    const deciding = await withWorker(temporal.address, look)
    expect(deciding).toMatchObject({
      exit: 4,
      out: '',
      err: expect.stringMatching(/for aws in time: check that workers for aws run\..*NOT_READY_YET/),
    })
  })
})
