/** An instance of Google Cloud is overwritten in place, under writers: refused, rejected, aborted behind the fence, killed at one boundary after another,
 *  failing in the cloud, and taken back by its own fresh backup. */
import { OVERWRITE_STEPS, wayBack } from '../../contracts/overwrite'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { isAt, type Migrating, migratingAt } from '../support/migrating'
import { changing, createOtherTarget, MASTER_PASSWORD, type OtherTarget } from '../support/other-clouds'
import { ReplacementDesk, startJournal } from '../support/replacements'
import { fillItems, RestoreDesk } from '../support/restores'
import { createTarget, FIRST, ROWS } from '../support/target'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let target: OtherTarget
let it: Migrating
let desk: RestoreDesk
let deciding: ReplacementDesk
let fleet: string

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  target = await createOtherTarget('gcp', capstan)
  it = migratingAt(() => ({ capstan, target }))
  fleet = target.fleet(FIRST)
  desk = new RestoreDesk(capstan, () => fleet, SOON)
  deciding = new ReplacementDesk(it, desk)
  await target.reset()
  await fillItems(target)
  const taken = await desk.cli('snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'nightly')
  expect(JSON.parse(taken.stdout)).toMatchObject({ status: 'succeeded' })
})
afterAll(async () => (await starting)?.close())

const NIGHTLY = ['--snapshot', 'cap-nightly-take', '--in-place']

/** Names of items that the application wrote, by `startJournal`. */
async function written(): Promise<Set<string>> {
  const rows = await target.rows<{ name: string }>(`SELECT name FROM public.items WHERE name LIKE 'commit %'`)
  return new Set(rows.map(({ name }) => name))
}

const rowsOf = async () => (await target.rows<{ n: number }>('SELECT count(*)::int AS n FROM public.items'))[0]?.n

async function writing(journal: { readonly acknowledged: readonly string[] }, more = 5): Promise<void> {
  const before = journal.acknowledged.length
  await it.until('the writers to go on', async () => journal.acknowledged.length > before + more)
}

/** How often Google was told to overwrite, and heard it. */
async function overwritings(since: number): Promise<number> {
  const calls = await labDoor(capstan).calls(since)
  return calls.filter(({ operation, effect }) => operation === 'instances.restoreBackup' && effect).length
}

async function unharmed(): Promise<void> {
  const closed = await target.rows(`SELECT datname FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'`)
  expect(closed).toEqual([])
  expect(await it.locked()).toBe(false)
}

test('the plan says what goes, names the point of no return and the way back, and changes nothing', async () => {
  const since = await labDoor(capstan).mark()
  const { code, stdout } = await desk.cli('restore', 'stock', '--fleet', fleet, ...NIGHTLY, '--plan', '--operation', 'planned')
  expect(code).toBe(0)
  for (const said of [
    'loses',
    'point of no return',
    'cap-planned-backup',
    'restore stock --snapshot cap-nightly-take',
    'approval',
  ])
    expect(stdout).toContain(said)
  const changed = (await labDoor(capstan).calls(since)).filter(({ effect, operation }) => effect && !/get|list/i.test(operation))
  expect(changed).toEqual([])
})

test('replicas are refused by their names, and so are clouds that overwrite nothing', async () => {
  const owner = { operation: 'by-hand', step: 'follow', expiresAt: null }
  const wanted = { source: 'stock', instance: 'stock-reader', networkRules: [], instanceClass: null, owner }
  await target.whenFree(() => target.adapter.startReplica(wanted, changing))
  const reader = () => target.adapter.describeInstance({ name: 'stock-reader' }, changing)
  await it.until('the replica', async () => (await reader())?.state === 'ready')
  const refused = await desk.restore('followed', ...NIGHTLY)
  expect([refused.code, refused.operation.failure]).toEqual([
    3,
    { code: 'CLOUD_REFUSED', message: expect.stringContaining('stock-reader') },
  ])
  const instance = { name: 'stock-reader', instanceId: (await reader())?.instanceId ?? '' }
  await target.whenFree(() => target.adapter.startRemoval({ instance, owner }, changing))
  await it.until('the replica to be gone', async () => (await reader()) === null)

  const onAws = await createTarget(capstan)
  const aws = new RestoreDesk(capstan, () => onAws.fleet(FIRST))
  const { code, operation } = await aws.restore('on-aws', '--snapshot', 'nightly', '--in-place', '--plan')
  expect([code, operation.failure]).toEqual([3, { code: 'CLOUD_REFUSED', message: expect.stringContaining('--as replacement') }])
})

test('rejected, or aborted behind the fence: the instance is as it was, and the fresh backup is gone', async () => {
  const door = labDoor(capstan)
  const since = await door.mark()
  const journal = startJournal(() => target.app())
  await writing(journal)
  const rejected = desk.begin('rejected', ...NIGHTLY)
  await deciding.asked('rejected')
  expect((await desk.cli('ops', 'reject', 'rejected', '--by', 'bob', '--reason', 'not today')).code).toBe(0)
  expect((await rejected).code).toBe(7)

  const fault = await door.order({ kind: 'throttle', operation: 'instances.update', times: 100_000 })
  const other = await door.order({ kind: 'throttle', operation: 'instances.patch', times: 100_000 })
  const ended = desk.begin('aborted', ...NIGHTLY)
  await deciding.asked('aborted')
  await deciding.approve('aborted')
  await it.until('the last step before there is no way back', async () => isAt(await it.operation('aborted'), 'close', 'running'))
  await it.until('a refused call', async () => (await door.struck(fault)) + (await door.struck(other)) > 0)
  expect(await target.snapshots('aborted')).toEqual(['cap-aborted-backup'])
  const lowering = ['lowerFence#1:before', 'lowerFence#1:after']
  for (const boundary of lowering) capstan.arm(boundary)
  expect((await desk.cli('ops', 'abort', 'aborted', '--by', 'bob')).code).toBe(0)
  await door.withdrawAll()
  expect((await ended).code).toBe(7)
  await recordHistory(capstan.temporal, 'aborted', 'overwrite-aborted')
  expect(lowering.filter((boundary) => capstan.disarm(boundary))).toEqual([])
  const operation = await it.operation('aborted')
  expect(['close', 'backup', 'fence'].filter((step) => !isAt(operation, step, 'undone'))).toEqual([])
  await writing(journal)
  await journal.stop()
  expect(await target.snapshots('aborted')).toEqual([])
  const there = await written()
  expect(journal.acknowledged.filter((name) => !there.has(name))).toEqual([])
  expect(await overwritings(since)).toBe(0)
  await unharmed()
})

test('killed at one boundary after another: it holds the snapshot and nothing else, and the way back brings every commit', async () => {
  const door = labDoor(capstan)
  // names are given out anew by each journal
  await target.rows(`DELETE FROM public.items WHERE name LIKE 'commit %'`)
  const since = await door.mark()
  const journal = startJournal(() => target.app())
  await writing(journal)
  const ended = desk.begin('killed', ...NIGHTLY)
  const boundaries = [
    'planOverwriting#1:after',
    'raiseFence#1:before',
    'raiseFence#1:after',
    'startFreshBackup#1:before',
    'startFreshBackup#1:after',
    'awaitSnapshot#1:after',
    'closeNetworks#1:after',
    'overwriteInstance#1:before',
    'overwriteInstance#1:after',
    'settleContent#1:after',
    'applySetUp#1:before',
    'checkIntact#1:after',
    'openNetworks#1:before',
    'openNetworks#1:after',
  ]
  const deaths = capstan.deaths()
  for (const boundary of boundaries) capstan.arm(boundary)
  await deciding.asked('killed')
  await deciding.approve('killed')
  await ended
  await recordHistory(capstan.temporal, 'killed', 'overwrite')
  const operation = await it.operation('killed')
  expect([operation.status, operation.verdict, operation.failure]).toEqual(['succeeded', 'pass', null])
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(
    Object.values(OVERWRITE_STEPS).map(({ id }) => [id, 'done']),
  )
  expect(boundaries.filter((boundary) => capstan.disarm(boundary))).toEqual([])
  expect(capstan.deaths()).toBe(deaths + boundaries.length)
  expect(await overwritings(since)).toBe(1)
  await writing(journal)
  const told = [...journal.acknowledged]
  const byNow = await written()
  const lost = told.filter((name) => !byNow.has(name))
  const after = told.filter((name) => byNow.has(name))
  // the last that was lost was acknowledged before the first that is there: nothing was let in between the backup and the overwriting
  expect(lost.length).toBeGreaterThan(5)
  expect(told.slice(0, lost.length)).toEqual(lost)
  await journal.stop()
  const others = (await rowsOf())! - (await written()).size
  expect(others).toBe(ROWS)
  await unharmed()

  // The fresh backup was taken behind the fence: what it holds is opened.
  expect(operation.steps.find(({ id }) => id === 'overwrite')?.detail.wayBack).toBe(wayBack('killed', 'stock'))
  const back = desk.begin('back', '--snapshot', 'cap-killed-backup', '--in-place')
  await deciding.asked('back')
  await deciding.approve('back')
  expect((await back).code).toBe(0)
  const again = await written()
  expect(lost.filter((name) => !again.has(name))).toEqual([])
  expect(after.filter((name) => again.has(name))).toEqual([])
  await (await target.app()).close()
  await unharmed()
  expect((await target.snapshots('killed')).length + (await target.snapshots('back')).length).toBe(2)

  // and a copy beside the instance tells what it holds, too
  const copied = await desk.restore('beside', '--snapshot', 'cap-killed-backup', '--keep', '1h')
  expect(copied.operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await desk.remove('beside')
})

test('one that fails in the cloud waits for a person, an abort is refused, and a retry overwrites once more', async () => {
  const door = labDoor(capstan)
  const since = await door.mark()
  await door.order({ kind: 'fail-operation', operation: 'instances.restoreBackup' })
  const ended = desk.begin('failing', ...NIGHTLY)
  await deciding.asked('failing')
  await deciding.approve('failing')
  await it.until('a person to be needed', async () => (await it.operation('failing')).status === 'needs-operator')
  expect(isAt(await it.operation('failing'), 'overwrite', 'failed')).toBe(true)
  await expect(target.app()).rejects.toThrow()
  const stuck = await desk.cli('ops', 'abort', 'failing', '--by', 'bob', '--json')
  expect([stuck.code, stuck.stdout]).toEqual([3, expect.stringContaining('past the point of no return')])
  // and while it goes on, it is the workflow that refuses
  const throttled = await door.order({ kind: 'throttle', operation: 'instances.restoreBackup', times: 100_000 })
  expect((await desk.cli('ops', 'resolve', 'failing', 'retry', '--step', 'overwrite', '--by', 'bob')).code).toBe(0)
  await it.until('a refused call', async () => (await door.struck(throttled)) > 0)
  const abort = await desk.cli('ops', 'abort', 'failing', '--by', 'bob', '--json')
  expect([abort.code, abort.stdout]).toEqual([3, expect.stringContaining('NO_WAY_BACK')])
  await door.withdraw(throttled)
  await ended
  // whoever waited was told that a person is needed
  await it.until('its end', async () => (await it.operation('failing')).finishedAt !== null)
  expect(await it.operation('failing')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await overwritings(since)).toBe(2)
  expect(await rowsOf()).toBe(ROWS)
  await unharmed()
})

test('one that failed, and that a person leaves out, keeps nobody from a snapshot, nor from the way back', async () => {
  const door = labDoor(capstan)
  await door.order({ kind: 'fail-operation', operation: 'instances.restoreBackup' })
  const ended = desk.begin('left-out', ...NIGHTLY)
  await deciding.asked('left-out')
  await deciding.approve('left-out')
  await it.until('a person to be needed', async () => (await it.operation('left-out')).status === 'needs-operator')
  expect((await desk.cli('ops', 'resolve', 'left-out', 'skip', '--step', 'overwrite', '--by', 'bob')).code).toBe(0)
  await ended
  await it.until('its end', async () => (await it.operation('left-out')).finishedAt !== null)
  expect(await it.operation('left-out')).toMatchObject({ status: 'succeeded', verdict: 'fail' })
  await (await target.app()).close()
  const taken = await desk.cli('snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'afterwards')
  expect(JSON.parse(taken.stdout)).toMatchObject({ status: 'succeeded' })
  const back = desk.begin('back-again', '--snapshot', 'cap-left-out-backup', '--in-place')
  await deciding.asked('back-again')
  await deciding.approve('back-again')
  expect((await back).code).toBe(0)
  expect(await rowsOf()).toBe(ROWS)
  await unharmed()
})

test('as long as what it holds is not what it has to be the networks let nobody in, but by a person who says so', async () => {
  const invariants = `      invariants: [{ id: none, title: No first item, sql: "SELECT id FROM public.items WHERE id = 1" }]\n`
  fleet = target.fleet(FIRST, '', (yaml) => yaml.replace('      rowCounts:', `${invariants}      rowCounts:`))
  const ended = desk.begin('wanting', ...NIGHTLY)
  await deciding.asked('wanting')
  await deciding.approve('wanting')
  await it.until('a person to be needed', async () => (await it.operation('wanting')).status === 'needs-operator')
  const { steps } = await it.operation('wanting')
  expect(steps.find(({ id }) => id === 'verify')?.detail).toMatchObject({
    summary: expect.stringContaining(wayBack('wanting', 'stock')),
  })
  // it takes connections, and not from where applications come
  expect(await rowsOf()).toBe(ROWS)
  await expect(target.app()).rejects.toMatchObject({ facts: { sqlState: '28000' } })
  expect((await desk.cli('ops', 'resolve', 'wanting', 'skip', '--step', 'verify', '--by', 'bob')).code).toBe(0)
  await ended
  await it.until('its end', async () => (await it.operation('wanting')).finishedAt !== null)
  expect(await it.operation('wanting')).toMatchObject({ status: 'succeeded', verdict: 'fail' })
  await (await target.app()).close()
  await unharmed()
})
