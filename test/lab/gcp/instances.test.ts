/** The life of an instance, through the vendor's SDK. */
import { connect } from '../fixture'
import { type GcpLab, hostOf, newInstance, openGcp, PASSWORD, PROJECT, refused } from './fixture'

let gcp: GcpLab
beforeAll(async () => {
  gcp = await openGcp()
})
afterAll(() => gcp.lab.remove())

const patch = (instance: string, body: object) => gcp.sdk.instances.patch({ project: PROJECT, instance, body })

/** A patch that must come to pass. */
async function patched(instance: string, body: object) {
  const [operation] = await patch(instance, body)
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  return await gcp.get(instance)
}

test('an instance is made: PENDING_CREATE without an address, then a real database behind one', async () => {
  const body = newInstance(gcp.lab, 'orders', { settings: { userLabels: { 'capstan-operation': 'op-1' } } })
  const [operation] = await gcp.sdk.instances.insert({ project: PROJECT, body })
  expect(operation).toMatchObject({
    kind: 'sql#operation',
    operationType: 'CREATE',
    status: 'PENDING',
    targetId: 'orders',
    targetProject: PROJECT,
  })
  expect(await gcp.get('orders')).toMatchObject({ state: 'PENDING_CREATE', ipAddresses: [] })
  expect(await gcp.done(operation)).toMatchObject({ status: 'DONE', error: null })
  const instance = await gcp.get('orders')
  expect(instance).toMatchObject({
    state: 'RUNNABLE',
    databaseVersion: 'POSTGRES_15',
    connectionName: `${PROJECT}:us-central1:orders`,
    gceZone: 'us-central1-a',
    ipAddresses: [{ type: 'PRIMARY', ipAddress: `${gcp.lab.block}.10` }],
    settings: {
      tier: 'db-f1-micro',
      settingsVersion: { value: '1' },
      userLabels: { 'capstan-operation': 'op-1' },
      dataDiskSizeGb: { value: '10' },
      storageAutoResize: { value: true },
      deletionProtectionEnabled: { value: false },
    },
  })
  expect(await gcp.ask(instance, "SELECT current_setting('server_version') AS v")).toEqual([{ v: '15.18' }])
})

test('a second change while an operation is under way is refused as operationInProgress, and changes nothing', async () => {
  const [operation] = await patch('orders', { settings: { userLabels: { first: 'yes' } } })
  const call = { project: PROJECT, instance: 'orders' }
  await refused(
    patch('orders', { settings: { userLabels: { second: 'yes' } } }),
    409,
    'operationInProgress',
    'already in progress',
  )
  await refused(gcp.sdk.instances.restart(call), 409, 'operationInProgress')
  await refused(gcp.sdk.instances.delete(call), 409, 'operationInProgress')
  await refused(gcp.sdk.users.insert({ ...call, body: { name: 'app', password: PASSWORD } }), 409, 'operationInProgress')
  await refused(gcp.sdk.databases.insert({ ...call, body: { name: 'shop' } }), 409, 'operationInProgress')
  await gcp.done(operation)
  expect((await gcp.get('orders')).settings!.userLabels).toEqual({ 'capstan-operation': 'op-1', first: 'yes' })
})

test('a patch merges: the empty maps that the client sends with each wipe no labels, and nothing else is touched', async () => {
  const before = await gcp.get('orders')
  const { settings } = await patched('orders', { settings: { dataDiskSizeGb: { value: 20 } } })
  expect(settings).toMatchObject({ dataDiskSizeGb: { value: '20' }, userLabels: before.settings!.userLabels })
  expect(settings!.ipConfiguration).toEqual(before.settings!.ipConfiguration)
  expect(settings!.backupConfiguration).toEqual(before.settings!.backupConfiguration)
  expect(Number(settings!.settingsVersion!.value)).toBe(Number(before.settings!.settingsVersion!.value) + 1)
})

test('a patch with a settingsVersion that is not the newest is refused as staleData with 412', async () => {
  const { settings } = await gcp.get('orders')
  const version = Number(settings!.settingsVersion!.value)
  const stale = { settings: { settingsVersion: { value: version - 1 }, userLabels: { stale: 'yes' } } }
  await refused(patch('orders', stale), 412, 'staleData', 'Condition does not match.')
  const after = await patched('orders', { settings: { settingsVersion: { value: version }, userLabels: { fresh: 'yes' } } })
  expect(after.settings).toMatchObject({ settingsVersion: { value: String(version + 1) }, userLabels: { fresh: 'yes' } })
  expect(after.settings!.userLabels).not.toHaveProperty('stale')
})

test('an update replaces the settings, and wants the version that it replaces', async () => {
  const { settings } = await gcp.get('orders')
  const call = { project: PROJECT, instance: 'orders' }
  const body = newInstance(gcp.lab, 'orders', { settings: { dataDiskSizeGb: { value: 20 }, userLabels: { only: 'this' } } })
  await refused(gcp.sdk.instances.update({ ...call, body }), 400, 'required', 'settingsVersion')
  body.settings!.settingsVersion = settings!.settingsVersion!
  const [operation] = await gcp.sdk.instances.update({ ...call, body })
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'UPDATE', error: null })
  expect((await gcp.get('orders')).settings!.userLabels).toEqual({ only: 'this' })
})

test('a list shows those that its filter lets through, in pages', async () => {
  await Promise.all([
    gcp.create('other', { databaseVersion: 'POSTGRES_17' }),
    patched('orders', { settings: { userLabels: { app: 'shop' } } }),
  ])
  const names = async (request: object) => {
    const [found] = await gcp.sdk.instances.list({ project: PROJECT, ...request })
    return { names: found.items!.map(({ name }) => name), next: found.nextPageToken! }
  }
  expect(await names({ filter: 'state:RUNNABLE settings.userLabels.app:shop' })).toEqual({ names: ['orders'], next: '' })
  expect(await names({ filter: 'databaseVersion:POSTGRES_17 OR name:orders' })).toMatchObject({ names: ['orders', 'other'] })
  const first = await names({ maxResults: 1 })
  expect(first.names).toEqual(['orders'])
  expect(await names({ maxResults: 1, pageToken: first.next })).toEqual({ names: ['other'], next: '' })
  await refused(gcp.sdk.instances.list({ project: PROJECT, filter: 'state ~ RUNNABLE' }), 400, 'invalid', 'filter')
  await refused(gcp.sdk.instances.list({ project: PROJECT, pageToken: 'bm90aGluZw' }), 400, 'invalid', 'page token')
})

test('a flag that needs a restart restarts the instance, the list is replaced as a whole, and logical decoding becomes possible', async () => {
  const other = await gcp.get('other')
  const started = async () => (await gcp.ask<{ at: string }>(other, 'SELECT pg_postmaster_start_time()::text AS at'))[0]!.at
  const before = await started()
  await patched('other', { settings: { databaseFlags: [{ name: 'work_mem', value: '8192' }] } })
  expect(await started()).toBe(before)
  expect(await gcp.ask(other, 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
  const decoding = [
    { name: 'cloudsql.logical_decoding', value: 'on' },
    { name: 'max_replication_slots', value: '12' },
  ]
  const { settings } = await patched('other', { settings: { databaseFlags: decoding } })
  expect(settings!.databaseFlags).toEqual(decoding)
  expect(await started()).not.toBe(before)
  expect(await gcp.ask(other, "SELECT current_setting('wal_level') AS level, current_setting('work_mem') AS mem")).toEqual([
    { level: 'logical', mem: '4MB' },
  ])
})

test('flags that the server does not start with end the operation with an error, and the instance goes on with those of before', async () => {
  const before = await gcp.get('other')
  const databaseFlags = [{ name: 'shared_buffers', value: '1073741823' }]
  const [operation] = await patch('other', { settings: { databaseFlags, userLabels: { never: 'seen' } } })
  expect((await gcp.done(operation)).error).toMatchObject({ errors: [{ code: 'INTERNAL_ERROR' }] })
  const after = await gcp.get('other')
  expect(after.settings).toEqual(before.settings)
  expect(await gcp.ask(after, 'SHOW max_replication_slots')).toEqual([{ max_replication_slots: '12' }])
})

test('only authorized networks are let in by new connections, and one that expires is closed by itself', async () => {
  const other = await gcp.get('other')
  const stranger = {
    host: hostOf(other),
    port: gcp.lab.lab.dataPort,
    user: 'postgres',
    database: 'postgres',
    password: PASSWORD,
  }
  await expect(connect(`${gcp.lab.block}.3`, stranger)).rejects.toMatchObject({ code: '28000' })
  const guest = { value: `${gcp.lab.block}.3`, expirationTime: new Date(Date.now() + 2_000).toISOString() }
  const networks = [{ value: `${gcp.lab.client}/32`, name: 'tests' }, guest]
  const { body } = await gcp.raw('PATCH', 'instances/other', { settings: { ipConfiguration: { authorizedNetworks: networks } } })
  await gcp.done(body.name)
  await (await connect(`${gcp.lab.block}.3`, stranger)).end()
  for (;;) {
    const client = await connect(`${gcp.lab.block}.3`, stranger).catch((error: { code: string }) => error.code)
    if (client === '28000') break
    await (client as Awaited<ReturnType<typeof connect>>).end()
  }
  expect(await gcp.ask(other, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test('a stopped instance is still RUNNABLE, has no server, takes changes, and is there again with its data when it is started', async () => {
  const orders = await gcp.get('orders')
  await gcp.ask(orders, 'CREATE TABLE kept AS SELECT 1 AS n')
  const stopped = await patched('orders', { settings: { activationPolicy: 'NEVER' } })
  expect(stopped).toMatchObject({ state: 'RUNNABLE', settings: { activationPolicy: 'NEVER' } })
  await expect(gcp.ask(orders, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const call = { project: PROJECT, instance: 'orders' }
  await refused(gcp.sdk.instances.restart(call), 400, 'invalid', 'instance is not running')
  await refused(gcp.sdk.users.list(call), 400, 'invalid', 'instance is not running')
  await patched('orders', { settings: { databaseFlags: [{ name: 'max_connections', value: '70' }] } })
  await patched('orders', { settings: { activationPolicy: 'ALWAYS' } })
  expect(await gcp.ask(orders, "SELECT n, current_setting('max_connections') AS most FROM kept")).toEqual([{ n: 1, most: '70' }])
})

test('a restart is a real one', async () => {
  const orders = await gcp.get('orders')
  const started = 'SELECT pg_postmaster_start_time()::text AS at'
  const before = await gcp.ask(orders, started)
  const [operation] = await gcp.sdk.instances.restart({ project: PROJECT, instance: 'orders' })
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'RESTART', error: null })
  expect(await gcp.ask(orders, started)).not.toEqual(before)
})

test('a failover takes a highly available instance to its other zone, with its commits; any other instance refuses it', async () => {
  const call = { project: PROJECT, instance: 'orders' }
  await refused(gcp.sdk.instances.failover(call), 400, 'invalidOperation', 'not highly available')
  const available = await patched('orders', { settings: { availabilityType: 'REGIONAL' } })
  expect(available).toMatchObject({ gceZone: 'us-central1-a', secondaryGceZone: 'us-central1-b' })
  await gcp.ask(available, 'INSERT INTO kept VALUES (2)')
  const stale = { failoverContext: { settingsVersion: 1 } }
  await refused(gcp.sdk.instances.failover({ ...call, body: stale }), 412, 'staleData')
  const body = { failoverContext: { settingsVersion: available.settings!.settingsVersion!.value! } }
  const [operation] = await gcp.sdk.instances.failover({ ...call, body })
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'FAILOVER', error: null })
  const after = await gcp.get('orders')
  expect(after).toMatchObject({
    gceZone: 'us-central1-b',
    secondaryGceZone: 'us-central1-a',
    ipAddresses: available.ipAddresses!,
  })
  expect(await gcp.ask(after, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }])
})

test('a protected instance is not deleted; an unprotected one is gone, its operation is not, and its name can be had again at once', async () => {
  const call = { project: PROJECT, instance: 'other' }
  await patched('other', { settings: { deletionProtectionEnabled: { value: true } } })
  await refused(gcp.sdk.instances.delete(call), 400, 'invalidOperation', 'The instance is protected.')
  await patched('other', { settings: { deletionProtectionEnabled: { value: false } } })
  const [operation] = await gcp.sdk.instances.delete(call)
  expect((await gcp.get('other')).state).toBe('PENDING_DELETE')
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'DELETE', targetId: 'other', error: null })
  await refused(gcp.get('other'), 404, 'instanceDoesNotExist', 'The Cloud SQL instance does not exist.')
  const again = await gcp.create('other')
  expect(again.settings).toMatchObject({ settingsVersion: { value: '1' }, databaseFlags: [] })
})

test('operations are listed newest first, of one instance or of all, and none can be cancelled', async () => {
  const [all] = await gcp.sdk.operations.list({ project: PROJECT, instance: 'other' })
  expect(all.items!.map(({ operationType }) => operationType).slice(0, 3)).toEqual(['CREATE', 'DELETE', 'UPDATE'])
  const [newest] = await gcp.sdk.operations.list({ project: PROJECT, maxResults: 1 })
  expect(newest.items).toEqual([all.items![0]])
  expect(newest.nextPageToken).not.toBe('')
  await refused(gcp.sdk.operations.cancel({ project: PROJECT, operation: newest.items![0]!.name! }), 400, 'invalidOperation')
  await refused(gcp.sdk.operations.get({ project: PROJECT, operation: 'none' }), 404, 'operationDoesNotExist')
})
