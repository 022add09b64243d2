/** Snapshots are copied into the regions of the policy, each region keeps its own newest good one, and a region that is out of reach costs no
 *  other one anything. */
import { RETIRE_SNAPSHOT_WORKFLOW } from '../../contracts/migrate'
import { type OperationDocument, temporaryName } from '../../contracts/operation'
import {
  copyStepOf,
  SNAPSHOT_STEPS,
  type SnapshotCopyRecord,
  type SnapshotList,
  type SnapshotPlan,
  type SnapshotStanding,
} from '../../contracts/snapshot'
import { recordHistory } from '../support/histories'
import { type LabDoor, labDoor } from '../support/lab'
import { isAt, migrating } from '../support/migrating'
import { SnapshotDesk } from '../support/snapshots'
import { ELSEWHERE, FIRST } from '../support/target'

// Several operations in one test: a busy machine takes longer than the usual minute.
jest.setTimeout(300_000)
const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
const [EU, AP] = ELSEWHERE
const KEY = 'arn:aws:kms:ap-south-1:000000000000:key/6f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f'
const COPIES = `      snapshotCopies: [{ region: ${EU} }, { region: ${AP}, kmsKey: "${KEY}" }]\n`
let fleet: string
let door: LabDoor
let desks: Readonly<Record<string, SnapshotDesk>>
beforeAll(() => {
  door = labDoor(it.capstan)
  desks = Object.fromEntries(['us-east-1', ...ELSEWHERE].map((region) => [region, new SnapshotDesk(it.capstan, region)]))
})
beforeEach(() => {
  fleet = it.target.fleet(FIRST, COPIES)
})
afterEach(() => door.withdrawAll())

const nameOf = (operation: string) => temporaryName(operation, 'take')
const copyOf = (operation: string, region: string) => temporaryName(operation, copyStepOf(region))
const desk = (region = 'us-east-1'): SnapshotDesk => desks[region]!

async function take(
  operation: string,
  ...more: string[]
): Promise<{ code: number; operation: OperationDocument; plan: SnapshotPlan }> {
  const asked = ['snapshot', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more]
  const { code, stdout, stderr } = await it.capstan.capstan(asked)
  if (stdout === '') throw new Error(`capstan snapshot said nothing (exit ${code}): ${stderr}`)
  const said = JSON.parse(stdout)
  return { code, operation: said, plan: said.plan }
}

async function listed(): Promise<SnapshotList> {
  const { stdout } = await it.capstan.capstan(['snapshot', 'list', 'stock', '--fleet', fleet, '--json'])
  return JSON.parse(stdout) as SnapshotList
}

async function standings(): Promise<Record<string, SnapshotStanding>> {
  return Object.fromEntries((await listed()).snapshots.map(({ name, standing }) => [name, standing]))
}

const detailOf = ({ steps }: OperationDocument, step: string) => steps.find(({ id }) => id === step)?.detail
const tagsOf = async (name: string, region: string): Promise<Record<string, string>> => {
  const found = (await desk(region).all()).find(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier === name)
  return Object.fromEntries((found?.TagList ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
}
/** Nobody is let into the region by these calls. */
const shut = (operation: string, region: string) =>
  door.order({ kind: 'fail', operation, region, code: 'AccessDenied', times: 10_000 })

test('a plan names the regions, their keys and what goes there, and says of one that it could not be asked', async () => {
  await shut('DescribeDBSnapshots', EU)
  const { code, plan } = await take('planned', '--plan')
  expect(code).toBe(0)
  expect(plan.copies).toEqual([
    {
      ...{ region: EU, snapshot: copyOf('planned', EU), key: null, expiring: null },
      unreached: expect.stringContaining('AccessDenied'),
    },
    { region: AP, snapshot: copyOf('planned', AP), key: KEY, expiring: [] },
  ])
  await door.withdrawAll()
  expect(await it.target.tagged('planned')).toEqual([])
})

test('what nobody foresaw of a region keeps nobody from a plan, nor from the list of the others', async () => {
  await door.order({ kind: 'fail', operation: 'DescribeDBSnapshots', region: EU, code: 'InvalidAction', times: 100 })
  const { code, plan } = await take('odd', '--plan')
  expect(code).toBe(0)
  expect(plan.copies?.[0]).toMatchObject({ region: EU, expiring: null, unreached: expect.stringContaining('InvalidAction') })
  expect(await listed()).toMatchObject({ unreached: [{ region: EU, why: expect.stringContaining('InvalidAction') }] })
})

test('a region that hangs keeps nobody from the list of the others', async () => {
  await door.order({ kind: 'hang', operation: 'DescribeDBSnapshots', region: EU, times: 10 })
  expect(await listed()).toMatchObject({ snapshots: [], unreached: [{ region: EU, why: 'It did not answer within 20 s.' }] })
})

test('a snapshot has a copy in each region, verified and kept as long as it is', async () => {
  const { code, operation } = await take('first', '--retention', '12h')
  expect([code, operation.status, operation.verdict]).toEqual([0, 'succeeded', 'pass'])
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(Object.values(SNAPSHOT_STEPS).map(({ id }) => [id, 'done']))
  expect(await it.target.tagged('first')).toEqual([copyOf('first', AP), copyOf('first', EU), nameOf('first')])
  const copies = detailOf(operation, 'copy')?.copies as readonly SnapshotCopyRecord[]
  expect(copies.map(({ region, findings, summary }) => [region, findings, summary])).toEqual([
    [EU, [], 'available, 20 GiB, not encrypted'],
    [AP, [], `available, 20 GiB, encrypted with ${KEY}`],
  ])
  const tags = await tagsOf(copyOf('first', EU), EU)
  expect(tags).toEqual({
    ...{ 'capstan-operation': 'first', 'capstan-step': copyStepOf(EU) },
    'capstan-expires': (await tagsOf(nameOf('first'), 'us-east-1'))['capstan-expires'],
  })
  await recordHistory(it.capstan.temporal, 'first', 'snapshot-copied')
})

test('the list has them, and the evidence what each region said', async () => {
  const { stdout } = await it.capstan.capstan(['snapshot', 'list', 'stock', '--fleet', fleet])
  expect(stdout).toMatch(/cap-first-take +its own +available /)
  expect(stdout).toMatch(/cap-first-copy-eu-west-1 +eu-west-1 +available .* first +within its retention/)
  const evidence = await it.capstan.capstan(['ops', 'evidence', 'first', '--json'])
  const { document } = JSON.parse(evidence.stdout) as { document: { documents: Record<string, unknown> } }
  expect(document.documents).toMatchObject({
    [`snapshot-${EU}`]: { region: EU, snapshot: { name: copyOf('first', EU), state: 'ready' }, findings: [] },
    [`expiry-${EU}`]: { version: 1, due: [], removed: [], kept: [] },
  })
})

test('the copies are listed on the day on which their source’s region cannot be asked', async () => {
  for (const operation of ['DescribeDBInstances', 'DescribeDBSnapshots']) await shut(operation, 'us-east-1')
  const away = await listed()
  expect(away).toMatchObject({
    instanceId: null,
    unreached: [{ region: 'us-east-1', why: expect.stringContaining('AccessDenied') }],
  })
  expect(away.snapshots.map(({ name, standing }) => [name, standing])).toEqual([
    [copyOf('first', EU), 'within-retention'],
    [copyOf('first', AP), 'within-retention'],
  ])
  for (const region of ELSEWHERE) await shut('DescribeDBSnapshots', region)
  const { code, stderr } = await it.capstan.capstan(['snapshot', 'list', 'stock', '--fleet', fleet])
  expect([code, stderr]).toEqual([3, expect.stringContaining('AccessDenied')])
})

test('a region that lets nobody in is a finding: the snapshot is taken, and the other regions have their copies', async () => {
  await shut('CopyDBSnapshot', EU)
  const { code, operation } = await take('second')
  expect([code, operation.status, operation.verdict, operation.failure]).toEqual([1, 'failed', 'fail', null])
  expect(detailOf(operation, 'copy')?.findings).toEqual([
    { rule: 'snapshot:copy', message: expect.stringMatching(/^There is no good copy in eu-west-1: .*AccessDenied/) },
  ])
  expect(detailOf(operation, 'expire')?.summary).toContain('nothing has expired')
  expect(await it.target.tagged('second')).toEqual([copyOf('second', AP), nameOf('second')])
})

test('each region keeps its own newest good one: where no newer copy came, the old one stays', async () => {
  await shut('CopyDBSnapshot', EU)
  for (const operation of ['first', 'second']) {
    await desk().expire(nameOf(operation))
    await desk(AP).expire(copyOf(operation, AP))
  }
  await desk(EU).expire(copyOf('first', EU))
  const { operation } = await take('third')
  expect(detailOf(operation, 'expire')).toMatchObject({
    removed: [nameOf('first'), nameOf('second')],
    elsewhere: [{ region: AP, removed: [copyOf('first', AP), copyOf('second', AP)] }],
  })
  expect(await standings()).toEqual({
    [nameOf('third')]: 'within-retention',
    [copyOf('first', EU)]: 'last-good',
    [copyOf('third', AP)]: 'within-retention',
  })
})

test('what somebody copied by hand, under its name and with its tags, is nobody’s good one and is never removed', async () => {
  await desk(EU).copyHere(nameOf('third'), 'us-east-1')
  await it.until('the copy', async () => (await desk(EU).all()).every(({ Status }) => Status === 'available'))
  await desk(EU).expire(nameOf('third'))
  const { snapshots } = await listed()
  const there = snapshots.filter(({ region }) => region === EU)
  expect(Object.fromEntries(there.map(({ name, standing }) => [name, standing]))).toEqual({
    [nameOf('third')]: 'not-ours',
    [copyOf('first', EU)]: 'last-good',
  })
})

test('a copy’s retirement leaves the last good one of its region, and removes it once there is a newer one', async () => {
  const { bundle } = (await it.capstan.ledger.getDocument({ operation: 'first', name: 'snapshot-plan' })) as { bundle: string }
  const retire = (workflowId: string, region: string) => {
    const place = { snapshot: copyOf('first', region), region }
    const args = [{ operation: 'first', bundle, ...place, retentionHours: 0, heartbeatTimeoutMs: 5000 }]
    return it.capstan.temporal.workflow.execute(RETIRE_SNAPSHOT_WORKFLOW, { taskQueue: 'control', workflowId, args })
  }
  expect(await retire('retire-now/kept', EU)).toBe('last-good')
  expect(await take('fourth')).toMatchObject({ code: 0 })
  expect(await it.target.tagged('first')).toEqual([])
  expect(await retire('retire-now/gone', EU)).toBe('gone')
  expect(await desk(EU).names()).toEqual([copyOf('fourth', EU), nameOf('third')].sort())
})

test('a region that falls silent amid its copy is asked whether it is there, and gone on with once it is', async () => {
  // As often as the SDK asks, which is one silence.
  await door.order({ kind: 'fail', operation: 'CopyDBSnapshot', region: EU, code: 'ServiceUnavailable', times: 3 })
  expect(await take('silent')).toMatchObject({ code: 0, operation: { verdict: 'pass' } })
  expect(await it.target.tagged('silent')).toEqual([copyOf('silent', AP), copyOf('silent', EU), nameOf('silent')])
})

test('an abort waits for a copy that the cloud does not give up, and removes what it becomes', async () => {
  const delayed = { kind: 'fail-operation', operation: 'CopyDBSnapshot', delay: '45s', times: 2 }
  await door.order(delayed)
  const ended = take('long')
  await it.until('the copies', async () => (await it.target.tagged('long')).length === 3)
  expect((await it.capstan.capstan(['ops', 'abort', 'long', '--by', 'bob'])).code).toBe(0)
  const { code, operation } = await ended
  expect([code, operation.status]).toEqual([7, 'aborted'])
  expect(await it.target.tagged('long')).toEqual([nameOf('long')])
})

test('an abort amid the copies takes them back, and leaves the snapshot', async () => {
  const fault = await door.order({ kind: 'throttle', operation: 'CopyDBSnapshot', region: EU, times: 100_000 })
  const ended = take('stopped')
  await it.until('the call', async () => (await door.struck(fault)) > 0)
  await it.until('the copies', async () => isAt(await it.capstan.ledger.getOperation('stopped'), 'copy', 'running'))
  expect((await it.capstan.capstan(['ops', 'abort', 'stopped', '--by', 'bob'])).code).toBe(0)
  const { code, operation } = await ended
  expect([code, operation.status]).toEqual([7, 'aborted'])
  expect(await it.target.tagged('stopped')).toEqual([nameOf('stopped')])
  expect(operation.steps.find(({ id }) => id === 'copy')?.state).toBe('undone')
})

test('an abort is told soon of every region where a copy cannot be removed, and removes it once a person says so', async () => {
  await door.order({ kind: 'fail-operation', operation: 'CopyDBSnapshot', delay: '45s', times: 2 })
  const ended = take('left')
  await it.until('the copies', async () => (await it.target.tagged('left')).length === 3)
  for (const region of [EU, AP]) await shut('DeleteDBSnapshot', region)
  const hanging = await door.order({ kind: 'hang', operation: 'DescribeDBSnapshots', region: AP, times: 10_000 })
  expect((await it.capstan.capstan(['ops', 'abort', 'left', '--by', 'bob'])).code).toBe(0)
  const asked = async () =>
    ((await it.capstan.temporal.workflow.getHandle('left').fetchHistory()).events ?? []).some(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'askRegion',
    )
  // one that hangs is asked whether it is there at all, and not polled for hours
  await it.until('the region to be asked', asked)
  await door.withdraw(hanging)
  await it.until('a person to be needed', async () => (await it.operation('left')).status === 'needs-operator')
  expect((await ended).code).toBe(6)
  const { undoFailure } = detailOf(await it.operation('left'), 'copy') ?? {}
  for (const region of [EU, AP]) expect(undoFailure).toContain(`Copy ${copyOf('left', region)} in ${region} was not removed: `)
  await door.withdrawAll()
  expect((await it.capstan.capstan(['ops', 'resolve', 'left', 'retry', '--by', 'bob'])).code).toBe(0)
  await it.until('its end', async () => (await it.operation('left')).finishedAt !== null)
  expect(await it.operation('left')).toMatchObject({ status: 'aborted' })
  expect(await it.target.tagged('left')).toEqual([nameOf('left')])
  await recordHistory(it.capstan.temporal, 'left', 'snapshot-copies-taken-back')
})
