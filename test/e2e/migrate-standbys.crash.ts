/** Migrations of a database that a standby follows, while a bank writes into it: each file comes to the standby at its line, and afterwards both have the same
 *  schema and the same rows. One pair for all: each test goes on from where the one before left both. */
import { MIGRATE_STEPS } from '../../contracts/migrate'
import { eventually } from '../support/eventually'
import { Followed } from '../support/followed'
import { recordHistory } from '../support/histories'

let it: Followed

beforeAll(async () => {
  it = await Followed.start('gcp')
})
afterAll(() => it?.close())

test('each file is carried over while others write, though the worker dies amid it', async () => {
  it.capstan.arm('carryOver#1:after')
  const operation = await it.migrated('all-kinds', {
    // a column that goes: what was written before still has it
    'V3__amount.sql': 'ALTER TABLE public.accounts DROP COLUMN holder; ALTER TABLE public.accounts ADD COLUMN holder text',
    'V4__fees.sql': `CREATE TABLE public.fees (payer bigint PRIMARY KEY, fee bigint NOT NULL);
INSERT INTO public.fees SELECT id, 1 FROM public.accounts;`,
    'V5__holders.sql': `UPDATE public.accounts SET holder = 'account ' || id`,
    'V6__by_amount.sql': 'CREATE INDEX CONCURRENTLY transfers_by_amount ON public.transfers (amount)',
    'V7__swapped.sql': `ALTER TABLE public.transfers RENAME COLUMN payer TO was_payer;
ALTER TABLE public.transfers RENAME COLUMN payee TO payer;
ALTER TABLE public.transfers RENAME COLUMN was_payer TO payee;`,
  })
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(it.capstan.disarm('carryOver#1:after')).toBe(false)
  await recordHistory(it.capstan.temporal, 'all-kinds', 'migrate-with-standbys')
  // one that makes a table ends a stretch, and an index beside writers is one of its own
  const stretches = operation.steps.filter(({ title }) => title === MIGRATE_STEPS.carryOver.title)
  expect(stretches.map(({ state }) => state)).toEqual(stretches.map(() => 'done'))
  expect(stretches.length).toBeGreaterThan(1)
  await it.isTheSameOnBothSides()
  expect(await it.pair.onStandby('SELECT count(*)::int AS n FROM public.fees')).toEqual([{ n: 200 }])
})

test('what could not come out alike is refused before anything is done, and so is to migrate the standby itself', async () => {
  const twice = await it.migrated('rows-first', {
    'V8__two.sql': 'DELETE FROM public.fees; ALTER TABLE public.fees DROP COLUMN fee',
  })
  expect(twice.failure).toMatchObject({ code: 'MIGRATION_NOT_FOR_STANDBYS', message: expect.stringContaining('V8__two.sql:1') })
  it.forget('V8__two.sql')
  const itself = await it.migrated('itself', {}, it.pair.name)
  expect(itself.failure).toMatchObject({ code: 'DATABASE_REFUSED', message: expect.stringContaining('capstan migrate stock') })
})

test('a standby that somebody else holds waits at its line and is told so, by the next run too, which carries over once it can', async () => {
  const letGo = await it.holdStandby()
  const operation = await it.migrated('held', { 'V8__note.sql': 'ALTER TABLE public.transfers ADD COLUMN note text' })
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  const carried = operation.steps.find(({ id }) => id === 'carry-over')
  expect(carried?.detail.findings).toMatchObject([{ rule: 'standby-waits', message: expect.stringContaining('is locked by') }])
  const waits = await eventually('the watch to see it wait', async () => (await it.standing()).look?.waits)
  expect(waits).toMatchObject({ script: 'V8__note.sql', files: 1 })
  expect((await it.standing()).state).not.toBe('broken')
  expect(await it.columnsOnStandby('transfers')).not.toContain('note')
  const refused = await it.ended('not-now', 'switchover', 'stock', '--plan')
  expect(JSON.stringify(refused)).toContain('waits at its line for V8__note.sql')
  const again = await it.migrated('held-still', {})
  expect(again).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  expect(again.steps.find(({ id }) => id === 'plan')?.detail.summary).toContain(`${it.pair.name}: it lacks V8__note.sql`)
  await letGo()
  const carriedOn = await it.migrated('let-on', {})
  expect(carriedOn).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(carriedOn.steps.find(({ id }) => id === 'carry-over')?.detail.summary).toContain('V8__note.sql carried over')
  await recordHistory(it.capstan.temporal, 'let-on', 'migrate-carries-what-was-left')
  await it.isTheSameOnBothSides()
})

test('once writing has moved, the new writer is migrated, and the old one follows', async () => {
  await it.isFollowing('stock', it.pair.name)
  const { status, failure, steps } = await it.ended('moved', 'switchover', 'stock')
  const found = steps.flatMap(({ detail }) => detail.findings ?? [])
  expect({ status, failure, found }).toEqual({ status: 'succeeded', failure: null, found: [] })
  await it.isFollowing(it.pair.name, 'stock')
  const files = {
    'V9__reason.sql': 'ALTER TABLE public.transfers ADD COLUMN reason text',
    'V10__reasons.sql': 'CREATE TABLE public.reasons (reason text PRIMARY KEY)',
  }
  const operation = await it.migrated('there', files, it.pair.name)
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await it.isTheSameOnBothSides()
  expect(await it.openOnOldWriter(['public.transfers', 'public.reasons'])).toEqual([])
  const old = await it.migrated('old-one', {})
  expect(old.failure).toMatchObject({
    code: 'DATABASE_REFUSED',
    message: expect.stringContaining(`capstan migrate ${it.pair.name}`),
  })
})
