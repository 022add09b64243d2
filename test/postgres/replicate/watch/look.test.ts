/** What a look at both sides tells, and to whom. */
import { connect } from '../../../../postgres/connect/session'
import { ageOf, beat, lastBeat } from '../../../../postgres/replicate/watch/beat'
import { lookAtSource, lookAtStandby } from '../../../../postgres/replicate/watch/look'
import { wholeLook } from '../../../../postgres/replicate/watch/whole-look'
import { eventually, until } from '../../../support/eventually'
import type { TestServer } from '../../support/server'
import { type Following, follow, progress, senderOf, slotsOf, startSource, startStandby } from './following'

let standby: TestServer
let sources: Record<15 | 17, TestServer>
beforeAll(async () => {
  const [there, older, newer] = await Promise.all([startStandby(), startSource(15), startSource(17)])
  standby = there
  sources = { 15: older, 17: newer }
})
afterAll(() => Promise.all([standby, ...Object.values(sources ?? {})].map((server) => server?.stop())))

describe.each([15, 17] as const)('PostgreSQL %i followed by 17', (major) => {
  let source: TestServer
  let it: Following
  beforeAll(async () => {
    source = sources[major]
    it = await follow({ source, standby })
    await it.copied()
  })

  const atSource = (session = it.source, copySlots: string | null = null) =>
    lookAtSource(session, { slot: it.name, publication: it.publication, copySlots })
  const atStandby = (session = it.standby) => lookAtStandby(session, { subscription: it.name, progress })
  const caughtUp = () => until('the slot', async () => (await atSource()).lagBytes === 0)

  test('a beat arrives with the instant at which the source wrote it, and its age is of the source’s clock', async () => {
    const first = await beat(it.source)
    const arrived = await eventually('the beat', async () => (await lastBeat(it.standby)) ?? undefined)
    expect(arrived).toEqual(first)
    const second = await beat(it.source)
    await until('the next beat', async () => (await lastBeat(it.standby))?.lsn === second.lsn)
    expect(second.at >= first.at).toBe(true)

    const { clock } = await atSource()
    expect(ageOf(second, clock)).toBe(Date.parse(clock) - Date.parse(second.at))
    expect(ageOf(second, new Date(Date.parse(second.at) - 1).toISOString())).toBe(0)
  })

  test('a synchronous standby that does not answer stops no beat', async () => {
    const root = await it.databases.source.connectAsSuperuser()
    const setting = async (to: string) => {
      await root.execute(`ALTER SYSTEM SET synchronous_standby_names = '${to}'`)
      await root.query('SELECT pg_reload_conf()')
      const shown = () => it.source.query<{ names: string }>(`SELECT current_setting('synchronous_standby_names') AS names`)
      await until('the setting', async () => (await shown())[0]?.names === to)
    }
    await setting('nobody')
    try {
      const { lsn } = await beat(it.source)
      await until('the beat', async () => (await lastBeat(it.standby))?.lsn === lsn)
    } finally {
      await setting('')
    }
  })

  test('a look tells both sides', async () => {
    await beat(it.source)
    await caughtUp()
    const there = { ...(await atStandby()), beat: await lastBeat(it.standby) }
    const here = await atSource()
    const look = wholeLook({ at: '2026-11-30T00:00:00.000Z', source: here, standby: there, schemaDiffers: null, before: null })
    expect(look).toEqual({
      at: '2026-11-30T00:00:00.000Z',
      source: {
        slot: { active: true, walStatus: 'reserved', retainedBytes: expect.any(Number), safeBytes: null },
        publishedTables: 2,
      },
      target: {
        subscription: {
          ...{ enabled: true, disablesOnError: false, working: true, applyErrors: 0, syncErrors: 0 },
          tables: { tables: 2, ready: 2, copying: [], bytesDone: 0, bytesTotal: 0 },
        },
      },
      unreached: [],
      beatAt: there.beat?.at,
      lagMs: Date.parse(here.clock) - Date.parse(there.beat?.at ?? ''),
      lagBytes: expect.any(Number),
      copySlots: expect.stringMatching(/^\^pg_\d+_sync_\[0-9\]\+_\d+\$$/),
      schemaDiffers: null,
      findings: [],
      heard: { at: '2026-11-30T00:00:00.000Z', flushed: here.flushed },
      skew: { at: '2026-11-30T00:00:00.000Z', ...here.skew },
    })
    // both have the clock of this machine
    expect(Math.abs(here.skew.aheadMs)).toBeLessThanOrEqual(here.skew.withinMs)
    expect(here.skew.withinMs).toBeLessThan(1_000)
    const alone = wholeLook({
      at: '2026-11-30T00:00:03.000Z',
      source: 'away',
      standby: 'away, too',
      schemaDiffers: null,
      before: look,
    })
    expect(alone).toMatchObject({
      source: null,
      target: null,
      unreached: ['away', 'away, too'],
      lagMs: null,
      copySlots: look.copySlots,
      heard: look.heard,
      skew: look.skew,
    })
  })

  test('a walsender that stands still is seen, though all that it has sent was replayed', async () => {
    await beat(it.source)
    await caughtUp()
    const pid = await senderOf(it.source, it.name)
    const sent = () =>
      it.source.query<{ unsent: number }>(
        'SELECT pg_wal_lsn_diff(sent_lsn, replay_lsn)::int8 AS unsent FROM pg_stat_replication WHERE pid = $1',
        [pid],
      )
    await until('the replay', async () => (await sent())[0]?.unsent === 0)
    process.kill(pid!, 'SIGSTOP')
    try {
      await it.source.execute(`INSERT INTO items SELECT g, 'missing' FROM generate_series(1, 500) g`)
      const missed = await beat(it.source)
      expect(await sent()).toEqual([{ unsent: 0 }])
      expect((await it.standby.query(`SELECT FROM items WHERE name = 'missing'`)).length).toBe(0)
      expect((await atSource()).lagBytes).toBeGreaterThan(500 * 30)
      expect((await lastBeat(it.standby))?.lsn).not.toBe(missed.lsn)
    } finally {
      process.kill(pid!, 'SIGCONT')
    }
    await until('the rows', async () => (await it.standby.query(`SELECT FROM items WHERE name = 'missing'`)).length === 500)
    await caughtUp()
  })

  test('a role without any right sees as much, and nobody but a superuser the password', async () => {
    const [here, there] = [await it.databases.source.connectAsSuperuser(), await it.databases.standby.connectAsSuperuser()]
    const role = `nobody_${major}`
    for (const root of [here, there]) await root.execute(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
    const [one, other] = await Promise.all(
      [it.databases.source, it.databases.standby].map(({ options }) => connect({ ...options, user: role })),
    )
    expect((await atSource(one)).side).toMatchObject({ slot: { active: true, walStatus: 'reserved' }, publishedTables: 2 })
    const seen = await atStandby(other)
    expect(seen.side.subscription).toMatchObject({ enabled: true, working: true, tables: { ready: 2 } })
    expect(seen.copySlots).toBe((await atStandby()).copySlots)
    for (const session of [other!, it.standby])
      await expect(session.query('SELECT subconninfo FROM pg_subscription')).rejects.toMatchObject({ sqlState: '42501' })
    await Promise.all([one?.close(), other?.close()])
  })

  test('what is gone is null, and a slot of another database or kind is none of it', async () => {
    const name = `of_others_${major}`
    expect((await lookAtSource(it.source, { slot: name, publication: name, copySlots: null })).side).toEqual({
      slot: null,
      publishedTables: 0,
    })
    await it.source.query('SELECT pg_create_physical_replication_slot($1)', [name])
    expect((await lookAtSource(it.source, { slot: name, publication: name, copySlots: null })).side.slot).toBeNull()
    await it.source.query('SELECT pg_drop_replication_slot($1)', [name])
    const elsewhere = await (await source.database()).connect()
    expect((await atSource(elsewhere)).side.slot).toBeNull()
    expect((await lookAtStandby(it.standby, { subscription: name, progress })).side.subscription).toBeNull()
    expect(await lastBeat(elsewhere)).toBeNull()
  })

  test('while a table is copied, the log that its own slot holds back counts', async () => {
    const gate = `CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
      CREATE TRIGGER gate BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION gate(); ALTER TABLE items ENABLE REPLICA TRIGGER gate;
      SELECT pg_advisory_lock(1)`
    const copying = await follow({ source, standby }, { onStandby: gate })
    const [{ oid } = { oid: 0 }] = await copying.standby.query<{ oid: number }>(`SELECT 'items'::regclass::oid::int8 AS oid`)
    const copySlot = await eventually('the slot of the copy', async () => {
      return (await slotsOf(copying.source)).find((name) => name.includes(`_sync_${oid}_`))
    })
    const seen = await lookAtStandby(copying.standby, { subscription: copying.name, progress })
    expect(copySlot).toMatch(new RegExp(seen.copySlots!))

    await copying.source.execute(`CREATE TABLE noise AS SELECT repeat('x', 500) FROM generate_series(1, 5000)`)
    const look = async (copySlots: string | null) =>
      (await lookAtSource(copying.source, { slot: copying.name, publication: copying.publication, copySlots })).side.slot
        ?.retainedBytes ?? 0
    const [{ held } = { held: 0 }] = await copying.source.query<{ held: number }>(
      'SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), restart_lsn)::int8 AS held FROM pg_replication_slots WHERE slot_name = $1',
      [copySlot],
    )
    expect(held).toBeGreaterThan(2_000_000)
    const root = await copying.databases.source.connectAsSuperuser()
    await until('the slot that follows to go on', async () => {
      await root.execute('CHECKPOINT')
      return (await look(null)) < held
    })
    expect(await look(seen.copySlots)).toBeGreaterThanOrEqual(held)
    await copying.standby.execute('SELECT pg_advisory_unlock(1)')
    await copying.copied()
  })
})
