/** What a drain is told by and what it is not, on a real subscription from PostgreSQL 15 to 17. */
import type { Session } from '../../../postgres/connect/session'
import { raiseFence } from '../../../postgres/migrate/fence'
import { type AwaitInput, applyErrors, awaitBarrier, type Barrier, takeBarrier } from '../../../postgres/replicate/barrier'
import { barrierObstacles } from '../../../postgres/replicate/marker'
import { until } from '../../support/eventually'
import { failureOf } from '../support/apply'
import { beside, numbersIn, type Pair, type Servers, startServers } from './following'

let servers: Servers
beforeAll(async () => {
  servers = await startServers(15, 17)
})
afterAll(() => servers?.stop())

const OPERATION = 'switch-one'

async function take({ here }: Pair, attempt = 1): Promise<Barrier> {
  const { token } = await raiseFence(here, { epoch: 1, attempt, operation: OPERATION })
  return takeBarrier(here, { operation: OPERATION, token })
}

const wait = (pair: Pair, source: Session, barrier: Barrier, deadlineMs = 60_000, more: Partial<AwaitInput> = {}) =>
  awaitBarrier({
    ...{ source, standby: pair.there, slot: pair.slot, subscription: pair.subscription, barrier, deadlineMs },
    ...more,
  })

async function walsender({ superuserHere, slot }: Pair): Promise<number> {
  const [row] = await superuserHere.query<{ pid: number }>(
    'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  )
  if (row === undefined || row.pid === null) throw new Error('a walsender reads the slot')
  return row.pid
}

test('a walsender that stands still passes no barrier, while 500 rows are missing and its own view says that nothing is', async () => {
  const pair = await servers.pair()
  const source = await beside(pair)
  const pid = await walsender(pair)
  await wait(pair, source, await take(pair))
  // what it knows of is through: its own view can only stay
  await until(
    'its view to be level',
    async () =>
      (await pair.superuserHere.query('SELECT FROM pg_stat_replication WHERE pid = $1 AND sent_lsn = replay_lsn', [pid])).length >
      0,
  )
  process.kill(pid, 'SIGSTOP')
  try {
    await pair.here.execute('INSERT INTO written SELECT generate_series(1, 500)')
    const barrier = await take(pair, 2)
    const late = await failureOf(wait(pair, source, barrier, 1_000), 'BARRIER_NOT_PASSED')
    expect(late.message).toMatch(/: not within the 1 s that it was given\. It lacks \d+ bytes of the source's log\.$/)
    const [view] = await pair.superuserHere.query(
      'SELECT (sent_lsn - replay_lsn)::int AS lag FROM pg_stat_replication WHERE pid = $1',
      [pid],
    )
    expect(view).toEqual({ lag: 0 })
    expect((await numbersIn(pair.there)).size).toBe(1)
    process.kill(pid, 'SIGCONT')
    await wait(pair, source, barrier)
    expect((await numbersIn(pair.there)).size).toBe(501)
  } finally {
    process.kill(pid, 'SIGCONT')
    await source.close()
  }
})

test('a worker that crashes in a loop ends the wait with the reason, and not its deadline', async () => {
  const pair = await servers.pair()
  const source = await beside(pair)
  const errorsBefore = await applyErrors(pair.there, pair.subscription)
  await pair.there.execute('DROP TABLE written')
  await pair.here.execute('INSERT INTO written VALUES (1)')
  const failed = await failureOf(wait(pair, source, await take(pair), 3_600_000, { errorsBefore }), 'BARRIER_NOT_PASSED')
  expect(failed.message).toMatch(
    /: the standby's worker has failed since, (once|\d+ times): .* its server's log says which\. It lacks \d+ bytes/,
  )
  await source.close()
})

test('a sender that is gone, a subscription that is disabled and a slot that is gone end the wait', async () => {
  const pair = await servers.pair()
  const source = await beside(pair)
  // as behind a fence: nobody comes back
  await pair.superuserHere.execute(`ALTER ROLE follower NOLOGIN`)
  try {
    const worker = `SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_subscription WHERE subname = $1`
    await pair.superuserThere.query(worker, [pair.subscription])
    const gone = await failureOf(wait(pair, source, await take(pair), 3_600_000), 'BARRIER_NOT_PASSED')
    expect(gone.message).toContain(`nobody reads slot ${pair.slot} any more`)
  } finally {
    await pair.superuserHere.execute(`ALTER ROLE follower LOGIN`)
  }
  await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} DISABLE`)
  const disabled = await failureOf(wait(pair, source, await take(pair, 2), 3_600_000), 'BARRIER_NOT_PASSED')
  expect(disabled.message).toContain(`subscription ${pair.subscription} is disabled`)
  await until('its walsender to be gone', async () => {
    const rows = await pair.superuserHere.query('SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active', [pair.slot])
    return rows.length === 0
  })
  await pair.superuserHere.query('SELECT pg_drop_replication_slot($1)', [pair.slot])
  const lost = await failureOf(wait(pair, source, await take(pair, 3), 3_600_000), 'BARRIER_NOT_PASSED')
  expect(lost.message).toContain(`slot ${pair.slot} is gone`)
  await source.close()
})

test('a standby that answers nothing is given up at the deadline, and whoever asks is heard', async () => {
  const pair = await servers.pair()
  const source = await beside(pair)
  const pid = await walsender(pair)
  process.kill(pid, 'SIGSTOP')
  try {
    const barrier = await take(pair)
    const asked = new AbortController()
    const waiting = wait(pair, source, barrier, 3_600_000, { signal: asked.signal })
    asked.abort(new Error('somebody aborted'))
    await expect(waiting).rejects.toThrow('somebody aborted')
    // whatever was cancelled, the sessions serve on
    await failureOf(wait(pair, source, barrier, 200), 'BARRIER_NOT_PASSED')
    expect((await pair.there.query('SELECT 1 AS one'))[0]).toEqual({ one: 1 })
  } finally {
    process.kill(pid, 'SIGCONT')
    await source.close()
  }
})

test('a position that was moved by hand is no arrival: the marker is looked for', async () => {
  const pair = await servers.pair()
  const source = await beside(pair)
  await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} DISABLE`)
  const advance = async (barrier: Barrier) =>
    pair.superuserHere.query('SELECT pg_replication_slot_advance($1, $2::pg_lsn)', [pair.slot, barrier.lsn])
  const barrier = await take(pair)
  await until('the slot to be free', () =>
    advance(barrier).then(
      () => true,
      () => false,
    ),
  )
  const skipped = await failureOf(wait(pair, source, barrier), 'BARRIER_NOT_PASSED')
  expect(skipped.message).toContain('the standby does not show its marker')
  await pair.there.execute(`ALTER SUBSCRIPTION ${pair.subscription} ENABLE`)
  await until('its walsender', async () =>
    walsender(pair).then(
      () => true,
      () => false,
    ),
  )
  await wait(pair, source, await take(pair, 2))
  await source.close()
})

test('what would keep it from ever being passed is told beforehand, and so are tables that go nowhere', async () => {
  const { here, there, superuserThere, publication, slot, subscription } = await servers.pair()
  const asked = { source: here, standby: there, publication, subscription, slot }
  expect(await barrierObstacles(asked)).toEqual([])
  await here.execute(`CREATE TABLE added (n int PRIMARY KEY); ALTER PUBLICATION ${publication} ADD TABLE added`)
  await superuserThere.execute(`ALTER SUBSCRIPTION ${subscription} SKIP (lsn = 'FF/0')`)
  expect(await barrierObstacles({ ...asked, slot: 'another' })).toEqual([
    `Subscription ${subscription} does not follow ${publication} by another and that alone.`,
    `Subscription ${subscription} is to skip a transaction: ALTER SUBSCRIPTION … SKIP (lsn = NONE).`,
    `Published, and not followed by ${subscription}: public.added. Their rows go nowhere: ALTER SUBSCRIPTION … REFRESH PUBLICATION.`,
  ])
  await superuserThere.execute(`ALTER SUBSCRIPTION ${subscription} SKIP (lsn = NONE)`)
  await here.execute(`ALTER PUBLICATION ${publication} DROP TABLE added, capstan.standby_marker`)
  for (const act of ['REFRESH PUBLICATION', 'DISABLE']) await there.execute(`ALTER SUBSCRIPTION ${subscription} ${act}`)
  expect(await barrierObstacles(asked)).toEqual([
    `Publication ${publication} lacks capstan.standby_marker: add it, then refresh the subscription.`,
    `Subscription ${subscription} is disabled: enable it.`,
    `Subscription ${subscription} does not follow capstan.standby_marker: ALTER SUBSCRIPTION … REFRESH PUBLICATION.`,
  ])
  expect(await barrierObstacles({ ...asked, subscription: 'none' })).toEqual(['There is no subscription none on the standby.'])
})
