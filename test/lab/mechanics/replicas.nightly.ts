import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import type { ServerSpec } from '../../../lab/postgres/servers'
import { withAdministrator } from '../../../lab/postgres/session'
import { serverUser } from '../../../pgserver/server-user'
import { PASSWORD } from '../fixture'
import { ADMINISTRATOR_PASSWORD, type Mechanics, never, openMechanics, startWriter, until } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

const MAJORS = [15, 17] as const

const numbers = async (spec: ServerSpec): Promise<number[]> =>
  (await lab.ask<{ id: number }>(spec, 'SELECT id FROM journal ORDER BY id')).map(({ id }) => id)
const slots = async (spec: ServerSpec): Promise<string[]> =>
  (await lab.ask<{ slot_name: string }>(spec, 'SELECT slot_name FROM pg_replication_slots ORDER BY 1')).map(
    (row) => row.slot_name,
  )
const replayed = (spec: ServerSpec): Promise<void> =>
  until(async () => {
    const { state, lagBytes } = await lab.servers.replication(spec)
    return state === 'streaming' && lagBytes === 0
  })

/** A primary with a journal, and a replica of it. */
async function pair(name: string, major: 15 | 17, more: Partial<ServerSpec> = {}) {
  const primary = await lab.create(`${name}-p${major}`, major, more)
  await lab.ask(primary, 'CREATE TABLE journal (id int PRIMARY KEY, at timestamptz)')
  const replica = lab.spec(`${name}-r${major}`, major, { replicaOf: primary })
  await lab.servers.createReplica(replica, primary, never)
  return { primary, replica }
}

/** What is found when none is missing in between. */
const whole = (found: readonly number[]): number[] => Array.from({ length: found.length }, (_, index) => index + 1)

describe.each(MAJORS)('PostgreSQL %i', (major) => {
  test('a replica can be read, not written, follows by a slot of its own, and its lag is none once it replayed everything', async () => {
    const { primary, replica } = await pair('plain', major)
    expect(await lab.servers.isInRecovery(replica)).toBe(true)
    expect(await lab.servers.isInRecovery(primary)).toBe(false)
    await lab.ask(primary, 'INSERT INTO journal VALUES (1)')
    await replayed(replica)
    expect(await numbers(replica)).toEqual([1])
    await expect(lab.ask(replica, 'INSERT INTO journal VALUES (2)')).rejects.toMatchObject({ code: '25006' })
    expect(await slots(primary)).toEqual([`lab_replica_plain_r${major}`])
    expect(await lab.servers.replication(primary)).toEqual({ state: 'primary', lagBytes: 0, lagSeconds: 0 })
    // one that stands still falls behind, in bytes and in seconds
    await lab.asAdministrator(replica, 'SELECT pg_wal_replay_pause()')
    await lab.ask(primary, 'INSERT INTO journal SELECT generate_series(2, 5000)')
    const behind = await lab.servers.replication(replica)
    expect(behind.lagBytes).toBeGreaterThan(100_000)
    expect(behind.lagSeconds).toBeGreaterThan(0)
    await lab.asAdministrator(replica, 'SELECT pg_wal_replay_resume()')
    await replayed(replica)
    expect(await lab.servers.replication(replica)).toEqual({ state: 'streaming', lagBytes: 0, lagSeconds: 0 })
    await lab.servers.remove(replica.folder, replica)
    expect(await slots(primary)).toEqual([])
    await lab.servers.remove(primary.folder)
  })

  test('what was acknowledged and replayed survives the death of the primary and the promotion under a writer', async () => {
    const { primary, replica } = await pair('death', major)
    const writer = startWriter(lab, primary)
    await writer.reach(200)
    const seen = await numbers(replica)
    await lab.servers.crash(primary.folder)
    await writer.stop()
    await lab.servers.promote(replica)
    const found = await numbers(replica)
    expect(found).toEqual(whole(found))
    expect(found.length).toBeGreaterThanOrEqual(seen.length)
    expect(seen.length).toBeGreaterThan(0)
    await lab.ask(replica, 'INSERT INTO journal VALUES (-1)')
    // again, and by a lab that does not know yet
    await lab.servers.promote(replica)
    await lab.servers.restart(replica)
    expect(await lab.servers.isInRecovery(replica)).toBe(false)
    expect((await lab.servers.replication(replica)).state).toBe('primary')
    expect(await numbers(replica)).toEqual([-1, ...found])
    // it has replicas of its own, in its own timeline
    const next = lab.spec(`death-n${major}`, major, { replicaOf: replica })
    await lab.servers.createReplica(next, replica, never)
    await lab.ask(replica, 'INSERT INTO journal VALUES (-2)')
    await replayed(next)
    expect(await numbers(next)).toEqual([-2, -1, ...found])
    await lab.servers.remove(next.folder, next)
    await lab.servers.remove(replica.folder)
    await lab.servers.remove(primary.folder)
  })

  test('a promotion under a running writer cuts its history at one commit, and the primary holds nothing for it any more', async () => {
    const { primary, replica } = await pair('cut', major)
    const writer = startWriter(lab, primary)
    await writer.reach(100)
    await lab.servers.promote(replica)
    const found = await numbers(replica)
    expect(found).toEqual(whole(found))
    const written = await writer.stop()
    expect(found.length).toBeLessThanOrEqual(written.length)
    expect(await numbers(primary)).toEqual(written)
    expect(await slots(primary)).toEqual([])
    expect(await slots(replica)).toEqual([])
    await lab.servers.remove(replica.folder)
    await lab.servers.remove(primary.folder)
  })

  test('it follows again after its own crash, its primary’s crash, and a crash of the lab', async () => {
    const { primary, replica } = await pair('back', major)
    for (const [id, dead] of [replica, primary].entries()) {
      await lab.servers.crash(dead.folder)
      await until(() => lab.ended.includes(dead.folder))
      await lab.servers.ensureRunning(dead)
      await lab.ask(primary, `INSERT INTO journal VALUES (${id})`)
      await replayed(replica)
    }
    lab.forget()
    await Promise.all([lab.servers.ensureRunning(replica), lab.servers.ensureRunning(primary)])
    await lab.ask(primary, 'INSERT INTO journal VALUES (2)')
    await replayed(replica)
    await lab.servers.stopAll(10_000)
    lab.forget()
    await lab.servers.ensureRunning(replica)
    expect((await lab.servers.replication(replica)).state).toBe('disconnected')
    await lab.servers.ensureRunning(primary)
    await lab.ask(primary, 'INSERT INTO journal VALUES (3)')
    await replayed(replica)
    expect(await numbers(replica)).toEqual([0, 1, 2, 3])
    await lab.servers.remove(replica.folder, replica)
    await lab.servers.remove(primary.folder)
  })

  test('it starts whatever its primary allows itself, follows another replica, and what that has to raise', async () => {
    const settings = { max_connections: '90', max_prepared_transactions: '5', max_worker_processes: '12' }
    const { primary, replica } = await pair('raise', major, { settings })
    const second = lab.spec(`raise-s${major}`, major, { replicaOf: replica, settings: { max_connections: '20' } })
    await lab.servers.createReplica(second, replica, never)
    await lab.ask(primary, 'INSERT INTO journal VALUES (1)')
    await replayed(replica)
    await replayed(second)
    expect(await slots(replica)).toEqual([`lab_replica_raise_s${major}`])
    expect(await lab.ask(second, 'SHOW max_connections')).toEqual([{ max_connections: '90' }])
    // a raise halts a replica until it is restarted
    await lab.servers.restart({ ...primary, settings: { ...settings, max_connections: '110' } })
    await lab.ask(primary, 'INSERT INTO journal VALUES (2)')
    for (const halted of [replica, second]) {
      await until(async () => (await lab.servers.replication(halted)).state === 'halted')
      await lab.servers.restart(halted)
      await replayed(halted)
    }
    expect(await lab.ask(second, 'SHOW max_connections')).toEqual([{ max_connections: '110' }])
    expect(await numbers(second)).toEqual([1, 2])
    // the one in the middle is promoted: the last one follows it into its new life
    await lab.servers.promote(replica)
    await lab.ask(replica, 'INSERT INTO journal VALUES (3)')
    await until(async () => (await numbers(second)).length === 3)
    for (const { folder } of [second, replica, primary]) await lab.servers.remove(folder)
  })

  test('a snapshot of a replica becomes a server of its own', async () => {
    const { primary, replica } = await pair('shot', major)
    await lab.ask(primary, 'INSERT INTO journal VALUES (1)')
    await replayed(replica)
    await lab.servers.snapshot(replica, `shot${major}`, never)
    await lab.ask(primary, 'INSERT INTO journal VALUES (2)')
    const copy = lab.spec(`shot-c${major}`, major)
    await lab.servers.restore(copy, `shot${major}`, never)
    await lab.ask(copy, 'INSERT INTO journal VALUES (3)')
    expect(await numbers(copy)).toEqual([1, 3])
    for (const { folder } of [copy, replica, primary]) await lab.servers.remove(folder)
  })
})

test("the administrator's password is in one file of the server's user alone: in no setting, no copy and no command line", async () => {
  const { primary, replica } = await pair('secret', 17)
  await lab.servers.snapshot(replica, 'secret', never)
  const folder = join(lab.stateDir, 'instances', replica.folder)
  const secret = /rather.{0,3}secret/
  const holding = readdirSync(lab.stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => secret.test(readFileSync(file, 'latin1')))
  expect(holding).toContain(join(folder, 'primary.pass'))
  expect(holding.filter((file) => !file.endsWith('/primary.pass'))).toEqual([])
  const { mode, uid } = statSync(join(folder, 'primary.pass'))
  expect({ mode: mode & 0o777, uid }).toEqual({ mode: 0o600, uid: serverUser().uid })
  expect(execFileSync('ps', ['-A', '-o', 'args'], { encoding: 'utf8' })).not.toMatch(secret)
  for (const { folder: name } of [replica, primary]) await lab.servers.remove(name)
})

test('from where replicas come the administrator streams, with its password, and does nothing else', async () => {
  const { primary } = await pair('gate', 15, { networks: ['127.0.0.0/8'] })
  const login = { host: primary.address, port: lab.port, user: 'labadmin', password: ADMINISTRATOR_PASSWORD }
  const elsewhere = { ...login, database: 'shop', replication: 'true', from: primary.address }
  const enter = async (more: Record<string, string>, sql?: string): Promise<string> => {
    const client = new Client({ ...login, database: 'shop', ...more })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query(sql ?? 'SELECT 1')
      return 'in'
    } catch (error) {
      return (error as { code: string }).code
    } finally {
      await client.end().catch(() => {})
    }
  }
  expect(await enter({})).toBe('28000')
  expect(await enter({ database: 'labadmin' })).toBe('28000')
  expect(await enter({ replication: 'database' })).toBe('28000')
  expect(await enter({ replication: 'true', password: 'guessed' }, 'IDENTIFY_SYSTEM')).toBe('28P01')
  expect(await enter({ replication: 'true' }, 'IDENTIFY_SYSTEM')).toBe('in')
  expect(await enter({ replication: 'true' }, 'SELECT 1')).toBe('0A000')
  // from a customer's network it does not even stream, while customers do
  const identify = (client: Client) => client.query('IDENTIFY_SYSTEM')
  await expect(withAdministrator(elsewhere, identify)).rejects.toMatchObject({ code: '28000' })
  expect(await enter({ replication: 'true', user: 'boss', password: PASSWORD }, 'IDENTIFY_SYSTEM')).toBe('in')
})

test('a slot that was left while its primary was away goes when the primary is told whom to keep the log for', async () => {
  const { primary, replica } = await pair('left', 17)
  await lab.asAdministrator(primary, "SELECT pg_create_physical_replication_slot('somebody_elses')")
  await lab.servers.halt(primary.folder)
  await lab.servers.promote(replica)
  await lab.servers.ensureRunning(primary)
  expect(await slots(primary)).toEqual(['lab_replica_left_r17', 'somebody_elses'])
  await lab.servers.keepReplicas(primary, [replica.folder])
  expect(await slots(primary)).toHaveLength(2)
  lab.servers.freeze(primary.folder)
  // not waited for
  await lab.servers.keepReplicas(primary, [])
  lab.servers.thaw(primary.folder)
  await lab.servers.keepReplicas(primary, ['another'])
  expect(await slots(primary)).toEqual(['lab_replica_another', 'somebody_elses'])
  const kept = await lab.ask(primary, 'SHOW max_slot_wal_keep_size')
  expect(kept).toEqual([{ max_slot_wal_keep_size: '1GB' }])
})

test('a replica that is halted is neither promoted nor exchanged with its primary, which stays the writer', async () => {
  const { primary, replica } = await pair('halted', 17)
  await lab.servers.restart({ ...primary, settings: { max_connections: '110' } })
  await until(async () => (await lab.servers.replication(replica)).state === 'halted')
  await expect(lab.servers.switchOver(primary, replica, never)).rejects.toThrow('until it is restarted')
  await expect(lab.servers.promote(replica)).rejects.toThrow('until it is restarted')
  await lab.ask(primary, 'INSERT INTO journal VALUES (1)')
  await lab.servers.restart(replica)
  await replayed(replica)
  expect(await slots(replica)).toEqual([])
})

test('the creation of a replica that is given up, or fails, leaves neither data nor slot', async () => {
  const { primary, replica } = await pair('half', 17)
  const given = lab.spec('half-given', 17)
  const over = AbortSignal.abort(new Error('enough'))
  await expect(lab.servers.createReplica(given, primary, over)).rejects.toThrow('enough')
  const failed = lab.spec('half-failed', 17, { settings: { shared_buffers: 'nonsense' } })
  await expect(lab.servers.createReplica(failed, primary, never)).rejects.toMatchObject({ code: 'START_FAILED' })
  await expect(lab.servers.createReplica(lab.spec('half-other', 15), primary, never)).rejects.toThrow('major version')
  for (const { folder } of [given, failed]) expect(existsSync(join(lab.stateDir, 'instances', folder))).toBe(false)
  expect(await slots(primary)).toEqual(['lab_replica_half_r17'])
  await replayed(replica)
})

test('a promoted replica goes on in the archive of its primary, and moments on both sides of the promotion can be restored', async () => {
  const { primary, replica } = await pair('line', 17, { archive: 'line' })
  await lab.servers.remove(replica.folder, replica)
  const heir = lab.spec('line-heir', 17, { archive: 'line', replicaOf: primary })
  await lab.servers.createReplica(heir, primary, never)
  await lab.servers.snapshot(primary, 'line', never)
  await lab.ask(primary, 'INSERT INTO journal VALUES (1)')
  const before = await lab.servers.archiveUpToNow(primary, never)
  await lab.ask(primary, 'INSERT INTO journal VALUES (2)')
  await replayed(heir)
  await lab.servers.crash(primary.folder)
  await lab.servers.promote(heir)
  await lab.ask(heir, 'INSERT INTO journal VALUES (3)')
  const after = await lab.servers.archiveUpToNow(heir, never)
  for (const [target, expected] of [
    [before, [1]],
    [after, [1, 2, 3]],
    ['latest', [1, 2, 3]],
  ] as const) {
    const copy = lab.spec('line-copy', 17)
    await lab.servers.restoreToTime(copy, { backup: 'line', archive: 'line', target, signal: never })
    expect(await numbers(copy)).toEqual(expected)
    await lab.servers.remove(copy.folder)
  }
})
