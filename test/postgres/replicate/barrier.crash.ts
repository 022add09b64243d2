/** Behind a fence with guests, the barrier is behind everything that was acknowledged: writers of whom half are told so before their commits are on
 *  disk, over many rounds. */
import type { PostgresMajor } from '../../../pgserver/binaries'
import { ownGuest, walsenderGuest } from '../../../postgres/fence/guests'
import { raiseFence } from '../../../postgres/migrate/fence'
import { awaitBarrier, takeBarrier } from '../../../postgres/replicate/barrier'
import { until } from '../../support/eventually'
import { fenceUnderTest, startWriter } from '../fence/support'
import { beside, numbersIn, type Servers, startServers } from './following'

const ROUNDS = 8

describe.each([[15, 17] as const, [17, 17] as const])('from PostgreSQL %i to %i', (from: PostgresMajor, to: PostgresMajor) => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startServers(from, to)
  })
  afterAll(() => servers?.stop())

  test('no row that was acknowledged is missing after the barrier', async () => {
    const pair = await servers.pair()
    const source = await beside(pair)
    const { options } = pair.source
    const app = { ...options, user: 'app' }
    const fence = fenceUnderTest(options, 'switch-one', 1)
    const scope = { databases: [options.database] }
    const writers = [0, 1, 2, 3].map((n) => startWriter(app, 1 + n * 1_000_000, { unsynced: n % 2 === 1 }))
    let attempt = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(writers.map((writer) => writer.progress(25 + round)))
      await until(
        'a walsender',
        async () =>
          (await source.query('SELECT FROM pg_replication_slots WHERE active AND slot_name = $1', [pair.slot])).length > 0,
      )
      const guests = [await ownGuest(pair.here), await walsenderGuest(source, pair.slot)]
      const { token } = await raiseFence(pair.here, { epoch: 1, attempt: ++attempt, operation: 'switch-one' })
      await fence.raise(scope, ++attempt, { guests })
      await fence.prove(scope, ++attempt, { user: 'app' }, guests)
      const acknowledged = writers.flatMap((writer) => [...writer.acknowledged])
      const barrier = await takeBarrier(pair.here, { operation: 'switch-one', token })
      await awaitBarrier({
        ...{ source, standby: pair.there, slot: pair.slot, subscription: pair.subscription, barrier },
        deadlineMs: 120_000,
      })
      const arrived = await numbersIn(pair.there)
      expect([round, acknowledged.filter((n) => !arrived.has(n))]).toEqual([round, []])
      expect([round, [...(await numbersIn(pair.here))].filter((n) => !arrived.has(n))]).toEqual([round, []])
      await fence.lower(++attempt)
    }
    await Promise.all(writers.map((writer) => writer.stop()))
    await source.close()
  })
})
