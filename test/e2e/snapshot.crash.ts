import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RETIRE_SNAPSHOT_WORKFLOW } from '../../contracts/migrate'
import type { OperationDocument } from '../../contracts/operation'
import { SNAPSHOT_STEPS, type SnapshotList, type SnapshotStanding } from '../../contracts/snapshot'
import { sha256Of } from '../../ledger/digest'
import type { Manifest } from '../../postgres/proof/manifest'
import type { CommandResult } from '../support/capstan-stack'
import { recordHistory } from '../support/histories'
import { isAt, migrating } from '../support/migrating'
import { SnapshotDesk } from '../support/snapshots'
import { FIRST } from '../support/target'

const it = migrating()
// Several commands and instances in one test: a busy machine takes longer than the usual minute.
let desk: SnapshotDesk
let fleet: string
beforeAll(() => {
  desk = new SnapshotDesk(it.capstan)
})
beforeEach(() => {
  fleet = it.target.fleet(FIRST)
})

function begin(operation: string, ...more: string[]): Promise<CommandResult> {
  return it.capstan.capstan(['snapshot', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more])
}

async function take(operation: string, ...more: string[]): Promise<{ code: number; operation: OperationDocument }> {
  const { code, stdout, stderr } = await begin(operation, ...more)
  if (stdout === '') throw new Error(`capstan snapshot said nothing (exit ${code}): ${stderr}`)
  return { code, operation: JSON.parse(stdout) as OperationDocument }
}

async function standings(): Promise<Record<string, SnapshotStanding>> {
  const { code, stdout } = await it.capstan.capstan(['snapshot', 'list', 'stock', '--fleet', fleet, '--json'])
  expect(code).toBe(0)
  const { snapshots } = JSON.parse(stdout) as SnapshotList
  return Object.fromEntries(snapshots.map(({ name, standing }) => [name, standing]))
}

/** What an undisturbed run leaves. */
async function expectTaken(operation: OperationDocument): Promise<void> {
  expect(operation).toMatchObject({ kind: 'snapshot', status: 'succeeded', verdict: 'pass', failure: null })
  const steps = Object.values(SNAPSHOT_STEPS).filter(({ id }) => id !== SNAPSHOT_STEPS.copy.id)
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(steps.map(({ id }) => [id, 'done']))
  expect(await it.target.snapshots(operation.id)).toEqual([`cap-${operation.id}-take`])
  expect(operation.evidence).toMatch(/^[0-9a-f]{64}$/)
  expect(await it.locked()).toBe(false)
}

test('a snapshot is taken, verified and kept as long as was asked for', async () => {
  const { code, operation } = await take('good-path', '--retention', '12h')
  expect(code).toBe(0)
  await expectTaken(operation)
  await recordHistory(it.capstan.temporal, operation.id, 'snapshot-between-manifests')
  const [made] = (await desk.all()).filter(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier === 'cap-good-path-take')
  const tags = Object.fromEntries((made?.TagList ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
  expect(tags).toMatchObject({ 'capstan-operation': 'good-path', 'capstan-step': 'take' })
  const keptMs = Date.parse(tags['capstan-expires'] ?? '') - Date.parse(operation.startedAt)
  expect(Math.round(keptMs / 3_600_000)).toBe(12)
  expect(await standings()).toMatchObject({ 'cap-good-path-take': 'within-retention' })

  const page = await it.capstan.capstan(['snapshot', 'list', 'stock', '--fleet', fleet])
  expect(page.stdout).toMatch(/cap-good-path-take +available +0 min +11 h more +good-path +within its retention/)
  expect((await it.capstan.capstan(['ops', 'show', 'good-path'])).stdout).toContain('Take the snapshot')
  const { count } = await it.capstan.temporal.workflow.count(`CapstanKind = 'snapshot' AND CapstanDatabase = 'stock'`)
  expect(count).toBe(1)
})

test('the evidence holds the plan, what the cloud says of the snapshot, and what was removed', async () => {
  const { code, stdout } = await it.capstan.capstan(['ops', 'evidence', 'good-path', '--json'])
  expect(code).toBe(0)
  const { document } = JSON.parse(stdout) as { document: { documents: unknown; resources: unknown } }
  expect(document.documents).toEqual({
    'snapshot-plan': expect.objectContaining({ snapshot: 'cap-good-path-take', expiring: [] }),
    snapshot: { version: 1, snapshot: expect.objectContaining({ name: 'cap-good-path-take', state: 'ready' }), findings: [] },
    expiry: { version: 1, due: [], removed: [], kept: [] },
  })
  expect(document.resources).toEqual([expect.objectContaining({ kind: 'snapshot', name: 'cap-good-path-take' })])
  const html = join(it.capstan.dir, 'evidence.html')
  expect((await it.capstan.capstan(['ops', 'evidence', 'good-path', '--html', html])).code).toBe(0)
  expect(readFileSync(html, 'utf8')).toContain('cap-good-path-take')
})

test('what the database held before and after is in the ledger, each with its digest in the record', async () => {
  const { steps } = await it.operation('good-path')
  const detailOf = (step: string) => steps.find(({ id }) => id === step)?.detail
  for (const name of ['manifest-before', 'manifest-after']) {
    const document = (await it.capstan.ledger.getDocument({ operation: 'good-path', name })) as Manifest
    expect(document).toMatchObject({ version: 1, database: 'stock', systemIdentifier: expect.any(String), unread: [] })
    expect(detailOf(name)).toEqual({ summary: expect.stringMatching(/^[\d,]+ rows in \d+ tables$/), digest: sha256Of(document) })
  }
})

test('a database whose password is wrong keeps no snapshot from being taken', async () => {
  const other = it.target.fleet(FIRST, '', (yaml) => yaml.replace('env:SHOP_MIGRATOR_PASSWORD', 'env:SHOP_ADMIN_PASSWORD'))
  const { code, operation } = await take('no-manifest', '--fleet', other)
  expect(code).toBe(0)
  await expectTaken(operation)
  const said = (step: string) => operation.steps.find(({ id }) => id === step)?.detail
  expect(said('manifest-before')).toEqual({
    summary: expect.stringMatching(/^no manifest: .*rejected the user stock_migrator/),
    digest: null,
  })
  expect(said('manifest-after')).toEqual({ summary: 'no manifest: there is none from before the snapshot', digest: null })
  await desk.remove('cap-no-manifest-take')
})

const schedule = (verb: string, ...more: string[]) =>
  it.capstan.capstan(['schedule', verb, 'snapshot', 'stock', '--json', ...more])

/** What a run of the schedule leaves; it is gone again afterwards, so that it is not among those that other tests count. */
async function expectScheduled(): Promise<OperationDocument> {
  const { code, stdout } = await schedule('run')
  expect(code).toBe(0)
  const { operation: id } = JSON.parse(stdout) as { operation: string }
  await it.until('the end of the run', async () => (await it.operation(id)).finishedAt !== null)
  const operation = await it.operation(id)
  await expectTaken(operation)
  await desk.remove(`cap-${id}-take`)
  return operation
}

test('a schedule takes one as anybody would, and its record is the same', async () => {
  expect((await schedule('add', '--at', '03:00', '--fleet', fleet)).code).toBe(0)
  expect(await expectScheduled()).toMatchObject({ requestedBy: 'schedule:snapshot/stock' })
  const [run] = (await it.capstan.temporal.schedule.getHandle('schedule/snapshot/stock').describe()).info.recentActions
  await recordHistory(it.capstan.temporal, run?.action.workflow.workflowId ?? '', 'scheduled-start')
})

test('the worker killed after a scheduled operation was opened, before anybody heard of it: one operation', async () => {
  const before = await it.capstan.ledger.listOperationIds({ limit: 1000 })
  const deaths = it.capstan.deaths()
  it.capstan.arm('openScheduled#1:after')
  const { id } = await expectScheduled()
  expect(it.capstan.deaths()).toBe(deaths + 1)
  expect(await it.capstan.ledger.listOperationIds({ limit: 1000 })).toEqual([id, ...before])
  expect((await schedule('remove')).code).toBe(0)
})

test('a plan shows what would be taken and removed, and changes nothing', async () => {
  const before = await desk.names()
  const { code, stdout } = await begin('only-plan', '--plan')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'planned',
    plan: { instance: 'stock', snapshot: 'cap-only-plan-take', retentionHours: 168, expiring: [] },
  })
  expect(await desk.names()).toEqual(before)
  const page = await it.capstan.capstan(['snapshot', 'stock', '--fleet', fleet, '--plan'])
  expect(page.stdout).toContain('then removes nothing')
})

test.each([
  ['a database that the fleet does not have', ['snapshot', 'stack'], 'DATABASE_UNKNOWN', 'did you mean stock'],
  ['a list of such a database', ['snapshot', 'list', 'stack'], 'DATABASE_UNKNOWN', 'did you mean stock'],
  ['a retention without a unit', ['snapshot', 'stock', '--retention', '7'], 'OPTION_INVALID', '90s or 30m'],
  ['a retention of no time', ['snapshot', 'stock', '--retention', '0h'], 'OPTION_INVALID', 'from 1h to 3650d'],
  ['a retention of half an hour', ['snapshot', 'stock', '--retention', '30m'], 'OPTION_INVALID', 'whole hours'],
])('%s is told at once, and nothing is recorded', async (_what, args, expected, message) => {
  const { code, stdout } = await it.capstan.capstan([...args, '--fleet', fleet, '--json'])
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: expected, message: expect.stringContaining(message) } })
})

test('what has expired goes; those of others and of other instances stay', async () => {
  await desk.createInstance('other')
  const forged = { 'capstan-operation': 'forged', 'capstan-step': 'take' }
  const [expired, theirs] = [
    ['cap-old-one-take', 'cap-old-two-take'],
    ['before-upgrade', 'cap-forged-take', 'cap-of-other-take'],
  ]
  await take('old-one')
  await take('old-two')
  await desk.take('stock', 'before-upgrade')
  await desk.take('stock', 'cap-forged-take', forged)
  await begin(
    'of-other',
    '--fleet',
    it.target.fleet(FIRST, '', (yaml) => yaml.replace('instance: stock', 'instance: other')),
  )
  fleet = it.target.fleet(FIRST)
  for (const name of [...expired, ...theirs]) await desk.expire(name)
  expect(await standings()).toMatchObject({ 'before-upgrade': 'not-ours', 'cap-forged-take': 'not-ours' })

  const { code, operation } = await take('newest')
  expect(code).toBe(0)
  expect(operation.steps.find(({ id }) => id === 'expire')?.detail).toMatchObject({
    summary: 'removed 2 of 2',
    removed: expired,
  })
  const left = await desk.names()
  expect(left).toEqual(expect.arrayContaining([...theirs, 'cap-newest-take', 'cap-good-path-take']))
  expect(left.filter((name) => expired.includes(name))).toEqual([])
})

test('the last good one outlives its retention, until there is a newer one', async () => {
  for (const name of ['cap-newest-take', 'cap-good-path-take']) await desk.expire(name)
  expect(await retire('newest')).toBe('last-good')
  expect(await standings()).toEqual({
    'before-upgrade': 'not-ours',
    'cap-forged-take': 'not-ours',
    'cap-newest-take': 'last-good',
  })
  const removed = (await it.capstan.ledger.listResources({ operation: 'good-path' })).map(({ removedAt }) => removedAt)
  expect(removed).toEqual([expect.any(String)])

  await take('newer-yet')
  expect(await standings()).not.toHaveProperty('cap-newest-take')
  expect(await retire('newest')).toBe('gone')
})

/** The retirement that the operation arranged for its snapshot, with its waiting left out. */
async function retire(operation: string): Promise<unknown> {
  const { bundle } = (await it.capstan.ledger.getDocument({ operation, name: 'snapshot-plan' })) as { bundle: string }
  const input = { operation, bundle, snapshot: `cap-${operation}-take`, retentionHours: 0, heartbeatTimeoutMs: 5000 }
  const options = { taskQueue: 'control', workflowId: `retire-now/${operation}`, args: [input] }
  return await it.capstan.temporal.workflow.execute(RETIRE_SNAPSHOT_WORKFLOW, options)
}

test('a retirement waits for the instant in the tag, whoever moved it', async () => {
  await take('moved')
  await take('newer-one')
  const due = Date.now() + 5_000
  await desk.keepUntil('cap-moved-take', new Date(due))
  expect(await retire('moved')).toBe('gone')
  expect(Date.now()).toBeGreaterThanOrEqual(due)
  expect(await it.target.snapshots('moved')).toEqual([])
  expect(await standings()).toMatchObject({ 'cap-newer-one-take': 'within-retention' })
})

test('the retirement of a snapshot is arranged before it is taken', async () => {
  await take('arranged')
  const { status } = await it.capstan.temporal.workflow.getHandle('retire/cap-arranged-take').describe()
  expect(status.name).toBe('RUNNING')
})

test('the worker killed after the snapshot was made, before anybody heard of it: one snapshot', async () => {
  const deaths = it.capstan.deaths()
  it.capstan.arm('startSnapshot#1:after')
  const { operation } = await take('kill-take')
  expect(it.capstan.deaths()).toBe(deaths + 1)
  await expectTaken(operation)
})

test("the cloud's answer lost after it made the snapshot: one snapshot", async () => {
  await desk.fault({ kind: 'drop-response', operation: 'CreateDBSnapshot' })
  await expectTaken((await take('lost-answer')).operation)
})

test('an abort while the snapshot is being made leaves none', async () => {
  const ended = begin('abort-take')
  await it.until('the snapshot', async () => (await it.target.snapshots('abort-take')).length > 0)
  const workflow = it.capstan.temporal.workflow.getHandle('abort-take')
  await workflow.executeUpdate('abort', { args: [{ by: 'bob', reason: 'changed my mind' }] })
  expect((await ended).code).toBe(7)
  const operation = await it.operation('abort-take')
  expect(operation).toMatchObject({ status: 'aborted', failure: { message: 'Aborted by bob: changed my mind.' } })
  expect(operation.steps.find(({ id }) => id === 'take')?.state).toBe('undone')
  expect(await it.target.snapshots('abort-take')).toEqual([])
  expect(await it.locked()).toBe(false)
  await recordHistory(it.capstan.temporal, 'abort-take', 'snapshot-between-manifests-aborted')
})

test('an abort while the cloud does not list what it makes yet leaves none', async () => {
  const withdraw = await desk.fault({ kind: 'stale-reads', operation: 'DescribeDBSnapshots', lag: '4s' })
  const ended = begin('abort-unlisted')
  await it.until('the snapshot', async () => await desk.wasMade('cap-abort-unlisted-take'))
  await it.capstan.temporal.workflow.getHandle('abort-unlisted').cancel()
  expect((await ended).code).toBe(7)
  await withdraw()
  expect(await it.target.snapshots('abort-unlisted')).toEqual([])
  const { steps } = await it.operation('abort-unlisted')
  expect(steps.find(({ id }) => id === 'take')?.state).toBe('undone')
})

test('an abort after the worker died with the snapshot made leaves none either', async () => {
  const deaths = it.capstan.deaths()
  it.capstan.arm('startSnapshot#1:after')
  const ended = begin('abort-dead')
  await it.until('the death', async () => it.capstan.deaths() > deaths)
  await it.capstan.temporal.workflow.getHandle('abort-dead').cancel()
  expect((await ended).code).toBe(7)
  expect(await it.target.snapshots('abort-dead')).toEqual([])
})

test('an abort of the expiry stops it and keeps the new snapshot', async () => {
  await take('outlived')
  await desk.expire('cap-outlived-take')
  const withdraw = await desk.fault({ kind: 'throttle', operation: 'DeleteDBSnapshot', times: 1000 })
  const ended = begin('abort-expiry')
  await it.until('the expiry', async () => isAt(await it.capstan.ledger.getOperation('abort-expiry'), 'expire', 'running'))
  expect((await it.capstan.capstan(['ops', 'abort', 'abort-expiry', '--by', 'bob'])).code).toBe(0)
  expect((await ended).code).toBe(7)
  await withdraw()
  const { steps } = await it.operation('abort-expiry')
  expect(steps.map(({ id, state }) => [id, state])).toEqual([
    ['lock', 'done'],
    ['plan', 'done'],
    ['manifest-before', 'done'],
    ['take', 'done'],
    ['manifest-after', 'done'],
    ['verify', 'done'],
    ['expire', 'cancelled'],
    ['evidence', 'done'],
    ['unlock', 'done'],
  ])
  expect(await standings()).toMatchObject({ 'cap-abort-expiry-take': 'within-retention', 'cap-outlived-take': 'expired' })
})

test('the worker killed after the expiry, before anybody heard of it: what was removed is on the record', async () => {
  await desk.expire('cap-abort-expiry-take')
  it.capstan.arm('expireSnapshots#1:after')
  const { operation } = await take('kill-expiry')
  await expectTaken(operation)
  const { removed } = operation.steps.find(({ id }) => id === 'expire')?.detail ?? {}
  expect(removed).toEqual(['cap-outlived-take', 'cap-abort-expiry-take'])
})

test('the rescue snapshot of a migration goes by the same rule', async () => {
  expect((await it.migrate(fleet, '--operation', 'rescued')).code).toBe(0)
  expect(await standings()).toMatchObject({ 'cap-rescued-snapshot': 'within-retention' })
  await desk.expire('cap-rescued-snapshot')
  expect(await standings()).toMatchObject({ 'cap-rescued-snapshot': 'last-good' })
  await take('after-rescue')
  expect(await it.target.snapshots('rescued')).toEqual([])
})

test('a snapshot of an instance on which another operation works is refused, naming it', async () => {
  const { ended } = it.begin(it.target.fleet(FIRST, '      approval: required'), 'holds-lock')
  await it.until('the lock', async () => isAt(await it.capstan.ledger.getOperation('holds-lock'), 'lock', 'done'))
  const { code, operation } = await take('second-one')
  expect(code).toBe(3)
  expect(operation.failure).toMatchObject({ code: 'INSTANCE_LOCKED', message: expect.stringContaining('holds-lock') })
  expect(await it.target.snapshots('second-one')).toEqual([])
  await it.until('the question', async () => isAt(await it.capstan.ledger.getOperation('holds-lock'), 'approve', 'running'))
  expect((await it.capstan.capstan(['ops', 'abort', 'holds-lock', '--by', 'bob'])).code).toBe(0)
  expect((await ended).code).toBe(7)
})
