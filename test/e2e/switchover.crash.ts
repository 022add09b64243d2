/** Writing moves from RDS to Cloud SQL and back by the same command, while a bank goes on through the router. One stack for all: each test goes on from where the
 *  one before left both. */
import { SWITCHOVER_STEPS } from '../../contracts/switchover'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { type Pair, remains, TOTALS, totalOn } from '../support/replicating'
import { Switching } from '../support/switching'

let it: Switching

interface Rehearsed {
  readonly predictedOutageMs: number
  readonly parts: Readonly<Record<string, number>>
}

/** What a rehearsal alone does, a policy, or a move without a way back. */
const NOT_OF_EACH: readonly string[] = ['approve', 'rehearse', 'take-away', 'apart', 'leave']

beforeAll(async () => {
  it = await Switching.start('gcp', { migrations: TOTALS })
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

test('rehearsed, nothing is moved, how long it would take is said by what was timed, and what was made for it is gone', async () => {
  const operation = await it.ended('rehearse', 'switchover', 'stock', '--rehearse')
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  await recordHistory(it.capstan.temporal, 'rehearse', 'switchover-rehearsed')
  const rehearsed = operation.steps.find(({ id }) => id === 'rehearse')
  const { predictedOutageMs = 0, parts = {} } = { ...rehearsed?.detail } as Partial<Rehearsed>
  expect(Object.keys(parts).sort()).toEqual(['compare', 'drain', 'fence', 'lead', 'sequences', 'wayBack'])
  expect(predictedOutageMs).toBe(Object.values(parts).reduce((sum, ms) => sum + ms, 0))
  expect(Math.min(parts.drain ?? 0, parts.fence ?? 0)).toBeGreaterThan(0)
  expect(operation.steps.find(({ id }) => id === 'take-away')).toMatchObject({ state: 'done' })
  expect(operation.steps.map(({ id }) => id)).not.toContain('cross')
  await it.writesGoOn()
  const left = (await remains(it.pair)).map((one) => one.split(' ').slice(0, 2).join(' ')).sort()
  expect(left).toEqual(FOLLOWED)
  expect(await synced(it.pair.onStandby)).toEqual(['off'])
  expect(it.writers()).toEqual(['source'])
})

test('a standby that stands still: nothing moves, the source is opened again, and what made the way back is gone', async () => {
  it.capstan.arm('prepareWayBack#1:after')
  const deaths = it.capstan.deaths()
  const running = it.ended('stalled', 'switchover', 'stock', '--drain-within', '1s')
  await until('the way back to be prepared', async () => it.capstan.deaths() > deaths)
  const [sender] = await it.pair.onSource<{ pid: number }>('SELECT active_pid AS pid FROM pg_replication_slots WHERE active')
  if (sender === undefined) throw new Error('nobody reads the slot')
  process.kill(sender.pid, 'SIGSTOP')
  const operation = await running.finally(() => process.kill(sender.pid, 'SIGCONT'))
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'BARRIER_NOT_PASSED' } })
  await recordHistory(it.capstan.temporal, 'stalled', 'switchover-undone')
  const undone = operation.steps.filter(({ state }) => state === 'undone').map(({ id }) => id)
  expect(undone.sort()).toEqual(['cross', 'way-back'])
  await it.writesGoOn()
  // a walsender that stood still for a minute is given up, and comes anew
  await it.isWholeOnBothSides()
  const left = async () => (await remains(it.pair)).map((one) => one.split(' ').slice(0, 2).join(' ')).sort()
  await until('the standby to be read for again', async () => (await left()).includes('source sender'))
  expect(await left()).toEqual(FOLLOWED)
  expect(it.writers()).toEqual(['source'])
  expect(await synced(it.pair.onStandby)).toEqual(['off'])
})

/** Of each subscription. */
const synced = async (on: Pair['onSource']) =>
  (await on<{ synced: string }>('SELECT subsynccommit AS synced FROM pg_subscription')).map((row) => row.synced)

/** The way there, and no way back. */
const FOLLOWED = ['source publication', 'source sender', 'source slot', 'standby subscription']

test('an endpoint that somebody moves behind the fence: writing does not move, and the source is opened again', async () => {
  it.capstan.arm('fenceAndDrain#1:after')
  const deaths = it.capstan.deaths()
  const running = it.ended('drifted', 'switchover', 'stock')
  await until('the fence to be up', async () => it.capstan.deaths() > deaths)
  await it.leadTo('standby')
  const operation = await running.finally(() => it.leadTo('source'))
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'ENDPOINT_DRIFTED' } })
  expect(operation.steps.find(({ id }) => id === 'look-again')).toMatchObject({ state: 'failed' })
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source'])
})

test('a worker that dies inside the fence: its successor begins anew, and writing moves once', async () => {
  it.capstan.arm('fenceAndDrain#1:after')
  const shown = await totalOn(it.pair.onStandby)
  const operation = await it.ended('there', 'switchover', 'stock', '--compare-within', '5s')
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  expect(it.capstan.disarm('fenceAndDrain#1:after')).toBe(false)
  await recordHistory(it.capstan.temporal, 'there', 'switchover')
  const steps = Object.values(SWITCHOVER_STEPS).map(({ id }) => id)
  expect(operation.steps.map(({ id }) => id).sort()).toEqual(steps.filter((id) => !NOT_OF_EACH.includes(id)).sort())
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(await totalOn(it.pair.onStandby)).toBeGreaterThan(shown)
  expect(it.writers()).toEqual(['source', 'standby'])
  expect(await synced(it.pair.onSource)).toEqual(['off'])
  expect(operation.steps.find(({ id }) => id === 'cross')?.detail.summary).toContain('2 tables compared and equal')
})

/** The first of them is past what can be taken back: the endpoint has moved, and nobody has heard of it. */
const BEYOND = ['moveEndpoint#1:after', 'turnStandby#1:after']

test('writing moves back by the same command, though the worker dies twice where there is only forward', async () => {
  await it.isFollowing(it.pair.name, 'stock')
  for (const boundary of BEYOND) it.capstan.arm(boundary)
  expect(await it.ended('back', 'switchover', it.pair.name, '--to', 'stock')).toMatchObject({
    status: 'succeeded',
    failure: null,
  })
  expect(BEYOND.filter((boundary) => it.capstan.disarm(boundary))).toEqual([])
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source', 'standby', 'source'])
  await it.isFollowing('stock', it.pair.name)
})
