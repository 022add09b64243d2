import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESTORE_STEPS, RETIRE_COPY_WORKFLOW, retirementOf } from '../../contracts/restore'
import { recordHistory } from '../support/histories'
import { migrating } from '../support/migrating'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST, ROWS } from '../support/target'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: RestoreDesk
let fleet: string
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet)
})
beforeEach(async () => {
  fleet = it.target.fleet(FIRST)
  await fillItems(it.target)
})

const copyOf = (operation: string): string => `cap-${operation}-copy`
const gone = (operation: string): Promise<void> =>
  it.until(`the end of ${operation}'s copy`, async () => (await it.target.tagged(operation)).length === 0)
const items = 'SELECT count(*)::int AS n FROM public.items'

test('the moment before a bad DELETE is restored as a copy beside the instance, which is not touched', async () => {
  const at = await moment()
  await it.rows('DELETE FROM public.items')
  const { code, operation } = await desk.restoreTo('bad-delete', at, '--keep', '2h')
  expect(operation).toMatchObject({ kind: 'restore', status: 'succeeded', verdict: 'pass', failure: null })
  expect(code).toBe(0)
  await recordHistory(it.capstan.temporal, operation.id, 'restore')
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(Object.values(RESTORE_STEPS).map(({ id }) => [id, 'done']))
  expect(operation.steps.find(({ id }) => id === 'check')?.detail.summary).toContain('since then public.items 2,000 → 0')
  expect(await desk.ask('bad-delete', items)).toEqual([{ n: ROWS }])
  expect(await it.rows(items)).toEqual([{ n: 0 }])
  expect(await it.locked()).toBe(false)

  const until = new Date(Date.parse(operation.finishedAt ?? '') + 2 * 3_600_000).toISOString()
  await it.until('two hours from the end', async () => (await desk.list())[0]?.until === until)
  expect(await desk.list()).toEqual([
    expect.objectContaining({ operation: 'bad-delete', database: 'stock', instance: copyOf('bad-delete') }),
  ])
  expect((await desk.list())[0]?.point).toMatchObject({ kind: 'moment', at })
})

test('the evidence holds the plan and what the checks found, and scout knows of a proven restore', async () => {
  const { stdout } = await desk.cli('ops', 'evidence', 'bad-delete', '--json')
  const { document } = JSON.parse(stdout) as { document: { documents: unknown; resources: unknown } }
  expect(document.documents).toEqual({
    'rows-since': expect.objectContaining({ why: null }),
    'restore-plan': expect.objectContaining({ copy: copyOf('bad-delete'), instance: 'stock', networkRules: ['sg-canary'] }),
    'checks-copy': { version: 1, results: expect.arrayContaining([expect.objectContaining({ id: 'names', ok: true })]) },
  })
  expect(document.documents).toMatchObject({ 'rows-since': { rows: [{ table: 'public.items', copy: ROWS, instance: 0 }] } })
  expect(document.resources).toEqual([expect.objectContaining({ kind: 'instance', name: copyOf('bad-delete') })])
  const html = join(it.capstan.dir, 'evidence.html')
  expect((await desk.cli('ops', 'evidence', 'bad-delete', '--html', html)).code).toBe(0)
  expect(readFileSync(html, 'utf8')).toContain('On the restored copy')
  expect((await desk.cli('ops', 'show', 'bad-delete', '--plan')).stdout).toContain('it is not touched')
})

test('a copy is kept longer, removed sooner, and told to be gone', async () => {
  const kept = await desk.cli('restore', 'keep', 'bad-delete', '--for', '7d', '--json')
  const { until } = JSON.parse(kept.stdout) as { until: string }
  expect([kept.code, (await desk.list())[0]?.until]).toEqual([0, until])

  await desk.remove('bad-delete')
  await gone('bad-delete')
  await it.capstan.temporal.workflow.getHandle(retirementOf(copyOf('bad-delete'))).result()
  await recordHistory(it.capstan.temporal, retirementOf(copyOf('bad-delete')), 'retire-copy')
  await it.until('the list to be empty', async () => (await desk.list()).length === 0)
  for (const words of [['remove'], ['keep', '--for', '1h'], ['access']]) {
    const [verb = '', ...more] = words
    const { code, stdout } = await desk.cli('restore', verb, 'bad-delete', ...more, '--json')
    expect([verb, code]).toEqual([verb, 3])
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'OPERATION_CLOSED', message: expect.stringContaining('it was removed at') },
    })
  }
})

test('a snapshot is restored as a copy, which its retirement removes when its time is over', async () => {
  const { stdout } = await desk.cli('snapshot', 'stock', '--fleet', fleet, '--json', '--operation', 'nightly')
  expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded' })
  await it.rows(`DELETE FROM public.items WHERE id > 10`)
  const { operation } = await desk.restore('from-nightly', '--snapshot', 'cap-nightly-take', '--keep', '1h')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await desk.ask('from-nightly', items)).toEqual([{ n: ROWS }])
  const { status } = await it.capstan.temporal.workflow.getHandle(retirementOf(copyOf('from-nightly'))).describe()
  expect(status.name).toBe('RUNNING')

  const { bundle } = await it.capstan.ledger.getOrigin('from-nightly')
  const input = { operation: 'from-nightly', cloud: 'aws', bundle, copy: copyOf('from-nightly'), keepHours: 0 }
  await it.capstan.temporal.workflow.execute(RETIRE_COPY_WORKFLOW, {
    taskQueue: 'control',
    workflowId: 'retire-now',
    args: [{ ...input, heartbeatTimeoutMs: 5000 }],
  })
  expect(await it.target.tagged('from-nightly')).toEqual([])
  expect(await desk.list()).toEqual([])
})

test('a retirement that the ledger refuses waits and asks again, instead of leaving the copy to nobody', async () => {
  const { bundle } = await it.capstan.ledger.getOrigin('from-nightly')
  // PostgreSQL takes no text with a zero in it
  const input = { operation: 'no-text\0', cloud: 'aws', bundle, copy: 'cap-no-text-copy', keepHours: 0, heartbeatTimeoutMs: 5000 }
  const retirement = await it.capstan.temporal.workflow.start(RETIRE_COPY_WORKFLOW, {
    ...{ taskQueue: 'control', workflowId: 'retire-refused', args: [input] },
  })
  await it.until('the refusal, and the hour until the next try', async () => {
    const { events } = await retirement.fetchHistory()
    const refused = events?.some(({ activityTaskFailedEventAttributes: failed }) => failed != null)
    return refused === true && events?.at(-1)?.timerStartedEventAttributes?.startToFireTimeout?.seconds?.toString() === '3600'
  })
  expect((await retirement.describe()).status.name).toBe('RUNNING')
  await retirement.terminate()
})

test('a plan shows what would be made and what it lacks, and changes nothing', async () => {
  const at = await moment()
  const { operation } = await desk.restoreTo('only-plan', at, '--plan')
  expect(operation.status).toBe('planned')
  expect(await it.target.leftovers()).toEqual([])
  const { stdout } = await desk.cli('ops', 'show', 'only-plan', '--plan')
  expect(stdout).toContain('makes cap-only-plan-copy, kept 24 h')
  expect(stdout).toContain('without the instance’s parameters, high availability, backups')
})

test.each([
  ['a snapshot that there is not', ['--snapshot', 'nightlie'], 'SNAPSHOT_NOT_FOUND', 'has no snapshot nightlie'],
  ['a moment before the window', ['--to', '2026-01-01'], 'MOMENT_OUT_OF_REACH', 'it can be restored to any moment from 2'],
])('%s is refused by the plan, and nothing is made', async (_what, args, code, message) => {
  const operation = `bad-${code.slice(0, 4).toLowerCase()}`
  const refused = await desk.restore(operation, ...args)
  expect(refused.code).toBe(3)
  expect(refused.operation.failure).toMatchObject({ code, message: expect.stringContaining(message) })
  expect(refused.operation.steps.map(({ id }) => id)).not.toContain('copy')
  expect(await it.target.tagged(operation)).toEqual([])
})

test('another moment under the same id is another operation, and refused', async () => {
  const { code, stdout } = await desk.begin('only-plan', '--to', '2026-11-01', '--plan')
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'OPERATION_EXISTS' } })
})
