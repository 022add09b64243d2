import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '@azure/arm-postgresql-flexible'
import type { LabState } from '../../../lab/state'
import {
  type AzureLab,
  createServer,
  done,
  eventually,
  GROUP,
  openAzure,
  openFirewall,
  orderFault,
  query,
  refused,
  serverPath,
  unlessBusy,
  untilDown,
} from './fixture'

let lab: AzureLab
let source: Server
beforeAll(async () => {
  lab = await openAzure()
  source = await createServer(lab, 'source', {
    tags: { team: 'orders' },
    backup: { geoRedundantBackup: 'Enabled' },
    highAvailability: { mode: 'ZoneRedundant' },
  })
  await openFirewall(lab, 'source')
  await eventually(async () => (await get('source')).backup?.earliestRestoreDate)
  await done(lab.azure.databases.beginCreate(GROUP, 'source', 'shop', { collation: 'de_DE.utf8' }))
  await unlessBusy(() => lab.azure.configurations.beginUpdate(GROUP, 'source', 'work_mem', { value: '8192' }))
  await query(lab, source, 'CREATE TABLE sold (n int)', shop)
})
afterAll(() => lab?.remove())

const shop = { database: 'shop' }
const get = (name: string) => lab.azure.servers.get(GROUP, name)
const now = async () => (await query<{ at: Date }>(lab, source, 'SELECT clock_timestamp() AS at'))[0]!.at
const restoring = (name: string, more: Partial<Server> = {}) =>
  lab.azure.servers.beginCreateOrUpdate(GROUP, name, {
    location: 'eastus',
    createMode: 'PointInTimeRestore',
    sourceServerResourceId: source.id!,
    ...more,
  })
const sold = async (name: string) => {
  await openFirewall(lab, name)
  return (await query<{ n: number }>(lab, await get(name), 'SELECT n FROM sold ORDER BY n', shop)).map(({ n }) => n)
}

test('a new server has every commit before the moment, and none after', async () => {
  await query(lab, source, 'INSERT INTO sold VALUES (1)', shop)
  await query(lab, source, 'SELECT pg_sleep(0.01)')
  const moment = await now()
  await query(lab, source, 'SELECT pg_sleep(0.01)')
  await query(lab, source, 'INSERT INTO sold VALUES (2)', shop)
  const copy = await done(restoring('copy', { pointInTimeUTC: moment }))
  expect(copy).toMatchObject({
    state: 'Ready',
    administratorLogin: 'boss',
    sku: source.sku,
    storage: { storageSizeGB: 64 },
    highAvailability: { mode: 'Disabled' },
  })
  expect(copy.tags).toBeUndefined()
  expect(copy.fullyQualifiedDomainName).not.toBe(source.fullyQualifiedDomainName)
  // whom the source lets in does not get into its copy
  await expect(query(lab, copy, 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
  expect(await sold('copy')).toEqual([1])
  expect(await query(lab, copy, 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
  expect(await lab.azure.databases.get(GROUP, 'copy', 'shop')).toMatchObject({ collation: 'de_DE.utf8' })
  await query(lab, copy, 'INSERT INTO sold VALUES (3)', shop)
  expect(await query(lab, source, 'SELECT count(*)::int AS n FROM sold', shop)).toEqual([{ n: 2 }])
})

test('a copy can be restored again, and one that was stopped as well', async () => {
  const moment = await eventually(async () => {
    const { backup } = await get('copy')
    return backup?.earliestRestoreDate && new Date()
  })
  await unlessBusy(() => lab.azure.servers.beginStop(GROUP, 'copy'))
  const later = { sourceServerResourceId: (await get('copy')).id!, pointInTimeUTC: moment }
  await done(restoring('copy-of-copy', later))
  expect(await sold('copy-of-copy')).toEqual([1, 3])
  await unlessBusy(() => lab.azure.servers.beginDelete(GROUP, 'copy'))
  await unlessBusy(() => lab.azure.servers.beginDelete(GROUP, 'copy-of-copy'))
})

test.each<[string, () => Partial<Server>, string]>([
  ['before the first backup', () => ({ pointInTimeUTC: new Date(Date.parse('2020-01-01T00:00:00Z')) }), 'pointInTimeUTC'],
  ['tomorrow', () => ({ pointInTimeUTC: new Date(Date.now() + 86_400_000) }), 'pointInTimeUTC'],
  ['no moment at all', () => ({}), 'pointInTimeUTC'],
  ['another location', () => ({ pointInTimeUTC: new Date(), location: 'westeurope' }), 'location'],
  ['a source that is no server', () => ({ pointInTimeUTC: new Date(), sourceServerResourceId: '/x' }), 'sourceServerResourceId'],
  ['less storage', () => ({ pointInTimeUTC: new Date(), storage: { storageSizeGB: 32 } }), 'storageSizeGB'],
  [
    'a private network for a public source',
    () => ({ pointInTimeUTC: new Date(), network: { delegatedSubnetResourceId: '/subscriptions/x/subnets/s' } }),
    'delegatedSubnetResourceId',
  ],
])('a restore to %s is refused, and makes nothing', async (_, more, parameter) => {
  await refused(restoring('refused', more()), 'InvalidParameterValue', parameter)
  await refused(get('refused'), 'ResourceNotFound')
})

test('a source that is not there, and a text that is no moment, are refused', async () => {
  const missing = source.id!.replace('/source', '/nobody')
  await refused(restoring('refused', { sourceServerResourceId: missing, pointInTimeUTC: new Date() }), 'ResourceNotFound')
  const properties = { createMode: 'PointInTimeRestore', sourceServerResourceId: source.id, pointInTimeUTC: 'yesterday' }
  const answer = await lab.raw('PUT', serverPath(lab, 'refused'), { body: { location: 'eastus', properties } })
  expect(answer.body.error?.code).toBe('InvalidParameterValue')
})

test('a geo-restore makes a server in the paired region, and nowhere else', async () => {
  await refused(restoring('far', { createMode: 'GeoRestore' }), 'InvalidParameterValue', 'Backups of eastus are in westus')
  await done(restoring('far', { createMode: 'GeoRestore', location: 'westus' }))
  expect((await get('far')).location).toBe('West US')
  expect(await sold('far')).toEqual([1, 2])
})

test('a source that has crashed is waited for: what it committed last is in its copy', async () => {
  await query(lab, source, 'INSERT INTO sold VALUES (9)', shop)
  // its recovery waits until it may go on
  await orderFault(lab, { cloud: 'azure', kind: 'freeze-instance', instance: 'source', for: '1h' })
  await orderFault(lab, { cloud: 'azure', kind: 'crash-instance', instance: 'source' })
  await untilDown(() => query(lab, source, 'SELECT 1'))
  const poller = await restoring('after-crash', { pointInTimeUTC: new Date() })
  await sleep(300)
  expect((await get('after-crash')).state).toBe('Provisioning')
  await lab.call('DELETE', '/_lab/faults')
  await done(Promise.resolve(poller))
  expect(await sold('after-crash')).toEqual([1, 2, 9])
})

test('while a restore is under way, neither its source nor a backup of that can be deleted', async () => {
  await unlessBusy(() => lab.azure.backupsAutomaticAndOnDemand.beginCreate(GROUP, 'source', 'wanted'))
  // the restore waits for it
  await orderFault(lab, { cloud: 'azure', kind: 'freeze-instance', instance: 'source', for: '1h' })
  const poller = await restoring('slow', { pointInTimeUTC: new Date() })
  await refused(lab.azure.servers.beginDelete(GROUP, 'source'), 'ServerIsBusy')
  await refused(lab.azure.backupsAutomaticAndOnDemand.beginDelete(GROUP, 'source', 'wanted'), 'ServerIsBusy')
  expect((await get('source')).state).toBe('Ready')
  await lab.call('DELETE', '/_lab/faults')
  await done(Promise.resolve(poller))
  expect(await sold('slow')).toEqual(expect.arrayContaining([1, 2]))
  await done(lab.azure.backupsAutomaticAndOnDemand.beginDelete(GROUP, 'source', 'wanted'))
})

test('a restore that the lab was stopped in is finished by the next one', async () => {
  const moment = await now()
  const state = (await restoring('late', { pointInTimeUTC: moment })).toString()
  await lab.restart()
  await done(lab.azure.servers.beginCreateOrUpdate(GROUP, 'late', { location: 'eastus' }, { resumeFrom: state }))
  expect(await sold('late')).toEqual([1, 2, 9])
})

test('after a new backup those that no restore can need go, with their log, and moments since are restored all the same', async () => {
  const backups = () => lab.azure.backupsAutomaticAndOnDemand
  const known = async () => {
    const names: string[] = []
    for await (const { name } of backups().listByServer(GROUP, 'source')) names.push(name!)
    return names.sort()
  }
  const azure = join(lab.stateDir, 'azure')
  for (const name of ['first', 'second']) {
    await unlessBusy(() => backups().beginCreate(GROUP, 'source', name))
    await query(lab, source, 'INSERT INTO sold VALUES (10)', shop)
  }
  const [automatic] = await known()
  await lab.lab.stop()
  const file = join(lab.stateDir, 'lab.json')
  const state = JSON.parse(readFileSync(file, 'utf8')) as LabState
  const server = state.azure.servers.source!
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
  server.backups[automatic!]!.completedAt = daysAgo(30)
  server.backups.first!.completedAt = daysAgo(20)
  writeFileSync(file, JSON.stringify(state))
  const archived = () => readdirSync(join(azure, 'archives', server.archive, 'data')).sort()
  const before = archived()
  await lab.restart()
  await unlessBusy(() => backups().beginCreate(GROUP, 'source', 'third'))
  const left = await known()
  expect(left).not.toContain(automatic)
  // and the one of today, which was due
  expect(left.filter((name) => !name.startsWith('backup_'))).toEqual(['first', 'second', 'third'])
  expect(readdirSync(join(azure, 'snapshots'))).not.toContain(server.backups[automatic!]!.folder)
  expect(archived()).not.toContain(before[0])
  await done(restoring('pruned', { pointInTimeUTC: new Date() }))
  expect(await sold('pruned')).toEqual([1, 2, 9, 10, 10])
})
