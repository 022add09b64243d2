/** One source on RDS with two standbys, on Cloud SQL and on Azure: each is looked after by itself, none of them is left behind without a word, and whoever is in the way of
 *  the other is told with what to do. One stack for all: each test goes on from where the one before left it. */
import { FAILOVER_DOCUMENTS, type FailoverPlan } from '../../contracts/failover'
import type { StandbyRecord } from '../../contracts/standby'
import { eventually, until } from '../support/eventually'
import { Followed } from '../support/followed'
import type { AnotherStandby } from '../support/replicating'

let it: Followed
let other: AnotherStandby

beforeAll(async () => {
  it = await Followed.start('gcp')
  other = await it.alsoFollowedOn('azure')
})
afterAll(() => it?.close())

async function listed(): Promise<readonly StandbyRecord[]> {
  const { stdout } = await it.pair.cli('standby', 'list', '--json')
  return (JSON.parse(stdout) as { standbys: StandbyRecord[] }).standbys.filter(({ source }) => source === 'stock')
}

const slotsOnSource = async () =>
  (await it.pair.onSource<{ name: string }>('SELECT slot_name AS name FROM pg_replication_slots ORDER BY 1')).map(
    ({ name }) => name,
  )

test('each has a state, a lag and a slot of its own: one that is paused holds the log back, and the other does not', async () => {
  expect(await it.ended('pause', 'standby', 'pause', 'stock', '--to', other.name)).toMatchObject({ status: 'succeeded' })
  await it.pair.onSource(`SELECT pg_logical_emit_message(false, 'noise', repeat('x', 1000000)) FROM generate_series(1, 20)`)
  const heldBy = (all: readonly StandbyRecord[], name: string) =>
    all.find(({ target }) => target === name)?.look?.source?.slot?.retainedBytes ?? null
  const seen = await eventually('what each slot holds back', async () => {
    const all = await listed()
    const [paused, following] = [heldBy(all, other.name), heldBy(all, it.pair.name)]
    return paused !== null && following !== null && paused > 16_000_000 && following < 8_000_000 ? all : undefined
  })
  expect(seen.map(({ target, state }) => [target, state]).sort()).toEqual([
    [other.name, 'paused'],
    [it.pair.name, 'following'],
  ])
  expect(seen.find(({ target }) => target === it.pair.name)?.look?.lagMs).toEqual(expect.any(Number))
  const { stdout } = await it.pair.cli('standby', 'list')
  for (const name of [it.pair.name, other.name]) expect(stdout).toContain(name)
  expect(await it.ended('resume', 'standby', 'resume', 'stock', '--to', other.name)).toMatchObject({ status: 'succeeded' })
  await it.isTheSameOnBothSides()
  await it.isTheSameOn(other)
})

test('writing does not move to the one while the other reads: it is named with what to do, and nothing has changed', async () => {
  const before = await slotsOnSource()
  expect(before).toHaveLength(2)
  const refused = await it.pair.run('switchover', 'stock', '--to', it.pair.name, '--operation', 'blocked')
  expect(refused.code).toBe(1)
  const found = JSON.stringify(JSON.parse(refused.stdout).steps)
  expect(found).toContain(`of the standby ${other.name} reads this database`)
  expect(found).toContain(`capstan standby remove stock --to ${other.name}`)
  expect(await slotsOnSource()).toEqual(before)
  expect((await listed()).map(({ state }) => state)).toEqual(['following', 'following'])
  await it.isTheSameOnBothSides()
})

test('a failover names the other as well, while it is planned', async () => {
  const planned = await it.ended('planned', 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--plan')
  expect(planned.status).toBe('planned')
  const shown = await it.pair.cli('ops', 'show', 'planned', '--plan')
  expect(shown.stdout).toContain(`${other.name} stands by for stock as well`)
})

test('once the other is removed, as was said, writing moves and comes back', async () => {
  const removed = await it.ended('removed', 'standby', 'remove', 'stock', '--to', other.name)
  expect(removed).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  const there = await it.ended('there', 'switchover', 'stock', '--to', it.pair.name)
  expect(there).toMatchObject({ status: 'succeeded', failure: null })
  await it.isTheSameOnBothSides()
  await it.isFollowing(it.pair.name, 'stock')
  const back = await it.ended('back', 'switchover', it.pair.name, '--to', 'stock')
  expect(back).toMatchObject({ status: 'succeeded', failure: null })
  await it.isTheSameOnBothSides()
  await it.isFollowing('stock', it.pair.name)
})

test('the source dies with two standbys: one becomes the writer, the other is told, gets nothing more, is nobody’s way to a second writer, and is removed', async () => {
  await other.standby.reset()
  expect(await it.ended('anew', 'replicate', 'stock', '--to', other.name)).toMatchObject({ status: 'succeeded', failure: null })
  await it.isFollowing('stock', other.name)
  await it.pair.stopSource()
  const failover = (operation: string, to: string) =>
    it.ended(operation, 'failover', 'stock', '--to', to, '--patience', '3s', '--accept-loss', '1h')
  expect(await failover('dead', it.pair.name)).toMatchObject({ status: 'succeeded', failure: null })
  const plan = (await it.capstan.ledger.getDocument({ operation: 'dead', name: FAILOVER_DOCUMENTS.plan })) as FailoverPlan
  const told = plan.warnings.find(({ rule }) => rule === 'failover:other-standby')
  expect(told?.message).toContain(`${other.name} stands by for stock as well`)
  await until('the watch to say that it gets nothing', async () => {
    const left = (await listed()).find(({ target }) => target === other.name)
    return left !== undefined && ['late', 'broken'].includes(left.state)
  })
  // a second writer beside the first
  const second = await failover('second', other.name)
  expect(second).toMatchObject({ status: 'failed', verdict: 'fail' })
  expect(JSON.stringify(second.steps)).toContain('failover:opened')
  const removed = await it.ended('left', 'standby', 'remove', 'stock', '--to', other.name)
  expect(removed).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  expect((await listed()).find(({ target }) => target === other.name)?.state).toBe('gone')
  const [row] = await other.standby.rows<{ n: number }>('SELECT count(*)::int AS n FROM pg_subscription')
  expect(row?.n).toBe(0)
})
