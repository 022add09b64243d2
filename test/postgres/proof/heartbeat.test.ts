import { connect } from '../../../postgres/connect/session'
import { controlTables, ensureControlSchema } from '../../../postgres/migrate/control-schema'
import { falsifyBeats, serverMark } from '../../../postgres/proof/challenge'
import { BEATS_KEPT_DAYS, type Beat, beat, beatsIn, judgeTarget } from '../../../postgres/proof/heartbeat'
import { startTestServer, type TestServer } from '../support/server'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer(17, { track_commit_timestamp: 'on', wal_level: 'replica' })
})
afterAll(() => server?.stop())

const ours = { operation: 'op-1', label: 'night' } as const

test('the commit lies between both instants of a beat, by the server’s own clock, and is on disk', async () => {
  const database = await server.database()
  const session = await database.connect()
  expect(await beatsIn(session)).toEqual([])
  await session.execute('SET synchronous_commit = off')
  const told: Beat[] = []
  for (let n = 0; n < 20; n += 1) told.push(await beat(session, ours))
  const found = await beatsIn(session)
  expect(found).toEqual(told.map(({ id, before }) => ({ id, before, ...ours })))
  const rows = await session.query<{ id: number; inside: boolean }>(
    `SELECT h.id, pg_xact_commit_timestamp(h.xmin) BETWEEN b.before AND b.after AS inside
       FROM capstan.heartbeat h JOIN json_to_recordset($1::json) b(id bigint, before timestamptz, after timestamptz) USING (id)`,
    [JSON.stringify(told)],
  )
  expect(rows.map(({ inside }) => inside)).toEqual(told.map(() => true))
  expect(await session.query('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS flushed', [told.at(-1)?.lsn])).toEqual([
    { flushed: true },
  ])
})

test('beats that are too old go with the next one', async () => {
  const session = await (await server.database()).connect()
  await beat(session, ours)
  await beat(session, ours)
  await session.query(`UPDATE capstan.heartbeat SET began_at = began_at - make_interval(days => $1) WHERE id = 1`, [
    BEATS_KEPT_DAYS + 1,
  ])
  await beat(session, ours)
  expect((await beatsIn(session)).map(({ id }) => id)).toEqual([2, 3])
})

test('a database that an earlier release prepared gets its table of heartbeats', async () => {
  const session = await (await server.database()).connect()
  await ensureControlSchema(session)
  await session.execute('DROP TABLE capstan.heartbeat')
  await beat(session, ours)
  expect(await controlTables(session)).toContain('heartbeat')
})

test('heartbeats are falsified on the server that is meant alone, which says whether it is', async () => {
  const session = await (await server.database()).connect()
  const [first, second] = [await beat(session, ours), await beat(session, ours)]
  const later = { ...second, id: second.id + 1 }
  const mark = await serverMark(session)
  const damage = { missing: first, tooLate: later, signal: new AbortController().signal }
  const ids = async () => (await beatsIn(session)).map(({ id }) => id)
  expect(await falsifyBeats(session, { ...damage, mark: `${mark}1` })).toBe(false)
  expect(await ids()).toEqual([first.id, second.id])
  expect(await falsifyBeats(session, { ...damage, mark })).toBe(true)
  expect(await ids()).toEqual([second.id, later.id])
})

test('a table of a stranger is neither written nor read', async () => {
  const database = await server.database()
  await (await database.connectAsSuperuser()).execute('CREATE SCHEMA capstan; CREATE TABLE capstan.heartbeat (id int)')
  const session = await connect(database.options)
  await expect(beat(session, ours)).rejects.toMatchObject({ code: 'CONTROL_SCHEMA_FOREIGN' })
  await expect(beatsIn(session)).rejects.toMatchObject({ code: 'CONTROL_SCHEMA_FOREIGN' })
  await session.close()
})

const at = (second: number) => new Date(Date.UTC(2026, 10, 29, 3, 0, 0) + second * 1000).toISOString()
const made = (id: number, from: number, to: number): Beat => ({ id, ...ours, before: at(from), after: at(to), lsn: '0/0' })
const EXPECTED = [made(1, 0, 1), made(2, 10, 11), made(3, 20, 22), made(4, 30, 31)]
const judge = (target: number, ids: readonly number[], expected: readonly Beat[] = EXPECTED) => {
  const found = EXPECTED.filter(({ id }) => ids.includes(id)).map(({ id, before }) => ({ id, before, ...ours }))
  return judgeTarget({ at: at(target), expected, found })
}

test('what was committed by the target is there, what began later is not: the target was reached', () => {
  expect(judge(15, [1, 2])).toMatchObject({ findings: [], present: 2, absent: 2, undecided: 0, rpoMs: 5_000, newest: { id: 2 } })
})

test('a beat that was being committed at the target decides nothing', () => {
  for (const ids of [
    [1, 2],
    [1, 2, 3],
  ])
    expect(judge(21, ids)).toMatchObject({ findings: [], present: 2, absent: 1, undecided: 1 })
})

test('the instant itself counts as reached', () => {
  expect(judge(22, [1, 2]).findings).toEqual([
    {
      rule: 'target:beat-missing',
      message: expect.stringContaining('Heartbeat 3 (night) was committed by 2026-11-29T03:00:22.000Z'),
    },
  ])
  expect(judge(20, [1, 2, 3])).toMatchObject({ findings: [], undecided: 1 })
})

test('a copy that stopped too early lacks commits, and one that went too far has later ones', () => {
  expect(judge(15, [1]).findings.map(({ rule }) => rule)).toEqual(['target:beat-missing'])
  expect(judge(15, [1, 2, 3])).toMatchObject({ findings: [{ rule: 'target:beat-too-late' }], present: 2, absent: 1 })
  // Even one that nobody remembers.
  expect(judge(15, [1, 2, 4], EXPECTED.slice(0, 2)).findings.map(({ rule }) => rule)).toEqual(['target:beat-too-late'])
})

test('a copy without any beat has none to measure by', () => {
  expect(judge(15, [])).toMatchObject({ newest: null, rpoMs: null, findings: [{}, {}] })
  expect(judge(15, [], [])).toMatchObject({ newest: null, rpoMs: null, findings: [], present: 0, absent: 0 })
})

test('beats that may have been removed before the target decide nothing', () => {
  const target = (BEATS_KEPT_DAYS - 1) * 86_400 + 5
  expect(judge(target, [2, 3, 4])).toMatchObject({ findings: [], present: 3, undecided: 1 })
})
