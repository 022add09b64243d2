/** A disk that is full, as RDS has it: no room for the log, so no server, until the storage grows. */
import type { Client } from 'pg'
import {
  ask,
  available,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  placeOf,
  refused,
  type TestLab,
} from './fixture'

let lab: TestLab
const opened: Client[] = []
beforeAll(async () => {
  lab = await openLab()
  const shop = await createInstance(lab, 'shop', { BackupRetentionPeriod: 0 })
  await ask(lab, shop, 'CREATE TABLE kept (n int)')
  await ask(lab, shop, 'INSERT INTO kept VALUES (1)')
})
afterAll(async () => {
  for (const client of opened) await client.end().catch(() => {})
  await lab.remove()
})
afterEach(async () => {
  await lab.call('DELETE', '/_lab/faults')
  await available(lab, 'shop')
})

const BUSY = 'InvalidDBInstanceStateFault'

async function fill(instance: string, lasts: string): Promise<void> {
  expect(await lab.call('POST', '/_lab/faults', { kind: 'fill-disk', instance, for: lasts })).toMatchObject({ status: 200 })
  await becomes(instance, 'storage-full')
}

async function becomes(instance: string, status: string): Promise<void> {
  await eventually(async () => ((await describeInstance(lab, instance)).DBInstanceStatus === status ? true : undefined))
}

async function login(): Promise<Client> {
  const place = placeOf(await describeInstance(lab, 'shop'))
  const client = await connect(lab.client, place)
  opened.push(client)
  return client
}

async function kept(): Promise<number[]> {
  const shop = await available(lab, 'shop')
  return (await ask<{ n: number }>(lab, shop, 'SELECT n FROM kept ORDER BY n')).map(({ n }) => n)
}

test('the server is down, the instance storage-full and refuses everything but more room, which brings every commit back', async () => {
  const client = await login()
  await client.query('INSERT INTO kept VALUES (2)')
  await fill('shop', '10m')
  await expect(client.query('SELECT 1')).rejects.toThrow()
  await expect(login()).rejects.toThrow()
  const shop = { DBInstanceIdentifier: 'shop' }
  await refused(lab.rds.createDBSnapshot({ ...shop, DBSnapshotIdentifier: 'full' }), BUSY)
  await refused(lab.rds.rebootDBInstance(shop), BUSY)
  await refused(lab.rds.modifyDBInstance({ ...shop, MasterUserPassword: 'another-password' }), BUSY)
  await lab.rds.modifyDBInstance({ ...shop, AllocatedStorage: 40, ApplyImmediately: true })
  await eventually(async () => ((await describeInstance(lab, 'shop')).AllocatedStorage === 40 ? true : undefined))
  expect(await kept()).toEqual([1, 2])
  expect((await lab.call('GET', '/_lab/faults')).body).toMatchObject({ faults: [] })
})

test('a server that is down takes no memory, one that runs says how much', async () => {
  const memory = async (): Promise<unknown> => {
    const { instances } = (await lab.call('GET', '/_lab/status')).body as {
      instances: { id: string; memoryBytes: number | null }[]
    }
    return instances.find(({ id }) => id === 'shop')?.memoryBytes
  }
  const takes = (await memory()) as number
  // elsewhere than on Linux nobody says
  if (process.platform === 'linux') expect(takes).toBeGreaterThan(1_000_000)
  await fill('shop', '10m')
  expect(await memory()).toBeNull()
  await lab.call('DELETE', '/_lab/faults')
  await becomes('shop', 'available')
})

test('it is over when the fault is', async () => {
  await fill('shop', '6s')
  await becomes('shop', 'available')
  expect(await kept()).toEqual([1, 2])
})

test('it outlives a restart of the lab, which does not start the server', async () => {
  await fill('shop', '10m')
  await lab.restart()
  expect((await describeInstance(lab, 'shop')).DBInstanceStatus).toBe('storage-full')
  await expect(login()).rejects.toThrow()
  await lab.call('DELETE', '/_lab/faults')
  expect(await kept()).toEqual([1, 2])
})

test('it does not keep an instance from being removed', async () => {
  await createInstance(lab, 'brief', { BackupRetentionPeriod: 0 })
  await fill('brief', '10m')
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'brief', SkipFinalSnapshot: true })
  expect(await gone(lab, 'brief')).toBe(true)
})
