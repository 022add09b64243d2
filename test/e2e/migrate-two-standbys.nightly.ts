/** Migrations of a database that two standbys follow, in two clouds, while a bank writes into it: what keeps one of them from a file keeps the other from nothing,
 *  and is told by its name. Each test goes on from where the one before left all three. */
import { applicationAddress, controlAddress } from '../../embedded/worker-program'
import { until } from '../support/eventually'
import { Followed } from '../support/followed'
import { changing, whenFree } from '../support/other-clouds'
import type { AnotherStandby } from '../support/replicating'

let it: Followed
let other: AnotherStandby

beforeAll(async () => {
  it = await Followed.start('gcp')
  other = await it.alsoFollowedOn('azure')
})
afterAll(() => it?.close())

async function allAreTheSame(): Promise<void> {
  await it.isTheSameOnBothSides()
  await it.isTheSameOn(other)
}

const column = (name: string) => `ALTER TABLE public.accounts ADD COLUMN ${name} text NOT NULL DEFAULT '${name}'`

test('both get each file at its line, though the worker dies between the two', async () => {
  it.capstan.arm('carryOver#1:after')
  const operation = await it.migrated('both', {
    'V3__fees.sql': `CREATE TABLE public.fees (payer bigint PRIMARY KEY, fee bigint NOT NULL); INSERT INTO public.fees SELECT id, 1 FROM public.accounts`,
    'V4__swapped.sql': `ALTER TABLE public.transfers RENAME COLUMN payer TO was_payer; ALTER TABLE public.transfers RENAME COLUMN payee TO payer;
ALTER TABLE public.transfers RENAME COLUMN was_payer TO payee`,
  })
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(it.capstan.disarm('carryOver#1:after')).toBe(false)
  const told = operation.steps.find(({ id }) => id === 'carry-over')?.detail.summary
  for (const name of [it.pair.name, other.name]) expect(told).toContain(`${name}: `)
  await allAreTheSame()
})

test('one that is paused waits and is named by this run and the next; the other has the file; resumed, the first has it too', async () => {
  expect(await it.ended('pause', 'standby', 'pause', 'stock', '--to', other.name)).toMatchObject({ status: 'succeeded' })
  const first = await it.migrated('one-paused', { 'V5__first.sql': column('first') })
  expect(first).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  await it.isTheSameOnBothSides()
  expect(await it.columnsOnStandby('accounts')).toContain('first')
  const again = await it.migrated('still-paused', {})
  expect([again.status, again.verdict]).toEqual(['succeeded', 'inconclusive'])
  const planned = again.steps.find(({ id }) => id === 'plan')?.detail.summary
  expect(planned).toContain(`${other.name}: it is paused, and lacks V5__first.sql`)
  expect(planned).not.toContain(it.pair.name)
  expect(again.steps.map(({ id }) => id)).not.toContain('carry-over')
  const resumed = await it.ended('resume', 'standby', 'resume', 'stock', '--to', other.name)
  expect(resumed).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await allAreTheSame()
})

/** Who may come to the server in Azure; it itself goes to its source all the while. */
async function reachedFrom(addresses: readonly string[]): Promise<void> {
  const { adapter, instanceId } = other.standby
  const instance = { name: 'stock', instanceId }
  const networkRules = addresses.map((address) => `${address}/32`)
  await until(
    'the rules to be set',
    async () => (await whenFree(() => adapter.setNetworkRules({ instance, networkRules }, changing))).done,
  )
}

test('one that nobody of us comes to stays at its line by itself, and the next run brings it all, though nothing is pending', async () => {
  const { block } = it.capstan.stack
  await reachedFrom([applicationAddress(block)])
  const operation = await it.migrated('one-away', { 'V6__second.sql': column('second'), 'V7__third.sql': column('third') })
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  await it.isTheSameOnBothSides()
  const away = await it.migrated('still-away', {})
  expect([away.status, away.verdict]).toEqual(['succeeded', 'inconclusive'])
  expect(away.steps.find(({ id }) => id === 'plan')?.detail.summary).toContain(`${other.name}: it is out of reach`)
  await reachedFrom([applicationAddress(block), controlAddress(block)])
  const back = await it.migrated('no-longer-away', {})
  expect(back).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await allAreTheSame()
})
