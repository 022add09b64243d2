/** Killed in the middle of a switchover or a failover, the lab finishes it when it is started again: operations are still known, and end.
 *  Other operations: ../killed.nightly.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, eventually } from '../fixture'
import { killableLab } from '../killable'
import { gcpOf, hostOf, type Operation, PASSWORD, PROJECT } from './fixture'

const lab = killableLab()
const gcp = gcpOf(lab)

async function endsWell(operation: Operation): Promise<Operation> {
  const done = await gcp.done(operation)
  expect(done).toMatchObject({ name: operation.name, error: null })
  return done
}

beforeAll(async () => {
  await lab.open()
  await gcp.create('shop')
  await gcp.ask(await gcp.get('shop'), 'CREATE TABLE kept AS SELECT 1 AS n')
})
afterAll(() => lab.remove())

const call = { project: PROJECT, instance: 'shop' }
const kept = async () => await gcp.ask(await gcp.get('shop'), 'SELECT n FROM kept')

test('the next lab lives at the same address with the same token, adopts its servers and knows the operations of before', async () => {
  const { api, credentials } = lab.lab
  const before = await gcp.get('shop')
  const [{ items }] = await gcp.sdk.operations.list({ project: PROJECT })
  await lab.killAndRestart()
  expect(lab.lab).toMatchObject({ api, credentials })
  expect(await gcp.get('shop')).toEqual(before)
  expect((await gcp.sdk.operations.list({ project: PROJECT }))[0].items).toEqual(items)
  expect(await kept()).toEqual([{ n: 1 }])
})

describe('with a replica of another region', () => {
  const rows = async (name: string) =>
    (await gcp.ask<{ n: number }>(await gcp.get(name), 'SELECT n FROM t ORDER BY n')).map(({ n }) => n)
  const shows = (name: string, n: number) =>
    eventually(async () => ((await rows(name).catch(() => [] as number[])).includes(n) ? true : undefined))

  /** Whatever becomes of it, it is begun, the lab is killed, and the next one ends it well. */
  async function killedAfter(ms: number, [operation]: [Operation, ...unknown[]]): Promise<void> {
    await sleep(ms)
    await lab.killAndRestart()
    await endsWell(operation)
  }

  beforeAll(async () => {
    const backupConfiguration = { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } }
    await gcp.create('main', {
      databaseVersion: 'POSTGRES_17',
      settings: { tier: 'db-perf-optimized-N-2', edition: 'ENTERPRISE_PLUS', backupConfiguration },
    })
    await gcp.ask(await gcp.get('main'), 'CREATE TABLE t AS SELECT 1 AS n')
    const networks = { authorizedNetworks: [{ value: `${lab.client}/32` }] }
    const body = { name: 'spare', masterInstanceName: 'main', region: 'europe-west1', settings: { ipConfiguration: networks } }
    await killedAfter(200, await gcp.sdk.instances.insert({ project: PROJECT, body }))
    await shows('spare', 1)
    const designation = { replicationCluster: { failoverDrReplicaName: 'spare' } }
    await killedAfter(0, await gcp.sdk.instances.patch({ project: PROJECT, instance: 'main', body: designation }))
  })

  const slots = async (name: string) => await gcp.ask(await gcp.get(name), 'SELECT slot_name FROM pg_replication_slots')

  test('what was begun of the replica before the lab was killed holds no log', async () => {
    expect(await eventually(async () => ((await slots('main')).length === 1 ? true : undefined))).toBe(true)
  })

  test.each([
    [0, 'main', 'spare'],
    [300, 'spare', 'main'],
    [900, 'main', 'spare'],
  ])('a switchover whose lab is killed %s ms into it leaves one writer, with every commit', async (ms, from, to) => {
    await gcp.ask(await gcp.get(from), `INSERT INTO t VALUES (${1_000 + ms})`)
    await killedAfter(ms, await gcp.sdk.instances.switchover({ project: PROJECT, instance: to }))
    expect(await gcp.get(from)).toMatchObject({ masterInstanceName: `${PROJECT}:${to}` })
    expect(await rows(to)).toContain(1_000 + ms)
    await expect(gcp.ask(await gcp.get(from), 'INSERT INTO t VALUES (0)')).rejects.toMatchObject({ code: '25006' })
    await gcp.ask(await gcp.get(to), `INSERT INTO t VALUES (${2_000 + ms})`)
    await shows(from, 2_000 + ms)
  })

  test('a failover whose lab is killed before it stops the old primary stops it before the replica writes', async () => {
    await lab.call('PUT', '/_lab/profile', { profile: 'realistic' })
    const address = hostOf(await gcp.get('spare'))
    const login = { user: 'postgres', password: PASSWORD, database: 'postgres' }
    const session = await connect(lab.client, { host: address, port: lab.lab.dataPort, ...login })
    const [operation] = await gcp.sdk.instances.promoteReplica({ project: PROJECT, instance: 'main', failover: true })
    await lab.kill()
    expect((await session.query('INSERT INTO t VALUES (8000) RETURNING n')).rowCount).toBe(1)
    const file = join(lab.stateDir, 'lab.json')
    const state = JSON.parse(readFileSync(file, 'utf8'))
    state.gcp.instances.spare.replaced = true
    writeFileSync(file, JSON.stringify(state))
    await lab.start()
    const writes = async () =>
      (await gcp.ask<{ follows: boolean }>(await gcp.get('main'), 'SELECT pg_is_in_recovery() AS follows'))[0]?.follows === false
    await eventually(async () => ((await writes().catch(() => false)) ? true : undefined))
    await expect(session.query('INSERT INTO t VALUES (8001)')).rejects.toThrow()
    await endsWell(operation)
    await shows('spare', 8_000)
    expect((await gcp.get('main')).replicationCluster).toMatchObject({ failoverDrReplicaName: `${PROJECT}:spare` })
  })

  test('a failover whose lab is killed in it, and again while the old primary begins anew, ends with one writer and its replica', async () => {
    await killedAfter(100, await gcp.sdk.instances.promoteReplica({ project: PROJECT, instance: 'spare', failover: true }))
    await lab.killAndRestart()
    await gcp.ask(await gcp.get('spare'), 'INSERT INTO t VALUES (9000)')
    const [{ items }] = await gcp.sdk.operations.list({ project: PROJECT, instance: 'main', maxResults: 1 })
    expect(items![0]!.operationType).toBe('RECONFIGURE_OLD_PRIMARY')
    await endsWell(items![0]!)
    await shows('main', 9_000)
    expect(await gcp.get('main')).toMatchObject({ masterInstanceName: `${PROJECT}:spare` })
    expect(await eventually(async () => ((await slots('spare')).length === 1 ? true : undefined))).toBe(true)
  })
})

test('a stopped instance stays stopped in the next lab', async () => {
  const [stop] = await gcp.sdk.instances.patch({ ...call, body: { settings: { activationPolicy: 'NEVER' } } })
  await endsWell(stop)
  await lab.killAndRestart()
  await expect(kept()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const [start] = await gcp.sdk.instances.patch({ ...call, body: { settings: { activationPolicy: 'ALWAYS' } } })
  await endsWell(start)
  expect(await kept()).toEqual([{ n: 1 }])
})

test('servers that die together with the lab come back with their commits', async () => {
  await gcp.ask(await gcp.get('shop'), 'INSERT INTO kept VALUES (3)')
  await lab.killAndRestart({ powerCut: true })
  expect(await kept()).toEqual([{ n: 1 }, { n: 3 }])
})
