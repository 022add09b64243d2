import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { signalIfThere } from '../../pgserver/process-tree'
import { available, connect, createInstance, eventually, gone, PASSWORD, placeOf, snapshotAvailable } from './fixture'
import { killableLab } from './killable'
import { startLabProcess } from './process'

const lab = killableLab()
const opened: Client[] = []

async function login(host: string, password = PASSWORD): Promise<Client> {
  const client = await connect(lab.client, { host, port: lab.lab.dataPort, password })
  opened.push(client)
  return client
}

beforeAll(async () => {
  await lab.open()
  await createInstance(lab, 'shop')
})
afterAll(async () => {
  for (const client of opened) await client.end().catch(() => {})
  await lab.remove()
})

test('a killed lab leaves its servers serving, and the next one adopts them where they were', async () => {
  const before = await available(lab, 'shop')
  const client = await login(placeOf(before).host)
  await client.query('CREATE TABLE kept AS SELECT 1 AS n')
  const { api, dataPort, credentials, labToken } = lab.lab
  await lab.killAndRestart()
  expect(lab.lab).toMatchObject({ api, dataPort, credentials, labToken })
  expect((await client.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }])
  expect(await available(lab, 'shop')).toMatchObject({ Endpoint: before.Endpoint, DbiResourceId: before.DbiResourceId })
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'shop', MasterUserPassword: PASSWORD, ApplyImmediately: true })
  await available(lab, 'shop')
})

test('a stopped lab starts its instances again', async () => {
  await lab.stop()
  await lab.start()
  const client = await login(placeOf(await available(lab, 'shop')).host)
  expect((await client.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }])
})

test('a lab that is stopped in the middle of work leaves nothing running, and the next one finishes it', async () => {
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'unfinished' })
  await lab.rds.createDBInstance({
    DBInstanceIdentifier: 'unfinished',
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
  })
  await sleep(200)
  await lab.stop()
  expect(lab.processes()).toEqual([])
  await lab.start()
  expect(await snapshotAvailable(lab, 'unfinished')).toMatchObject({ Status: 'available' })
  expect(await available(lab, 'unfinished')).toMatchObject({ DBInstanceStatus: 'available' })
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'unfinished', SkipFinalSnapshot: true })
  await gone(lab, 'unfinished')
})

test('a second lab on the same state folder is refused, naming the first', async () => {
  await expect(startLabProcess(lab.main, lab.args)).rejects.toThrow(`pid ${lab.pid}`)
})

test.each([
  [['--block', lab.block], '--state is missing'],
  [['--state', '/tmp/x', '--block', '10.0.0'], 'no block of loopback addresses'],
  [['--state', '/tmp/x', '--block', lab.block, '--profile', 'slow'], 'there are: instant, fast'],
  [['--state', '/tmp/x', '--block', lab.block, '--api-port', '99999'], 'a port from 0'],
])('the command line %j is refused in one sentence, with status 2', async (bad, sentence) => {
  await expect(startLabProcess(lab.main, bad)).rejects.toThrow(new RegExp(`exit 2: .*${sentence}`))
})

test('servers that were killed together with the lab come back with their commits', async () => {
  const client = await login(placeOf(await available(lab, 'shop')).host)
  await client.query('INSERT INTO kept VALUES (2)')
  await lab.killAndRestart({ powerCut: true })
  const again = await login(placeOf(await available(lab, 'shop')).host)
  expect((await again.query('SELECT n FROM kept ORDER BY n')).rows).toEqual([{ n: 1 }, { n: 2 }])
})

test('a server that dies by itself is started again', async () => {
  const instance = await available(lab, 'shop')
  const servers = lab.processes().filter((pid) => pid !== lab.pid)
  expect(servers).not.toEqual([])
  for (const pid of servers) signalIfThere(pid, 'SIGKILL')
  await eventually(async () => {
    const client = await login(placeOf(instance).host).catch(() => undefined)
    return client && (await client.query('SELECT n FROM kept')).rows
  })
})
