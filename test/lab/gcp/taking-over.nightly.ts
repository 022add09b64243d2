/** Promotions that come apart at the worst moment: what has happened is asked of the data, and at the end one server writes. */
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, orderFault, untilDown } from '../fixture'
import { type GcpLab, hostOf, type Operation, openGcp, PROJECT } from './fixture'

let gcp: GcpLab
beforeAll(async () => {
  gcp = await openGcp()
  const backupConfiguration = { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } }
  const main = await gcp.create('main', {
    databaseVersion: 'POSTGRES_17',
    settings: { tier: 'db-perf-optimized-N-2', edition: 'ENTERPRISE_PLUS', backupConfiguration },
  })
  await gcp.ask(main, 'CREATE TABLE t (n int)')
  const networks = { authorizedNetworks: [{ value: `${gcp.lab.client}/32` }] }
  const body = { name: 'spare', masterInstanceName: 'main', region: 'europe-west1', settings: { ipConfiguration: networks } }
  await endsWell(await gcp.sdk.instances.insert({ project: PROJECT, body }))
  const designation = { replicationCluster: { failoverDrReplicaName: 'spare' } }
  await endsWell(await gcp.sdk.instances.patch({ project: PROJECT, instance: 'main', body: designation }))
})
afterEach(() => gcp.lab.call('DELETE', '/_lab/faults'))
afterAll(() => gcp?.lab.remove())

async function endsWell([operation]: [Operation, ...unknown[]]): Promise<void> {
  expect(await gcp.done(operation)).toMatchObject({ error: null })
}

async function comesToNothing([operation]: [Operation, ...unknown[]]): Promise<void> {
  expect((await gcp.done(operation)).error?.errors).toHaveLength(1)
}

const breakPromotion = (instance: string, moment: string, more: object = {}) =>
  orderFault(gcp.lab, { kind: 'break-promotion', instance, moment, ...more })

const struck = async () => expect((await gcp.lab.call('GET', '/_lab/faults')).body.faults).toEqual([])
const switchover = (instance: string) => gcp.sdk.instances.switchover({ project: PROJECT, instance })
const failover = (instance: string) => gcp.sdk.instances.promoteReplica({ project: PROJECT, instance, failover: true })
const rows = async (name: string) =>
  (await gcp.ask<{ n: number }>(await gcp.get(name), 'SELECT n FROM t ORDER BY n')).map(({ n }) => n)

/** The one writes, the other follows it. */
async function roles(writer: string, follower: string, n: number): Promise<void> {
  await eventually(async () => ((await gcp.get(writer)).state === 'RUNNABLE' ? true : undefined))
  const instance = await gcp.get(writer)
  await eventually(() =>
    gcp.ask(instance, `INSERT INTO t VALUES (${n})`).then(
      () => true,
      () => undefined,
    ),
  )
  await eventually(async () => ((await rows(follower).catch(() => [] as number[])).includes(n) ? true : undefined))
  expect(await gcp.get(follower)).toMatchObject({ masterInstanceName: `${PROJECT}:${writer}` })
  await expect(gcp.ask(await gcp.get(follower), 'INSERT INTO t VALUES (0)')).rejects.toMatchObject({ code: '25006' })
}

test.each(['marked', 'before'])(
  'a switchover that comes apart before the promotion (%s) leaves its writer running and writing',
  async (moment) => {
    await breakPromotion('spare', moment)
    await comesToNothing(await switchover('spare'))
    await struck()
    await roles('main', 'spare', moment === 'marked' ? 1 : 2)
  },
)

test('a switchover that comes apart after its replica began to write is one; the old writer follows it', async () => {
  await breakPromotion('spare', 'after')
  await endsWell(await switchover('spare'))
  await struck()
  await roles('spare', 'main', 3)
  await endsWell(await switchover('main'))
  await roles('main', 'spare', 4)
})

test('a switchover waits for a primary that stands still', async () => {
  await orderFault(gcp.lab, { cloud: 'gcp', kind: 'freeze-instance', instance: 'main', for: '1h' })
  const [operation] = await switchover('spare')
  await eventually(async () => {
    const [{ status }] = await gcp.sdk.operations.get({ project: PROJECT, operation: operation.name! })
    return status === 'RUNNING' ? true : undefined
  })
  expect(await gcp.get('spare')).toMatchObject({ masterInstanceName: `${PROJECT}:main` })
  await gcp.lab.call('DELETE', '/_lab/faults')
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  await roles('spare', 'main', 20)
  await endsWell(await switchover('main'))
  await roles('main', 'spare', 21)
})

test('a failover whose replica follows still, for sure, brings the primary back', async () => {
  await breakPromotion('spare', 'before')
  await comesToNothing(await failover('spare'))
  await struck()
  await roles('main', 'spare', 5)
})

test('a failover that comes apart after the replica began to write goes on; the primary begins anew as its replica', async () => {
  await breakPromotion('spare', 'after')
  await endsWell(await failover('spare'))
  await struck()
  await roles('spare', 'main', 6)
  expect(await rows('spare')).toEqual([1, 2, 3, 4, 5, 6, 20, 21])
})

test('a failover of whose replica nobody knows whether it writes leaves the primary away', async () => {
  await breakPromotion('main', 'before', { delay: '15s' })
  const left = await gcp.get('spare')
  const failing = await failover('main')
  // it was stopped; who is to take over loses its data before it can say what it is
  await untilDown(() => gcp.ask(left, 'SELECT 1'))
  const data = await dataOf('main')
  renameSync(data, `${data}.lost`)
  try {
    await comesToNothing(failing)
    expect((await gcp.get('spare')).state).toBe('FAILED')
    await expect(gcp.ask(left, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  } finally {
    renameSync(`${data}.lost`, data)
  }
})

/** What PostgreSQL says: nobody else tells which folder is whose. */
async function dataOf(name: string): Promise<string> {
  const address = hostOf(await gcp.get(name))
  const instances = join(gcp.lab.stateDir, 'gcp', 'instances')
  const found = readdirSync(instances).find((folder) =>
    readFileSync(join(instances, folder, 'data', 'postgresql.conf'), 'utf8').includes(`'${address}'`),
  )
  return join(instances, found!, 'data')
}
