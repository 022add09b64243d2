import type { Server } from '@azure/arm-postgresql-flexible'
import {
  type AzureLab,
  createServer,
  done,
  eventually,
  GROUP,
  openAzure,
  openFirewall,
  PASSWORD,
  query,
  refused,
  rested,
  unlessBusy,
} from './fixture'

let lab: AzureLab
let primary: Server
beforeAll(async () => {
  lab = await openAzure()
  primary = await createServer(lab, 'main')
  await openFirewall(lab, 'main')
  await query(lab, primary, 'CREATE TABLE sold (n int)')
})
afterAll(() => lab?.remove())

const get = (name: string) => lab.azure.servers.get(GROUP, name)
const replicating = (name: string, more: Partial<Server> = {}) =>
  lab.azure.servers.beginCreateOrUpdate(GROUP, name, {
    location: 'eastus',
    createMode: 'Replica',
    sourceServerResourceId: primary.id!,
    ...more,
  })
const sold = async (name: string) =>
  (await query<{ n: number }>(lab, await get(name), 'SELECT n FROM sold ORDER BY n')).map(({ n }) => n)
const sell = (name: string, n: number) => get(name).then((server) => query(lab, server, `INSERT INTO sold VALUES (${n})`))
const promoting = (name: string, promoteOption: string) =>
  lab.azure.servers.beginUpdate(GROUP, name, { replica: { role: 'None', promoteMode: 'Standalone', promoteOption } })

test('a replica follows its primary, can be read and not written, and shows its role', async () => {
  await sell('main', 1)
  const poller = await replicating('near')
  expect(await get('near')).toMatchObject({ state: 'Provisioning', replica: { replicationState: 'Provisioning' } })
  expect(await done(Promise.resolve(poller))).toMatchObject({
    state: 'Ready',
    replicationRole: 'AsyncReplica',
    replica: { role: 'AsyncReplica', replicationState: 'Active', capacity: 0 },
    sourceServerResourceId: primary.id,
    administratorLogin: 'boss',
  })
  // whom the primary lets in does not get into its replica
  await expect(query(lab, await get('near'), 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
  await openFirewall(lab, 'near')
  expect(await sold('near')).toEqual([1])
  await sell('main', 2)
  await eventually(async () => ((await sold('near')).length === 2 ? true : undefined))
  await expect(sell('near', 9)).rejects.toMatchObject({ code: '25006' })
  expect(await get('main')).toMatchObject({ replicationRole: 'Primary', replica: { role: 'Primary', capacity: 5 } })
})

test('one in another region says so; all are listed by their primary', async () => {
  await done(replicating('far', { location: 'westeurope' }))
  expect(await get('far')).toMatchObject({ location: 'West Europe', replica: { role: 'GeoAsyncReplica' } })
  const names: string[] = []
  for await (const { name } of lab.azure.replicas.listByServer(GROUP, 'main')) names.push(name!)
  expect(names.sort()).toEqual(['far', 'near'])
})

test('what a replica cannot do is refused', async () => {
  const secret = { administratorLoginPassword: 'Another-Horse-8' }
  await rested(lab, 'near')
  await refused(lab.azure.servers.beginUpdate(GROUP, 'near', secret), 'OperationNotAllowed')
  await refused(lab.azure.databases.beginCreate(GROUP, 'near', 'x', {}), 'OperationNotAllowed')
  await refused(lab.azure.backupsAutomaticAndOnDemand.beginCreate(GROUP, 'near', 'x'), 'OperationNotAllowed')
  await refused(replicating('second', { sourceServerResourceId: (await get('near')).id! }), 'OperationNotAllowed')
  await refused(replicating('second', { highAvailability: { mode: 'SameZone' } }), 'InvalidParameterValue')
  await refused(replicating('second', { storage: { storageSizeGB: 32 } }), 'InvalidParameterValue')
  await refused(lab.azure.servers.beginDelete(GROUP, 'main'), 'OperationNotAllowed', 'read replicas')
  await refused(promoting('main', 'Planned'), 'OperationNotAllowed', 'not a read replica')
  await refused(get('second'), 'ResourceNotFound')
})

test('a restarted lab has its replicas follow again', async () => {
  await lab.restart()
  await sell('main', 3)
  await eventually(async () => ((await sold('near')).includes(3) ? true : undefined))
  expect(await get('near')).toMatchObject({ replica: { replicationState: 'Active' } })
})

test('a replica that stands still, since its primary allows itself more, is not promoted, and is not kept busy by that', async () => {
  const allow = (name: string, value: string) =>
    unlessBusy(() => lab.azure.configurations.beginUpdate(GROUP, name, 'max_connections', { value, source: 'user-override' }))
  await allow('main', '80')
  await unlessBusy(() => lab.azure.servers.beginRestart(GROUP, 'main'))
  await eventually(async () => ((await get('near')).replica?.replicationState === 'Broken' ? true : undefined))
  for (const option of ['Planned', 'Forced']) {
    await expect(unlessBusy(() => promoting('near', option))).rejects.toThrow('OperationNotAllowed')
  }
  for (const name of ['near', 'far']) {
    await allow(name, '80')
    await unlessBusy(() => lab.azure.servers.beginRestart(GROUP, name))
    await eventually(async () => ((await get(name)).replica?.replicationState === 'Active' ? true : undefined))
  }
})

test('a planned promotion makes a server of its own that has everything; its primary goes on', async () => {
  await sell('main', 4)
  const poller = await promoting('near', 'Planned')
  expect(await get('near')).toMatchObject({ state: 'Updating', replica: { replicationState: 'Reconfiguring' } })
  const promoted = await done(Promise.resolve(poller))
  expect(promoted).toMatchObject({ state: 'Ready', replicationRole: 'Primary', replica: { role: 'Primary' } })
  expect(promoted.sourceServerResourceId).toBeUndefined()
  expect(await sold('near')).toEqual([1, 2, 3, 4])
  await sell('near', 100)
  await sell('main', 5)
  expect(await sold('main')).toEqual([1, 2, 3, 4, 5])
  expect(await sold('near')).toEqual([1, 2, 3, 4, 100])
  const slots = await query(lab, await get('main'), 'SELECT count(*)::int AS n FROM pg_replication_slots')
  expect(slots).toEqual([{ n: 1 }])
})

test('a promoted server has backups of its own, and can be restored to a moment after its promotion', async () => {
  await eventually(async () => (await get('near')).backup?.earliestRestoreDate)
  await sell('near', 101)
  await done(
    lab.azure.servers.beginCreateOrUpdate(GROUP, 'near-copy', {
      location: 'eastus',
      createMode: 'PointInTimeRestore',
      sourceServerResourceId: (await get('near')).id!,
      pointInTimeUTC: new Date(),
    }),
  )
  await openFirewall(lab, 'near-copy')
  expect(await sold('near-copy')).toEqual([1, 2, 3, 4, 100, 101])
})

test('without its primary a replica is Broken, cannot be promoted as planned, and can be by force', async () => {
  await openFirewall(lab, 'far')
  await eventually(async () => ((await sold('far')).includes(5) ? true : undefined))
  await unlessBusy(() => lab.azure.servers.beginStop(GROUP, 'main'))
  await eventually(async () => ((await get('far')).replica?.replicationState === 'Broken' ? true : undefined))
  await expect(done(promoting('far', 'Planned'))).rejects.toThrow('OperationNotAllowed')
  expect(await get('far')).toMatchObject({ state: 'Ready', replicationRole: 'GeoAsyncReplica' })
  await done(lab.azure.servers.beginUpdate(GROUP, 'far', { replicationRole: 'None' }))
  await sell('far', 200)
  expect(await sold('far')).toEqual([1, 2, 3, 4, 5, 200])
  expect(await query(lab, await get('far'), 'SELECT 1 AS one', { password: PASSWORD })).toEqual([{ one: 1 }])
  await done(lab.azure.servers.beginStart(GROUP, 'main'))
  expect(await sold('main')).toEqual([1, 2, 3, 4, 5])
  expect(await query(lab, await get('main'), 'SELECT count(*)::int AS n FROM pg_replication_slots')).toEqual([{ n: 0 }])
})
