import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeFollower } from '../../../lab/postgres/follower'
import type { ServerSpec } from '../../../lab/postgres/servers'
import { compileLab } from '../process'
import { type Mechanics, never, openMechanics, startWriter, until } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

interface Pair {
  writer: ServerSpec
  replica: ServerSpec
}

const numbers = async (spec: ServerSpec): Promise<number[]> =>
  (await lab.ask<{ id: number }>(spec, 'SELECT id FROM journal ORDER BY id')).map(({ id }) => id)
const slots = async (spec: ServerSpec): Promise<string[]> =>
  (await lab.ask<{ slot_name: string }>(spec, 'SELECT slot_name FROM pg_replication_slots ORDER BY 1')).map(
    (row) => row.slot_name,
  )

async function pair(name: string, major: 15 | 17, more: Partial<ServerSpec> = {}): Promise<Pair> {
  const writer = await lab.create(`${name}-a${major}`, major, more)
  await lab.ask(writer, 'CREATE TABLE journal (id int PRIMARY KEY, at timestamptz)')
  const replica = lab.spec(`${name}-b${major}`, major, { replicaOf: writer, ...more })
  await lab.servers.createReplica(replica, writer, never)
  return { writer, replica }
}

/** What the specs are once the roles are swapped. */
function swapped({ writer, replica }: Pair): Pair {
  const { replicaOf: _, ...promoted } = replica
  return { writer: promoted, replica: { ...writer, replicaOf: promoted } }
}

/** One writes, the other follows it, and what is written to the one is read from the other. */
async function expectPair({ writer, replica }: Pair, id: number): Promise<void> {
  expect(await lab.servers.isInRecovery(writer)).toBe(false)
  expect(await lab.servers.isInRecovery(replica)).toBe(true)
  await lab.ask(writer, `INSERT INTO journal VALUES (${id})`)
  await until(async () => (await numbers(replica)).includes(id))
  expect(await slots(writer)).toEqual([`lab_replica_${replica.folder.replaceAll('-', '_')}`])
  expect(await slots(replica)).toEqual([])
}

const remove = async ({ writer, replica }: Pair): Promise<void> => {
  await lab.servers.remove(replica.folder)
  await lab.servers.remove(writer.folder)
}

test.each([15, 17] as const)(
  'on %i roles are swapped under a writer and swapped back, and nothing acknowledged is lost',
  async (major) => {
    let now = await pair('swap', major, { settings: { wal_level: 'logical' } })
    await lab.asAdministrator(now.writer, "SELECT pg_create_logical_replication_slot('logical', 'pgoutput')")
    const all: number[] = []
    for (const round of [1, 2]) {
      const writer = startWriter(lab, now.writer, round * 100_000)
      await writer.reach(100)
      await lab.servers.switchOver(now.writer, now.replica, never)
      all.push(...(await writer.stop()))
      now = swapped(now)
      await expectPair(now, round)
      // repeated with the specs of before, it changes nothing
      await lab.servers.switchOver(...before(now), never)
      await expectPair(now, round + 10)
    }
    const found = await numbers(now.writer)
    expect(found).toEqual(expect.arrayContaining(all))
    expect(await numbers(now.replica)).toEqual(found)
    await remove(now)
  },
)

/** The specs that a switchover to `now` was asked with. */
function before(now: Pair): [ServerSpec, ServerSpec] {
  const { replicaOf: _, ...writer } = now.replica
  return [writer, { ...now.writer, replicaOf: writer }]
}

test('another replica of the old writer follows the new one', async () => {
  const first = await pair('three', 17)
  const third = lab.spec('three-c', 17, { replicaOf: first.writer })
  await lab.servers.createReplica(third, first.writer, never)
  await lab.servers.switchOver(first.writer, first.replica, never)
  const { writer, replica } = swapped(first)
  await lab.servers.follow({ ...third, replicaOf: writer })
  await lab.ask(writer, 'INSERT INTO journal VALUES (1)')
  await until(async () => (await numbers(third)).length === 1)
  expect(await slots(writer)).toEqual(['lab_replica_three_a17', 'lab_replica_three_c'])
  for (const { folder } of [third, replica, writer]) await lab.servers.remove(folder)
})

test('a replica that does not hold everything is not promoted, and the writer is back', async () => {
  const { writer, replica } = await pair('behind', 17)
  // it receives everything, and holds back what it replays
  await lab.servers.configure({ ...replica, settings: { recovery_min_apply_delay: '1h' } })
  await lab.ask(writer, 'INSERT INTO journal VALUES (1)')
  const patience = new AbortController()
  const switching = lab.servers.switchOver(writer, replica, patience.signal)
  const told = expect(switching).rejects.toThrow(/abort/i)
  await until(() => lab.servers.isDown(writer.folder))
  await sleep(200)
  patience.abort()
  await told
  expect(await lab.servers.isInRecovery(replica)).toBe(true)
  await lab.ask(writer, 'INSERT INTO journal VALUES (2)')
  expect(await numbers(replica)).toEqual([])
  await lab.servers.configure(replica)
  await until(async () => (await numbers(replica)).length === 2)
  // two that became writers each have parted for good, and neither is touched
  await lab.servers.promote(replica)
  await expect(lab.servers.switchOver(writer, replica, never)).rejects.toThrow('have parted')
  for (const one of [writer, replica]) await lab.ask(one, 'INSERT INTO journal VALUES (3)')
  await remove({ writer, replica })
})

test('a replica that does not stream in time is not promoted, and the writer goes on', async () => {
  const { writer, replica } = await pair('late', 17)
  await lab.servers.stopAll(10_000)
  const impatient = await openMechanics({ ...lab.options, streamingTimeoutMs: 500 })
  for (const one of [writer, replica]) await impatient.servers.ensureRunning(one)
  // to where nobody is
  await impatient.servers.configure({ ...replica, replicaOf: { folder: writer.folder, address: lab.spec('nobody', 17).address } })
  await until(async () => (await impatient.servers.replication(replica)).state === 'disconnected')
  await expect(impatient.servers.switchOver(writer, replica, never)).rejects.toThrow('it is disconnected')
  await lab.ask(writer, 'INSERT INTO journal VALUES (1)')
  await impatient.servers.stopAll(10_000)
  await impatient.remove()
  lab.forget()
  await remove({ writer, replica })
})

test('the log for the old writer is kept before the new one writes any', async () => {
  const start = await pair('kept', 17)
  const { writer, replica } = start
  await lab.servers.halt(writer.folder)
  makeFollower(join(lab.stateDir, 'instances', writer.folder, 'data'))
  // PostgreSQL promotes none that does not replay
  await lab.asAdministrator(replica, 'SELECT pg_wal_replay_pause()')
  await expect(lab.servers.switchOver(writer, replica, never)).rejects.toThrow('replays nothing')
  expect(await lab.servers.isInRecovery(replica)).toBe(true)
  expect(await slots(replica)).toEqual(['lab_replica_kept_a17'])
  await lab.asAdministrator(replica, 'SELECT pg_wal_replay_resume()')
  await lab.servers.switchOver(writer, replica, never)
  await expectPair(swapped(start), 1)
  await remove(swapped(start))
})

test.each([
  ['the writer was stopped', async ({ writer }: Pair) => lab.servers.halt(writer.folder)],
  [
    'the writer was marked',
    async ({ writer }: Pair) => {
      await lab.servers.halt(writer.folder)
      makeFollower(join(lab.stateDir, 'instances', writer.folder, 'data'))
    },
  ],
  [
    'the replica was promoted',
    async ({ writer, replica }: Pair) => {
      await lab.servers.halt(writer.folder)
      makeFollower(join(lab.stateDir, 'instances', writer.folder, 'data'))
      await lab.servers.promote(replica)
      await lab.ask(replica, 'INSERT INTO journal VALUES (0)')
    },
  ],
])('after a crash of the lab when %s, both are brought up and the switchover is begun again', async (_, crashed) => {
  const start = await pair(`at${Math.random().toString(36).slice(2, 6)}`, 17)
  await lab.ask(start.writer, 'INSERT INTO journal VALUES (-1)')
  await until(async () => (await numbers(start.replica)).length === 1)
  await crashed(start)
  lab.forget()
  await Promise.all([lab.servers.ensureRunning(start.writer), lab.servers.ensureRunning(start.replica)])
  await lab.servers.switchOver(start.writer, start.replica, never)
  const end = swapped(start)
  await expectPair(end, 1)
  expect(await numbers(end.replica)).toContain(-1)
  await remove(end)
})

test('killed at any time and begun again, a switchover loses nothing and leaves one writer', async () => {
  const target = mkdtempSync(join(tmpdir(), 'capstan-mechanics-'))
  const servers = join(dirname(compileLab(target)), 'postgres', 'servers.js')
  const program = `const { Servers } = require(process.argv[1])
    const { options, writer, replica } = JSON.parse(process.argv[2])
    const servers = new Servers({ ...options, flavour: { name: 'mechanics', administrator: 'labadmin', extensions: [], bootstrap: () => [] },
      ended() {}, log() {} })
    ;(async () => {
      await servers.ensureRunning(writer)
      await servers.ensureRunning(replica)
      process.stdout.write('ready')
      await servers.switchOver(writer, replica, new AbortController().signal)
    })().then(() => process.exit(0), (error) => { process.stderr.write(String(error)); process.exit(1) })`
  let now = await pair('killed', 17)
  const all: number[] = []
  // from before its first step to after its last
  for (const [round, delayMs] of [0, 60, 130, 220, 350, 600].entries()) {
    const writer = startWriter(lab, now.writer, (round + 1) * 100_000)
    await writer.reach(20)
    const child = spawn(process.execPath, ['-e', program, servers, JSON.stringify({ options: lab.options, ...now })])
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await sleep(delayMs)
    child.kill('SIGKILL')
    await exited
    lab.forget()
    await Promise.all([lab.servers.ensureRunning(now.writer), lab.servers.ensureRunning(now.replica)])
    await lab.servers.switchOver(now.writer, now.replica, never)
    all.push(...(await writer.stop()))
    now = swapped(now)
    await expectPair(now, round)
    const found = await numbers(now.writer)
    expect(found).toEqual(expect.arrayContaining(all))
  }
  await remove(now)
  rmSync(target, { recursive: true, force: true })
})
