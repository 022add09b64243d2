import type { Server } from '@azure/arm-postgresql-flexible'
import {
  type AzureLab,
  createServer,
  done,
  eventually,
  GROUP,
  openAzure,
  openFirewall,
  query,
  refused,
  serverPath,
  unlessBusy,
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
}, 180_000)
afterAll(() => lab?.remove())

const get = (name: string) => lab.azure.servers.get(GROUP, name)
const endpoint = (of = 'east') => lab.azure.virtualEndpoints.get(GROUP, of, 'shop')
const at = async (place: 'writer' | 'reader', sql: string) => {
  const [writer, reader] = (await endpoint()).virtualEndpoints!
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

test('afterwards everybody follows the new writer, also after a restart of the lab', async () => {
  await at('writer', 'INSERT INTO sold VALUES (1001)')
  const everywhere = async (last: number) => {
    for (const name of ['east', 'third']) {
      await eventually(async () => ((await sold(name)).includes(last) ? true : undefined))
      await eventually(async () => ((await get(name)).replica?.replicationState === 'Active' ? true : undefined))
    }
  }
  await everywhere(1001)
  await lab.restart()
  expect(await at('writer', whoAmI)).toEqual([{ address: await addressOf('west'), follows: false }])
  await at('writer', 'INSERT INTO sold VALUES (1002)')
  await everywhere(1002)
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

test('a replica that is promoted alone leaves the endpoint; with the endpoint its addresses are gone', async () => {
  const alone = { replica: { role: 'None', promoteMode: 'Standalone', promoteOption: 'Planned' } }
  await unlessBusy(() => lab.azure.servers.beginUpdate(GROUP, 'west', alone))
  expect(await endpoint()).toMatchObject({ members: ['east'] })
  expect(await at('reader', whoAmI)).toEqual([{ address: await addressOf('east'), follows: false }])
  const [writer] = (await endpoint()).virtualEndpoints!
  await unlessBusy(() => lab.azure.virtualEndpoints.beginDelete(GROUP, 'east', 'shop'))
  await refused(endpoint(), 'ResourceNotFound')
  await expect(query(lab, { fullyQualifiedDomainName: writer! } as Server, 'SELECT 1')).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
})
