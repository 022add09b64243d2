/** Rows come back out of a copy into the database that goes on being written; the moment at which they went is found; what cannot be is refused before
 *  anything is made. One stack for all. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FIND_MOMENT_DOCUMENTS, FIND_MOMENT_STEPS, type SearchResult } from '../../contracts/find-moment'
import { RECOVER_ROWS_DOCUMENTS, RECOVER_ROWS_STEPS } from '../../contracts/recover-rows'
import { recordHistory } from '../support/histories'
import { isAt, migrating } from '../support/migrating'
import {
  approvedRun,
  BAD_DELETE,
  BEFORE,
  FIRST_LOST_KEY,
  fillOrders,
  LOST,
  startTraffic,
  wrongAfter,
} from '../support/recovering'
import { moment, passed, RestoreDesk, wholeSecond } from '../support/restores'
import { FIRST } from '../support/target'

const it = migrating(() => ({ env: { CAPSTAN_LAB_PROFILE: 'instant' } }))
let desk: RestoreDesk
let fleet: string
beforeAll(() => {
  desk = new RestoreDesk(it.capstan, () => fleet)
})
beforeEach(async () => {
  fleet = it.target.fleet(FIRST)
  const migrator = await it.target.migrator()
  await migrator.execute(fillOrders()).finally(() => migrator.close())
})

const waiting = (id: string) => async () => {
  await it.until('the question', async () => isAt(await it.capstan.ledger.getOperation(id), 'approve', 'running'))
  await it.until('its digest', async () => (await it.operation(id)).status === 'awaiting-approval')
  return it.operation(id)
}
const ROWS = ['--rows', 'public.orders']

test('10,000 rows that a bad DELETE took come back under traffic, and nothing that was written since is touched', async () => {
  const at = await moment()
  await desk.reach('bad-delete', at)
  const traffic = await startTraffic(it.target)
  await it.rows(BAD_DELETE)
  await it.rows(`INSERT INTO public.orders VALUES (${FIRST_LOST_KEY}, 'taken', '')`)

  const { code, operation } = await approvedRun(desk, 'bad-delete', ['--to', at, ...ROWS], waiting('bad-delete'))
  await traffic.stop()
  expect(operation).toMatchObject({ kind: 'recover-rows', status: 'succeeded', verdict: 'pass', failure: null })
  expect(code).toBe(0)
  await recordHistory(it.capstan.temporal, 'bad-delete', 'recover-rows')
  expect(await wrongAfter((sql) => it.rows(sql), traffic.written, [FIRST_LOST_KEY])).toEqual([])
  expect(await it.rows(`SELECT status FROM public.orders WHERE id = ${FIRST_LOST_KEY}`)).toEqual([{ status: 'taken' }])

  expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(
    Object.values(RECOVER_ROWS_STEPS).map(({ id }) => [id, 'done']),
  )
  const detail = (step: string) => operation.steps.find(({ id }) => id === step)?.detail
  expect(detail('survey')).toMatchObject({ rows: LOST - 1, changed: expect.any(Number), underWay: false })
  expect(detail('approve')).toMatchObject({ approvedBy: 'bob', planDigest: operation.planDigest })
  expect(detail('verify')).toMatchObject({ brought: LOST - 1, refused: 0, orphan: 0, same: LOST - 1, goneSince: 0 })
  expect(await it.target.tagged('bad-delete')).toEqual([])
  expect(await desk.list()).toEqual([])
  expect(await it.locked()).toBe(false)
  const staged = `SELECT count(*)::int AS n FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'capstan' AND relname LIKE 'rows%'`
  expect(await it.rows(staged)).toEqual([{ n: 0 }])
})

test('the evidence names tables, keys and counts, and no row', async () => {
  const { stdout } = await desk.cli('ops', 'evidence', 'bad-delete', '--json')
  const { document } = JSON.parse(stdout) as { document: { documents: Record<string, unknown> } }
  const survey = document.documents[RECOVER_ROWS_DOCUMENTS.survey]
  expect(survey).toMatchObject({ tables: [{ table: 'public.orders', key: ['id'], rows: LOST - 1 }] })
  expect(document.documents[RECOVER_ROWS_DOCUMENTS.result]).toMatchObject({ tables: [{ outcomes: { brought: LOST - 1 } }] })
  expect(stdout).not.toContain('placed')
  const shown = await desk.cli('ops', 'show', 'bad-delete', '--plan')
  expect(shown.stdout).toContain('public.orders: 9,999 rows to bring back')
})

test('rejected, nothing came back and nothing is left; a plan alone makes no copy', async () => {
  const at = await moment()
  await desk.reach('rejected', at)
  await it.rows('DELETE FROM public.orders WHERE id <= 3')
  const planned = await desk.cli('restore', 'stock', '--fleet', fleet, '--to', at, ...ROWS, '--plan', '--operation', 'plan-only')
  expect([planned.code, planned.stdout]).toEqual([0, expect.stringContaining('brings back to public.orders, by id')])
  expect(await it.target.tagged('plan-only')).toEqual([])

  const ended = desk.begin('rejected', '--to', at, ...ROWS, '--where', 'id <> 2')
  expect((await waiting('rejected')()).steps.find(({ id }) => id === 'survey')?.detail).toMatchObject({ rows: 2 })
  expect((await desk.cli('ops', 'reject', 'rejected', '--by', 'bob', '--reason', 'not these')).code).toBe(0)
  expect((await ended).code).toBe(7)
  await recordHistory(it.capstan.temporal, 'rejected', 'recover-rows-rejected')
  expect(await it.target.tagged('rejected')).toEqual([])
  expect(await it.rows('SELECT id FROM public.orders WHERE id <= 3')).toEqual([])
  expect(await it.rows(`SELECT count(*)::int AS n FROM pg_namespace WHERE nspname = 'capstan'`)).toEqual([{ n: 0 }])
})

test('what cannot come back is refused by name, before a copy is restored', async () => {
  const migrator = await it.target.migrator()
  await migrator.execute(`
    CREATE TABLE public.keyless (n int);
    CREATE TABLE public.armed (n int PRIMARY KEY);
    CREATE FUNCTION public.bell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER rings BEFORE INSERT ON public.armed FOR EACH ROW EXECUTE FUNCTION public.bell();`)
  await migrator.close()
  const at = await moment()
  await desk.reach('unfit', at)
  const refused: [string, string[], string, string][] = [
    ['unfit-unknown', ['--rows', 'public.ordres'], 'OPTION_INVALID', 'names public.ordres, which the database does not have'],
    ['unfit-schema', ['--schema', 'sales'], 'OPTION_INVALID', '--schema names sales'],
    ['unfit-keyless', ['--rows', 'public.keyless'], 'ROWS_UNRECOVERABLE', 'neither a primary key'],
    ['unfit-armed', ['--rows', 'public.armed'], 'TRIGGERS_WOULD_FIRE', 'would fire rings: say --fire-triggers'],
  ]
  for (const [id, args, code, message] of refused) {
    const { operation } = await desk.restore(id, '--to', at, ...args)
    expect(operation.failure).toMatchObject({ code, message: expect.stringContaining(message) })
    expect(operation.steps.map((step) => step.id)).not.toContain('copy')
  }
  expect(await it.target.leftovers()).toEqual([])
})

describe('the moment at which they went', () => {
  /** Whole seconds, as clouds restore to: one at which all were there, and one at which they were not. */
  let from: string
  let to: string
  const holds = `SELECT count(*) = ${BEFORE} FROM public.orders`
  const search = (id: string, question: string, ...more: string[]) =>
    desk.cli('restore', 'when', 'stock', '--fleet', fleet, '--json', '--operation', id, '--holds', question, ...more)
  const within = () => ['--from', from, '--to', to]

  test('is found to within the precision, one copy at a time, and nothing is left', async () => {
    from = wholeSecond(Date.now())
    await passed(from)
    await sleep(1500)
    const sentMs = Date.now()
    await it.rows(BAD_DELETE)
    const ackedMs = Date.now()
    to = wholeSecond(Math.max(Date.parse(from) + 4_000, ackedMs))
    await passed(to)
    await it.rows(`INSERT INTO public.orders VALUES (900000, 'later', '')`)
    await desk.reach('found', to)

    const { code, stdout } = await search('found', holds, ...within(), '--precision', '1s')
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'find-moment', status: 'succeeded', verdict: 'pass', failure: null })
    expect(code).toBe(0)
    await recordHistory(it.capstan.temporal, 'found', 'find-moment')
    const { steps } = await it.operation('found')
    expect(steps.map(({ id, state }) => [id, state])).toEqual(Object.values(FIND_MOMENT_STEPS).map(({ id }) => [id, 'done']))
    const kept = { operation: 'found', name: FIND_MOMENT_DOCUMENTS.result }
    const { answer, looks } = (await it.capstan.ledger.getDocument(kept)) as SearchResult
    if (answer.kind !== 'found') throw new Error(`it found ${answer.kind}`)
    const [good, bad] = [Date.parse(answer.lastGood), Date.parse(answer.firstBad)]
    expect(bad - good).toBeLessThanOrEqual(1_000)
    expect(good).toBeLessThanOrEqual(ackedMs)
    expect(bad).toBeGreaterThanOrEqual(sentMs)
    const made = await it.capstan.ledger.listResources({ operation: 'found' })
    expect(made.map(({ name, removedAt }) => [name, removedAt !== null])).toEqual(
      looks.map((_, at) => [`cap-found-look${at + 1}`, true]),
    )
    expect(await it.target.leftovers()).toEqual([])
  })

  test('is planned with the number of restores, which changes nothing', async () => {
    const args = ['restore', 'when', 'stock', '--fleet', fleet, '--holds', holds, ...within(), '--precision', '1s', '--plan']
    const { code, stdout } = await desk.cli(...args, '--operation', 'only-plan')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/restores \d copies at most, one after another/)])
    expect(await it.capstan.ledger.listResources({ operation: 'only-plan' })).toEqual([])
  })

  test('is none for what never held: told after the first look, without a search', async () => {
    expect((await search('never', 'SELECT false', ...within(), '--precision', '1s')).code).toBe(1)
    const { steps, verdict } = await it.operation('never')
    expect(verdict).toBe('fail')
    const detail = steps.find(({ id }) => id === 'look')?.detail
    expect(detail).toMatchObject({ kind: 'never-good', findings: [{ rule: 'moment:never-good' }] })
    expect(await it.capstan.ledger.listResources({ operation: 'never' })).toHaveLength(1)
    expect(await it.target.leftovers()).toEqual([])
  })

  test('is not sought outside the window, nor by what the database cannot answer', async () => {
    const refused: [string, string, string[], string, string][] = [
      ['too-early', holds, ['--from', '2026-01-01', '--to', to], 'MOMENT_OUT_OF_REACH', 'can be restored to any moment from 2'],
      ['unknown', 'SELECT count(*) > 1 FROM public.ordrs', within(), 'OPTION_INVALID', '"public.ordrs" does not exist'],
      ['not-boolean', 'SELECT count(*) FROM public.orders', within(), 'OPTION_INVALID', 'must be type boolean'],
    ]
    for (const [id, question, times, code, message] of refused) {
      const { stdout } = await search(id, question, ...times)
      expect(JSON.parse(stdout)).toMatchObject({ failure: { code, message: expect.stringContaining(message) } })
      expect((await it.operation(id)).steps.map((step) => step.id)).not.toContain('look')
    }
    expect(await it.target.leftovers()).toEqual([])
  })
})
