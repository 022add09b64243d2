/** A standby on another of the lab's clouds that follows a source on RDS while an application writes: planned, set up, watched, paused, resumed, and removed.
 *  One stack and one pair for all: each test goes on from where the one before left both. */

import type { OperationDocument } from '../../contracts/operation'
import { REPLICATE_DOCUMENTS, REPLICATE_STEPS, type ReplicatePlan, standbyWorkflowId } from '../../contracts/replicate'
import type { StandbyRecord } from '../../contracts/standby'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { eventually, until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { ACCOUNTS, createPair, OPENING, type Pair, remains, startTransfers, type Transfers } from '../support/replicating'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let pair: Pair
let transfers: Transfers

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  pair = await createPair(capstan, 'azure')
  transfers = startTransfers(pair)
})
afterAll(async () => {
  await transfers?.stop()
  await (await starting)?.close()
})

const id = () => ({ source: 'stock', target: pair.name })

async function ended(operation: string, ...words: string[]): Promise<OperationDocument> {
  const { stdout, stderr } = await pair.run(...words, '--operation', operation)
  if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
  return JSON.parse(stdout) as OperationDocument
}

async function standing(): Promise<StandbyRecord> {
  const record = await capstan.ledger.getStandby(id())
  if (record === null) throw new Error('the ledger has no standby')
  return record
}

/** Once the standby has what the source had when this was called. */
async function caughtUp(): Promise<void> {
  const [source] = await pair.onSource<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
  await until('what was written', async () => {
    const [slot] = await pair.onSource<{ there: boolean }>(
      `SELECT bool_and(confirmed_flush_lsn >= '${source?.lsn}') AS there FROM pg_replication_slots`,
    )
    return slot?.there === true
  })
}

/** All of the money, and each acknowledged transfer. */
async function isWhole(acknowledged: readonly number[]): Promise<void> {
  await caughtUp()
  const [sum] = await pair.onStandby<{ sum: number; n: number }>(
    'SELECT sum(balance)::int AS sum, count(*)::int AS n FROM public.accounts',
  )
  expect(sum).toEqual({ sum: ACCOUNTS * OPENING, n: ACCOUNTS })
  const rows = await pair.onStandby<{ id: number }>('SELECT id::int AS id FROM public.transfers')
  const there = new Set(rows.map((row) => row.id))
  expect(acknowledged.filter((one) => !there.has(one))).toEqual([])
}

test('is planned by what both sides say, and nothing is made', async () => {
  const operation = await ended('plan-it', 'replicate', 'stock', '--plan')
  expect(operation).toMatchObject({ status: 'planned', failure: null })
  const plan = (await capstan.ledger.getDocument({ operation: 'plan-it', name: REPLICATE_DOCUMENTS.plan })) as ReplicatePlan
  expect(plan.preflight.findings.filter(({ severity }) => severity === 'blocks')).toEqual([])
  expect(plan.preflight.tables).toEqual(['public.accounts', 'public.transfers'])
  expect(await remains(pair)).toEqual([])
  expect(await capstan.ledger.getStandby(id())).toBeNull()
})

test('is set up while others write, though its worker dies amid it: every row is there, and nothing is written twice', async () => {
  capstan.arm('subscribe#1:after')
  const operation = await ended('set-up', 'replicate', 'stock')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(capstan.disarm('subscribe#1:after')).toBe(false)
  await recordHistory(capstan.temporal, 'set-up', 'replicate')
  const steps = Object.values(REPLICATE_STEPS).map(({ id: step }) => step)
  const unasked = ['approve', 'grow']
  expect(operation.steps.map((step) => step.id).sort()).toEqual(steps.filter((step) => !unasked.includes(step)).sort())
  await isWhole([...transfers.acknowledged])
  const indexes = `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid::regclass::text IN ('accounts', 'transfers') AND indisvalid ORDER BY 1`
  expect(await pair.onStandby(indexes)).toEqual(await pair.onSource(indexes))
})

test('is watched from then on: it follows, and how late it is is written down', async () => {
  const seen = await eventually('a look', async () => {
    const record = await standing()
    return record.state === 'following' && record.look?.lagMs != null ? record : undefined
  })
  expect(seen.look).toMatchObject({
    unreached: [],
    source: { slot: { active: true } },
    target: { subscription: { enabled: true, working: true } },
  })
})

test('what watches it survives its worker, and tells of a table that was made since and is not published', async () => {
  for (const open of [pair.source.migrator, pair.standby.migrator]) {
    const migrator = await open()
    await migrator.execute('CREATE TABLE public.later (id int PRIMARY KEY)').finally(() => migrator.close())
  }
  await pair.onSource('INSERT INTO public.later SELECT generate_series(1, 100)')
  await capstan.killWorker()
  const told = await eventually('what is not published', async () =>
    (await standing()).look?.findings.find(({ rule }) => rule === 'not-published'),
  )
  expect(told.message).toContain('public.later')
  expect((await standing()).state).toBe('following')
})

test('paused it gets nothing, and the watch leaves it so; resumed it has all of it', async () => {
  expect(await ended('pause-it', 'standby', 'pause', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await recordHistory(capstan.temporal, 'pause-it', 'replicate-pause')
  const written = transfers.acknowledged.length
  await until('some transfers', async () => transfers.acknowledged.length > written + 20)
  const looked = (await standing()).look?.at ?? ''
  await until('a look at the paused one', async () => ((await standing()).look?.at ?? '') > looked)
  const paused = await standing()
  expect(paused).toMatchObject({ state: 'paused', reason: 'Paused by alice.', look: { source: { slot: { active: false } } } })
  expect(await ended('resume-it', 'standby', 'resume', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  await isWhole([...transfers.acknowledged])
})

test('rows that somebody spoilt are told by a comparison, though its worker dies: one table is copied anew, so is one that was not published, and so are all', async () => {
  await pair.onStandby('DELETE FROM public.transfers WHERE id % 2 = 0')
  capstan.arm('compareByClock#1:before')
  const compared = await pair.cli('standby', 'compare', 'stock', '--json')
  expect(capstan.disarm('compareByClock#1:before')).toBe(false)
  expect(compared).toMatchObject({ code: 1 })
  expect(JSON.parse(compared.stdout)).toMatchObject({
    ...{ verdict: 'different', tablesDiffering: 1, tablesLeft: 0 },
    differing: [{ table: 'public.transfers', onlyInStandby: 0, changed: 0 }],
  })
  expect((await pair.cli('standby', 'list', '--prometheus')).stdout).toMatch(/capstan_standby_alert\{.*code="rows-differ"\} 1/)
  const reseed = (operation: string, ...which: string[]) => ended(operation, 'standby', 'reseed', 'stock', ...which)
  const passes = { status: 'succeeded', verdict: 'pass' }
  expect(await reseed('one-table', '--table', 'public.transfers')).toMatchObject(passes)
  expect((await standing()).compared?.last?.tablesDiffering).toBe(0)
  await isWhole([...transfers.acknowledged])
  expect(await reseed('later-table', '--table', 'public.later')).toMatchObject(passes)
  expect(await pair.onStandby('SELECT count(*)::int AS n FROM public.later')).toEqual([{ n: 100 }])
  const seen = await copiedSlowly(() => reseed('all-tables'))
  expect(seen.ended).toMatchObject(passes)
  // as a person sees it meanwhile
  expect(seen.shown).toMatch(/[1-9] of [1-9] tables follow, .* of .*; copying public\.accounts, about [\d,]+ s left/)
  expect((await standing()).compared).toMatchObject({ running: null, last: { verdict: 'equal', tables: 3 } })
  await isWhole([...transfers.acknowledged])
})

/** Rows of the accounts come one by one, and from the 150th on not before they are let. */
const SLOWLY = `CREATE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_catalog.pg_sleep(0.005);
    IF NEW.id = 150 THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(4711); END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER slowly BEFORE INSERT ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.slowly();
  ALTER TABLE public.accounts ENABLE ALWAYS TRIGGER slowly`

async function copiedSlowly(copy: () => Promise<OperationDocument>) {
  const migrator = await pair.standby.migrator()
  await migrator.execute(SLOWLY)
  await migrator.execute('SELECT pg_advisory_lock(4711)')
  const copying = copy()
  let shown = ''
  try {
    await until('an estimate', async () => {
      shown = (await pair.cli('ops', 'show', 'all-tables')).stdout
      return shown.includes('s left')
    })
  } finally {
    await migrator.execute('SELECT pg_advisory_unlock(4711)')
  }
  const ended = await copying
  await migrator.execute('DROP TRIGGER slowly ON public.accounts; DROP FUNCTION public.slowly()')
  await migrator.close()
  return { shown, ended }
}

test('removed, nothing of it is left on either side, and nobody watches', async () => {
  capstan.arm('removeStandby#1:after')
  expect(await ended('remove-it', 'standby', 'remove', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  capstan.disarm('removeStandby#1:after')
  expect(await remains(pair)).toEqual([])
  expect(await standing()).toMatchObject({ state: 'gone', reason: null })
  const watch = capstan.temporal.workflow.getHandle(standbyWorkflowId(id()))
  await until('the end of the watch', async () => (await watch.describe()).status.name === 'COMPLETED')
  await recordHistory(capstan.temporal, standbyWorkflowId(id()), 'standby')
})
