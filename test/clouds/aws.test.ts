/** The adapter against the lab, over the vendor's own SDK: whatever becomes of an answer there is one effect, and every refusal has its code. */
import { execFile } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { RDSServiceException } from '@aws-sdk/client-rds'
import { rdsFailure } from '../../clouds/aws/failures'
import { createRds } from '../../clouds/aws/rds'
import type { ManagedPostgres, Owner } from '../../clouds/port'
import { Failure, type FailureCode } from '../../contracts/failures'
import { createInstance, eventually, gone, openLab, snapshotAvailable, type TestLab } from '../lab/fixture'

let lab: TestLab
let cloud: ManagedPostgres
let shop: string
const options = { signal: new AbortController().signal }

beforeAll(async () => {
  lab = await openLab()
  cloud = adapter()
  await createInstance(lab, 'shop')
  shop = (await cloud.describeInstance({ name: 'shop' }, options))?.instanceId ?? ''
}, 120_000)
afterAll(() => lab?.remove())
afterEach(async () => {
  await lab.call('DELETE', '/_lab/faults')
})

function adapter(more: Partial<Parameters<typeof createRds>[0]> = {}): ManagedPostgres {
  const { api, credentials } = lab.lab
  return createRds({ region: 'us-east-1', endpoint: api, credentials: { ...credentials.aws }, maxAttempts: 3, ...more })
}

async function fault(order: object): Promise<void> {
  expect(await lab.call('POST', '/_lab/faults', order)).toMatchObject({ status: 200 })
}

/** As a runbook would: what passes by itself is tried again. */
async function retried<T>(act: () => Promise<T>): Promise<T> {
  return eventually(async () => {
    try {
      return { value: await act() }
    } catch (error) {
      if (error instanceof Failure && error.kind === 'transient') return undefined
      throw error
    }
  }).then(({ value }) => value)
}

/** Calls of that name which changed something, for a resource. */
async function effects(operation: string, resource: string): Promise<number> {
  const { calls } = (await lab.call('GET', '/_lab/calls')).body as {
    calls: { operation: string; effect: boolean; resources: object }[]
  }
  return calls.filter(
    (call) => call.operation === operation && call.effect && JSON.stringify(call.resources).includes(`"${resource}"`),
  ).length
}

function owned(operation: string, step: string): { name: string; owner: Owner } {
  return { name: `cap-${operation}-${step}`, owner: { operation, step, expiresAt: '2027-01-31T12:00:00.000Z' } }
}

/** Taken, and there. */
async function snapshotBy(operation: string): Promise<string> {
  const { name, owner } = owned(operation, 'take')
  await retried(() => cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options))
  await snapshotAvailable(lab, name)
  return name
}

const refusal = (code: FailureCode, message = ''): object =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

describe('an answer that is lost', () => {
  test('of a new snapshot: there is one, adopted with its owner', async () => {
    await fault({ kind: 'drop-response', operation: 'CreateDBSnapshot' })
    const { name, owner } = owned('lost-create', 'take')
    const made = await retried(() => cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options))
    expect(made).toMatchObject({ name, owner, instance: 'shop', instanceId: shop })
    expect(await effects('CreateDBSnapshot', name)).toBe(1)
    await snapshotAvailable(lab, name)
    await cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options)
    expect(await effects('CreateDBSnapshot', name)).toBe(1)
  })

  test("of a snapshot's removal: it is gone, and asking again is no mistake", async () => {
    const snapshot = await snapshotBy('lost-delete')
    await fault({ kind: 'drop-response', operation: 'DeleteDBSnapshot' })
    const removal = { snapshot, instanceId: shop, owner: owned('lost-delete', 'take').owner }
    await cloud.startSnapshotRemoval(removal, options)
    expect(await cloud.describeSnapshot({ name: snapshot }, options)).toBeNull()
    await cloud.startSnapshotRemoval(removal, options)
  })

  test.each([
    ['lost-plain', 'CreateDBParameterGroup'],
    ['lost-custom', 'CopyDBParameterGroup'],
  ])('of each call of a restore (%s): there is one copy, inert, that goes without a trace', async (operation, making) => {
    const source = making === 'CopyDBParameterGroup' ? await customInstance() : 'shop'
    const snapshot = await snapshotBy(operation)
    const { name: instance, owner } = owned(operation, 'canary')
    const request = { source, snapshot, instance, securityGroups: [lab.group], instanceClass: null, owner }
    for (const lost of [making, 'ModifyDBParameterGroup', 'RestoreDBInstanceFromDBSnapshot']) {
      await fault({ kind: 'drop-response', operation: lost })
    }
    await retried(() => cloud.startInertRestore(request, options))
    for (const once of [making, 'RestoreDBInstanceFromDBSnapshot']) expect(await effects(once, instance)).toBe(1)
    await readyAs(instance)
    await cloud.startInertRestore(request, options)

    await fault({ kind: 'drop-response', operation: 'ModifyDBInstance' })
    await retried(() => cloud.startPasswordReset({ instance, password: 'a-new-password', operation }, options))
    await readyAs(instance)

    for (const lost of ['DeleteDBInstance', 'DeleteDBParameterGroup']) await fault({ kind: 'drop-response', operation: lost })
    await eventually(async () => (await cloud.removeOwnedInstances({ operation }, options)).done || undefined)
    expect(await effects('DeleteDBInstance', instance)).toBe(1)
    await gone(lab, instance)
    expect(await groupNames()).not.toContain(instance)
  })
})

async function readyAs(instance: string): Promise<void> {
  await eventually(async () => {
    const found = await cloud.describeInstance({ name: instance }, options)
    return found?.state === 'ready' ? true : undefined
  })
}

async function groupNames(): Promise<string[]> {
  const { DBParameterGroups = [] } = await lab.rds.describeDBParameterGroups({})
  return DBParameterGroups.map(({ DBParameterGroupName = '' }) => DBParameterGroupName)
}

/** An instance whose settings are its own. */
async function customInstance(): Promise<string> {
  const DBParameterGroupName = 'of-our-own'
  if ((await groupNames()).includes(DBParameterGroupName)) return 'tuned'
  await lab.rds.createDBParameterGroup({ DBParameterGroupName, DBParameterGroupFamily: 'postgres15', Description: 'tuned' })
  const wanted = { work_mem: '8192', shared_preload_libraries: 'pg_stat_statements,auto_explain' }
  const Parameters = Object.entries(wanted).map(([ParameterName, ParameterValue]) => {
    return { ParameterName, ParameterValue, ApplyMethod: 'pending-reboot' as const }
  })
  await lab.rds.modifyDBParameterGroup({ DBParameterGroupName, Parameters })
  await createInstance(lab, 'tuned', { DBParameterGroupName })
  return 'tuned'
}

describe("a copy's parameter group", () => {
  test("has the source's own settings, and no subscription wakes up in it", async () => {
    const { name: instance, owner } = owned('inherits', 'canary')
    const source = await customInstance()
    const request = { source, snapshot: 'none', instance, securityGroups: [lab.group], instanceClass: null, owner }
    // The group comes first, so it is there although the restore is refused.
    await expect(cloud.startInertRestore(request, options)).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
    const { Parameters = [] } = await lab.rds.describeDBParameters({ DBParameterGroupName: instance, Source: 'user' })
    const set = Object.fromEntries(Parameters.map(({ ParameterName, ParameterValue }) => [ParameterName, ParameterValue]))
    expect(set).toEqual({
      max_logical_replication_workers: '0',
      shared_preload_libraries: 'pg_stat_statements,auto_explain',
      work_mem: '8192',
    })
    expect(await cloud.removeOwnedInstances({ operation: 'inherits' }, options)).toEqual({ done: true, removing: [] })
  })

  test('is found and removed among more groups than one page holds; others stay', async () => {
    const others = Array.from({ length: 110 }, (_, n) => `aa-other-${n}`)
    for (const DBParameterGroupName of others) {
      await lab.rds.createDBParameterGroup({
        DBParameterGroupName,
        DBParameterGroupFamily: 'postgres15',
        Description: 'of others',
      })
    }
    const { name, owner } = owned('paged', 'canary')
    const Tags = [{ Key: 'capstan-operation', Value: owner.operation }]
    const group = { DBParameterGroupFamily: 'postgres15', Description: 'ours, and one that only looks so' }
    await lab.rds.createDBParameterGroup({ DBParameterGroupName: name, Tags, ...group })
    await lab.rds.createDBParameterGroup({ DBParameterGroupName: `${name}-theirs`, ...group })
    expect(await cloud.removeOwnedInstances({ operation: 'paged' }, options)).toEqual({ done: true, removing: [] })
    const { DBParameterGroups = [] } = await lab.rds.describeDBParameterGroups({ DBParameterGroupName: `${name}-theirs` })
    expect(DBParameterGroups).toHaveLength(1)
    await expect(lab.rds.describeDBParameterGroups({ DBParameterGroupName: name })).rejects.toThrow()
    expect(await groupNames()).toEqual(expect.arrayContaining(['aa-other-0']))
  })
})

describe('what bears our name and is not ours is left alone', () => {
  const { name, owner } = owned('someone', 'take')

  test('a snapshot', async () => {
    await retried(() => cloud.startSnapshot({ instance: 'shop', snapshot: name, owner: { ...owner, step: 'other' } }, options))
    await snapshotAvailable(lab, name)
    const ours = { instance: 'shop', snapshot: name, owner }
    await expect(cloud.startSnapshot(ours, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'left alone'))
    const removal = { snapshot: name, instanceId: shop, owner }
    await expect(cloud.startSnapshotRemoval(removal, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
    const elsewhere = { snapshot: name, instanceId: 'db-ANOTHER', owner: { ...owner, step: 'other' } }
    await expect(cloud.startSnapshotRemoval(elsewhere, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'another instance'))
    expect(await cloud.describeSnapshot({ name }, options)).toMatchObject({ state: 'ready' })
  })

  test('an instance, its password included', async () => {
    const restore = { source: 'shop', snapshot: name, instance: 'shop', securityGroups: [lab.group], instanceClass: null, owner }
    await expect(cloud.startInertRestore(restore, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
    const reset = { instance: 'shop', password: 'a-new-password', operation: 'someone' }
    await expect(cloud.startPasswordReset(reset, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
    expect(await cloud.removeOwnedInstances({ operation: 'someone' }, options)).toEqual({ done: true, removing: [] })
    expect(await effects('ModifyDBInstance', 'shop')).toBe(0)
  })
})

describe("an instance's snapshots", () => {
  test('are listed with their owners, and by its id: one that bore the same name before has its own', async () => {
    const first = await createInstance(lab, 'twin')
    const { name, owner } = owned('twins', 'take')
    await retried(() => cloud.startSnapshot({ instance: 'twin', snapshot: name, owner }, options))
    await snapshotAvailable(lab, name)
    const bad = { 'capstan-operation': 'twins', 'capstan-step': 'odd', 'capstan-expires': 'next Tuesday' }
    const Tags = Object.entries(bad).map(([Key, Value]) => ({ Key, Value }))
    await readyAs('twin')
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'twin', DBSnapshotIdentifier: 'odd', Tags })
    await snapshotAvailable(lab, 'odd')
    const listed = await cloud.listSnapshots({ instanceId: first.DbiResourceId ?? '' }, options)
    expect(listed.map((snapshot) => [snapshot.name, snapshot.owner])).toEqual([
      [name, owner],
      ['odd', { operation: 'twins', step: 'odd', expiresAt: null }],
    ])
    expect(listed[0]).toMatchObject({ state: 'ready', storage: { sizeGib: 20, encrypted: false, key: null } })
    await readyAs('twin')
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'twin', SkipFinalSnapshot: true })
    await gone(lab, 'twin')
    const second = await createInstance(lab, 'twin')
    expect(await cloud.listSnapshots({ instanceId: second.DbiResourceId ?? '' }, options)).toEqual([])
  })

  test('one that is still being made cannot be removed yet', async () => {
    const { name, owner } = owned('half-made', 'take')
    await retried(() => cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options))
    const removal = { snapshot: name, instanceId: shop, owner }
    await expect(cloud.startSnapshotRemoval(removal, options)).rejects.toEqual(refusal('CLOUD_BUSY'))
    await retried(() => cloud.startSnapshotRemoval(removal, options))
    expect(await cloud.describeSnapshot({ name }, options)).toBeNull()
  })

  test('one that the cloud does not list yet is waited for, not made twice', async () => {
    const { name, owner } = owned('unlisted', 'take')
    await fault({ kind: 'stale-reads', operation: 'DescribeDBSnapshots', lag: '1s' })
    const request = { instance: 'shop', snapshot: name, owner }
    await readyAs('shop')
    await expect(cloud.startSnapshot(request, options)).rejects.toEqual(refusal('NOT_READY_YET', 'not listed'))
    expect(await retried(() => cloud.startSnapshot(request, options))).toMatchObject({ name, owner })
    expect(await effects('CreateDBSnapshot', name)).toBe(1)
    await snapshotAvailable(lab, name)
  })
})

describe('tags that RDS does not take', () => {
  test.each([
    ['too long', 'x'.repeat(257)],
    ['of other characters', 'take!'],
  ])('%s: refused, and nothing is made', async (_what, step) => {
    await readyAs('shop')
    const request = { instance: 'shop', snapshot: 'cap-odd-tags', owner: { operation: 'odd-tags', step, expiresAt: null } }
    await expect(cloud.startSnapshot(request, options)).rejects.toEqual(refusal('CLOUD_REFUSED'))
    expect(await cloud.describeSnapshot({ name: 'cap-odd-tags' }, options)).toBeNull()
  })
})

describe('an abort', () => {
  test('before a call: nothing is asked', async () => {
    const asked = cloud.describeInstance({ name: 'shop' }, { signal: AbortSignal.abort(new Error('stopped')) })
    await expect(asked).rejects.toThrow('stopped')
  })

  test('in the midst of a call that changes something waits for its end: no effect comes after it', async () => {
    const { name, owner } = owned('cut-short', 'take')
    await readyAs('shop')
    await fault({ kind: 'delay', operation: 'CreateDBSnapshot', delay: '700ms' })
    const stop = new AbortController()
    const started = cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, { signal: stop.signal })
    const ended = expect(started).rejects.toThrow('stopped')
    await sleep(200)
    stop.abort(new Error('stopped'))
    await ended
    expect(await cloud.describeSnapshot({ name }, options)).toMatchObject({ owner })
  })
})

describe('every refusal has its code', () => {
  test.each([
    ['AccessDenied', 'CREDENTIALS_REJECTED'],
    ['ExpiredToken', 'CLOUD_UNREACHABLE'],
    ['InsufficientDBInstanceCapacity', 'CLOUD_BUSY'],
    ['InternalFailure', 'CLOUD_UNREACHABLE'],
    ['InvalidClientTokenId', 'CREDENTIALS_REJECTED'],
    ['InvalidDBInstanceState', 'CLOUD_BUSY'],
    ['InvalidDBSnapshotState', 'CLOUD_BUSY'],
    ['InvalidParameterCombination', 'CLOUD_REFUSED'],
    ['InvalidParameterValue', 'CLOUD_REFUSED'],
    ['RequestLimitExceeded', 'CLOUD_THROTTLED'],
    ['ServiceUnavailable', 'CLOUD_UNREACHABLE'],
    ['SignatureDoesNotMatch', 'CREDENTIALS_REJECTED'],
    ['SnapshotQuotaExceeded', 'CLOUD_REFUSED'],
    ['Throttling', 'CLOUD_THROTTLED'],
    // Nobody foresaw these for this call: a defect, not something to be tried for ever.
    ['InvalidAction', 'CLOUD_UNEXPECTED'],
    ['MalformedQueryString', 'CLOUD_UNEXPECTED'],
    ['MissingParameter', 'CLOUD_UNEXPECTED'],
  ] as const)('%s → %s, naming the call', async (code, expected) => {
    await fault({ kind: 'fail', operation: 'CreateDBSnapshot', code, message: 'as ordered', times: 3 })
    const { name, owner } = owned(`refused-${code.toLowerCase()}`.slice(0, 32), 'take')
    const asked = cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options)
    await expect(asked).rejects.toEqual(refusal(expected, 'CreateDBSnapshot'))
    expect(await effects('CreateDBSnapshot', name)).toBe(0)
  })

  test.each([
    ['InstanceQuotaExceeded', 'CLOUD_REFUSED'],
    ['StorageQuotaExceeded', 'CLOUD_REFUSED'],
  ] as const)('a restore: %s → %s', async (code, expected) => {
    const snapshot = 'cap-lost-create-take'
    await fault({ kind: 'fail', operation: 'RestoreDBInstanceFromDBSnapshot', code, times: 3 })
    const { name: instance, owner } = owned('no-quota', 'canary')
    const request = { source: 'shop', snapshot, instance, securityGroups: [lab.group], instanceClass: null, owner }
    await expect(cloud.startInertRestore(request, options)).rejects.toEqual(refusal(expected))
    expect(await cloud.removeOwnedInstances({ operation: 'no-quota' }, options)).toMatchObject({ done: true })
  })

  test('a throttling that the SDK outlasts is never heard of', async () => {
    await fault({ kind: 'throttle', operation: 'DescribeDBInstances', times: 2 })
    expect(await cloud.describeInstance({ name: 'shop' }, options)).toMatchObject({ name: 'shop', state: 'ready' })
  })

  test('what is not there', async () => {
    const { name, owner } = owned('not-there', 'take')
    expect(await cloud.describeInstance({ name: 'nobody' }, options)).toBeNull()
    expect(await cloud.describeSnapshot({ name: 'nothing' }, options)).toBeNull()
    const missing = cloud.startSnapshot({ instance: 'nobody', snapshot: name, owner }, options)
    await expect(missing).rejects.toEqual(refusal('INSTANCE_NOT_FOUND'))
    const restore = { source: 'nobody', snapshot: name, instance: name, securityGroups: [], instanceClass: null, owner }
    await expect(cloud.startInertRestore(restore, options)).rejects.toEqual(refusal('INSTANCE_NOT_FOUND', 'nobody'))
    const reset = { instance: 'nobody', password: 'a-new-password', operation: 'not-there' }
    await expect(cloud.startPasswordReset(reset, options)).rejects.toEqual(refusal('INSTANCE_NOT_FOUND'))
  })

  test('wrong keys, and the right ones are not told', async () => {
    const { accessKeyId, secretAccessKey } = lab.lab.credentials.aws
    for (const credentials of [
      { accessKeyId, secretAccessKey: 'wrong' },
      { accessKeyId: 'AKIAUNKNOWN', secretAccessKey },
    ]) {
      const asked = adapter({ credentials }).describeInstance({ name: 'shop' }, options)
      const error = await asked.then(
        () => null,
        (caught: unknown) => caught,
      )
      expect(error).toEqual(refusal('CREDENTIALS_REJECTED'))
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error ?? {}))).not.toContain(secretAccessKey)
    }
  })

  test.each([
    ['KMSKeyNotAccessibleFault', 400, 'CLOUD_REFUSED'],
    ['NotAuthorized', 400, 'CREDENTIALS_REJECTED'],
    ['RequestExpired', 400, 'CREDENTIALS_REJECTED'],
    ['TooManyOfSomething', 429, 'CLOUD_THROTTLED'],
    ['SomethingBroke', 502, 'CLOUD_UNREACHABLE'],
    ['DBClusterQuotaExceededFault', 403, 'CLOUD_UNEXPECTED'],
  ] as const)('one that the lab does not know: %s with HTTP status %d → %s', (name, httpStatusCode, expected) => {
    const error = new RDSServiceException({ name, message: 'as it says', $fault: 'client', $metadata: { httpStatusCode } })
    expect(rdsFailure('CreateDBSnapshot', error, options.signal)).toEqual(refusal(expected, 'CreateDBSnapshot'))
  })

  test('nobody answers, or nobody listens', async () => {
    const held = new Set<Socket>()
    const silent = createServer((socket) => held.add(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const impatient = { requestTimeout: 200, throwOnRequestTimeout: true }
    const unanswered = adapter({ endpoint, requestHandler: impatient }).describeInstance({ name: 'shop' }, options)
    await expect(unanswered).rejects.toEqual(refusal('CLOUD_UNREACHABLE', 'did not answer DescribeDBInstances'))
    for (const socket of held) socket.destroy()
    await new Promise((resolve) => silent.close(resolve))
    expect(await codeInAProcess(endpoint)).toBe('CLOUD_UNREACHABLE')
  })
})

/** Errors of sockets are of another realm in here, so the compiled adapter is asked in a process of its own. */
async function codeInAProcess(endpoint: string): Promise<string> {
  const program = `
    const { createRds } = require(${JSON.stringify(join(__dirname, '../../dist/clouds/aws/rds.js'))})
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    createRds({ region: 'us-east-1', endpoint: ${JSON.stringify(endpoint)}, credentials, maxAttempts: 1 })
      .describeInstance({ name: 'shop' }, { signal: new AbortController().signal })
      .catch((error) => process.stdout.write(error.code))`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program])
  return stdout
}
