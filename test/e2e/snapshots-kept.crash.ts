/** What a verification proved outlives its retention, whatever runs at the same time; the first of a month is kept for months; and a snapshot outlives
 *  its instance. */
import { bucketOf } from '../../contracts/generations'
import { RETIRE_SNAPSHOT_WORKFLOW } from '../../contracts/migrate'
import type { OperationDocument } from '../../contracts/operation'
import type { RetentionRecord, SnapshotList, SnapshotStanding } from '../../contracts/snapshot'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { isAt, migrating } from '../support/migrating'
import { RestoreDesk } from '../support/restores'
import { SnapshotDesk } from '../support/snapshots'
import { FIRST, ROWS } from '../support/target'
import { giveRows, verifyWith } from '../support/verifying'

// Several operations in one test: a busy machine takes longer than the usual minute.
jest.setTimeout(300_000)
const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: SnapshotDesk
let restores: RestoreDesk
let fleet: string
beforeAll(() => {
  desk = new SnapshotDesk(it.capstan)
  restores = new RestoreDesk(it.capstan, () => fleet)
})
beforeEach(async () => {
  await giveRows(it.target)
  fleet = it.target.fleet(FIRST)
})

const begin = (operation: string, ...more: string[]) =>
  restores.cli('snapshot', 'stock', '--fleet', fleet, '--json', '--operation', operation, ...more)

async function take(operation: string, ...more: string[]): Promise<OperationDocument> {
  const { code, stdout, stderr } = await begin(operation, ...more)
  if (code !== 0) throw new Error(`capstan snapshot ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as OperationDocument
}

const nameOf = (operation: string): string => `cap-${operation}-take`
const verify = (operation: string, of: string) => verifyWith(it, { fleet, operation, more: ['--snapshot', nameOf(of)] })
const expiryOf = ({ steps }: OperationDocument) => steps.find(({ id }) => id === 'expire')?.detail

async function standings(): Promise<Record<string, SnapshotStanding>> {
  const { stdout } = await restores.cli('snapshot', 'list', 'stock', '--fleet', fleet, '--json')
  const { snapshots } = JSON.parse(stdout) as SnapshotList
  return Object.fromEntries(snapshots.map(({ name, standing }) => [name, standing]))
}

test('the newest one that a verification proved stays, and is told apart', async () => {
  await take('first')
  expect((await verify('proof-first', 'first')).operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await take('second')
  for (const name of ['first', 'second']) await desk.expire(nameOf(name))
  expect(expiryOf(await take('third'))).toMatchObject({ removed: [nameOf('second')] })
  expect(await standings()).toEqual({ [nameOf('third')]: 'within-retention', [nameOf('first')]: 'last-proven' })
  const page = await restores.cli('snapshot', 'list', 'stock', '--fleet', fleet)
  expect(page.stdout).toMatch(/cap-first-take .* the last one that a verification proved/)
})

test('its retirement leaves it', async () => {
  const { bundle } = (await it.capstan.ledger.getDocument({ operation: 'first', name: 'snapshot-plan' })) as { bundle: string }
  const input = { operation: 'first', bundle, snapshot: nameOf('first'), retentionHours: 0, heartbeatTimeoutMs: 5000 }
  const options = { taskQueue: 'control', workflowId: 'retire-now/first', args: [input] }
  expect(await it.capstan.temporal.workflow.execute(RETIRE_SNAPSHOT_WORKFLOW, options)).toBe('last-proven')
  expect(await it.target.snapshots('first')).toEqual([nameOf('first')])
  await recordHistory(it.capstan.temporal, 'retire-now/first', 'retire-snapshot')
})

test('one that is being verified is not removed meanwhile; once it is proven, the one before it goes', async () => {
  const door = labDoor(it.capstan)
  await desk.expire(nameOf('third'))
  const fault = await door.order({ kind: 'throttle', operation: 'ModifyDBInstance', times: 100_000 })
  const verified = verify('proof-third', 'third')
  await it.until('the copy', async () => isAt(await it.capstan.ledger.getOperation('proof-third'), 'copy', 'running'))
  expect(expiryOf(await take('fourth'))).toMatchObject({ removed: [] })
  expect(await standings()).toMatchObject({ [nameOf('third')]: 'being-verified', [nameOf('first')]: 'last-proven' })
  await door.withdraw(fault)
  expect((await verified).operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await standings()).toMatchObject({ [nameOf('third')]: 'last-proven', [nameOf('first')]: 'expired' })
})

test('one that is proven while an expiry is at the one before it stays', async () => {
  await take('fifth')
  expect(await standings()).not.toHaveProperty(nameOf('first'))
  for (const name of ['fourth', 'fifth']) await desk.expire(nameOf(name))
  const door = labDoor(it.capstan)
  const fault = await door.order({ kind: 'throttle', operation: 'DeleteDBSnapshot', times: 100_000 })
  const ended = begin('sixth')
  await it.until('the removal', async () => (await door.struck(fault)) > 0)
  expect((await verify('proof-fifth', 'fifth')).operation).toMatchObject({ verdict: 'pass' })
  await door.withdraw(fault)
  expect((await ended).code).toBe(0)
  const { steps } = await it.operation('sixth')
  expect(steps.find(({ id }) => id === 'expire')?.detail).toEqual({
    summary: `removed 1 of 2, left ${nameOf('fifth')}: last-proven`,
    removed: [nameOf('fourth')],
  })
  expect(await standings()).toMatchObject({ [nameOf('fifth')]: 'last-proven', [nameOf('third')]: 'expired' })
})

const expiryTagOf = async (name: string): Promise<string> => {
  const found = (await desk.all()).find(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier === name)
  return found?.TagList?.find(({ Key }) => Key === 'capstan-expires')?.Value ?? 'none'
}
const retentionOf = async (operation: string) =>
  (await it.capstan.ledger.getDocument({ operation, name: 'retention' })) as RetentionRecord

test('by generations the first of its week, month and year is kept longer, and the list says as what', async () => {
  fleet = it.target.fleet(FIRST, '      snapshotRetention: { daily: 7, weekly: 4, monthly: 12, yearly: 2 }\n')
  const all = ['daily', 'weekly', 'monthly', 'yearly']
  const planned = JSON.parse((await begin('plan-ages', '--plan')).stdout) as { plan: unknown }
  // What is there was to be kept a week: it stands for no month.
  expect(planned.plan).toMatchObject({ generations: { of: all } })
  // As after every death: the second attempt meets the snapshot itself, and must not take it for the first of its month.
  it.capstan.arm('startSnapshot#1:after')
  await take('of-all-ages')
  expect(await it.target.snapshots('of-all-ages')).toEqual([nameOf('of-all-ages')])
  const { expiresAt, generations } = await retentionOf('of-all-ages')
  expect(generations.map(({ generation }) => generation)).toEqual(all)
  expect(generations.at(-1)?.until).toBe(expiresAt)
  expect(await expiryTagOf(nameOf('of-all-ages'))).toBe(expiresAt)
  const page = await restores.cli('snapshot', 'list', 'stock', '--fleet', fleet)
  expect(page.stdout).toMatch(/cap-of-all-ages-take .* within its retention: daily, weekly, monthly, yearly/)
  // Were it midnight between two weeks meanwhile, it would be the first of its own.
  await take('the-next', '--retention', 'daily=3,weekly=4,monthly=12')
  const next = await retentionOf('the-next')
  expect(next.generations.map(({ generation }) => generation)).toContain('daily')
  expect(await expiryTagOf(nameOf('the-next'))).toBe(next.expiresAt)
  const sameWeek = bucketOf('weekly', next.takenAt) === bucketOf('weekly', (await retentionOf('of-all-ages')).takenAt)
  expect(next.generations.length === 1).toBe(sameWeek)
})

const plan = async (operation: string, ...more: string[]) => (await restores.restore(operation, '--plan', ...more)).operation

// The last one: it takes the database away.
test('a snapshot of an instance that was deleted is restored, where somebody says that it is of such a one', async () => {
  await desk.createInstance('stranger')
  await desk.take('stranger', 'of-a-stranger')
  await desk.deleteInstance('stock')
  const sixth = ['--snapshot', nameOf('sixth')]
  expect(await plan('gone-unsaid', ...sixth)).toMatchObject({ failure: { code: 'INSTANCE_NOT_FOUND' } })
  const { operation } = await restores.restore('from-gone', ...sixth, '--deleted', '--keep', '1h')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(await restores.ask('from-gone', 'SELECT count(*)::int AS n FROM public.items')).toEqual([{ n: ROWS }])
  const inert = await restores.ask('from-gone', 'SHOW max_logical_replication_workers')
  expect(inert).toEqual([{ max_logical_replication_workers: '0' }])
  await restores.remove('from-gone')
  await it.until('the copy to be gone', async () => (await it.target.tagged('from-gone')).length === 0)

  // One of an instance that was never this database's, and one that there is none of.
  expect(await plan('strange', '--snapshot', 'of-a-stranger', '--deleted')).toMatchObject({
    failure: { code: 'TARGET_MISMATCH', message: expect.stringContaining('knows no operation of stock') },
  })
  expect(await plan('missing', '--snapshot', 'cap-nothing-take', '--deleted')).toMatchObject({
    failure: { code: 'SNAPSHOT_NOT_FOUND', message: expect.stringContaining(nameOf('sixth')) },
  })
  const { code, stdout } = await restores.begin('moment-of-gone', '--to', '5m', '--deleted')
  expect([code, JSON.parse(stdout)]).toMatchObject([2, { error: { code: 'OPTION_INVALID' } }])

  // Another instance bears the name: its predecessor's is restored only where that is what was asked for.
  await desk.createInstance('stock')
  expect(await plan('replaced-unsaid', ...sixth)).toMatchObject({
    failure: { code: 'TARGET_MISMATCH', message: expect.stringContaining('--deleted') },
  })
  expect(await plan('replaced', ...sixth, '--deleted')).toMatchObject({ status: 'planned', failure: null })
  await desk.take('stock', 'of-the-new-one')
  expect(await plan('not-replaced', '--snapshot', 'of-the-new-one', '--deleted')).toMatchObject({
    failure: { code: 'TARGET_MISMATCH', message: expect.stringContaining('leave --deleted out') },
  })
})
