import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NotRestorableError } from '../../../lab/postgres/recovery'
import type { ServerSpec } from '../../../lab/postgres/servers'
import { type Mechanics, never, openMechanics, startWriter } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

const numbers = async (spec: ServerSpec): Promise<number[]> =>
  (await lab.ask<{ id: number }>(spec, 'SELECT id FROM journal ORDER BY id')).map(({ id }) => id)
const leftovers = (folder: string): string[] =>
  ['instances', 'archives'].filter((kind) => existsSync(join(lab.stateDir, kind, folder)))

/** A moment in whole milliseconds at which nothing is being committed, with commits on both of its sides. */
async function moment(): Promise<string> {
  await sleep(5)
  const at = new Date().toISOString()
  await sleep(5)
  return at
}

test.each([15, 17] as const)(
  'on %i every commit acknowledged before a moment is there and none of a later one, at any moment under a writer',
  async (major) => {
    const source = await lab.create(`source${major}`, major, { archive: `source${major}` })
    await lab.ask(source, 'CREATE TABLE journal (id int PRIMARY KEY, at timestamptz)')
    const writer = startWriter(lab, source)
    await writer.reach(20)
    const backup = await lab.servers.snapshot(source, `base${major}`, never)
    const targets: { at: string; before: number; after: number }[] = []
    for (const pause of [150, 40, 300]) {
      await sleep(pause)
      // acknowledged before the moment; the one after the next was not yet sent then
      const now = Date.now()
      const after = writer.acknowledged.length + 2
      // one that was acknowledged in the same millisecond may have been committed after its beginning
      const before = writer.acknowledged.filter(({ at }) => at < now).length
      await writer.reach(2)
      targets.push({ at: new Date(now).toISOString(), before, after })
      if (pause === 40) await lab.asAdministrator(source, 'SELECT pg_switch_wal()')
    }
    const latest = await lab.servers.archiveUpToNow(source, never)
    const window = { earliest: backup.endedAt, latest }
    expect(lab.servers.restorable(source.archive!, [`base${major}`])).toEqual(window)
    for (const [n, { at, before, after }] of targets.entries()) {
      const folder = `copy${major}${n}`
      const copy = lab.spec(folder, major, { archive: folder, settings: { work_mem: '7MB', max_connections: '30' } })
      await lab.servers.restoreToTime(copy, { backup: `base${major}`, archive: source.archive!, target: at, signal: never })
      const found = await numbers(copy)
      // each row was written with the clock of its own moment: exact to the transaction
      const [times] = await lab.ask<{ late: string }>(copy, `SELECT count(*) AS late FROM journal WHERE at > '${at}'`)
      expect(times!.late).toBe('0')
      expect(found).toEqual(Array.from({ length: found.length }, (_, index) => index + 1))
      expect(found.length).toBeGreaterThanOrEqual(before)
      expect(found.length).toBeLessThan(after)
      await lab.ask(copy, `INSERT INTO journal VALUES (-1, now())`)
      const shown = await lab.ask(
        copy,
        `SELECT name, setting FROM pg_settings WHERE name IN ('work_mem', 'hot_standby',
        'restore_command', 'recovery_target_time', 'max_connections') OR pending_restart ORDER BY name`,
      )
      expect(shown.map((row) => Object.values(row))).toEqual([
        ['hot_standby', 'on'],
        ['max_connections', '30'],
        ['recovery_target_time', ''],
        ['restore_command', ''],
        ['work_mem', '7168'],
      ])
      await lab.servers.remove(folder)
      expect(leftovers(folder)).toEqual([])
    }
    await writer.stop()
    await lab.servers.remove(source.folder)
  },
)

test('commits are told apart by milliseconds: one before and one after a moment end on its two sides', async () => {
  const source = await lab.create('fine', 17, { archive: 'fine' })
  await lab.ask(source, 'CREATE TABLE journal (id int PRIMARY KEY)')
  await lab.servers.snapshot(source, 'fine', never)
  await lab.ask(source, 'INSERT INTO journal VALUES (1)')
  const at = await moment()
  await lab.ask(source, 'INSERT INTO journal VALUES (2)')
  const latest = await lab.servers.archiveUpToNow(source, never)
  await lab.ask(source, 'INSERT INTO journal VALUES (3)')
  for (const [target, expected] of [
    [at, [1]],
    [latest, [1, 2]],
    ['latest', [1, 2]],
  ] as const) {
    const copy = lab.spec('fine-copy', 17)
    await lab.servers.restoreToTime(copy, { backup: 'fine', archive: 'fine', target, signal: never })
    expect(await numbers(copy)).toEqual(expected)
    await lab.servers.remove('fine-copy')
  }
  await lab.servers.remove('fine', { keepArchive: true })
})

test('a moment that the archive does not reach, before its backup or after its end, fails, names the window and leaves nothing', async () => {
  // of the deleted server of the test before: its archive was kept
  const window = lab.servers.restorable('fine', ['fine'])
  const { earliest, latest } = window
  const early = new Date(Date.parse(earliest) - 1).toISOString()
  const late = new Date(Date.now() + 60_000).toISOString()
  for (const target of [early, late]) {
    const copy = lab.spec('outside', 17, { archive: 'outside' })
    const failed = await lab.servers
      .restoreToTime(copy, { backup: 'fine', archive: 'fine', target, signal: never })
      .catch((error: NotRestorableError) => error)
    expect(failed).toMatchObject({ name: 'NotRestorableError', window })
    expect((failed as Error).message).toBe(`The archive does not hold ${target}: it reaches from ${earliest} to ${latest}.`)
    expect(leftovers('outside')).toEqual([])
  }
  const copy = lab.spec('inside', 17)
  await lab.servers.restoreToTime(copy, { backup: 'fine', archive: 'fine', target: earliest, signal: never })
  expect(await numbers(copy)).toEqual([])
  await lab.servers.remove('inside')
})

test.each([
  ['begins', () => leftovers('given-up').length > 0],
  ['replays', () => existsSync(join(lab.stateDir, 'instances', 'given-up', 'data', 'postmaster.pid'))],
])('a restore that is given up as it %s ends with its reason and leaves nothing', async (_, underWay) => {
  const giveUp = new AbortController()
  const copy = lab.spec('given-up', 17, { archive: 'given-up' })
  const restoring = lab.servers.restoreToTime(copy, {
    backup: 'fine',
    archive: 'fine',
    target: 'latest',
    signal: giveUp.signal,
  })
  const given = expect(restoring).rejects.toThrow('enough')
  while (!underWay()) await sleep(1)
  giveUp.abort(new Error('enough'))
  await given
  expect(leftovers('given-up')).toEqual([])
})

test('an archive with a hole is not restored to its end in silence', async () => {
  const source = await lab.create('holed', 15, { archive: 'holed' })
  await lab.ask(source, 'CREATE TABLE journal (id int PRIMARY KEY)')
  await lab.servers.snapshot(source, 'holed', never)
  await lab.servers.archiveUpToNow(source, never)
  await lab.servers.restart({ ...source, archive: undefined })
  await lab.ask(source, 'INSERT INTO journal VALUES (1)')
  await lab.asAdministrator(source, 'SELECT pg_switch_wal()')
  await lab.asAdministrator(source, 'CHECKPOINT')
  await lab.servers.restart(source)
  await lab.ask(source, 'INSERT INTO journal VALUES (2)')
  await lab.servers.archiveUpToNow(source, never)
  const copy = lab.spec('holed-copy', 15)
  const point = { backup: 'holed', archive: 'holed', signal: never }
  await expect(lab.servers.restoreToTime(copy, { ...point, target: 'latest' })).rejects.toThrow(/lacks the log segment/)
  const target = lab.servers.restorable('holed', ['holed']).latest!
  await expect(lab.servers.restoreToTime(copy, { ...point, target })).rejects.toThrow('The archive does not hold')
  await lab.servers.remove('holed')
})

test.each([15, 17] as const)(
  'on %i a restored copy has a history of its own: it is restored to moments of its own life, and its source still to its',
  async (major) => {
    const source = await lab.create(`first${major}`, major, { archive: `first${major}` })
    await lab.ask(source, 'CREATE TABLE journal (id int PRIMARY KEY)')
    await lab.servers.snapshot(source, `first${major}`, never)
    await lab.ask(source, 'INSERT INTO journal VALUES (1)')
    const early = await moment()
    await lab.ask(source, 'INSERT INTO journal VALUES (2)')
    await lab.servers.archiveUpToNow(source, never)

    const copy = lab.spec(`second${major}`, major, { archive: `second${major}` })
    const ofFirst = { backup: `first${major}`, archive: `first${major}`, signal: never }
    await lab.servers.restoreToTime(copy, { ...ofFirst, target: early })
    await lab.ask(copy, 'INSERT INTO journal VALUES (20)')
    await lab.servers.snapshot(copy, `second${major}`, never)
    await lab.ask(copy, 'INSERT INTO journal VALUES (21)')
    const inside = await moment()
    await lab.ask(copy, 'INSERT INTO journal VALUES (22)')
    await lab.servers.archiveUpToNow(copy, never)
    expect(readdirSync(join(lab.stateDir, 'archives', copy.archive!, 'data'))).toContain('00000002.history')

    await lab.ask(source, 'INSERT INTO journal VALUES (3)')
    const late = await lab.servers.archiveUpToNow(source, never)
    const ofSecond = { backup: `second${major}`, archive: `second${major}`, signal: never }
    for (const [point, expected] of [
      [{ ...ofSecond, target: inside }, [1, 20, 21]],
      [{ ...ofSecond, target: 'latest' }, [1, 20, 21, 22]],
      [{ ...ofFirst, target: late }, [1, 2, 3]],
      [{ ...ofFirst, target: early }, [1]],
    ] as const) {
      const third = lab.spec(`third${major}`, major, { archive: `third${major}` })
      await lab.servers.restoreToTime(third, point)
      expect(await numbers(third)).toEqual(expected)
      await lab.servers.remove(third.folder)
    }
    await lab.servers.remove(copy.folder)
    await lab.servers.remove(source.folder)
  },
)

test('neither a snapshot nor a moment brings replication slots along', async () => {
  const source = await lab.create('slots', 17, { archive: 'slots', settings: { wal_level: 'logical' } })
  await lab.asAdministrator(source, "SELECT pg_create_physical_replication_slot('physical', true)")
  await lab.asAdministrator(source, "SELECT pg_create_logical_replication_slot('logical', 'pgoutput')")
  await lab.servers.snapshot(source, 'slots', never)
  await lab.servers.archiveUpToNow(source, never)
  const copy = lab.spec('slots-copy', 17, { settings: { wal_level: 'logical' } })
  await lab.servers.restoreToTime(copy, { backup: 'slots', archive: 'slots', target: 'latest', signal: never })
  expect(await lab.ask(copy, 'SELECT * FROM pg_replication_slots')).toEqual([])
  await lab.servers.remove('slots-copy')
  await lab.servers.restore(copy, 'slots', never)
  expect(await lab.ask(copy, 'SELECT * FROM pg_replication_slots')).toEqual([])
  expect(await lab.ask(source, 'SELECT * FROM pg_replication_slots')).toHaveLength(2)
})
