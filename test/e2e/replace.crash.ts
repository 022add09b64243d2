/** Replacements that are disturbed: rejected, failing behind the fence, killed at one boundary after another, always under writers. The instance is used up
 *  by the one that ends well, which is the last. */
import { REPLACE_DOCUMENTS, REPLACE_STEPS, type WrittenSince } from '../../contracts/replace'
import { FURNISHING_LOCK, KEYHOLE } from '../../postgres/fence/keyhole'
import { audit } from '../support/auditor'
import { recordHistory } from '../support/histories'
import { labDoor } from '../support/lab'
import { isAt, migrating } from '../support/migrating'
import { ReplacementDesk, startJournal } from '../support/replacements'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST, ROWS } from '../support/target'
import { startWriter } from '../support/writer'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: RestoreDesk
let replacing: ReplacementDesk
let fleet: string
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet, SOON)
  replacing = new ReplacementDesk(it, desk)
})
beforeEach(async () => {
  fleet = it.target.fleet(FIRST)
  await fillItems(it.target)
})

test('an abort at the approval takes the copy back, and the instance was never touched', async () => {
  const at = await moment()
  await it.rows(`DELETE FROM public.items WHERE id <= 3`)
  await desk.reach('aborted', at)
  const ended = replacing.begin('aborted', at)
  await replacing.asked('aborted')
  expect((await desk.cli('ops', 'abort', 'aborted', '--by', 'bob')).code).toBe(0)
  expect((await ended).code).toBe(7)
  await recordHistory(it.capstan.temporal, 'aborted', 'replace-aborted')
  expect(isAt(await replacing.operation('aborted'), 'copy', 'undone')).toBe(true)
  expect(await it.target.tagged('aborted')).toEqual([])
  expect(await it.locked()).toBe(false)
  expect(await it.rows('SELECT count(*)::int AS n FROM public.items')).toEqual([{ n: ROWS - 3 }])
})

test('one that is rejected removes its copy, and was no failure', async () => {
  const at = await moment()
  await desk.reach('rejected', at)
  const ended = replacing.begin('rejected', at)
  await replacing.asked('rejected')
  expect((await desk.cli('ops', 'reject', 'rejected', '--by', 'bob', '--reason', 'not today')).code).toBe(0)
  expect((await ended).code).toBe(7)
  const { status, failure, steps } = await replacing.operation('rejected')
  expect([status, failure, steps.find(({ id }) => id === REPLACE_STEPS.removeCopy.id)?.state]).toEqual(['rejected', null, 'done'])
  expect(await it.target.tagged('rejected')).toEqual([])
})

test('a table that came to be since the approval nobody approved: refused before the fence', async () => {
  const at = await moment()
  await desk.reach('later', at)
  const ended = replacing.begin('later', at)
  await replacing.asked('later')
  await it.rows('CREATE TABLE public.newer AS SELECT 1 AS n')
  await replacing.approve('later')
  expect((await ended).code).toBe(5)
  const { failure, steps } = await replacing.operation('later')
  expect(failure).toMatchObject({ code: 'PLAN_DRIFTED', message: expect.stringContaining('public.newer') })
  expect(steps.some(({ id }) => id === REPLACE_STEPS.fence.id)).toBe(false)
  expect(await it.target.tagged('later')).toEqual([])
})

test('a table that came to be behind the last list is found under the fence, which is lowered again', async () => {
  const at = await moment()
  await desk.reach('behind', at)
  const ended = replacing.begin('behind', at)
  await replacing.asked('behind')
  const admin = await it.target.admin()
  const keyhole = await admin
    .execute(`CREATE DATABASE ${KEYHOLE} TEMPLATE template0`)
    .then(() => replacing.throughKeyhole(it.target))
    .finally(() => admin.close())
  // whoever raises the fence waits for it, after the list
  await keyhole.query('SELECT pg_advisory_lock($1)', [FURNISHING_LOCK])
  await replacing.approve('behind')
  await it.until('the fence', async () => isAt(await replacing.operation('behind'), 'fence', 'running'))
  await it.rows('CREATE TABLE public.behind AS SELECT 1 AS n')
  await keyhole.close()
  expect((await ended).code).toBe(5)
  const operation = await replacing.operation('behind')
  expect(operation.failure).toMatchObject({ code: 'PLAN_DRIFTED', message: expect.stringContaining('1 relation of stock') })
  expect([isAt(operation, 'fence', 'undone'), isAt(operation, 'copy', 'undone')]).toEqual([true, true])
  expect(await it.rows('SELECT n FROM public.behind')).toEqual([{ n: 1 }])
  expect(await it.target.tagged('behind')).toEqual([])
})

test('a refusal behind the fence, and a worker that dies of lowering it: writers go on, and nothing is left', async () => {
  const door = labDoor(it.capstan)
  const at = await moment()
  const writer = startWriter(it.target)
  await desk.reach('refused', at)
  const since = await door.mark()
  const ended = replacing.begin('refused', at)
  await replacing.asked('refused')
  await door.order({ kind: 'fail', operation: 'ModifyDBInstance', code: 'InvalidParameterCombination', times: 1000 })
  const boundaries = ['raiseFence#1:after', 'lowerFence#1:before', 'lowerFence#1:after', 'startCanaryRemoval#1:after']
  for (const boundary of boundaries) it.capstan.arm(boundary)
  await replacing.approve('refused')
  expect((await ended).code).toBe(3)
  await door.withdrawAll()
  expect(boundaries.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  const before = writer.acknowledged.length
  await it.until('the writers to go on', async () => writer.acknowledged.length > before)
  await writer.stop()
  const operation = await replacing.operation('refused')
  expect(operation.failure?.code).toBe('CLOUD_REFUSED')
  expect([isAt(operation, 'fence', 'undone'), isAt(operation, 'copy', 'undone')]).toEqual([true, true])
  const wrong = await audit(it, { operation: 'refused', acknowledged: writer.acknowledged, since })
  expect(wrong).toEqual([])
})

test('the worker killed at one boundary after another: one instance serves, and every commit that is lost was told', async () => {
  await replacing.leadTo('stock', it.target)
  fleet = it.target.fleet(FIRST, '', (yaml) => `${yaml}    endpoint: { kind: lab-router, name: stock }\n`)
  const journal = startJournal(() => replacing.appThrough('stock'))
  await it.until('some commits', async () => journal.acknowledged.length > 10)
  const known = [...journal.acknowledged]
  const at = await moment()
  await desk.reach('killed', at)
  const ended = replacing.begin('killed', at, '--keep-old', '14d')
  const boundaries = [
    'startCopy#1:after',
    'reportDelta#1:after',
    'raiseFence#1:before',
    'raiseFence#1:after',
    'letAct#1:before',
    'letAct#1:after',
    'adoptMaster#1:after',
    'moveEndpoint#1:before',
    'moveEndpoint#1:after',
    'handOver#1:after',
    'recordReplaced#1:before',
    'recordReplaced#1:after',
  ]
  const deaths = it.capstan.deaths()
  for (const boundary of boundaries) it.capstan.arm(boundary)
  await replacing.asked('killed')
  await replacing.approve('killed')
  await ended
  const operation = await replacing.operation('killed')
  expect([operation.status, operation.verdict, operation.failure]).toEqual(['succeeded', 'pass', null])
  const replaced = async () =>
    (JSON.parse((await desk.cli('restore', 'list', '--json')).stdout) as { replaced: object[] }).replaced
  await it.until('the old instance’s time', async () => it.capstan.deaths() === deaths + boundaries.length)
  await it.until('its entry', async () => (await replaced()).length === 1)
  expect(boundaries.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  expect(it.capstan.deaths()).toBe(deaths + boundaries.length)
  const byThen = journal.acknowledged.length
  await it.until('the writers to go on', async () => journal.acknowledged.length > byThen + 10)
  await journal.stop()

  // the old instance takes nobody; the other one has all from before the moment and all from after the cut-over
  await expect(it.target.app()).rejects.toThrow()
  const serving = await replacing.appThrough('stock')
  const rows = await serving.query<{ name: string }>('SELECT name FROM public.items').finally(() => serving.close())
  const there = new Set(rows.map(({ name }) => name))
  const missing = (names: readonly string[]) => names.filter((name) => !there.has(name))
  expect(missing(known)).toEqual([])
  expect(missing(journal.acknowledged.slice(byThen))).toEqual([])
  const lost = missing(journal.acknowledged)
  const told = await replacing.report('killed', 'remainder')
  const written = (await it.capstan.ledger.getDocument({ operation: 'killed', name: REPLACE_DOCUMENTS.written })) as WrittenSince
  expect(written.databases.filter((one) => one.rowsMax === null)).toEqual([])
  const rowsMax = written.databases.reduce((sum, one) => sum + (one.rowsMax ?? 0), 0)
  expect(told.tables.map(({ table }) => table)).toEqual(['public.items'])
  const { onlyInLive = 0, exact } = told.tables[0] ?? {}
  expect(exact).toBe(true)
  expect(lost.length).toBeGreaterThan(0)
  expect(lost.length).toBeGreaterThanOrEqual(onlyInLive)
  expect(lost.length).toBeLessThanOrEqual(onlyInLive + rowsMax)

  expect(await replacing.tags()).toEqual({
    stock: { 'capstan-replaced-by': 'cap-killed-copy' },
    'cap-killed-copy': { 'capstan-took-over': 'killed' },
  })
  expect(await it.locked()).toBe(false)
})
