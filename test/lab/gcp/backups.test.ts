/** Backups, as runs of an instance and as the project's own, and restoring them, through the vendor's SDK. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type GcpLab, type Instance, openGcp, PASSWORD, PROJECT, refused } from './fixture'

const call = { project: PROJECT, instance: 'shop' }
const parent = `projects/${PROJECT}`
let gcp: GcpLab
let shop: Instance
beforeAll(async () => {
  gcp = await openGcp()
  shop = await gcp.create('shop')
  await gcp.ask(shop, 'CREATE TABLE t AS SELECT generate_series(1, 100) AS n')
})
afterAll(() => gcp.lab.remove())

const count = async (instance: Instance, password = PASSWORD) =>
  (await gcp.ask<{ n: number }>(instance, 'SELECT count(*)::int AS n FROM t', { password }))[0]!.n

async function backedUp(body: object = {}) {
  const [operation] = await gcp.sdk.backupRuns.insert({ ...call, body })
  const done = await gcp.done(operation)
  expect(done).toMatchObject({ operationType: 'BACKUP_VOLUME', error: null })
  return { id: String(done.backupContext!.backupId), name: done.backupContext!.name! }
}

let first: { id: string; name: string }

test('a run is ENQUEUED or RUNNING first, locks its instance, and is SUCCESSFUL in the end; it is a backup of the project as well', async () => {
  const [operation] = await gcp.sdk.backupRuns.insert({ ...call, body: { description: 'before the migration' } })
  const id = String(operation.backupContext!.backupId)
  const [early] = await gcp.sdk.backupRuns.get({ ...call, id })
  expect(['ENQUEUED', 'RUNNING']).toContain(early.status)
  await refused(gcp.sdk.backupRuns.insert(call), 409, 'operationInProgress')
  await refused(gcp.sdk.backupRuns.delete({ ...call, id }), 409, 'operationInProgress')
  await refused(
    gcp.sdk.instances.restoreBackup({ ...call, body: { restoreBackupContext: { backupRunId: id } } }),
    400,
    'errorBackupNotFound',
  )
  await gcp.done(operation)
  const [run] = await gcp.sdk.backupRuns.get({ ...call, id })
  expect(run).toMatchObject({
    id,
    status: 'SUCCESSFUL',
    type: 'ON_DEMAND',
    description: 'before the migration',
    instance: 'shop',
    location: 'us',
    databaseVersion: 'POSTGRES_15',
  })
  first = { id, name: operation.backupContext!.name! }
  const [backup] = await gcp.sdk.backups.getBackup({ name: first.name })
  expect(backup).toMatchObject({ state: 'SUCCESSFUL', type: 'ON_DEMAND', instance: 'shop', name: first.name })
  expect(backup.backupRun).toBe(`${parent}/instances/shop/backupRuns/${id}`)
})

test('a restore overwrites the instance in place: the data go back, the settings and flags stay', async () => {
  await gcp.ask(shop, 'INSERT INTO t VALUES (101)')
  const flags = [{ name: 'work_mem', value: '8192' }]
  const [patch] = await gcp.sdk.instances.patch({ ...call, body: { settings: { databaseFlags: flags } } })
  await gcp.done(patch)
  const before = await gcp.get('shop')
  const body = { restoreBackupContext: { backupRunId: first.id, instanceId: 'shop', project: PROJECT } }
  const [operation] = await gcp.sdk.instances.restoreBackup({ ...call, body })
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'RESTORE_VOLUME', error: null })
  const after = await gcp.get('shop')
  expect(after).toMatchObject({ state: 'RUNNABLE', ipAddresses: before.ipAddresses!, settings: { databaseFlags: flags } })
  expect(await count(after)).toBe(100)
  expect(await gcp.ask(after, 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
})

test("a restore brings the backup's passwords back", async () => {
  const backup = await backedUp()
  const [change] = await gcp.sdk.users.update({ ...call, name: 'postgres', body: { password: 'later-password' } })
  await gcp.done(change)
  const [operation] = await gcp.sdk.instances.restoreBackup({ ...call, body: { backup: backup.name } })
  await gcp.done(operation)
  await expect(gcp.ask(shop, 'SELECT 1', { password: 'later-password' })).rejects.toMatchObject({ code: '28P01' })
  expect(await count(shop)).toBe(100)
})

test('a backup becomes another instance when the request brings settings for one; over an existing one those are refused', async () => {
  const settings = { userLabels: { copy: 'yes' }, deletionProtectionEnabled: { value: false } }
  const body = { backup: first.name, restoreInstanceSettings: { settings } }
  await refused(gcp.sdk.instances.restoreBackup({ ...call, body }), 400, 'invalid', 'new instance only')
  const [operation] = await gcp.sdk.instances.restoreBackup({ project: PROJECT, instance: 'copy', body })
  expect(await gcp.done(operation)).toMatchObject({ targetId: 'copy', error: null })
  const copy = await gcp.get('copy')
  expect(copy.settings).toMatchObject({ tier: 'db-f1-micro', userLabels: { copy: 'yes' } })
  expect(copy.ipAddresses).not.toEqual(shop.ipAddresses)
  expect(await count(copy)).toBe(100)
})

test('a restore that does not fit is refused: another version, less storage, a backup that is not there', async () => {
  const other = await gcp.create('newer', { databaseVersion: 'POSTGRES_17' })
  expect(other.state).toBe('RUNNABLE')
  const onto = { project: PROJECT, instance: 'newer' }
  await refused(gcp.sdk.instances.restoreBackup({ ...onto, body: { backup: first.name } }), 400, 'invalid', 'POSTGRES_15')
  const context = { restoreBackupContext: { backupRunId: first.id } }
  await refused(gcp.sdk.instances.restoreBackup({ ...onto, body: context }), 404, 'backupRunDoesNotExist')
  await refused(gcp.sdk.instances.restoreBackup({ ...onto, body: {} }), 400, 'required', 'backupRunId')
  await refused(gcp.sdk.instances.restoreBackup({ ...onto, body: { backup: `${parent}/backups/none` } }), 404, 'notFound')
  await refused(gcp.sdk.instances.restoreBackup({ ...onto, body: { backup: 'none' } }), 400, 'invalid', 'backup name')
  await refused(gcp.sdk.instances.restoreBackup({ ...onto, body: { backup: 'projects/other/backups/1' } }), 403, 'notAuthorized')
})

test('backups are made, described, kept for a time and listed through the project', async () => {
  const [operation] = await gcp.sdk.backups.createBackup({
    parent,
    backup: { instance: 'shop', description: 'weekly', ttlDays: 7 },
  })
  const { backupContext } = await gcp.done(operation)
  const name = backupContext!.name!
  const update = { backup: { name, description: 'monthly', ttlDays: 30 }, updateMask: { paths: ['description', 'ttl_days'] } }
  const [changed] = await gcp.sdk.backups.updateBackup(update)
  expect(changed).toMatchObject({ operationType: 'UPDATE_BACKUP', status: 'DONE' })
  const [backup] = await gcp.sdk.backups.getBackup({ name })
  expect(backup.description).toBe('monthly')
  expect(Number(backup.expiryTime!.seconds) * 1_000).toBeGreaterThan(Date.now() + 29 * 86_400_000)
  const [listed] = await gcp.sdk.backups.listBackups(
    { parent, filter: 'instance:shop AND type:ON_DEMAND' },
    { autoPaginate: false },
  )
  expect(listed.map((one) => one.name)[0]).toBe(name)
  expect(listed.length).toBe(3)
  await refused(gcp.sdk.backups.createBackup({ parent, backup: { instance: 'none' } }), 404, 'instanceDoesNotExist')
  await refused(gcp.sdk.backups.createBackup({ parent, backup: { instance: 'shop', ttlDays: 4000 } }), 400, 'invalid')
  const location = { backup: { name, location: 'eu' }, updateMask: { paths: ['location'] } }
  await refused(gcp.sdk.backups.updateBackup(location), 400, 'invalid', 'location')
})

test('while a backup is being restored elsewhere neither it nor the instance that it goes with is deleted', async () => {
  const backup = await backedUp()
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'realistic' })
  const body = { backup: backup.name, restoreInstanceSettings: { region: 'us-central1' } }
  const [restore] = await gcp.sdk.instances.restoreBackup({ project: PROJECT, instance: 'elsewhere', body })
  await refused(gcp.sdk.backupRuns.delete({ ...call, id: backup.id }), 409, 'operationInProgress')
  await refused(gcp.sdk.backups.deleteBackup({ name: backup.name }), 409, 'operationInProgress')
  await refused(gcp.sdk.instances.delete(call), 409, 'operationInProgress')
  expect((await gcp.get('shop')).state).toBe('RUNNABLE')
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'fast' })
  expect(await gcp.done(restore)).toMatchObject({ error: null })
  expect(await count(await gcp.get('elsewhere'))).toBe(100)
  const [deletion] = await gcp.sdk.backupRuns.delete({ ...call, id: backup.id })
  expect(await gcp.done(deletion)).toMatchObject({ error: null })
})

test('a backup that is deleted is gone with its data', async () => {
  const folders = () => readdirSync(join(gcp.lab.stateDir, 'gcp', 'snapshots')).length
  const before = folders()
  const backup = await backedUp()
  expect(folders()).toBe(before + 1)
  const [operation] = await gcp.sdk.backupRuns.delete({ ...call, id: backup.id })
  expect(await gcp.done(operation)).toMatchObject({ operationType: 'DELETE_BACKUP', error: null })
  expect(folders()).toBe(before)
  await refused(gcp.sdk.backupRuns.get({ ...call, id: backup.id }), 404, 'backupRunDoesNotExist')
  await refused(gcp.sdk.backups.getBackup({ name: backup.name }), 404, 'notFound')
})

test("an instance's backups go with it, but a final one stays, and becomes an instance again", async () => {
  const [operation] = await gcp.sdk.instances.delete({ ...call, enableFinalBackup: true, finalBackupTtlDays: 3 })
  const others = { backup: first.name, restoreInstanceSettings: { region: 'us-central1' } }
  const late = gcp.sdk.instances.restoreBackup({ project: PROJECT, instance: 'late', body: others })
  await refused(late, 409, 'operationInProgress')
  const done = await gcp.done(operation)
  expect(done).toMatchObject({ operationType: 'DELETE', error: null })
  const name = done.backupContext!.name!
  const [listed] = await gcp.sdk.backups.listBackups({ parent, filter: 'instance:shop' }, { autoPaginate: false })
  expect(listed).toMatchObject([{ name, type: 'FINAL', state: 'SUCCESSFUL', instance: 'shop' }])
  expect(listed[0]!.instanceDeletionTime).not.toBeNull()
  const body = { backup: name, restoreInstanceSettings: { region: 'us-central1' } }
  const [restore] = await gcp.sdk.instances.restoreBackup({ ...call, body })
  await gcp.done(restore)
  expect(await count(await gcp.get('shop'))).toBe(100)
})

test('backups that were to be kept outlive their instance with how it was set up, say one time of its deletion, and are put over another instance', async () => {
  const [patch] = await gcp.sdk.instances.patch({ ...call, body: { settings: { retainBackupsOnDelete: { value: true } } } })
  await gcp.done(patch)
  const kept = await backedUp({ description: 'kept' })
  const [operation] = await gcp.sdk.instances.delete({ ...call, enableFinalBackup: true })
  await gcp.done(operation)
  const [listed] = await gcp.sdk.backups.listBackups({ parent, filter: 'instance:shop' }, { autoPaginate: false })
  const [final, last] = listed
  expect([final?.type, last?.name, last?.type]).toEqual(['FINAL', kept.name, 'ON_DEMAND'])
  expect(final!.instanceDeletionTime).toEqual(last!.instanceDeletionTime)
  expect(last!.instanceSettings).toMatchObject({ name: 'shop', region: 'us-central1', settings: { tier: 'db-f1-micro' } })

  const cleared = { backup: kept.name, restoreInstanceSettings: {}, restoreInstanceClearOverridesFieldNames: ['settings.tier'] }
  await refused(
    gcp.sdk.instances.restoreBackup({ project: PROJECT, instance: 'cleared', body: cleared }),
    400,
    'invalid',
    'clears',
  )
  const other = await gcp.create('other')
  const onto = { project: PROJECT, instance: 'other', body: { backup: kept.name } }
  const [restore] = await gcp.sdk.instances.restoreBackup(onto)
  expect(await gcp.done(restore)).toMatchObject({ operationType: 'RESTORE_VOLUME', error: null })
  expect(await count(other)).toBe(100)
  const [again] = await gcp.sdk.instances.restoreBackup({ ...onto, body: { backup: final!.name! } })
  expect(await gcp.done(again)).toMatchObject({ error: null })
})
