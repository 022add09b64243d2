/** What a preflight sees as each cloud's own master, of an instance as the cloud makes it. */
import { connect, type Session } from '../../../../postgres/connect/session'
import { preflight } from '../../../../postgres/replicate/preflight/preflight'
import { drivenClouds } from '../../../lab/driven/clouds'
import { openLab, type TestLab } from '../../../lab/fixture'
import { MEGABYTE } from './support'

type Name = 'aws' | 'azure' | 'gcp'

const TURNED_ON: Record<Name, RegExp> = {
  aws: /^rds\.logical_replication = 1 -- /,
  azure: /^wal_level = logical -- /,
  gcp: /^cloudsql\.logical_decoding = on -- /,
}

let lab: TestLab
const masters = new Map<Name, Session>()
beforeAll(async () => {
  lab = await openLab()
  for (const name of ['aws', 'azure', 'gcp'] as const) masters.set(name, await masterOf(name))
})
afterAll(async () => {
  await Promise.all([...masters.values()].map((session) => session.close()))
  await lab?.remove()
})

async function masterOf(name: Name): Promise<Session> {
  const cloud = drivenClouds({ block: lab.block, stateDir: lab.stateDir, ready: { ready: true, ...lab.lab } })[name]
  await cloud.create('shop')
  expect(await cloud.rested('shop')).toBe('ready')
  await cloud.letIn('shop')
  await cloud.rested('shop')
  const { host, port, user, password, ssl } = await cloud.login('shop')
  const options = {
    ...{ host: String(host), port: Number(port), user: String(user), password: String(password) },
    ...{ applicationName: 'test', sourceAddress: lab.client },
    tls: ssl === undefined || ssl === false ? ('disable' as const) : ('require' as const),
  }
  const first = await connect({ ...options, database: 'postgres' })
  await first.execute('CREATE DATABASE orders')
  await first.close()
  return connect({ ...options, database: 'orders' })
}

test.each<[Name, Name]>([
  ['aws', 'azure'],
  ['azure', 'gcp'],
  ['gcp', 'aws'],
])('%s, to be followed by %s', async (from, to) => {
  const [source, standby] = [masters.get(from)!, masters.get(to)!]
  await source.execute('CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)')
  const report = await preflight({
    source,
    standby,
    clouds: { source: from, standby: to },
    publisher: { user: source.endpoint.user, tls: 'verify-full' },
    dataBytesFree: { source: 10_000 * MEGABYTE, standby: 10_000 * MEGABYTE },
    retainedBytesMax: 1_000 * MEGABYTE,
    prepared: false,
  })
  await source.execute('DROP TABLE orders')
  expect(report.notKnown).toEqual([])
  expect(report.noWayBack).toMatch(/^wal_level of the standby is replica/)
  const told = report.findings
    .filter(({ check }) => check !== 'roles')
    .map(({ check, severity, side }) => [check, severity, side])
  expect(told).toEqual([
    ['wal-level', 'blocks', 'source'],
    ['versions', 'note', 'source'],
    ['wal-level', 'warning', 'standby'],
    ['sequences', 'note', 'source'],
  ])
  expect(report.findings[0]?.command).toMatch(TURNED_ON[from])
})
