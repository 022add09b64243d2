/** Read replicas, promotion, and advanced disaster recovery, through the vendor's SDK. */
import { eventually } from '../fixture'
import { type GcpLab, type Instance, newInstance, openGcp, PASSWORD, PROJECT, refused, type Settings } from './fixture'

const MASTER = 'errorReplicationMasterInvalidOperation'
const SLAVE = 'errorReplicationSlaveInvalidOperation'
let gcp: GcpLab
beforeAll(async () => {
  gcp = await openGcp()
})
afterAll(() => gcp.lab.remove())

const at = (instance: string) => ({ project: PROJECT, instance })
const rows = async (instance: Instance) =>
  (await gcp.ask<{ n: number }>(instance, 'SELECT n FROM t ORDER BY n')).map(({ n }) => n)

async function replicaOf(primary: string, name: string, region = 'us-central1', settings: Settings = {}): Promise<Instance> {
  const networks = { authorizedNetworks: [{ value: `${gcp.lab.client}/32` }] }
  const body = { name, masterInstanceName: primary, region, settings: { ipConfiguration: networks, ...settings } }
  const [operation] = await gcp.sdk.instances.insert({ project: PROJECT, body })
  expect(operation).toMatchObject({ operationType: 'CREATE_REPLICA', targetId: name })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  return await gcp.get(name)
}

async function patched(instance: string, body: object): Promise<Instance> {
  const [operation] = await gcp.sdk.instances.patch({ ...at(instance), body })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  return await gcp.get(instance)
}

const shows = (instance: Instance, n: number) => eventually(async () => ((await rows(instance)).includes(n) ? true : undefined))

describe('a replica', () => {
  let shop: Instance
  beforeAll(async () => {
    shop = await gcp.create('shop', { settings: { databaseFlags: [{ name: 'work_mem', value: '8192' }] } })
    await gcp.ask(shop, 'CREATE TABLE t AS SELECT 1 AS n')
  })

  test('follows its primary, can be read and not written, and says whom it follows; its creation counts as a change of the primary', async () => {
    const version = Number((await gcp.get('shop')).settings!.settingsVersion!.value)
    const reader = await replicaOf('shop', 'reader')
    expect(reader).toMatchObject({
      state: 'RUNNABLE',
      instanceType: 'READ_REPLICA_INSTANCE',
      masterInstanceName: `${PROJECT}:shop`,
      databaseVersion: 'POSTGRES_15',
      settings: { tier: 'db-f1-micro', databaseFlags: [{ name: 'work_mem', value: '8192' }] },
    })
    const primary = await gcp.get('shop')
    expect(primary.replicaNames).toEqual(['reader'])
    expect(Number(primary.settings!.settingsVersion!.value)).toBe(version + 1)
    await gcp.ask(shop, 'INSERT INTO t VALUES (2)')
    await shows(reader, 2)
    await expect(gcp.ask(reader, 'INSERT INTO t VALUES (3)')).rejects.toMatchObject({ code: '25006' })
  })

  test('takes no users, databases, backups, clones, stop or restore; its primary is neither deleted, stopped nor restored', async () => {
    await refused(gcp.sdk.users.insert({ ...at('reader'), body: { name: 'x', password: PASSWORD } }), 400, SLAVE)
    await refused(gcp.sdk.databases.insert({ ...at('reader'), body: { name: 'x' } }), 400, SLAVE)
    await refused(gcp.sdk.backupRuns.insert(at('reader')), 400, SLAVE)
    await refused(
      gcp.sdk.instances.clone({ ...at('reader'), body: { cloneContext: { destinationInstanceName: 'x' } } }),
      400,
      SLAVE,
    )
    const never = { settings: { activationPolicy: 'NEVER' as const } }
    await refused(gcp.sdk.instances.patch({ ...at('reader'), body: never }), 400, SLAVE)
    await refused(gcp.sdk.instances.patch({ ...at('shop'), body: never }), 400, MASTER)
    await refused(gcp.sdk.instances.delete(at('shop')), 400, MASTER)
    await refused(gcp.sdk.instances.promoteReplica(at('shop')), 400, MASTER)
    const [backup] = await gcp.sdk.backupRuns.insert(at('shop'))
    const { backupContext } = await gcp.done(backup)
    const body = { backup: backupContext!.name! }
    await refused(gcp.sdk.instances.restoreBackup({ ...at('shop'), body }), 400, MASTER)
    await refused(gcp.sdk.instances.restoreBackup({ ...at('reader'), body }), 400, SLAVE)
    expect((await gcp.sdk.users.list(at('reader')))[0].items!.map(({ name }) => name)).toEqual(['postgres'])
  })

  test('stands still while its replication is stopped, also after a restart of it or of the lab, and goes on where it was', async () => {
    const stopped = (await gcp.sdk.instances.stopReplica(at('reader')))[0]
    expect(await gcp.done(stopped)).toMatchObject({ operationType: 'STOP_REPLICA', targetId: 'reader', error: null })
    await gcp.ask(shop, 'INSERT INTO t VALUES (40)')
    await gcp.done((await gcp.sdk.instances.restart(at('reader')))[0])
    await gcp.lab.restart()
    const reader = await gcp.get('reader')
    expect(reader).toMatchObject({
      state: 'RUNNABLE',
      masterInstanceName: `${PROJECT}:shop`,
      settings: { activationPolicy: 'ALWAYS', databaseReplicationEnabled: { value: false } },
    })
    // whoever streamed would have it by the time that another one has it
    const other = await replicaOf('shop', 'other-reader')
    await gcp.ask(shop, 'INSERT INTO t VALUES (41)')
    await shows(other, 41)
    expect(await rows(reader)).not.toContain(40)
    const started = (await gcp.sdk.instances.startReplica(at('reader')))[0]
    expect(await gcp.done(started)).toMatchObject({ operationType: 'START_REPLICA', error: null })
    await shows(reader, 41)
    expect(await rows(reader)).toContain(40)
    await patched('reader', { settings: { databaseReplicationEnabled: { value: false } } })
    await gcp.ask(shop, 'INSERT INTO t VALUES (42)')
    await shows(other, 42)
    expect(await rows(reader)).not.toContain(42)
    await patched('reader', { settings: { databaseReplicationEnabled: { value: true } } })
    await shows(reader, 42)
    await refused(gcp.sdk.instances.stopReplica(at('shop')), 400, MASTER)
    await gcp.done((await gcp.sdk.instances.stopReplica(at('other-reader')))[0])
    const [promotion] = await gcp.sdk.instances.promoteReplica(at('other-reader'))
    expect(await gcp.done(promotion)).toMatchObject({ error: null })
    await gcp.ask(await patched('other-reader', { settings: { userLabels: { writes: 'yes' } } }), 'INSERT INTO t VALUES (43)')
    await gcp.ask(shop, 'DELETE FROM t WHERE n >= 40')
  })

  test('that cannot be is refused: of a primary that is not there, of another version, with backups, with a smaller disk', async () => {
    const insert = (more: object) =>
      gcp.sdk.instances.insert({
        project: PROJECT,
        body: { name: 'x', masterInstanceName: 'shop', region: 'us-central1', ...more },
      })
    await refused(insert({ masterInstanceName: 'none' }), 403, 'notAuthorized')
    await refused(insert({ databaseVersion: 'POSTGRES_17' }), 400, 'invalid', 'version')
    await refused(insert({ settings: { backupConfiguration: { enabled: { value: true } } } }), 400, 'invalid', 'Backups')
    await patched('shop', { settings: { dataDiskSizeGb: { value: 30 } } })
    await refused(insert({ settings: { dataDiskSizeGb: { value: 20 } } }), 400, 'invalid', 'disk')
    await refused(insert({ name: 'reader' }), 409, 'instanceAlreadyExists')
  })

  test('that is promoted is an instance of its own with all that it had replayed, and its old primary goes on without it', async () => {
    await gcp.ask(shop, 'INSERT INTO t VALUES (4)')
    const reader = await gcp.get('reader')
    await shows(reader, 4)
    await refused(gcp.sdk.instances.promoteReplica({ ...at('reader'), failover: true }), 400, 'invalidOperation', 'designated')
    const [operation] = await gcp.sdk.instances.promoteReplica(at('reader'))
    expect(await gcp.done(operation)).toMatchObject({ operationType: 'PROMOTE_REPLICA', error: null })
    expect(await gcp.get('reader')).toMatchObject({ instanceType: 'CLOUD_SQL_INSTANCE', masterInstanceName: '' })
    expect((await gcp.get('shop')).replicaNames).toEqual([])
    await gcp.ask(reader, 'INSERT INTO t VALUES (5)')
    await gcp.ask(shop, 'INSERT INTO t VALUES (6)')
    expect(await rows(reader)).toEqual([1, 2, 4, 5])
    expect(await rows(shop)).toEqual([1, 2, 4, 6])
    expect(await gcp.ask(shop, 'SELECT slot_name FROM pg_replication_slots')).toEqual([])
  })

  test('is promoted although its primary is frozen, and follows again after a restart of the lab when it is not promoted', async () => {
    const last = await replicaOf('shop', 'last')
    await gcp.lab.restart()
    await gcp.ask(await gcp.get('shop'), 'INSERT INTO t VALUES (7)')
    await shows(last, 7)
    await gcp.lab.call('POST', '/_lab/faults', { kind: 'freeze-instance', instance: 'shop', for: '1h' })
    const [operation] = await gcp.sdk.instances.promoteReplica(at('last'))
    expect(await gcp.done(operation)).toMatchObject({ error: null })
    await gcp.ask(last, 'INSERT INTO t VALUES (8)')
    await gcp.lab.call('DELETE', '/_lab/faults')
    expect(await rows(last)).toEqual([1, 2, 4, 6, 7, 8])
    // it was told while it stood still that it need not keep the log any more
    const slots = () => gcp.ask<{ slot_name: string }>(shop, 'SELECT slot_name FROM pg_replication_slots')
    expect(await eventually(async () => ((await slots()).length === 0 ? true : undefined))).toBe(true)
    const [deletion] = await gcp.sdk.instances.delete(at('last'))
    expect(await gcp.done(deletion)).toMatchObject({ error: null })
  })
})

describe('advanced disaster recovery', () => {
  let main: Instance
  let spare: Instance
  beforeAll(async () => {
    const body = newInstance(gcp.lab, 'main', {
      databaseVersion: 'POSTGRES_17',
      settings: {
        tier: 'db-perf-optimized-N-2',
        edition: 'ENTERPRISE_PLUS',
        backupConfiguration: { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } },
      },
    })
    const [operation] = await gcp.sdk.instances.insert({ project: PROJECT, body })
    await gcp.done(operation)
    main = await gcp.get('main')
    await gcp.ask(main, 'CREATE TABLE t AS SELECT 1 AS n')
    spare = await replicaOf('main', 'spare', 'europe-west1')
  })

  const designate = (name: string) => ({ replicationCluster: { failoverDrReplicaName: name } })

  test('a replica is designated when it is of another region, and a switchover wants a designated one', async () => {
    await replicaOf('main', 'near')
    await refused(gcp.sdk.instances.switchover(at('spare')), 400, 'invalidOperation', 'designated')
    await refused(gcp.sdk.instances.patch({ ...at('main'), body: designate('near') }), 400, 'invalid', 'another region')
    await refused(gcp.sdk.instances.patch({ ...at('main'), body: designate('shop') }), 400, 'invalid', 'no direct replica')
    const primary = await patched('main', designate('spare'))
    expect(primary.replicationCluster).toMatchObject({ failoverDrReplicaName: `${PROJECT}:spare` })
    expect((await gcp.get('spare')).replicationCluster).toMatchObject({ drReplica: true })
    expect((await patched('main', { settings: { userLabels: { a: 'b' } } })).replicationCluster).toMatchObject({
      failoverDrReplicaName: `${PROJECT}:spare`,
    })
  })

  test('a switchover exchanges the roles without losing a commit; the other replica follows whoever writes', async () => {
    await gcp.ask(main, 'INSERT INTO t VALUES (2)')
    const [operation] = await gcp.sdk.instances.switchover({ ...at('spare'), dbTimeout: { seconds: 60 } })
    expect(operation).toMatchObject({ operationType: 'SWITCHOVER', targetId: 'spare' })
    await refused(gcp.sdk.instances.patch({ ...at('main'), body: { settings: {} } }), 409, 'operationInProgress')
    expect(await gcp.done(operation)).toMatchObject({ error: null })
    expect(await gcp.get('main')).toMatchObject({ masterInstanceName: `${PROJECT}:spare`, instanceType: 'READ_REPLICA_INSTANCE' })
    expect(await gcp.get('spare')).toMatchObject({
      instanceType: 'CLOUD_SQL_INSTANCE',
      replicaNames: ['main', 'near'],
      replicationCluster: { failoverDrReplicaName: `${PROJECT}:main` },
      settings: { backupConfiguration: { pointInTimeRecoveryEnabled: { value: true } } },
    })
    expect(await rows(spare)).toEqual([1, 2])
    await gcp.ask(spare, 'INSERT INTO t VALUES (3)')
    await shows(main, 3)
    await shows(await gcp.get('near'), 3)
    await expect(gcp.ask(main, 'INSERT INTO t VALUES (4)')).rejects.toMatchObject({ code: '25006' })
    expect((await gcp.sdk.instances.getLatestRecoveryTime(at('spare')))[0].earliestRecoveryTime).toBeTruthy()
  })

  test('a failover to the designated replica takes over from a primary that is away, which begins anew as its replica, as do the others', async () => {
    await gcp.lab.call('POST', '/_lab/faults', { kind: 'freeze-instance', instance: 'spare', for: '1h' })
    const [operation] = await gcp.sdk.instances.promoteReplica({ ...at('main'), failover: true })
    expect(await gcp.done(operation)).toMatchObject({ operationType: 'PROMOTE_REPLICA', error: null })
    await gcp.ask(main, 'INSERT INTO t VALUES (5)')
    expect(await gcp.get('main')).toMatchObject({ instanceType: 'CLOUD_SQL_INSTANCE', masterInstanceName: '' })
    await expect(gcp.ask(spare, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await gcp.lab.call('DELETE', '/_lab/faults')
    const [{ items }] = await gcp.sdk.operations.list({ ...at('spare'), maxResults: 1 })
    expect(items).toMatchObject([{ operationType: 'RECONFIGURE_OLD_PRIMARY' }])
    expect(await gcp.done(items![0]!)).toMatchObject({ error: null })
    expect(await gcp.get('spare')).toMatchObject({ masterInstanceName: `${PROJECT}:main`, state: 'RUNNABLE' })
    await shows(spare, 5)
    const near = await gcp.get('near')
    expect(near.masterInstanceName).toBe(`${PROJECT}:main`)
    await eventually(async () => ((await rows(near).catch(() => [] as number[])).includes(5) ? true : undefined))
    expect((await gcp.get('main')).replicaNames!.sort()).toEqual(['near', 'spare'])
  })
})
