/** The shared faults, as simulated Cloud SQL meets them. */
import type { CallRecord } from '../../../lab/calls'
import { connect, eventually, orderFault } from '../fixture'
import { type GcpLab, hostOf, type Instance, newInstance, openGcp, PASSWORD, PROJECT, refused } from './fixture'

const call = { project: PROJECT, instance: 'shop' }
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  shop = await gcp.create('shop')
})
afterEach(async () => {
  await gcp.lab.call('DELETE', '/_lab/faults')
})
afterAll(() => gcp.lab.remove())

const order = (fault: object) => orderFault(gcp.lab, fault)

const labels = async () => (await gcp.get('shop')).settings!.userLabels
const patch = (settings: object) => gcp.sdk.instances.patch({ ...call, body: { settings } })
const calls = async (operation: string) => {
  const { body } = await gcp.lab.call('GET', '/_lab/calls')
  return (body.calls as CallRecord[]).filter((one) => one.operation === operation)
}

async function settled(): Promise<void> {
  const [{ items }] = await gcp.sdk.operations.list({ project: PROJECT, instance: 'shop', maxResults: 1 })
  await gcp.done(items![0]!)
}

test('a throttled call is refused with 429 rateLimitExceeded, does nothing, and the client does not try again', async () => {
  await order({ kind: 'throttle', operation: 'instances.patch' })
  await refused(patch({ userLabels: { throttled: 'yes' } }), 429, 'rateLimitExceeded', 'Rate Limit Exceeded')
  expect(await labels()).not.toHaveProperty('throttled')
  expect((await calls('instances.patch')).at(-1)).toMatchObject({
    outcome: 'rateLimitExceeded',
    status: 429,
    effect: false,
    tags: { throttled: 'yes' },
    resources: [{ type: 'instance', id: 'shop' }],
    faults: [{ kind: 'throttle' }],
  })
})

test('a failing call answers the error that was ordered', async () => {
  await order({ kind: 'fail', operation: 'instances.get', code: 'serverException', message: 'Service temporarily unavailable.' })
  await refused(gcp.get('shop'), 503, 'serverException')
  expect((await gcp.get('shop')).name).toBe('shop')
})

test('a dropped answer leaves the effect, and its caller without the name of the operation', async () => {
  await order({ kind: 'drop-response', operation: 'instances.insert' })
  const body = newInstance(gcp.lab, 'dropped')
  await expect(gcp.sdk.instances.insert({ project: PROJECT, body })).rejects.toThrow()
  await refused(gcp.sdk.instances.insert({ project: PROJECT, body }), 409, 'instanceAlreadyExists')
  const [{ items }] = await gcp.sdk.operations.list({ project: PROJECT, instance: 'dropped' })
  expect(items).toHaveLength(1)
  await gcp.done(items![0]!)
  expect((await gcp.get('dropped')).state).toBe('RUNNABLE')
})

test('a request that arrives twice is carried out again behind what came between, and its caller has heard of the first', async () => {
  await order({ kind: 'deliver-twice', operation: 'instances.patch', delay: '1s' })
  const before = (await calls('instances.patch')).length
  for (const twice of ['once', 'between']) await gcp.done((await patch({ userLabels: { twice } }))[0])
  const arrived = async () => (await calls('instances.patch')).slice(before)
  await eventually(async () => ((await arrived()).length === 3 ? true : undefined))
  await settled()
  const [first, ...later] = await arrived()
  const again = later.find(({ tags }) => tags.twice === 'once')
  expect([first, again].map((one) => one?.faults.map(({ kind }) => kind))).toEqual([['deliver-twice'], ['deliver-twice']])
  const last = later.filter(({ outcome }) => outcome === 'ok').at(-1)
  expect(await labels()).toMatchObject({ twice: last?.tags.twice })
})

test('an operation that fails as ordered is DONE with an error, and what it promised did not come to pass', async () => {
  await order({ kind: 'fail-operation', operation: 'instances.patch' })
  const [operation] = await patch({ userLabels: { failed: 'yes' } })
  expect(await gcp.done(operation)).toMatchObject({
    status: 'DONE',
    error: { kind: 'sql#operationErrors', errors: [{ kind: 'sql#operationError', code: 'INTERNAL_ERROR' }] },
  })
  expect(await labels()).not.toHaveProperty('failed')
  await order({ kind: 'fail-operation', operation: 'instances.insert' })
  const [creation] = await gcp.sdk.instances.insert({ project: PROJECT, body: newInstance(gcp.lab, 'failed') })
  expect((await gcp.done(creation)).error!.errors).toHaveLength(1)
  expect((await gcp.get('failed')).state).toBe('FAILED')
  await refused(
    gcp.sdk.instances.patch({ project: PROJECT, instance: 'failed', body: { settings: { userLabels: { a: 'b' } } } }),
    400,
    'invalidOperation',
  )
  const [deletion] = await gcp.sdk.instances.delete({ project: PROJECT, instance: 'failed' })
  expect((await gcp.done(deletion)).error).toBeNull()
  await order({ kind: 'fail-operation', operation: 'backupRuns.insert' })
  const [backup] = await gcp.sdk.backupRuns.insert(call)
  const { backupContext } = await gcp.done(backup)
  const [run] = await gcp.sdk.backupRuns.get({ ...call, id: String(backupContext!.backupId) })
  expect(run).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL_ERROR' } })
})

test('a restore that fails as ordered leaves the data that were to be overwritten', async () => {
  await gcp.ask(shop, 'CREATE TABLE IF NOT EXISTS t (n int)')
  const [backup] = await gcp.sdk.backupRuns.insert(call)
  const { backupContext } = await gcp.done(backup)
  await gcp.ask(shop, 'INSERT INTO t VALUES (1)')
  await order({ kind: 'fail-operation', operation: 'instances.restoreBackup' })
  const [restore] = await gcp.sdk.instances.restoreBackup({ ...call, body: { backup: backupContext!.name! } })
  expect((await gcp.done(restore)).error!.errors).toHaveLength(1)
  expect(await eventually(() => gcp.ask(shop, 'SELECT n FROM t').catch(() => undefined))).toEqual([{ n: 1 }])
  expect((await gcp.get('shop')).state).toBe('RUNNABLE')
})

test('in its busy tail an instance whose operation is done refuses the next one', async () => {
  await order({ kind: 'busy-tail', instance: 'shop', tail: '1h', times: 1 })
  await refused(patch({ userLabels: { busy: 'yes' } }), 409, 'operationInProgress')
  const [operation] = await patch({ userLabels: { busy: 'no' } })
  await gcp.done(operation)
})

test('stale reads show what there was when the fault was ordered', async () => {
  const before = await labels()
  await order({ kind: 'stale-reads', operation: 'instances.get', reads: 1_000, times: 2 })
  await gcp.get('shop')
  const [operation] = await patch({ userLabels: { stale: 'no' } })
  await gcp.done(operation)
  expect(await labels()).toEqual(before)
  expect(await labels()).toMatchObject({ stale: 'no' })
})

test('a delayed call is carried out all the same', async () => {
  await order({ kind: 'delay', operation: 'instances.get', delay: '200ms' })
  expect((await gcp.get('shop')).name).toBe('shop')
  expect((await calls('instances.get')).at(-1)).toMatchObject({ outcome: 'ok', faults: [{ kind: 'delay' }] })
})

test('a crash breaks connections and loses no commit', async () => {
  await gcp.ask(shop, 'CREATE TABLE committed AS SELECT 7 AS n')
  const sleeper = expect(gcp.ask(shop, 'SELECT pg_sleep(60)')).rejects.toThrow()
  await order({ kind: 'crash-instance', instance: 'shop' })
  await sleeper
  const rows = await eventually(() => gcp.ask(shop, 'SELECT n FROM committed').catch(() => undefined))
  expect(rows).toEqual([{ n: 7 }])
})

test('a frozen instance hangs; the API goes on answering, and what it has to do in the instance waits', async () => {
  await order({ kind: 'freeze-instance', instance: 'shop', for: '1s' })
  const [operation] = await patch({ databaseFlags: [{ name: 'work_mem', value: '4096' }] })
  expect((await gcp.get('shop')).state).toBe('RUNNABLE')
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  expect(await gcp.ask(shop, 'SHOW work_mem')).toEqual([{ work_mem: '4MB' }])
})

test('a cut instance lets nobody in and ends who is there, until the cut is over', async () => {
  const login = {
    host: hostOf(shop),
    port: gcp.lab.lab.dataPort,
    user: 'postgres',
    database: 'postgres',
    password: PASSWORD,
  }
  const client = await connect(gcp.lab.client, login)
  const ended = new Promise((resolve) => client.once('end', resolve))
  await order({ kind: 'cut-network', instance: 'shop', for: '1h' })
  await ended
  await expect(gcp.ask(shop, 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
  await gcp.lab.call('DELETE', '/_lab/faults')
  expect(await gcp.ask(shop, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test('a full disk grows by itself when it may, and nobody notices', async () => {
  const before = Number((await gcp.get('shop')).settings!.dataDiskSizeGb!.value)
  await order({ kind: 'fill-disk', instance: 'shop', for: '1h' })
  const after = await eventually(async () => {
    const now = await gcp.get('shop')
    return Number(now.settings!.dataDiskSizeGb!.value) > before ? now : undefined
  })
  expect(after.outOfDiskReport ?? null).toBeNull()
  expect(await gcp.ask(shop, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test('a full disk that may not grow shuts the instance down, until it is made larger', async () => {
  const [fixed] = await patch({ storageAutoResize: { value: false } })
  await gcp.done(fixed)
  await order({ kind: 'fill-disk', instance: 'shop', for: '1h' })
  expect(await gcp.get('shop')).toMatchObject({ outOfDiskReport: { sqlOutOfDiskState: 'SOFT_SHUTDOWN' } })
  await expect(gcp.ask(shop, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await refused(gcp.sdk.backupRuns.insert(call), 400, 'invalid', 'not running')
  const size = Number((await gcp.get('shop')).settings!.dataDiskSizeGb!.value)
  const [larger] = await patch({ dataDiskSizeGb: { value: size + 10 } })
  expect(await gcp.done(larger)).toMatchObject({ error: null })
  expect((await gcp.get('shop')).outOfDiskReport ?? null).toBeNull()
  expect(await eventually(() => gcp.ask(shop, 'SELECT n FROM committed').catch(() => undefined))).toEqual([{ n: 7 }])
  await settled()
})
