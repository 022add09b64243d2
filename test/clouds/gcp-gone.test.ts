/** Backups on Google Cloud whose instance is gone: of which very instance each was, and what a copy of one is. */
import { Client, Connection } from '@temporalio/client'
import { runAct } from '../../activities/act'
import { snapshotOfDeleted } from '../../activities/restore/deleted'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import { readDescription } from '../../clouds/gcp/labels'
import type { ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { Ledger } from '../../ledger/ledger'
import { options, owned, refusal, retried } from '../conformance/support'
import { type GcpLab, openGcp, PROJECT } from '../lab/gcp/fixture'
import { eventually } from '../support/eventually'

const KEPT = { retainBackupsOnDelete: { value: true } }
const parent = `projects/${PROJECT}`
let gcp: GcpLab
let cloud: ManagedPostgres
beforeAll(async () => {
  gcp = await openGcp()
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  const { api: endpoint, credentials, dataPort: port } = gcp.lab.lab
  cloud = createCloudSql({ project: PROJECT, region: 'us-central1', endpoint, port, token: credentials.gcp.accessToken })
})
afterAll(() => gcp.lab.remove())

/** @returns its id. */
async function made(instance: string, settings: object = KEPT): Promise<string> {
  await gcp.create(instance, { settings })
  return (await cloud.describeInstance({ name: instance }, options))?.instanceId ?? ''
}

/** As the adapter takes one. */
async function taken(instance: string, operation: string): Promise<SnapshotDescription> {
  const { name, owner } = owned(operation, 'take')
  await retried(() => cloud.startSnapshot({ instance, snapshot: name, owner }, options))
  return eventually('the backup', async () => {
    const found = await cloud.describeSnapshot({ instance, name }, options)
    return found?.state === 'ready' ? found : undefined
  })
}

/** As the console's field for a description lets anybody. */
async function takenByHand(instance: string, description: string): Promise<void> {
  const [begun] = await gcp.sdk.backups.createBackup({ parent, backup: { instance, description } })
  await gcp.done(begun.name!)
}

async function deleted(instance: string, enableFinalBackup = false): Promise<void> {
  const [begun] = await gcp.sdk.instances.delete({ project: PROJECT, instance, enableFinalBackup })
  await gcp.done(begun.name!)
}

const described = (name: string, description: string) =>
  gcp.sdk.backups.updateBackup({ backup: { name, description }, updateMask: { paths: ['description'] } })
const found = (instance: string, name: string) => cloud.describeSnapshot({ instance, name }, options)

test('what we take says when its instance was made, and so of which one of that name everything is that went with it', async () => {
  const first = await made('shop')
  const ours = await taken('shop', 'first')
  await takenByHand('shop', 'before the sale')
  await deleted('shop', true)
  const second = await made('shop')
  expect(second).not.toBe(first)
  const todays = await taken('shop', 'second')
  await takenByHand('shop', 'before the sale of today')

  expect(ours.instanceId).toBe(first)
  expect(await found('shop', ours.name)).toEqual(ours)
  const listed = await cloud.listSnapshots({ instanceId: first }, options)
  const [raw] = await gcp.sdk.backups.listBackups({ parent, filter: 'type:FINAL' }, { autoPaginate: false })
  const last = raw[0]?.name?.split('/').at(-1)
  expect(listed.map(({ name, owner }) => [name, owner?.operation])).toEqual([
    [last, undefined],
    ['before the sale', undefined],
    [ours.name, 'first'],
  ])
  const ofToday = await cloud.listSnapshots({ instanceId: second }, options)
  expect(ofToday.map(({ name }) => name)).toEqual(['before the sale of today', todays.name])
})

test('a snapshot of a gone instance is never looked for among today’s, and a name that several gone ones gave is refused', async () => {
  const lost = await found('shop', 'before the sale')
  const { name: instance, owner } = owned('twice', 'copy')
  const request = { ...{ source: 'shop', instance, owner, networkRules: [], instanceClass: null }, sourceGone: true as const }
  // of the instance as it is now alone
  const now = { ...request, snapshot: 'before the sale of today' }
  await expect(cloud.startInertRestore(now, options)).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
  await takenByHand('shop', 'before the sale')
  expect((await found('shop', 'before the sale'))?.instanceId).not.toBe(lost?.instanceId)
  await deleted('shop')
  await expect(found('shop', 'before the sale')).rejects.toEqual(refusal('CLOUD_REFUSED', lost?.instanceId))
  const either = { ...request, snapshot: 'before the sale' }
  await expect(cloud.startInertRestore(either, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'Several instances'))
  expect(await cloud.describeInstance({ name: instance }, options)).toBeNull()
})

test('with --deleted one of the gone instance is meant, whatever bears its name today; a wrong name lists also whose nobody can tell', async () => {
  const first = await made('desk')
  const { name } = await taken('desk', 'kept')
  await takenByHand('desk', 'before the sale')
  await deleted('desk')
  await made('desk')
  await takenByHand('desk', 'before the sale')
  await takenByHand('desk', 'of today alone')
  const database = { name: 'desk', cloud: 'gcp', instance: 'desk' } as DatabaseEntry
  const ledger = { listKnownInstances: async () => [first] } as unknown as Ledger
  const act = {
    ...{ attempt: 1, scheduledAtMs: Date.now(), signal: new AbortController().signal, stale: () => false },
    ...{ client: new Client({ connection: Connection.lazy() }), isCurrent: async () => true },
  }
  const meant = (asked: string) => runAct(act, () => snapshotOfDeleted({ ledger, cloud }, database, asked))
  expect(await meant('before the sale')).toMatchObject({ name: 'before the sale', instanceId: first })
  await expect(meant('of today alone')).rejects.toEqual(refusal('TARGET_MISMATCH', 'leave --deleted out'))
  await expect(meant('none')).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND', name))

  const [raw] = await gcp.sdk.backups.listBackups({ parent, filter: 'instance:desk' }, { autoPaginate: false })
  await described(raw.find(({ description }) => readDescription(description)?.name === name)!.name!, 'by hand')
  const untold = 'of which instance that was called desk these are nobody can tell: before the sale, by hand'
  await expect(meant('none')).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND', untold))
})

test('where nothing says when it was made, or two say another thing, or it was made after its backup, nobody is told whose it is', async () => {
  const instanceId = await made('till')
  await takenByHand('till', 'alone')
  const ours = await taken('till', 'told')
  const later = await taken('till', 'later')
  await deleted('till')
  expect((await found('till', 'alone'))?.instanceId).toBe(instanceId)
  const [raw] = await gcp.sdk.backups.listBackups({ parent, filter: 'instance:till' }, { autoPaginate: false })
  const of = (name: string) => raw.find(({ description }) => readDescription(description)?.name === name)!
  const said = of(ours.name).description!
  const another = said.replace(/created=\S+/, 'created=2026-01-31t12-00-00-000z')
  const ids = async () => [(await found('till', 'alone'))?.instanceId, (await found('till', ours.name))?.instanceId]

  await described(of(ours.name).name!, another)
  expect(await ids()).toEqual(['till@unknown', 'till@unknown'])
  // what cannot be is no word against another
  await described(of(ours.name).name!, said.replace(/created=\S+/, 'created=2999-01-31t12-00-00-000z'))
  expect(await ids()).toEqual([instanceId, instanceId])
  await described(of(later.name).name!, 'by hand')
  expect(await ids()).toEqual(['till@unknown', 'till@unknown'])
  await described(of(ours.name).name!, said.replace(/ capstan-instance-created=\S+/, ''))
  expect(await ids()).toEqual(['till@unknown', 'till@unknown'])
  await described(of(ours.name).name!, said)
  expect(await ids()).toEqual([instanceId, instanceId])
})

test('a copy has the flags, disk and class that Google keeps with the backup, but for what would act', async () => {
  const flags = [
    { name: 'work_mem', value: '8192' },
    { name: 'max_logical_replication_workers', value: '7' },
  ]
  await made('stand', { ...KEPT, dataDiskSizeGb: { value: 12 }, databaseFlags: flags })
  const { name: snapshot } = await taken('stand', 'flags')
  await deleted('stand')
  const { name: instance, owner } = owned('flags', 'copy')
  const request = { source: 'stand', instance, owner, networkRules: [], instanceClass: null, snapshot }
  await expect(retried(() => cloud.startInertRestore(request, options))).rejects.toEqual(refusal('INSTANCE_NOT_FOUND', 'stand'))
  await retried(() => cloud.startInertRestore({ ...request, sourceGone: true }, options))
  const copy = await eventually('the copy', async () => {
    const seen = await cloud.describeInstance({ name: instance }, options)
    return seen?.state === 'ready' ? seen : undefined
  })
  expect(copy).toMatchObject({ instanceClass: 'db-f1-micro', storage: { sizeGib: 12 }, snapshots: { outliveInstance: false } })
  const { settings } = await gcp.get(instance)
  expect(settings?.databaseFlags).toMatchObject([
    { name: 'work_mem', value: '8192' },
    { name: 'max_logical_replication_workers', value: '0' },
  ])
})

test('a clone of an instance that leaves its backups and a last one leaves neither', async () => {
  const backupConfiguration = { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } }
  await made('hall', { ...KEPT, backupConfiguration, finalBackupConfig: { enabled: true } })
  const { name: instance, owner } = owned('clone', 'moment')
  const at = await eventually('a moment', async () => {
    const window = await cloud.restoreWindow({ name: 'hall' }, options)
    return window !== null && window.earliest < window.latest ? window.latest : undefined
  })
  const request = { ...{ source: 'hall', instance, owner, networkRules: [], instanceClass: null }, at }
  await retried(() => cloud.startRestoreToTime(request, options))
  await eventually('the copy', async () => {
    const seen = await cloud.describeInstance({ name: instance }, options)
    return seen?.state === 'ready' && seen.snapshots?.outliveInstance === false ? seen : undefined
  })
  await eventually('its removal', async () => {
    const { done } = await retried(() => cloud.removeOwnedInstances({ operation: owner.operation }, options))
    return done || undefined
  })
  const [left] = await gcp.sdk.backups.listBackups({ parent, filter: `instance:${instance}` }, { autoPaginate: false })
  expect(left).toEqual([])
})
