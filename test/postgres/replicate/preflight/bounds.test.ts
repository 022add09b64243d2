/** What a preflight may not do, what it may not see, and servers that are too small. */

import { PREFLIGHT_CHECKS } from '../../../../contracts/preflight'
import type { TestServer } from '../../support/server'
import { connectAs, Pair, type Side, sideOf, startSide } from './support'

/** Too little of everything; the log tells no rows. */
const POOR = {
  wal_level: 'replica',
  max_replication_slots: '1',
  max_wal_senders: '1',
  max_logical_replication_workers: '1',
  max_worker_processes: '2',
  max_sync_workers_per_subscription: '0',
}

let older: TestServer
let newer: TestServer
let poor: TestServer
let source: Side
let standby: Side
beforeAll(async () => {
  ;[older, newer, poor] = await Promise.all([startSide(15), startSide(17), startSide(17, POOR)])
  source = await sideOf(older)
  standby = await sideOf(newer)
})
afterAll(() => Promise.all([older, newer, poor].map((server) => server?.stop())))

/** Ids are given to what writes, and to nothing else. */
async function written(sides: readonly Side[]): Promise<unknown[]> {
  const rows = await Promise.all(
    sides.map(({ root }) =>
      root.query(`SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next, count(*) AS slots FROM pg_replication_slots`),
    ),
  )
  return rows.flat()
}

test('it writes nothing on either side, whatever it finds', async () => {
  await source.session.execute('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE log (line text); CREATE SEQUENCE s')
  const before = await written([source, standby])
  const report = await new Pair(source, standby).look()
  expect(report.findings.length).toBeGreaterThan(3)
  expect(await written([source, standby])).toEqual(before)
  await source.session.execute('CREATE TABLE seen_as_writing ()')
  expect(await written([source, standby])).not.toEqual(before)
  await source.session.execute('DROP TABLE t, log, seen_as_writing; DROP SEQUENCE s')
})

test('how each check looked can be asked again, and is asked of catalogs alone', async () => {
  const report = await new Pair(source, standby).look()
  expect(Object.keys(report.asked)).toEqual(Object.keys(PREFLIGHT_CHECKS))
  for (const [check, questions] of Object.entries(report.asked)) {
    expect([check, questions.length > 0]).toEqual([check, true])
    for (const sql of questions) {
      expect(sql).toMatch(/^(SELECT|WITH)\b/)
      if (!sql.includes('$1')) await source.session.query(sql)
    }
  }
  expect(report.asked.publisher[0]).toMatch(/\n-- \$1: "publisher"$/)
})

test('a role that may see next to nothing is told what stayed hidden, and sees the rest', async () => {
  await source.root.execute(`CREATE ROLE stranger LOGIN PASSWORD 'secret'; CREATE SCHEMA inner_room; CREATE TABLE inner_room.t (line text);
    REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public; CREATE SCHEMA cron; CREATE VIEW cron.job AS SELECT 1;
    REVOKE SELECT ON pg_largeobject_metadata FROM public`)
  const stranger = await connectAs(source, 'stranger')
  const report = await new Pair(source, standby).look({ source: stranger })
  expect(report.notKnown.map(({ check, side }) => [check, side])).toEqual([
    ['large-objects', 'source'],
    ['scheduled-jobs', 'source'],
  ])
  expect(report.notKnown[0]?.why).toMatch(/^The role stranger may not see large objects, which are in no publication/)
  expect(report.findings.map(({ message }) => message)).toContain(
    'Table inner_room.t has no primary key, and no other replica identity.',
  )
  await stranger.close()
  await source.root.execute(`GRANT EXECUTE ON FUNCTION pg_control_system() TO public; GRANT SELECT ON pg_largeobject_metadata TO public;
    DROP SCHEMA inner_room, cron CASCADE; DROP ROLE stranger`)
})

test('it waits for no lock, and one check that cannot be answered keeps no other from its answer', async () => {
  await source.session.execute('CREATE UNLOGGED TABLE cache (id int); CREATE TABLE log (line text)')
  const holder = await source.database.connect()
  await holder.execute('BEGIN; LOCK TABLE cache, log IN ACCESS EXCLUSIVE MODE')
  const report = await new Pair(source, standby).look()
  expect(report.notKnown).toEqual([
    {
      check: 'unlogged-tables',
      side: 'source',
      why: expect.stringMatching(/^Somebody holds a lock in the way of looking at tables/),
    },
  ])
  expect(report.findings[0]?.message).toBe('Table public.log has no primary key, and no other replica identity.')
  await holder.execute('ROLLBACK')
  await source.session.execute('DROP TABLE cache, log')
})

test('more findings of a kind than are told are counted as not known', async () => {
  await source.session.execute('CREATE TABLE many_1 (); CREATE TABLE many_2 (); CREATE TABLE many_3 ()')
  const report = await new Pair(source, standby).look({ limits: { preparedMs: 0, findingsMax: 2 } })
  expect(report.findings.filter(({ check }) => check === 'replica-identity')).toHaveLength(2)
  expect(report.notKnown).toEqual([
    { check: 'replica-identity', side: 'source', why: 'More than 2 were found; the rest is not told.' },
  ])
  expect(report.tables).toHaveLength(3)
  await source.session.execute('DROP TABLE many_1, many_2, many_3')
})

test('an interrupt ends it with its reason', async () => {
  const signal = AbortSignal.abort(new Error('stop'))
  await expect(new Pair(source, standby).look({ signal })).rejects.toThrow('stop')
})

test('an operator that fits better than PostgreSQL’s own is not taken: its owner’s code does not run', async () => {
  const hostile = await sideOf(older)
  await hostile.session.execute(`CREATE FUNCTION trap(oid, int4) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $t$trapped$t$; END';
    CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = int4, FUNCTION = trap); CREATE TABLE t (id int PRIMARY KEY)`)
  await expect(hostile.session.query('SELECT FROM pg_class WHERE oid = 0')).rejects.toThrow()
  const report = await new Pair({ ...hostile, session: await connectAs(hostile, 'postgres') }, standby).look()
  expect(report.notKnown).toEqual([])
})

test('on Azure before 17 a slot may be lost in a failover', async () => {
  const azure = { clouds: { source: 'azure', standby: 'aws' } } as const
  expect(await new Pair(source, standby).told('source-room', azure)).toEqual([
    'warning, source: PG Failover Slots is not loaded on the source.',
  ])
  expect(await new Pair(standby, source).found('source-room', azure)).toEqual([])
})

describe('a server that is too small', () => {
  let small: Side
  let pair: Pair
  beforeAll(async () => {
    small = await sideOf(poor)
    pair = new Pair(small, standby)
  })

  test('cannot be a source', async () => {
    expect(await pair.told('wal-level')).toEqual([
      'blocks, source: wal_level of the source is replica, and it has to be logical.',
    ])
    expect(await pair.told('source-room')).toEqual([
      'blocks, source: The source has 1 of 1 replication slots left (max_replication_slots), and 2 are needed.',
      'blocks, source: The source has 1 of 1 senders left (max_wal_senders), and 2 are needed.',
    ])
    expect((await pair.found('source-room', { prepared: true })).map(({ severity }) => severity)).toEqual(['warning', 'warning'])
    const commands = async (cloud: 'aws' | 'azure' | 'gcp'): Promise<string | undefined> =>
      (await pair.found('wal-level', { clouds: { source: cloud, standby: 'azure' } }))[0]?.command
    expect(await commands('aws')).toMatch(/^rds.logical_replication = 1 -- .*reboot/)
    expect(await commands('azure')).toMatch(/^wal_level = logical -- .*restart/)
    expect(await commands('gcp')).toMatch(/^cloudsql.logical_decoding = on -- /)
  })

  test('cannot be a standby, and none that is followed back', async () => {
    const back = new Pair(standby, small)
    expect(await back.told('standby-room')).toEqual([
      'blocks, standby: The standby has 1 of 1 workers of subscriptions left (max_logical_replication_workers), and 2 are needed.',
      'blocks, standby: The standby has 1 of 2 background processes left (max_worker_processes), and 2 are needed.',
      'blocks, standby: The standby has 1 of 1 places for what it follows left (max_replication_slots), and 2 are needed.',
      'blocks, standby: max_sync_workers_per_subscription of the standby is 0.',
    ])
    expect(await back.told('wal-level')).toEqual(['warning, standby: wal_level of the standby is replica.'])
    expect((await back.look()).noWayBack).toBe('wal_level of the standby is replica, and it would have to be logical.')
  })
})
