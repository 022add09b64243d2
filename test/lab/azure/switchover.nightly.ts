import type { Server } from '@azure/arm-postgresql-flexible'
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
beforeAll(async () => {
  lab = await openAzure()
  const primary = await createServer(lab, 'east', { highAvailability: { mode: 'SameZone' } })
  await openFirewall(lab, 'east')
  await query(lab, primary, 'CREATE TABLE sold (n int)')
  for (const name of ['west', 'third']) {
    const replica = { location: 'westus', createMode: 'Replica', sourceServerResourceId: primary.id! }
    await unlessBusy(() => lab.azure.servers.beginCreateOrUpdate(GROUP, name, replica))
    await openFirewall(lab, name)
  }
})
afterAll(() => lab?.remove())

const get = (name: string) => lab.azure.servers.get(GROUP, name)
const endpoint = (of = 'east') => lab.azure.virtualEndpoints.get(GROUP, of, 'shop')
const at = async (place: 'writer' | 'reader', sql: string, of?: string) => {
  const [writer, reader] = (await endpoint(of)).virtualEndpoints!
  return query(lab, { fullyQualifiedDomainName: place === 'writer' ? writer! : reader! } as Server, sql)
}
const whoAmI = 'SELECT host(inet_server_addr()) AS address, pg_is_in_recovery() AS follows'
const addressOf = async (name: string) => (await get(name)).fullyQualifiedDomainName
const swapping = (name: string, promoteOption = 'Planned') =>
  lab.azure.servers.beginUpdate(GROUP, name, { replica: { promoteMode: 'Switchover', promoteOption } })
const sold = async (name: string) =>
  (await query<{ n: number }>(lab, await get(name), 'SELECT n FROM sold ORDER BY n')).map(({ n }) => n)

test('without a virtual endpoint a replica cannot swap roles', async () => {
  await refused(swapping('west'), 'OperationNotAllowed', 'virtual endpoint')
})

test('a virtual endpoint leads to the writer, and to the one to read from', async () => {
  const wanted = { endpointType: 'ReadWrite', members: ['west'] }
  const made = await unlessBusy(() => lab.azure.virtualEndpoints.beginCreate(GROUP, 'east', 'shop', wanted))
  expect(made).toMatchObject({ name: 'shop', endpointType: 'ReadWrite', members: ['west'] })
  expect(made.virtualEndpoints).toHaveLength(2)
  expect(await at('writer', whoAmI)).toEqual([{ address: await addressOf('east'), follows: false }])
  expect(await at('reader', whoAmI)).toEqual([{ address: await addressOf('west'), follows: true }])
  await done(lab.azure.virtualEndpoints.beginUpdate(GROUP, 'east', 'shop', { members: ['third'] }))
  expect(await at('reader', whoAmI)).toEqual([{ address: await addressOf('third'), follows: true }])
  await refused(swapping('west'), 'OperationNotAllowed', 'no member')
  await done(lab.azure.virtualEndpoints.beginUpdate(GROUP, 'east', 'shop', { members: ['west'] }))
})

test.each<[string, object, string]>([
  ['two members', { members: ['west', 'third'] }, 'InvalidParameterValue'],
  ['a member that is no replica', { members: ['nobody'] }, 'InvalidParameterValue'],
  ['a type that there is not', { endpointType: 'ReadOnly', members: ['west'] }, 'InvalidParameterValue'],
])('%s are refused', async (_, properties, code) => {
  const answer = await lab.raw('PUT', serverPath(lab, 'east', '/virtualendpoints/shop'), { body: { properties } })
  expect(answer.body.error?.code).toBe(code)
  expect((await endpoint()).members).toEqual(['west'])
})

test('a second endpoint, and a bad name, are refused', async () => {
  const wanted = { endpointType: 'ReadWrite', members: ['west'] }
  await refused(lab.azure.virtualEndpoints.beginCreate(GROUP, 'east', 'other', wanted), 'OperationNotAllowed')
  const answer = await lab.raw('PUT', serverPath(lab, 'east', '/virtualendpoints/a_b'), { body: { properties: wanted } })
  expect(answer.body.error?.code).toBe('InvalidParameterValue')
})

test('servers that are not alike do not swap roles', async () => {
  await unlessBusy(() => lab.azure.servers.beginUpdate(GROUP, 'west', { sku: { name: 'Standard_D4ds_v5' } }))
  await refused(swapping('west'), 'OperationNotAllowed', 'size')
  await done(lab.azure.servers.beginUpdate(GROUP, 'west', { sku: { name: 'Standard_D2ds_v5' } }))
})

test('while a restore of its primary is under way a replica cannot swap roles, planned or forced', async () => {
  await eventually(async () => (await get('east')).backup?.earliestRestoreDate)
  await orderFault(lab, { cloud: 'azure', kind: 'freeze-instance', instance: 'east', for: '1h' })
  const wanted = { location: 'eastus', createMode: 'PointInTimeRestore', pointInTimeUTC: new Date() }
  const source = { sourceServerResourceId: (await get('east')).id! }
  const poller = await lab.azure.servers.beginCreateOrUpdate(GROUP, 'copy', { ...wanted, ...source })
  for (const option of ['Planned', 'Forced']) await refused(swapping('west', option), 'ServerIsBusy', "'east'")
  await lab.call('DELETE', '/_lab/faults')
  expect(await done(Promise.resolve(poller))).toMatchObject({ state: 'Ready' })
  await unlessBusy(() => lab.azure.servers.beginDelete(GROUP, 'copy'))
})

test('a planned switchover loses no commit, and the endpoint leads to the new writer', async () => {
  await at('writer', 'INSERT INTO sold SELECT generate_series(1, 1000)')
  const poller = await swapping('west')
  expect(await get('west')).toMatchObject({ state: 'Updating', replica: { replicationState: 'Reconfiguring' } })
  await refused(lab.azure.servers.beginUpdate(GROUP, 'east', {}), 'ServerIsBusy')
  await done(Promise.resolve(poller))
  expect(await get('west')).toMatchObject({ state: 'Ready', replicationRole: 'Primary' })
  expect(await get('east')).toMatchObject({
    state: 'Ready',
    replicationRole: 'GeoAsyncReplica',
    sourceServerResourceId: (await get('west')).id,
    highAvailability: { mode: 'Disabled' },
  })
  expect(await at('writer', whoAmI)).toEqual([{ address: await addressOf('west'), follows: false }])
  expect(await at('reader', whoAmI)).toEqual([{ address: await addressOf('east'), follows: true }])
  expect(await at('writer', 'SELECT count(*)::int AS n FROM sold')).toEqual([{ n: 1000 }])
  expect((await endpoint('west')).members).toEqual(['east'])
  expect((await endpoint('west')).id).toContain('/flexibleServers/west/virtualendpoints/shop')
})

const streams = (name: string) =>
  eventually(async () => ((await get(name)).replica?.replicationState === 'Active' ? true : undefined))
const everywhere = async (last: number, names: string[]) => {
  for (const name of names) {
    await eventually(async () => ((await sold(name)).includes(last) ? true : undefined))
    await streams(name)
  }
}

test('afterwards everybody follows the new writer, also after a restart of the lab', async () => {
  await at('writer', 'INSERT INTO sold VALUES (1001)')
  await everywhere(1001, ['east', 'third'])
  await lab.restart()
  expect(await at('writer', whoAmI)).toEqual([{ address: await addressOf('west'), follows: false }])
  await at('writer', 'INSERT INTO sold VALUES (1002)')
  await everywhere(1002, ['east', 'third'])
})

test('a replica that is stopped during a switchover follows the new writer from its start', async () => {
  await unlessBusy(() => lab.azure.servers.beginStop(GROUP, 'third'))
  await unlessBusy(() => swapping('east'))
  await at('writer', 'INSERT INTO sold VALUES (1003)')
  await unlessBusy(() => lab.azure.servers.beginStart(GROUP, 'third'))
  await everywhere(1003, ['third'])
})

const breakPromotion = (instance: string, moment: string) =>
  orderFault(lab, { kind: 'break-promotion', cloud: 'azure', instance, moment })
const faults = async () => (await lab.call('GET', '/_lab/faults')).body.faults

test.each(['marked', 'before'])(
  'a switchover that comes apart before the promotion (%s) leaves the primary writing, and everybody following it',
  async (moment) => {
    const n = moment === 'marked' ? 1004 : 1104
    await breakPromotion('west', moment)
    await expect(unlessBusy(() => swapping('west'))).rejects.toThrow('InternalServerError')
    expect(await faults()).toEqual([])
    expect(await get('east')).toMatchObject({ state: 'Ready', replicationRole: 'Primary' })
    expect(await get('west')).toMatchObject({ state: 'Ready', replicationRole: 'GeoAsyncReplica' })
    await at('writer', `INSERT INTO sold VALUES (${n})`)
    expect(await at('writer', whoAmI)).toEqual([{ address: await addressOf('east'), follows: false }])
    await everywhere(n, ['west', 'third'])
  },
)

test('a switchover that comes apart after the promotion ends well', async () => {
  await breakPromotion('west', 'after')
  await unlessBusy(() => swapping('west'))
  expect(await faults()).toEqual([])
  expect(await get('west')).toMatchObject({ state: 'Ready', replicationRole: 'Primary' })
  expect(await get('east')).toMatchObject({ state: 'Ready', replicationRole: 'GeoAsyncReplica' })
  await at('writer', 'INSERT INTO sold VALUES (1005)')
  expect(await at('writer', 'SELECT count(*)::int AS n FROM sold')).toEqual([{ n: 1006 }])
  await everywhere(1005, ['east', 'third'])
})

test('a forced switchover needs no primary; the old one comes back as a replica', async () => {
  await unlessBusy(() => lab.azure.servers.beginStop(GROUP, 'west'))
  await refused(swapping('east', 'Planned'), 'ServerIsNotReady')
  await done(swapping('east', 'Forced'))
  expect(await get('east')).toMatchObject({ replicationRole: 'Primary' })
  expect(await get('west')).toMatchObject({ state: 'Ready', replica: { role: 'GeoAsyncReplica', replicationState: 'Active' } })
  await at('writer', 'INSERT INTO sold VALUES (2000)')
  // the third is made anew: it may have received what the new writer lacks
  const received = (name: string) =>
    sold(name).then(
      (rows) => (rows.includes(2000) ? true : undefined),
      () => undefined,
    )
  for (const name of ['west', 'third']) await eventually(() => received(name))
  expect(await at('writer', whoAmI)).toEqual([{ address: await addressOf('east'), follows: false }])
})

test('by force the old primary is ended before the replica writes, also when the lab is stopped in between', async () => {
  await streams('west')
  const old = await get('east')
  // between the end of the one and the promotion of the other
  await orderFault(lab, { kind: 'break-promotion', cloud: 'azure', instance: 'west', delay: '1h' })
  const state = (await swapping('west', 'Forced')).toString()
  await untilDown(() => query(lab, old, 'SELECT 1'))
  const follows = 'SELECT pg_is_in_recovery() AS follows'
  expect(await query(lab, await get('west'), follows)).toEqual([{ follows: true }])
  await lab.restart()
  await expect(query(lab, old, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await lab.call('DELETE', '/_lab/faults')
  await done(lab.azure.servers.beginUpdate(GROUP, 'west', {}, { resumeFrom: state }))
  expect(await get('west')).toMatchObject({ state: 'Ready', replicationRole: 'Primary' })
  await streams('east')
  expect(await query(lab, await get('east'), follows)).toEqual([{ follows: true }])
})

test('a replica that is promoted alone leaves the endpoint; with the endpoint its addresses are gone', async () => {
  const alone = { replica: { role: 'None', promoteMode: 'Standalone', promoteOption: 'Planned' } }
  await unlessBusy(() => lab.azure.servers.beginUpdate(GROUP, 'east', alone))
  expect(await endpoint('west')).toMatchObject({ members: ['west'] })
  expect(await at('reader', whoAmI, 'west')).toEqual([{ address: await addressOf('west'), follows: false }])
  const [writer] = (await endpoint('west')).virtualEndpoints!
  await unlessBusy(() => lab.azure.virtualEndpoints.beginDelete(GROUP, 'west', 'shop'))
  await refused(endpoint('west'), 'ResourceNotFound')
  await expect(query(lab, { fullyQualifiedDomainName: writer! } as Server, 'SELECT 1')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
})
