/** What keeps a standby from being made, or from being removed whole: told by name, with nothing left behind. On Google Cloud, one stack for all. */
import type { OperationDocument } from '../../contracts/operation'
import type { StandbyRecord } from '../../contracts/standby'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { isAt } from '../support/migrating'
import { changing, MASTER_PASSWORD, whenFree } from '../support/other-clouds'
import { createPair, type Pair, remains } from '../support/replicating'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let pair: Pair

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  pair = await createPair(capstan, 'gcp', { maxRetained: '48MB', growTo: '64GB' })
})
afterAll(async () => (await starting)?.close())

async function ended(operation: string, ...words: string[]): Promise<OperationDocument> {
  const { stdout, stderr } = await pair.run(...words, '--operation', operation)
  if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
  return JSON.parse(stdout) as OperationDocument
}

const findingsOf = ({ steps }: OperationDocument, step: string) =>
  (steps.find(({ id }) => id === step)?.detail.findings ?? []).map(({ rule, message }) => `${rule} ${message}`)

const standby = (): Promise<StandbyRecord | null> => capstan.ledger.getStandby({ source: 'stock', target: pair.name })

const ROWS =
  'SELECT (SELECT count(*)::int FROM public.accounts) AS accounts, (SELECT count(*)::int FROM public.transfers) AS transfers'

test('a table whose rows cannot be told apart keeps it from being made, and nothing is', async () => {
  await pair.onSource('CREATE TABLE public.keyless (n int)')
  const operation = await ended('keyless', 'replicate', 'stock')
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(findingsOf(operation, 'plan')).toEqual([expect.stringContaining('preflight:replica-identity')])
  expect([await remains(pair), await standby()]).toEqual([[], null])
  await pair.onSource('DROP TABLE public.keyless')
})

test('what no migration describes is told object by object, and the standby is left empty', async () => {
  await pair.onSource('CREATE INDEX by_hand ON public.accounts (balance)')
  const operation = await ended('drifted', 'replicate', 'stock')
  expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(findingsOf(operation, 'schema')).toEqual(['schema index public.by_hand: only on the source.'])
  expect([await remains(pair), await pair.onStandby(ROWS)]).toEqual([[], [{ accounts: 0, transfers: 0 }]])
  expect(await standby()).toMatchObject({ state: 'gone' })
  await pair.onSource('DROP INDEX public.by_hand')
})

test('aborted amid the copy it leaves nothing that follows, nothing that holds log back, and no row', async () => {
  // a death gives time to take the lock that whoever copies waits for
  capstan.arm('subscribe#1:before')
  const operation = ended('aborted', 'replicate', 'stock')
  await until('the publication', async () => isAt(await capstan.ledger.getOperation('aborted'), 'publish', 'done'))
  const keeper = await pair.source.admin()
  await keeper.execute('BEGIN; LOCK TABLE public.transfers IN ACCESS EXCLUSIVE MODE')
  await until('the copy', async () => isAt(await capstan.ledger.getOperation('aborted'), 'copy', 'running'))
  expect(await pair.cli('ops', 'abort', 'aborted', '--reason', 'not now')).toMatchObject({ code: 0 })
  // what is taken back would wait for it
  await keeper.close()
  const { status } = await operation
  await recordHistory(capstan.temporal, 'aborted', 'replicate-aborted')
  expect(status).toBe('aborted')
  // nor anything that who follows may read of ours
  const granted = `SELECT FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = 'capstan.standby_beat'::regclass AND a.grantee = 'stock_admin'::regrole`
  expect(await pair.onSource(granted)).toEqual([])
  expect([await remains(pair), await pair.onStandby(ROWS)]).toEqual([[], [{ accounts: 0, transfers: 0 }]])
  expect(await standby()).toMatchObject({ state: 'gone' })
})

const sizeOfStandby = async (): Promise<number | null | undefined> =>
  (await pair.standby.adapter.describeInstance({ name: 'stock' }, changing))?.storage.sizeGib

/** Log that its disk has no room for beside the rows. */
async function logUpTo(gigabytes: number): Promise<void> {
  const instance = { name: 'stock', instanceId: pair.standby.instanceId }
  const parameters = { max_wal_size: String(gigabytes * 1024) }
  for (let done = false; !done; ) {
    done = (await whenFree(() => pair.standby.adapter.setParameters({ instance, parameters }, changing))).done
  }
  await until('the setting', async () => {
    const [shown] = await pair.onStandby<{ max_wal_size: string }>('SHOW max_wal_size')
    return shown?.max_wal_size === `${gigabytes}GB`
  })
}

test('a disk that is too small for it is made larger once, though the worker dies when that is ordered', async () => {
  const before = await sizeOfStandby()
  await logUpTo(20)
  capstan.arm('growStandby#1:after')
  expect(await ended('again', 'replicate', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(capstan.disarm('growStandby#1:after')).toBe(false)
  expect(before).toBe(10)
  expect(await sizeOfStandby()).toBe(30)
})

test('paused for longer than its source can bear, its slot is dropped, the ledger knows it, and it comes back by being seeded anew', async () => {
  expect(await ended('paused', 'standby', 'pause', 'stock')).toMatchObject({ status: 'succeeded' })
  await pair.onSource(`SELECT pg_logical_emit_message(false, 'fill', repeat('f', 1000000)) FROM generate_series(1, 64)`)
  await until('the end of the slot', async () => (await remains(pair)).every((one) => !one.startsWith('source slot')))
  expect(await standby()).toMatchObject({
    state: 'to-be-seeded',
    operation: null,
    reason: expect.stringContaining('maxRetained allows'),
  })
  const { failure } = await ended('resumed', 'standby', 'resume', 'stock')
  expect(failure).toMatchObject({ code: 'STANDBY_CHANGED', message: expect.stringContaining('capstan standby reseed stock') })
  await logUpTo(40)
  expect(await ended('reseeded', 'standby', 'reseed', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(await sizeOfStandby()).toBe(50)
  expect(await pair.onStandby(ROWS)).toEqual(await pair.onSource(ROWS))
})

test('seeding one table anew costs the others nothing when it is aborted; aborted for all of them, it can be asked for again', async () => {
  const onStandby = async (sql: string): Promise<void> => {
    const migrator = await pair.standby.migrator()
    await migrator.execute(sql).finally(() => migrator.close())
  }
  const aborted = async (id: string, ...which: string[]): Promise<void> => {
    await onStandby('ALTER TABLE public.accounts ADD CONSTRAINT never CHECK (balance < 0) NOT VALID')
    const operation = ended(id, 'standby', 'reseed', 'stock', ...which)
    await until('the copy', async () => isAt(await capstan.ledger.getOperation(id), 'copy', 'running'))
    expect(await pair.cli('ops', 'abort', id, '--reason', 'not now')).toMatchObject({ code: 0 })
    expect((await operation).status).toBe('aborted')
    await onStandby('ALTER TABLE public.accounts DROP CONSTRAINT never')
  }
  await aborted('one-table', '--table', 'public.accounts')
  const whole = JSON.stringify(await pair.onSource(ROWS))
  await until('the rows', async () => JSON.stringify(await pair.onStandby(ROWS)) === whole)
  await until('the watch to see it follow', async () => (await standby())?.state === 'following')

  await aborted('all-tables')
  expect(await standby()).toMatchObject({ state: 'to-be-seeded' })
  expect((await remains(pair)).map((one) => one.split(' ').slice(0, 2).join(' '))).toEqual(['source publication'])
  expect(await ended('once-more', 'standby', 'reseed', 'stock')).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  expect(JSON.stringify(await pair.onStandby(ROWS))).toBe(whole)
})

test('removed with its source stopped, it is told what stays there', async () => {
  const slot = (await standby())?.names.slot ?? ''
  await pair.stopSource()
  const operation = await ended('remove-it', 'standby', 'remove', 'stock')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive' })
  expect(findingsOf(operation, 'remove')).toEqual([expect.stringContaining(`SELECT pg_drop_replication_slot('${slot}')`)])
  expect(await pair.onStandby('SELECT subname FROM pg_subscription')).toEqual([])
  expect(await standby()).toMatchObject({ state: 'gone', reason: expect.stringContaining(slot) })
})
