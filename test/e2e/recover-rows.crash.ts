/** Rows that come back, and the moment at which they went, while the worker dies, while somebody aborts, and while the application goes on writing. One stack for all. */
import { FIND_MOMENT_DOCUMENTS, type SearchResult } from '../../contracts/find-moment'
import { RECOVER_ROWS_DOCUMENTS, RECOVER_ROWS_STEPS } from '../../contracts/recover-rows'
import { acquireLock, releaseLock } from '../../postgres/migrate/lock'
import { recordHistory } from '../support/histories'
import { isAt, migrating } from '../support/migrating'
import {
  approvedRun,
  BAD_DELETE,
  FIRST_LOST_KEY,
  fillOrders,
  LOST,
  startDeleting,
  startTraffic,
  wrongAfter,
} from '../support/recovering'
import { moment, passed, RestoreDesk, wholeSecond } from '../support/restores'
import { FIRST } from '../support/target'

/** A worker's death is noticed soon. */
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: RestoreDesk
let fleet: string
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet, SOON)
})
beforeEach(async () => {
  fleet = it.target.fleet(FIRST)
  const migrator = await it.target.migrator()
  await migrator.execute(fillOrders()).finally(() => migrator.close())
})

const ROWS = ['--rows', 'public.orders']
const steps = Object.values(RECOVER_ROWS_STEPS).map(({ id }) => [id, 'done'])
const waiting = (id: string) => async () => {
  await it.until('the question', async () => (await it.capstan.ledger.getOperation(id))?.status === 'awaiting-approval')
  return it.operation(id)
}
const staged = async (): Promise<number> => {
  const found = await it.rows(
    `SELECT count(*)::int AS n FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'capstan' AND relname LIKE 'rows%' AND relkind = 'r'`,
  )
  return Number(found[0]?.n)
}

test('the worker killed at one boundary after another: each row once, and the record of an undisturbed run', async () => {
  const at = await moment()
  await desk.reach('killed', at)
  const traffic = await startTraffic(it.target)
  await it.rows(BAD_DELETE)
  const boundaries = [
    'examineTables#1:after',
    'startCopy#1:after',
    'surveyRows#1:after',
    'stageRows#1:before',
    'stageRows#1:after',
    'writeRows#1:before',
    'writeRows#1:after',
    'verifyRows#1:before',
    'verifyRows#1:after',
    'startCanaryRemoval#1:after',
  ]
  const deaths = it.capstan.deaths()
  for (const boundary of boundaries) it.capstan.arm(boundary)
  let deleting: Awaited<ReturnType<typeof startDeleting>> | undefined
  const asked = async () => {
    const record = await waiting('killed')()
    deleting ??= await startDeleting(it.target)
    return record
  }
  const { operation } = await approvedRun(desk, 'killed', ['--to', at, ...ROWS], asked)
  const gone = (await deleting?.stop()) ?? []
  await traffic.stop()
  expect(boundaries.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  expect(it.capstan.deaths()).toBe(deaths + boundaries.length)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(steps)
  expect(operation.steps.find(({ id }) => id === 'verify')?.detail).toMatchObject({ brought: LOST, same: LOST })
  expect(await wrongAfter((sql) => it.rows(sql), traffic.written)).toEqual([])
  expect(gone).not.toEqual([])
  expect(await it.rows(`SELECT id FROM public.orders WHERE id IN (${gone.join(', ')})`)).toEqual([])
  expect([await staged(), await it.target.tagged('killed'), await it.locked()]).toEqual([0, [], false])
})

test('one approval is enough, however the application goes on deleting: just the approved rows come back, and one that is there again is named', async () => {
  const at = await moment()
  await desk.reach('deleting', at)
  await it.rows(BAD_DELETE)
  // Staging waits for a migration by hand, while the application goes on.
  const migrating = await it.target.migrator()
  await acquireLock(migrating, { waitMs: 1_000 })
  const ended = desk.begin('deleting', '--to', at, ...ROWS)
  const { planDigest } = await waiting('deleting')()
  const deleting = await startDeleting(it.target)
  expect((await desk.cli('ops', 'approve', 'deleting', '--by', 'bob', '--digest', planDigest ?? '')).code).toBe(0)
  await it.until('the staging', async () => isAt(await it.capstan.ledger.getOperation('deleting'), 'stage', 'running'))
  await it.rows(`INSERT INTO public.orders VALUES (${FIRST_LOST_KEY}, 'again', '')`)
  await it.rows('DELETE FROM public.orders WHERE id <= 5')
  await releaseLock(migrating)
  await migrating.close()
  expect((await ended).code).toBe(0)
  const gone = await deleting.stop()
  const operation = await it.operation('deleting')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', planDigest })
  expect(operation.steps.find(({ id }) => id === 'approve')?.detail).toMatchObject({ planDigest, approvedBy: 'bob' })
  expect(operation.steps.find(({ id }) => id === 'verify')?.detail).toMatchObject({ brought: LOST - 1, reappeared: 1 })
  expect(await wrongAfter((sql) => it.rows(sql), new Map([[FIRST_LOST_KEY, 'again']]), [FIRST_LOST_KEY])).toEqual([])
  expect(await it.rows(`SELECT id FROM public.orders WHERE id <= 5 OR id IN (${gone.join(', ')})`)).toEqual([])
  const named = { operation: 'deleting', name: RECOVER_ROWS_DOCUMENTS.result }
  expect(await it.capstan.ledger.getDocument(named)).toMatchObject({
    tables: [{ sample: [{ outcome: 'reappeared', key: [String(FIRST_LOST_KEY)] }] }],
  })
  expect([await staged(), await it.target.tagged('deleting'), await it.locked()]).toEqual([0, [], false])
})

test('killed in the middle of the rows it goes on behind those that are back; aborted there, they stay, are told, and the next run goes on', async () => {
  const at = await moment()
  await desk.reach('cut-off', at)
  await it.rows(BAD_DELETE)
  // Somebody is about to take a key in the middle: what comes back has to wait for that, rows before it are back.
  const held = FIRST_LOST_KEY + LOST / 2
  const holder = await it.target.app()
  await holder.execute('BEGIN')
  await holder.execute(`INSERT INTO public.orders VALUES (${held}, 'not yet', '')`)
  const ended = desk.begin('cut-off', '--to', at, ...ROWS)
  await waiting('cut-off')()
  expect((await desk.cli('ops', 'approve', 'cut-off', '--by', 'bob')).code).toBe(0)
  const back = async (): Promise<number> => {
    const [found] = await it.rows(`SELECT count(*)::int AS n FROM public.orders WHERE id >= ${FIRST_LOST_KEY} AND id < ${held}`)
    return Number(found?.n)
  }
  await it.until('the first rows', async () => (await back()) > 0)
  await it.capstan.killWorker()
  // deleted again by the application: it stays deleted, however often the work is taken up
  await it.rows(`DELETE FROM public.orders WHERE id = ${FIRST_LOST_KEY}`)
  await it.until('a second attempt', async () => {
    const { steps: known } = await it.operation('cut-off')
    return (known.find(({ id }) => id === 'write')?.attempts ?? 0) > 1
  })
  expect((await desk.cli('ops', 'abort', 'cut-off', '--by', 'bob')).code).toBe(0)
  expect((await ended).code).toBe(7)
  await recordHistory(it.capstan.temporal, 'cut-off', 'recover-rows-aborted')
  const aborted = await it.operation('cut-off')
  const told = aborted.steps.find(({ id }) => id === 'stage')
  expect(told).toMatchObject({
    state: 'undone',
    detail: { left: 'staged', summary: expect.stringMatching(/rows of public\.orders are back and stay, .* capstan\."?rows_/) },
  })
  expect(await it.target.tagged('cut-off')).toEqual([])
  expect([await staged(), await it.locked(), (await back()) > 0]).toEqual([1, false, true])

  await holder.execute('ROLLBACK')
  await holder.close()
  const { operation } = await approvedRun(desk, 'goes-on', ['--to', at, ...ROWS], waiting('goes-on'))
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(operation.steps.find(({ id }) => id === 'survey')?.detail).toMatchObject({ underWay: true, rows: LOST })
  expect(await wrongAfter((sql) => it.rows(sql), new Map(), [FIRST_LOST_KEY])).toEqual([])
  expect(await it.rows(`SELECT id FROM public.orders WHERE id = ${FIRST_LOST_KEY}`)).toEqual([])
  expect(await staged()).toBe(0)
})

test('aborted before the first row is back, nothing is left: neither copy nor staged rows nor lock', async () => {
  const at = await moment()
  await desk.reach('too-soon', at)
  await it.rows(BAD_DELETE)
  const holder = await it.target.app()
  await holder.execute('BEGIN')
  await holder.execute(`INSERT INTO public.orders VALUES (${FIRST_LOST_KEY}, 'not yet', '')`)
  const ended = desk.begin('too-soon', '--to', at, ...ROWS)
  await waiting('too-soon')()
  expect((await desk.cli('ops', 'approve', 'too-soon', '--by', 'bob')).code).toBe(0)
  await it.until('the writing', async () => isAt(await it.capstan.ledger.getOperation('too-soon'), 'write', 'running'))
  expect((await desk.cli('ops', 'abort', 'too-soon', '--by', 'bob')).code).toBe(0)
  expect((await ended).code).toBe(7)
  await holder.execute('ROLLBACK')
  await holder.close()
  const { steps: left } = await it.operation('too-soon')
  expect(left.find(({ id }) => id === 'stage')).toMatchObject({ state: 'undone', detail: { left: 'nothing' } })
  expect([await staged(), await it.target.tagged('too-soon'), await it.locked()]).toEqual([0, [], false])
  expect(await it.rows(`SELECT id FROM public.orders WHERE id >= ${FIRST_LOST_KEY} AND id < ${FIRST_LOST_KEY + LOST}`)).toEqual(
    [],
  )
})

test('where nobody has to approve, rows that were deleted between survey and staging stay deleted', async () => {
  fleet = it.target.fleet(FIRST, '', (yaml) => yaml.replace('environment: production', 'environment: staging'))
  const at = await moment()
  await desk.reach('unasked', at)
  await it.rows('DELETE FROM public.orders WHERE id <= 5')
  // Staging waits for a migration by hand.
  const migrating = await it.target.migrator()
  await acquireLock(migrating, { waitMs: 1_000 })
  const ended = desk.begin('unasked', '--to', at, ...ROWS)
  await it.until('the staging', async () => isAt(await it.capstan.ledger.getOperation('unasked'), 'stage', 'running'))
  await it.rows('DELETE FROM public.orders WHERE id = 6')
  await releaseLock(migrating)
  await migrating.close()
  expect((await ended).code).toBe(0)
  const { steps: done } = await it.operation('unasked')
  expect(done.map(({ id }) => id)).not.toContain('approve')
  expect(done.find(({ id }) => id === 'survey')?.detail).toMatchObject({ rows: 5 })
  expect(done.find(({ id }) => id === 'verify')?.detail).toMatchObject({ brought: 5, same: 5 })
  expect(await it.rows('SELECT id FROM public.orders WHERE id <= 6 ORDER BY id DESC LIMIT 1')).toEqual([{ id: 5 }])
})

test.each([
  ['approved', 0],
  ['rejected', 7],
])('a table that was changed between an approval and its staging is asked about anew, and is %s', async (second, exit) => {
  const id = `anew-${second}`
  const at = await moment()
  await desk.reach(id, at)
  await it.rows('DELETE FROM public.orders WHERE id <= 5')
  const migrating = await it.target.migrator()
  await acquireLock(migrating, { waitMs: 1_000 })
  const ended = desk.begin(id, '--to', at, ...ROWS)
  const { planDigest: first } = await waiting(id)()
  expect((await desk.cli('ops', 'approve', id, '--by', 'bob', '--digest', first ?? '')).code).toBe(0)
  await it.until('the staging', async () => isAt(await it.capstan.ledger.getOperation(id), 'stage', 'running'))
  await migrating.execute(`ALTER TABLE public.orders ADD later text DEFAULT 'unsaid'`)
  await releaseLock(migrating)
  await migrating.close()
  const { planDigest: anew } = await waiting(id)()
  expect(anew).not.toBe(first)
  const decide = second === 'approved' ? ['approve', id, '--digest', anew ?? ''] : ['reject', id, '--reason', 'not these']
  expect((await desk.cli('ops', ...decide, '--by', 'carol')).code).toBe(0)
  expect((await ended).code).toBe(exit)
  const { steps: done } = await it.operation(id)
  const detail = (step: string) => done.find((one) => one.id === step)?.detail
  const { approvedBy, rejectedBy, planDigest } = detail('approve') ?? {}
  expect([planDigest, approvedBy, rejectedBy]).toEqual([anew, ...(exit === 0 ? ['carol', undefined] : [undefined, 'carol'])])
  expect(detail('verify')?.brought).toBe(exit === 0 ? 5 : undefined)
  const back = await it.rows('SELECT id FROM public.orders WHERE id <= 5')
  expect(back).toHaveLength(exit === 0 ? 5 : 0)
  expect([await staged(), await it.target.tagged(id), await it.locked()]).toEqual([0, [], false])
})

describe('a search for the moment', () => {
  const holds = 'SELECT count(*) = 12000 FROM public.orders'
  const begin = (id: string, question: string, from: string, to: string) =>
    desk.cli(
      ...['restore', 'when', 'stock', '--fleet', fleet, '--json', '--operation', id, '--holds', question],
      ...['--from', from, '--to', to, '--precision', '1s'],
    )
  /** A second at which all were there, and one at which they were not. */
  async function lostWithin(operation: string): Promise<readonly [string, string]> {
    const from = wholeSecond(Date.now())
    await passed(from)
    await it.rows(BAD_DELETE)
    const to = wholeSecond(Math.max(Date.parse(from) + 2_000, Date.now()))
    await passed(to)
    await it.rows(`INSERT INTO public.orders VALUES (900000, 'later', '')`)
    await desk.reach(operation, to)
    return [from, to]
  }

  test('the worker killed at one boundary after another: each moment is looked at once, and no copy is left', async () => {
    const [from, to] = await lostWithin('search')
    const boundaries = [
      'planSearch#1:after',
      'startCopy#1:before',
      'startCopy#1:after',
      'askPredicate#1:after',
      'startCanaryRemoval#1:after',
      'awaitCanaryRemoval#2:result',
      'recordSearch#1:after',
    ]
    const deaths = it.capstan.deaths()
    for (const boundary of boundaries) it.capstan.arm(boundary)
    const { code } = await begin('search', holds, from, to)
    expect(boundaries.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
    expect([code, it.capstan.deaths()]).toEqual([0, deaths + boundaries.length])
    const { answer, looks } = (await it.capstan.ledger.getDocument({
      operation: 'search',
      name: FIND_MOMENT_DOCUMENTS.result,
    })) as SearchResult
    expect(answer.kind).toBe('found')
    expect(await it.capstan.ledger.listResources({ operation: 'search' })).toHaveLength(looks.length)
    expect(await it.target.leftovers()).toEqual([])
  })

  test('aborted while it asks, the copy is removed and nothing is left', async () => {
    const [from, to] = await lostWithin('given-up')
    const ended = begin('given-up', 'SELECT pg_sleep(500) IS NOT NULL', from, to)
    await it.until('the copy', async () => (await it.target.tagged('given-up')).length > 0)
    expect((await desk.cli('ops', 'abort', 'given-up', '--by', 'bob')).code).toBe(0)
    expect((await ended).code).toBe(7)
    expect((await it.operation('given-up')).steps.find(({ id }) => id === 'look')?.state).toBe('undone')
    expect(await it.target.leftovers()).toEqual([])
  })

  test('what only a copy can refuse is refused by it: null, more than one row, and a function that writes', async () => {
    const [from, to] = await lostWithin('refusing')
    const refused = [
      ['null', 'SELECT NULL::boolean', 'it gives null'],
      ['rows', 'SELECT true FROM generate_series(1, 2)', 'it gives more than one row'],
      ['writing', `SELECT set_config('transaction_read_only', 'off', true) = 'off'`, 'PostgreSQL says'],
    ] as const
    for (const [id, question, why] of refused) {
      const { stdout } = await begin(`refused-${id}`, question, from, to)
      expect(JSON.parse(stdout)).toMatchObject({ failure: { code: 'OPTION_INVALID', message: expect.stringContaining(why) } })
    }
    expect(await it.target.leftovers()).toEqual([])
  })
})
