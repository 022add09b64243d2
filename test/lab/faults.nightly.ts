import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidDBInstanceStateFault } from '@aws-sdk/client-rds'
import {
  available,
  createInstance,
  describe as describeInstance,
  eventually,
  openLab,
  orderFault,
  refused,
  sdk,
  slowly,
  snapshotAvailable,
  type TestLab,
} from './fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await createInstance(lab, 'shop', { BackupRetentionPeriod: 0 })
})
afterAll(() => lab.remove())
afterEach(() => lab.call('DELETE', '/_lab/faults'))

interface Recorded {
  seq: number
  operation: string
  outcome: string
  effect: boolean
  answered: boolean
  faults: { id: string; kind: string }[]
}

const order = (fault: object) => orderFault(lab, fault)
const standing = async () => ((await lab.call('GET', '/_lab/faults')).body as { faults: object[] }).faults
const lastCall = async (): Promise<number> => ((await lab.call('GET', '/_lab/calls')).body as { last: number }).last
const callsSince = async (mark: number) => (await lab.call('GET', `/_lab/calls?since=${mark}`)).body.calls as Recorded[]
const snapshot = (id: string, instance = 'shop') =>
  lab.rds.createDBSnapshot({ DBInstanceIdentifier: instance, DBSnapshotIdentifier: id })

test('a time that no date can hold is refused, and one that no timer can hold is waited for', async () => {
  const order = { kind: 'freeze-instance', instance: 'shop' }
  for (const field of ['for', 'lasts']) {
    const answer = await lab.call('POST', '/_lab/faults', { ...order, [field]: '999999999d' })
    expect(answer).toMatchObject({ status: 422, body: { field } })
  }
  const warned: Error[] = []
  const warn = (warning: Error) => warned.push(warning)
  process.on('warning', warn)
  const late = { kind: 'cut-network', operation: 'AddTagsToResource', id: 'late', delay: '366d', for: '366d' }
  expect(await lab.call('POST', '/_lab/faults', late)).toMatchObject({ status: 200 })
  const { DBInstanceArn: ResourceName } = await describeInstance(lab, 'shop')
  await lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'a', Value: '' }] })
  await lab.rds.describeDBInstances({})
  process.off('warning', warn)
  expect(warned).toEqual([])
  await lab.call('DELETE', '/_lab/faults')
})

test('a wrong order is answered with its field and what would be right', async () => {
  expect(await lab.call('POST', '/_lab/faults', { kind: 'throttle', times: 0 })).toEqual({
    status: 422,
    body: { field: 'times', error: 'times is 0; wanted is a whole number, 1 or more.' },
  })
  expect((await lab.call('GET', '/_lab/faults/kinds')).body).toMatchObject({
    kinds: expect.arrayContaining([expect.objectContaining({ kind: 'throttle', settings: [] })]),
  })
  expect(await lab.call('DELETE', '/_lab/faults/f999')).toMatchObject({ status: 404 })
  expect(await lab.call('GET', '/_lab/calls?since=yesterday')).toMatchObject({ status: 422 })
  expect(await lab.call('GET', '/_lab/calls?limit=1')).toMatchObject({ status: 422 })
})

test('a call that hangs is carried out when its fault is taken back, and stands in the list until then', async () => {
  const fault = await order({ kind: 'hang', operation: 'CreateDBSnapshot', times: 1 })
  const from = await lastCall()
  const hung = snapshot('hung')
  const struck = async () => (await standing()).some((one) => 'struck' in one && one.struck === 1)
  while (!(await struck())) await sleep(10)
  await expect(lab.rds.describeDBSnapshots({ DBSnapshotIdentifier: 'hung' })).rejects.toThrow('not found')

  expect(await lab.call('DELETE', `/_lab/faults/${fault.id}`)).toMatchObject({ status: 200 })

  expect((await hung).DBSnapshot).toMatchObject({ DBSnapshotIdentifier: 'hung' })
  const [call] = (await callsSince(from)).filter(({ operation }) => operation === 'CreateDBSnapshot')
  expect(call).toMatchObject({ outcome: 'ok', effect: true, faults: [{ id: fault.id, kind: 'hang' }] })
  expect(await standing()).toEqual([])
  await snapshotAvailable(lab, 'hung')
})

test('a call whose client has given up is carried out when the fault that held it expires', async () => {
  await order({ kind: 'hang', operation: 'CreateDBSnapshot', for: '5s' })
  const impatient = new AbortController()
  const call = lab.rds.createDBSnapshot(
    { DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'nobody-waits' },
    { abortSignal: impatient.signal },
  )
  const gone = expect(call).rejects.toThrow('aborted')
  await eventually(async () => ((await standing()).some((one) => 'struck' in one && one.struck === 1) ? true : undefined))
  impatient.abort()
  await gone
  const there = async () =>
    (await lab.rds.describeDBSnapshots({})).DBSnapshots?.some((one) => one.DBSnapshotIdentifier === 'nobody-waits')
  await eventually(async () => ((await there()) ? true : undefined))
  await snapshotAvailable(lab, 'nobody-waits')
  expect(await standing()).toEqual([])
})

test('a throttled call does nothing; the SDK tries again by itself, and gives up after three times', async () => {
  await order({ kind: 'throttle', operation: 'CreateDBSnapshot', times: 1 })
  const from = await lastCall()
  await snapshot('throttled')
  expect(await callsSince(from)).toMatchObject([
    { operation: 'CreateDBSnapshot', outcome: 'Throttling', effect: false, status: 400, faults: [{ kind: 'throttle' }] },
    { operation: 'CreateDBSnapshot', outcome: 'ok', effect: true, faults: [] },
  ])
  await snapshotAvailable(lab, 'throttled')
  await order({ kind: 'throttle', operation: 'DeleteDBSnapshot', times: 3 })
  await expect(lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'throttled' })).rejects.toMatchObject({
    name: 'Throttling',
    message: 'Rate exceeded',
    $metadata: { httpStatusCode: 400, attempts: 3 },
  })
  expect(await standing()).toEqual([])
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'throttled' })
})

test('a failing call answers the error that was ordered and does nothing', async () => {
  await order({ kind: 'fail', operation: 'CreateDBSnapshot', code: 'SnapshotQuotaExceeded', message: 'Full.' })
  await refused(snapshot('failing'), 'SnapshotQuotaExceededFault', 'Full.')
  await order({ kind: 'fail', operation: 'CreateDBSnapshot', times: 3 })
  await expect(snapshot('failing')).rejects.toMatchObject({
    name: 'InternalFailure',
    $metadata: { httpStatusCode: 500, attempts: 3 },
  })
  await refused(lab.rds.describeDBSnapshots({ DBSnapshotIdentifier: 'failing' }), 'DBSnapshotNotFoundFault')
})

test('a fault strikes only calls in its scope', async () => {
  await order({ kind: 'fail', code: 'AccessDenied', instance: 'other', probability: 1 })
  await order({ kind: 'fail', code: 'AccessDenied', region: 'eu-central-1', probability: 1 })
  await describeInstance(lab, 'shop')
  await refused(describeInstance(lab, 'other'), 'AccessDenied')
  await refused(describeInstance(lab, 'other'), 'AccessDenied')
  const { DBInstanceArn = '' } = await describeInstance(lab, 'shop')
  await refused(lab.rds.listTagsForResource({ ResourceName: DBInstanceArn.replace(/shop$/, 'other') }), 'AccessDenied')
})

test('a dropped answer leaves the effect, once, and the record says so', async () => {
  await order({ kind: 'drop-response', operation: 'CreateDBSnapshot', instance: 'shop' })
  const from = await lastCall()
  await refused(snapshot('dropped'), 'DBSnapshotAlreadyExistsFault')
  expect(await callsSince(from)).toMatchObject([
    {
      outcome: 'ok',
      effect: true,
      answered: false,
      resources: [
        { type: 'instance', id: 'shop' },
        { type: 'snapshot', id: 'dropped' },
      ],
      faults: [{ kind: 'drop-response' }],
    },
    { outcome: 'DBSnapshotAlreadyExists', effect: false, answered: true, faults: [] },
  ])
  await snapshotAvailable(lab, 'dropped')
})

test('a call that arrives twice is written down twice; taken back in time, it arrives once', async () => {
  await order({ kind: 'deliver-twice', operation: 'CreateDBSnapshot', heard: 'second' })
  const from = await lastCall()
  await refused(snapshot('twice'), 'DBSnapshotAlreadyExistsFault')
  const [first, ...later] = await callsSince(from)
  expect(first).toMatchObject({ outcome: 'ok', effect: true, answered: true, faults: [{ kind: 'deliver-twice' }] })
  expect(later).toMatchObject([{ outcome: 'DBSnapshotAlreadyExists', effect: false, faults: [{ kind: 'deliver-twice' }] }])
  expect(await standing()).toEqual([])
  await snapshotAvailable(lab, 'twice')

  await order({ kind: 'deliver-twice', operation: 'DeleteDBSnapshot', delay: '1h', for: '2h' })
  const mark = await lastCall()
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'twice' })
  expect(await standing()).toMatchObject([{ kind: 'deliver-twice', struck: 1 }])
  await lab.call('DELETE', '/_lab/faults')
  await sleep(100)
  expect((await callsSince(mark)).filter(({ operation }) => operation === 'DeleteDBSnapshot')).toHaveLength(1)
})

test('a refused call is not struck by what needs an accepted one', async () => {
  await order({ kind: 'drop-response', operation: 'CreateDBSnapshot' })
  await order({ kind: 'fail-operation', operation: 'CreateDBSnapshot' })
  await refused(snapshot('nobodys', 'nobody'), 'DBInstanceNotFoundFault')
  expect(await standing()).toHaveLength(2)
})

test('a snapshot that ends badly is failed, can be removed, and its instance is as before', async () => {
  await available(lab, 'shop')
  await order({ kind: 'fail-operation', operation: 'CreateDBSnapshot' })
  await slowly(lab, async () => {
    await snapshot('doomed')
    expect((await describeInstance(lab, 'shop')).DBInstanceStatus).toBe('backing-up')
  })
  expect(await snapshotAvailable(lab, 'doomed')).toMatchObject({ Status: 'failed' })
  expect(await available(lab, 'shop')).toMatchObject({ DBInstanceStatus: 'available' })
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'doomed' })
})

test('a restore that ends badly is incompatible-restore, and a change that does is forgotten', async () => {
  await snapshot('source')
  await snapshotAvailable(lab, 'source')
  await order({ kind: 'fail-operation', operation: 'RestoreDBInstanceFromDBSnapshot' })
  await lab.rds.restoreDBInstanceFromDBSnapshot({ DBInstanceIdentifier: 'copy', DBSnapshotIdentifier: 'source' })
  expect(await available(lab, 'copy')).toMatchObject({ DBInstanceStatus: 'incompatible-restore' })
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'copy', SkipFinalSnapshot: true })
  await available(lab, 'shop')
  await order({ kind: 'fail-operation', operation: 'ModifyDBInstance' })
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'shop', DBInstanceClass: 'db.m6g.large', ApplyImmediately: true })
  await available(lab, 'shop').then(async () => {
    const shop = await available(lab, 'shop')
    expect(shop.DBInstanceClass).toBe('db.t4g.micro')
  })
})

test('an instance with a busy tail says available and refuses changes for a while', async () => {
  await order({ kind: 'busy-tail', instance: 'shop', tail: '1h' })
  await available(lab, 'shop')
  await refused(snapshot('early'), 'InvalidDBInstanceStateFault')
  await refused(lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'shop' }), InvalidDBInstanceStateFault.name)
  expect((await describeInstance(lab, 'shop')).DBInstanceStatus).toBe('available')
  await lab.call('DELETE', '/_lab/faults')
  await order({ kind: 'busy-tail', tail: '1ms' })
  await snapshot('early')
  await snapshotAvailable(lab, 'early')
})

test('stale reads show what there was, counted in questions or in time', async () => {
  await available(lab, 'shop')
  const names = async () =>
    (await lab.rds.describeDBSnapshots({})).DBSnapshots!.map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier)
  await order({ kind: 'stale-reads', operation: 'DescribeDBSnapshots', reads: 2 })
  const before = await names()
  await snapshot('fresh')
  expect(await names()).toEqual(before)
  expect(await names()).toEqual(before)
  expect(await names()).toContain('fresh')
  await lab.call('DELETE', '/_lab/faults')
  await snapshotAvailable(lab, 'fresh')
  const fault = await order({ kind: 'stale-reads', lag: '1h' })
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'fresh' })
  expect(await names()).toContain('fresh')
  await refused(lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'fresh' }), 'DBSnapshotNotFoundFault')
  await lab.call('DELETE', `/_lab/faults/${fault.id}`)
  expect(await names()).not.toContain('fresh')
})

test('the same seed strikes the same calls of a real sequence; faults and their draws outlive the lab', async () => {
  const pattern = async (restarting: boolean) => {
    const impatient = () => sdk(lab.lab.api, lab.lab.credentials.aws, 1)
    await order({ kind: 'fail', operation: 'DescribeDBInstances', probability: 0.5, seed: 7, id: 'chancy' })
    const hits: boolean[] = []
    for (let n = 0; n < 12; n++) {
      if (restarting && n === 6) await lab.restart()
      hits.push(
        await impatient()
          .describeDBInstances({})
          .then(
            () => false,
            () => true,
          ),
      )
    }
    await lab.call('DELETE', '/_lab/faults/chancy')
    return hits
  }
  const first = await pattern(false)
  expect(new Set(first).size).toBe(2)
  expect(await pattern(true)).toEqual(first)
})

test('a call of nobody known leaves no record', async () => {
  const from = await lastCall()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = `Action=CreateDBSnapshot&Version=2014-10-31&Tags.Tag.1.Key=${'k'.repeat(50_000)}`
  expect((await fetch(lab.lab.api, { method: 'POST', headers, body })).status).toBe(403)
  const stranger = { ...lab.lab.credentials.aws, secretAccessKey: 'not-mine' }
  await refused(sdk(lab.lab.api, stranger).describeDBInstances({}), 'SignatureDoesNotMatch')
  expect(await lastCall()).toBe(from)
})

test('calls are on record over a restart, with their tags and without passwords', async () => {
  const from = await lastCall()
  const { DBInstanceArn: ResourceName } = await describeInstance(lab, 'shop')
  await lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'capstan-step', Value: 'one' }] })
  await lab.restart()
  expect(await callsSince(from)).toMatchObject([
    { operation: 'DescribeDBInstances', effect: false },
    {
      operation: 'AddTagsToResource',
      effect: true,
      tags: { 'capstan-step': 'one' },
      resources: [{ type: 'instance', id: 'shop' }],
    },
  ])
  const all = (await lab.call('GET', '/_lab/calls')).body
  expect(JSON.stringify(all)).not.toContain('correct-horse-battery')
  await lab.call('POST', '/_lab/reset')
  expect((await lab.call('GET', '/_lab/calls')).body).toMatchObject({ calls: [] })
})
