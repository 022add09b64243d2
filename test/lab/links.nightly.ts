/** The network between two clouds: a server of each, of which one subscribes to the other. */
import {
  ask,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  openLab,
  orderFault,
  PASSWORD,
  type TestLab,
} from './fixture'
import { type GcpLab, gcpOf, hostOf, type Instance } from './gcp/fixture'

let lab: TestLab
let gcp: GcpLab
let copy: Instance
beforeAll(async () => {
  lab = await openLab()
  gcp = gcpOf(lab)
  // servers come from where every program on loopback does
  await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`, '127.0.0.1/32'] })
  await lab.rds.createDBParameterGroup({
    DBParameterGroupName: 'logical',
    DBParameterGroupFamily: 'postgres15',
    Description: 'x',
  })
  await lab.rds.modifyDBParameterGroup({
    DBParameterGroupName: 'logical',
    Parameters: [{ ParameterName: 'rds.logical_replication', ParameterValue: '1', ApplyMethod: 'pending-reboot' }],
  })
  const ipConfiguration = { authorizedNetworks: [{ value: `${lab.client}/32` }, { value: '127.0.0.1/32' }] }
  const [, made] = await Promise.all([
    createInstance(lab, 'shop', { BackupRetentionPeriod: 0, DBParameterGroupName: 'logical' }),
    gcp.create('copy', { databaseVersion: 'POSTGRES_17', settings: { ipConfiguration } }),
  ])
  copy = made
  await inShop('CREATE TABLE sold (n int PRIMARY KEY)')
  await inShop('CREATE EXTENSION dblink')
  await inShop('CREATE PUBLICATION everything FOR TABLE sold')
  await gcp.ask(copy, 'CREATE TABLE sold (n int PRIMARY KEY)')
  await gcp.ask(copy, 'CREATE EXTENSION dblink')
  await gcp.ask(copy, `CREATE SUBSCRIPTION follows CONNECTION '${await toShop()}' PUBLICATION everything`)
  await sell(1)
  await arrives(1)
})
afterAll(() => lab.remove())
afterEach(() => lab.call('DELETE', '/_lab/faults'))

const inShop = async <Row extends object>(sql: string): Promise<Row[]> => ask<Row>(lab, await describeInstance(lab, 'shop'), sql)
const sell = (n: number) => inShop(`INSERT INTO sold VALUES (${n})`)
const arrived = async () => (await gcp.ask<{ n: number }>(copy, 'SELECT n FROM sold ORDER BY n')).map(({ n }) => n)
const arrives = (n: number) => eventually(async () => ((await arrived()).includes(n) ? true : undefined))
const toShop = async () => {
  const { Endpoint } = await describeInstance(lab, 'shop')
  return `host=${Endpoint!.Address} port=${Endpoint!.Port} dbname=shop user=boss password=${PASSWORD}`
}
const toCopy = () => `host=${hostOf(copy)} port=${lab.lab.dataPort} dbname=postgres user=postgres password=${PASSWORD}`
const through = (connection: string) => `SELECT n FROM dblink('${connection}', 'SELECT 7') AS asked (n int)`
const streams = async () => {
  const [row] = await inShop<{ n: number }>("SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming'")
  return row!.n > 0
}
const order = (fault: object) => orderFault(lab, fault)
const struck = async () => {
  const { faults } = (await lab.call('GET', '/_lab/faults')).body as { faults: { struck: number }[] }
  return faults[0]!.struck
}

test('while the link is cut nothing gets from one cloud to the other, and everybody else is served; afterwards everything arrives', async () => {
  await order({ kind: 'cut-link', from: 'aws', to: 'gcp', for: '1h' })
  expect(await streams()).toBe(false)
  await sell(2)
  await expect(gcp.ask(copy, through(await toShop()))).rejects.toThrow('could not establish connection')
  await expect(inShop(through(toCopy()))).rejects.toThrow('could not establish connection')
  // what would be there if anything came through: it tries again by itself
  await gcp.ask(copy, 'ALTER SUBSCRIPTION follows DISABLE')
  await gcp.ask(copy, 'ALTER SUBSCRIPTION follows ENABLE')
  await expect(gcp.ask(copy, `ALTER SUBSCRIPTION follows REFRESH PUBLICATION`)).rejects.toThrow('could not connect')
  expect(await arrived()).toEqual([1])
  expect(await struck()).toBeGreaterThan(1)
  await lab.call('DELETE', '/_lab/faults')
  await arrives(2)
  expect(await gcp.ask(copy, through(await toShop()))).toEqual([{ n: 7 }])
  expect(await inShop('SHOW pre_auth_delay')).toEqual([{ pre_auth_delay: '0' }])
})

test('a link that is cut one way lets connections be opened the other way', async () => {
  await order({ kind: 'cut-link', from: 'gcp', to: 'aws', ways: 'one', for: '1h' })
  await expect(gcp.ask(copy, through(await toShop()))).rejects.toThrow('could not establish connection')
  expect(await inShop(through(toCopy()))).toEqual([{ n: 7 }])
  await sell(3)
  expect(await arrived()).not.toContain(3)
})

test('a cut outlives the lab and ends by itself, also while there is none', async () => {
  await order({ kind: 'cut-link', from: 'gcp', to: 'aws', for: '1h' })
  await lab.restart()
  await sell(4)
  await expect(gcp.ask(copy, through(await toShop()))).rejects.toThrow('could not establish connection')
  expect(await arrived()).not.toContain(4)
  await lab.call('DELETE', '/_lab/faults')
  await arrives(4)
  await order({ kind: 'cut-link', from: 'gcp', to: 'aws', for: '10ms' })
  await lab.restart()
  await sell(5)
  await arrives(5)
  expect(await inShop('SHOW pre_auth_delay')).toEqual([{ pre_auth_delay: '0' }])
})

test('on a slow link everything arrives, nothing breaks, and each answer waits', async () => {
  await eventually(async () => ((await streams()) ? true : undefined))
  const [before] = await inShop<{ pid: number }>('SELECT pid FROM pg_stat_replication')
  const login = { user: 'postgres', password: PASSWORD, database: 'postgres' }
  const client = await connect(lab.client, { host: hostOf(copy), port: lab.lab.dataPort, ...login })
  await client.query('SELECT dblink_connect($1, $2)', ['slow', await toShop()])
  await order({ kind: 'slow-link', from: 'gcp', to: 'aws', ways: 'one', latency: '200ms', for: '1h' })
  await eventually(async () => ((await struck()) === 2 ? true : undefined))
  const began = Date.now()
  await client.query(`DO $$ BEGIN
      FOR n IN 1..300 LOOP PERFORM * FROM dblink('slow', 'SELECT 7') AS asked (n int); END LOOP;
    END $$`)
  // never less: some of so many questions come while nothing flows
  expect(Date.now() - began).toBeGreaterThanOrEqual(200)
  await client.end()
  await sell(6)
  await arrives(6)
  expect(await inShop('SELECT pid FROM pg_stat_replication')).toEqual([before])
  await lab.call('DELETE', '/_lab/faults')
  expect(await gcp.ask(copy, through(await toShop()))).toEqual([{ n: 7 }])
})
