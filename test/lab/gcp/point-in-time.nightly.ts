/** Clones and recovery to a point in time, through the vendor's SDK. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../fixture'
import { type GcpLab, type Instance, openGcp, PROJECT, refused, type Settings } from './fixture'

const call = { project: PROJECT, instance: 'shop' }
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  shop = await gcp.create('shop', {
    databaseVersion: 'POSTGRES_17',
    settings: {
      backupConfiguration: { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } },
      deletionProtectionEnabled: { value: true },
      userLabels: { app: 'shop' },
      databaseFlags: [{ name: 'work_mem', value: '8192' }],
    },
  })
})
afterAll(() => gcp.lab.remove())

const clone = (body: object, instance = 'shop') =>
  gcp.sdk.instances.clone({ project: PROJECT, instance, body: { cloneContext: body } })
const secondsOf = (at: string) => ({ seconds: Math.floor(Date.parse(at) / 1_000), nanos: (Date.parse(at) % 1_000) * 1e6 })
const clock = async () => (await gcp.ask<{ at: Date }>(shop, 'SELECT clock_timestamp() AS at'))[0]!.at.toISOString()

test('an instance that can be recovered has an automated backup from its beginning, and says between which moments', async () => {
  const [{ items }] = await gcp.sdk.backupRuns.list(call)
  expect(items).toMatchObject([{ type: 'AUTOMATED', status: 'SUCCESSFUL' }])
  const before = await clock()
  const [window] = await gcp.sdk.instances.getLatestRecoveryTime(call)
  const latest = Number(window.latestRecoveryTime!.seconds) * 1_000 + Math.floor(window.latestRecoveryTime!.nanos! / 1e6)
  expect(latest).toBeGreaterThanOrEqual(Date.parse(before))
  expect(Number(window.earliestRecoveryTime!.seconds)).toBeLessThanOrEqual(latest / 1_000)
})

/** Names of the segments that are archived; what is still being written there has another name. */
const archives = () =>
  readdirSync(join(gcp.lab.stateDir, 'gcp', 'archives'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.split('/').at(-1)!)
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .sort()

test('whoever asks again and again up to when an instance can be recovered does not fill its archive', async () => {
  const latest = async () => (await gcp.sdk.instances.getLatestRecoveryTime(call))[0].latestRecoveryTime
  try {
    await gcp.lab.call('PUT', '/_lab/profile', { profile: 'realistic' })
    const before = await latest()
    const archived = archives()
    for (let n = 0; n < 5; n++) {
      await gcp.ask(shop, `CREATE TABLE asked_${n} ()`)
      expect(await latest()).toEqual(before)
    }
    expect(archives()).toEqual(archived)
    await gcp.lab.call('PUT', '/_lab/profile', { profile: 'instant' })
    const moment = await clock()
    await eventually(async () => (Number((await latest())!.seconds) * 1_000 + 1_000 > Date.parse(moment) ? true : undefined))
  } finally {
    await gcp.lab.call('PUT', '/_lab/profile', { profile: 'fast' })
  }
})

test('the log that only a deleted backup needs is deleted with it', async () => {
  const [oldest] = archives()
  const [{ items }] = await gcp.sdk.backupRuns.list(call)
  await gcp.ask(shop, 'CREATE TABLE since ()')
  await gcp.done((await gcp.sdk.backupRuns.insert(call))[0])
  const [deletion] = await gcp.sdk.backupRuns.delete({ ...call, id: String(items!.at(-1)!.id) })
  expect(await gcp.done(deletion)).toMatchObject({ error: null })
  expect(archives()).not.toContain(oldest)
  expect((await gcp.sdk.instances.getLatestRecoveryTime(call))[0].earliestRecoveryTime).toBeTruthy()
})

test('a clone to a point in time has what was committed before and nothing of later, and its source’s settings', async () => {
  await gcp.ask(shop, "CREATE TABLE t AS SELECT 'before' AS what")
  await sleep(50)
  const at = await clock()
  await sleep(50)
  await gcp.ask(shop, "INSERT INTO t VALUES ('after')")
  const [operation] = await clone({ destinationInstanceName: 'then', pointInTime: secondsOf(at) })
  expect(operation).toMatchObject({ operationType: 'CREATE_CLONE', targetId: 'then' })
  await refused(gcp.sdk.backupRuns.insert(call), 409, 'operationInProgress')
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  const then = await gcp.get('then')
  expect(await gcp.ask(then, 'SELECT what FROM t')).toEqual([{ what: 'before' }])
  expect(then.settings).toMatchObject({
    settingsVersion: { value: '1' },
    deletionProtectionEnabled: { value: true },
    userLabels: { app: 'shop' },
    databaseFlags: [{ name: 'work_mem', value: '8192' }],
    backupConfiguration: { pointInTimeRecoveryEnabled: { value: true } },
  })
  expect(await gcp.ask(then, 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
  await refused(gcp.sdk.instances.delete({ project: PROJECT, instance: 'then' }), 400, 'invalidOperation', 'protected')
  expect(await gcp.ask(shop, 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 2 }])
})

test('a clone is recoverable itself, and writes to it do not reach its source', async () => {
  const then = await gcp.get('then')
  await gcp.ask(then, "INSERT INTO t VALUES ('in the clone')")
  const [operation] = await clone({ destinationInstanceName: 'again', pointInTime: secondsOf(await clock()) }, 'then')
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  const rows = await gcp.ask(await gcp.get('again'), 'SELECT what FROM t ORDER BY what')
  expect(rows).toEqual([{ what: 'before' }, { what: 'in the clone' }])
})

test('a clone without a moment is the source as it is now', async () => {
  const [operation] = await clone({ destinationInstanceName: 'now' })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  expect(await gcp.ask(await gcp.get('now'), 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 2 }])
})

test('what cannot be cloned is refused: a moment outside the window, a name that is taken, a source that keeps no log', async () => {
  const future = secondsOf(new Date(Date.now() + 3_600_000).toISOString())
  await refused(clone({ destinationInstanceName: 'x', pointInTime: future }), 400, 'invalid', 'not within the recovery window')
  await refused(clone({ destinationInstanceName: 'x', pointInTime: { seconds: 1_000 } }), 400, 'invalid', 'recovery window')
  await refused(clone({ destinationInstanceName: 'shop' }), 409, 'instanceAlreadyExists')
  await refused(clone({ destinationInstanceName: 'X' }), 400, 'invalid', 'instance name')
  await refused(clone({}), 400, 'required', 'destinationInstanceName')
  await refused(clone({ destinationInstanceName: 'x', databaseNames: ['a'] }), 400, 'invalid', 'databaseNames')
  await gcp.create('plain')
  await refused(
    clone({ destinationInstanceName: 'x', pointInTime: secondsOf(await clock()) }, 'plain'),
    400,
    'invalid',
    'not enabled',
  )
  await refused(gcp.sdk.instances.getLatestRecoveryTime({ project: PROJECT, instance: 'plain' }), 400, 'invalid', 'not enabled')
})

test('recovery is enabled later by a restart and a backup, and disabled again together with the log', async () => {
  const plain = { project: PROJECT, instance: 'plain' }
  const archives = () => readdirSync(join(gcp.lab.stateDir, 'gcp', 'archives')).length
  const before = archives()
  const set = async (on: boolean) => {
    const backupConfiguration = { enabled: { value: on }, pointInTimeRecoveryEnabled: { value: on } }
    const [operation] = await gcp.sdk.instances.patch({ ...plain, body: { settings: { backupConfiguration } } })
    expect(await gcp.done(operation)).toMatchObject({ error: null })
  }
  await set(true)
  expect(archives()).toBe(before + 1)
  expect((await gcp.sdk.instances.getLatestRecoveryTime(plain))[0].earliestRecoveryTime).toBeTruthy()
  await set(false)
  expect(archives()).toBe(before)
  await refused(gcp.sdk.instances.getLatestRecoveryTime(plain), 400, 'invalid', 'not enabled')
})

test('recovery that was disabled while an instance was stopped begins with a new backup: no moment of the gap is promised', async () => {
  const plain = { project: PROJECT, instance: 'plain' }
  const set = async (settings: Settings) => {
    const [operation] = await gcp.sdk.instances.patch({ ...plain, body: { settings } })
    expect(await gcp.done(operation)).toMatchObject({ error: null })
  }
  const recovery = (on: boolean) => ({
    backupConfiguration: { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: on } },
  })
  await set(recovery(true))
  await set({ activationPolicy: 'NEVER' })
  await set(recovery(false))
  await set({ activationPolicy: 'ALWAYS' })
  await gcp.ask(await gcp.get('plain'), 'CREATE TABLE written AS SELECT 1 AS n')
  const gap = await clock()
  await sleep(20)
  await set(recovery(true))
  await refused(clone({ destinationInstanceName: 'x', pointInTime: secondsOf(gap) }, 'plain'), 400, 'invalid', 'recovery window')
})

test('a restore in place begins to archive anew', async () => {
  const [backup] = await gcp.sdk.backupRuns.insert(call)
  const { backupContext } = await gcp.done(backup)
  await gcp.ask(shop, 'TRUNCATE t')
  const [restore] = await gcp.sdk.instances.restoreBackup({ ...call, body: { backup: backupContext!.name! } })
  expect(await gcp.done(restore)).toMatchObject({ error: null })
  const earliest = (await gcp.sdk.instances.getLatestRecoveryTime(call))[0].earliestRecoveryTime!
  const ended = (await gcp.sdk.backupRuns.get({ ...call, id: String(backupContext!.backupId) }))[0].endTime!
  expect(Number(earliest.seconds)).toBeGreaterThanOrEqual(Number(ended.seconds))
  await gcp.ask(shop, "INSERT INTO t VALUES ('once more')")
  const [operation] = await clone({ destinationInstanceName: 'later', pointInTime: secondsOf(await clock()) })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  expect(await gcp.ask(await gcp.get('later'), 'SELECT count(*)::int AS n FROM t')).toEqual([{ n: 3 }])
})
