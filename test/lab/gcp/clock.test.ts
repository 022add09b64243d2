/** What simulated Cloud SQL does by the clock: automated backups, how many of them and how much of the log are kept, and the end of those that
 *  were to be kept for a time. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { GcpState } from '../../../lab/gcp/state'
import { eventually, whileDown } from '../fixture'
import { type GcpLab, type Instance, openGcp, PROJECT, refused } from './fixture'

const DAY_MS = 86_400_000
const call = { project: PROJECT, instance: 'shop' }
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  // half a day from now, so that nothing is due while the tests run
  const startTime = `${String((new Date().getUTCHours() + 12) % 24).padStart(2, '0')}:00`
  const backupRetentionSettings = { retainedBackups: { value: 2 } }
  const recovery = { pointInTimeRecoveryEnabled: { value: true }, transactionLogRetentionDays: { value: 3 } }
  const backupConfiguration = { enabled: { value: true }, startTime, backupRetentionSettings, ...recovery }
  shop = await gcp.create('shop', { settings: { backupConfiguration } })
  await gcp.ask(shop, 'CREATE TABLE t AS SELECT 1 AS n')
})
afterAll(() => gcp.lab.remove())

const folders = () => readdirSync(join(gcp.lab.stateDir, 'gcp', 'snapshots')).length
const earlier = (at: string, ms: number) => new Date(Date.parse(at) - ms).toISOString()

/** Every moment that the lab wrote down of the instance and its backups is so much longer ago. */
const passes = (ms: number) =>
  whileDown<{ gcp: GcpState }>(gcp.lab, ({ gcp: { instances, backups } }) => {
    const { shop: instance } = instances
    instance!.madeAt = earlier(instance!.madeAt!, ms)
    if (instance!.backupsSince !== undefined) instance!.backupsSince = earlier(instance!.backupsSince, ms)
    for (const backup of Object.values(backups)) {
      backup.enqueuedAt = earlier(backup.enqueuedAt, ms)
      if (backup.recoverableFrom !== null) backup.recoverableFrom = earlier(backup.recoverableFrom, ms)
      if (backup.expiresAt !== null) backup.expiresAt = earlier(backup.expiresAt, ms)
    }
  })

async function runs() {
  const [{ items }] = await gcp.sdk.backupRuns.list(call)
  return items ?? []
}

/** Resolves with all runs when there is a newer one than these, and nothing is under way. */
const another = (before: readonly { id?: unknown }[]) =>
  eventually(async () => {
    const now = await runs()
    const newer = String(now[0]?.id) !== String(before[0]?.id)
    return newer && now.every(({ status }) => status === 'SUCCESSFUL') ? now : undefined
  })

test('a backup is taken each day in its window, by an operation of the system that others wait for', async () => {
  const first = await runs()
  expect(first).toMatchObject([{ type: 'AUTOMATED', status: 'SUCCESSFUL' }])
  await passes(DAY_MS)
  const two = await another(first)
  expect(two).toMatchObject([
    { type: 'AUTOMATED', status: 'SUCCESSFUL' },
    { type: 'AUTOMATED', status: 'SUCCESSFUL' },
  ])
  const [{ items }] = await gcp.sdk.operations.list({ ...call, maxResults: 1 })
  expect(items).toMatchObject([{ operationType: 'BACKUP_VOLUME', user: '', targetId: 'shop', status: 'DONE' }])
  expect(String(items![0]!.backupContext!.backupId)).toBe(String(two[0]!.id))
})

test('as many automated backups are kept as the instance retains; one that was asked for is not counted, and stays until it expires', async () => {
  const parent = `projects/${PROJECT}`
  const [operation] = await gcp.sdk.backups.createBackup({ parent, backup: { instance: 'shop', ttlDays: 3 } })
  await gcp.done(operation)
  const before = await runs()
  expect(before.map(({ type }) => type)).toEqual(['ON_DEMAND', 'AUTOMATED', 'AUTOMATED'])
  const oldest = before[2]!
  await passes(DAY_MS)
  const after = await eventually(async () => {
    const now = await runs()
    return now.length === 3 && now[0]!.type === 'AUTOMATED' && now[0]!.status === 'SUCCESSFUL' ? now : undefined
  })
  expect(after.map(({ type }) => type)).toEqual(['AUTOMATED', 'ON_DEMAND', 'AUTOMATED'])
  await refused(gcp.sdk.backupRuns.get({ ...call, id: String(oldest.id) }), 404, 'backupRunDoesNotExist')
  expect(folders()).toBe(3)
  await passes(2 * DAY_MS + 3_600_000)
  await eventually(async () => ((await runs()).every(({ type }) => type === 'AUTOMATED') ? true : undefined))
})

test('an instance can be recovered to moments within the days for which it keeps its log, and to no older one', async () => {
  await another(
    await runs().then(async (before) => {
      await passes(10 * DAY_MS)
      return before
    }),
  )
  const [window] = await gcp.sdk.instances.getLatestRecoveryTime(call)
  const from = Number(window.earliestRecoveryTime!.seconds) * 1_000
  expect(Math.abs(Date.now() - 3 * DAY_MS - from)).toBeLessThan(60_000)
  const clone = (at: number) =>
    gcp.sdk.instances.clone({
      ...call,
      body: { cloneContext: { destinationInstanceName: 'copy', pointInTime: { seconds: Math.floor(at / 1_000) } } },
    })
  await refused(clone(Date.now() - 4 * DAY_MS), 400, 'invalid', 'recovery window')
  const [operation] = await gcp.sdk.instances.clone({
    ...call,
    body: { cloneContext: { destinationInstanceName: 'copy', pointInTime: window.latestRecoveryTime! } },
  })
  expect(await gcp.done(operation)).toMatchObject({ error: null })
  expect(await gcp.ask(await gcp.get('copy'), 'SELECT n FROM t')).toEqual([{ n: 1 }])
})

test('an instance that is stopped, and one whose backups were just switched on, have none taken before their next window', async () => {
  const patched = async (settings: object) => {
    const [operation] = await gcp.sdk.instances.patch({ ...call, body: { settings } })
    expect(await gcp.done(operation)).toMatchObject({ error: null })
  }
  await patched({ activationPolicy: 'NEVER' })
  const before = await runs()
  await passes(DAY_MS)
  await patched({ activationPolicy: 'ALWAYS' })
  expect((await runs()).length).toBe(before.length)
  await passes(DAY_MS)
  expect((await another(before))[0]).toMatchObject({ type: 'AUTOMATED' })
})
