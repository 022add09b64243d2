import {
  type AzureLab,
  createServer,
  done,
  eventually,
  GROUP,
  openAzure,
  PASSWORD,
  query,
  refused,
  sdk,
  serverPath,
  unlessBusy,
  wanted,
} from './fixture'

let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
})
afterAll(() => lab?.remove())

const get = (name: string) => lab.azure.servers.get(GROUP, name)
const subnet = '/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/subnets/s'

test('a server is created by the SDK, shows Provisioning without an address, and is Ready with one afterwards', async () => {
  const more = { tags: { 'capstan-operation': 'op-1' }, network: { delegatedSubnetResourceId: subnet } }
  const poller = await lab.azure.servers.beginCreateOrUpdate(GROUP, 'orders', wanted(more))
  expect(poller.getOperationState().status).toBe('running')
  const early = await get('orders')
  expect(early).toMatchObject({ state: 'Provisioning', version: '15' })
  expect(early.fullyQualifiedDomainName).toBeUndefined()
  const server = await done(Promise.resolve(poller))
  expect(server).toMatchObject({
    name: 'orders',
    type: 'Microsoft.DBforPostgreSQL/flexibleServers',
    location: 'East US',
    state: 'Ready',
    minorVersion: '18',
    fullyQualifiedDomainName: expect.stringContaining(`${lab.block}.`),
    tags: { 'capstan-operation': 'op-1' },
    sku: { name: 'Standard_D2ds_v5', tier: 'GeneralPurpose' },
    storage: { storageSizeGB: 64, tier: 'P6', iops: 240, autoGrow: 'Disabled' },
    backup: { backupRetentionDays: 7, geoRedundantBackup: 'Disabled' },
    highAvailability: { mode: 'Disabled', state: 'NotEnabled' },
    network: { publicNetworkAccess: 'Disabled', delegatedSubnetResourceId: subnet },
  })
  expect(JSON.stringify(server)).not.toContain(PASSWORD)
})

test('a new server says Ready and refuses the next change for a while', async () => {
  const tail = { kind: 'busy-tail', cloud: 'azure', instance: 'hasty', tail: '1m' }
  expect(await lab.call('POST', '/_lab/faults', tail)).toMatchObject({ status: 200 })
  await done(lab.azure.servers.beginCreateOrUpdate(GROUP, 'hasty', wanted({ version: '17' })))
  expect((await get('hasty')).state).toBe('Ready')
  await refused(lab.azure.servers.beginUpdate(GROUP, 'hasty', {}), 'ServerIsBusy', "server 'hasty' is busy")
  await lab.call('DELETE', '/_lab/faults')
  await unlessBusy(() => lab.azure.servers.beginDelete(GROUP, 'hasty'))
})

test('the administrator is a member of azure_pg_admin and no superuser', async () => {
  const [role] = await query<object>(
    lab,
    await get('orders'),
    `SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, pg_has_role('azure_pg_admin', 'member') AS member
       FROM pg_roles WHERE rolname = current_user`,
  )
  expect(role).toEqual({ rolsuper: false, rolcreatedb: true, rolcreaterole: true, rolreplication: true, member: true })
  await expect(query(lab, await get('orders'), "ALTER SYSTEM SET work_mem = '1MB'")).rejects.toMatchObject({ code: '42501' })
  await expect(query(lab, await get('orders'), "SELECT pg_read_file('PG_VERSION')")).rejects.toMatchObject({ code: '42501' })
})

describe('changes', () => {
  test('size, storage, backups, tags and maintenance are changed by PATCH; another size restarts PostgreSQL', async () => {
    const started = async () =>
      (await query<{ at: Date }>(lab, await get('orders'), 'SELECT pg_postmaster_start_time() AS at'))[0]!.at
    const before = await started()
    const change = {
      sku: { name: 'Standard_D4ds_v5', tier: 'GeneralPurpose' },
      storage: { storageSizeGB: 128, autoGrow: 'Enabled' },
      backup: { backupRetentionDays: 14 },
      maintenanceWindow: { customWindow: 'Enabled', dayOfWeek: 3, startHour: 2, startMinute: 30 },
      tags: { team: 'orders' },
    } as const
    const poller = await lab.azure.servers.beginUpdate(GROUP, 'orders', change)
    expect(await get('orders')).toMatchObject({ state: 'Updating', sku: { name: 'Standard_D2ds_v5' } })
    expect(await done(Promise.resolve(poller))).toMatchObject({
      state: 'Ready',
      ...change,
      storage: { storageSizeGB: 128, tier: 'P10', iops: 500, autoGrow: 'Enabled' },
      backup: { backupRetentionDays: 14, geoRedundantBackup: 'Disabled' },
    })
    expect((await started()).getTime()).toBeGreaterThan(before.getTime())
  })

  test('a new password is the one that lets in', async () => {
    await done(lab.azure.servers.beginUpdate(GROUP, 'orders', { administratorLoginPassword: 'Another-Horse-8' }))
    const server = await get('orders')
    expect(await query(lab, server, 'SELECT 1 AS one', { password: 'Another-Horse-8' })).toEqual([{ one: 1 }])
    await expect(query(lab, server, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    await done(lab.azure.servers.beginUpdate(GROUP, 'orders', { administratorLoginPassword: PASSWORD }))
  })

  test.each([
    ['less storage', { storage: { storageSizeGB: 64 } }, 'InvalidParameterValue'],
    ['a storage that there is not', { storage: { storageSizeGB: 130 } }, 'InvalidParameterValue'],
    ['a size that there is not', { sku: { name: 'Standard_Z9', tier: 'GeneralPurpose' } }, 'SkuNotAvailable'],
    ['a tier that the size is not of', { sku: { name: 'Standard_B1ms', tier: 'GeneralPurpose' } }, 'InvalidParameterValue'],
    ['geo-redundant backups', { backup: { geoRedundantBackup: 'Enabled' } }, 'InvalidParameterValue'],
    ['backups for two days', { backup: { backupRetentionDays: 2 } }, 'InvalidParameterValue'],
    ['another administrator', { administratorLogin: 'chief' }, 'InvalidParameterValue'],
    ['another version', { version: '17' }, 'OperationNotAllowed'],
    ['a short password', { administratorLoginPassword: 'Aa1-' }, 'PasswordTooShort'],
    ['a simple password', { administratorLoginPassword: 'correcthorse' }, 'PasswordNotComplex'],
    ['a password with the login in it', { administratorLoginPassword: 'Boss-1234-x' }, 'PasswordNotComplex'],
    ['the eighth day of a week', { maintenanceWindow: { dayOfWeek: 7 } }, 'InvalidParameterValue'],
    ['an availability that there is not', { highAvailability: { mode: 'Always' } }, 'InvalidParameterValue'],
  ])('%s is refused, and nothing is changed', async (_, change, code) => {
    const before = await get('orders')
    await refused(lab.azure.servers.beginUpdate(GROUP, 'orders', change), code)
    expect(await get('orders')).toEqual(before)
  })

  test('while one change is under way, the next is refused', async () => {
    const poller = await lab.azure.servers.beginUpdate(GROUP, 'orders', { tags: { team: 'orders', n: '1' } })
    await refused(lab.azure.servers.beginUpdate(GROUP, 'orders', {}), 'ServerIsBusy')
    await refused(lab.azure.servers.beginDelete(GROUP, 'orders'), 'ServerIsBusy')
    await refused(lab.azure.servers.beginRestart(GROUP, 'orders'), 'ServerIsBusy')
    await done(Promise.resolve(poller))
  })

  test('PUT on a server that is there changes it, and takes away the tags that it does not have', async () => {
    const server = await done(
      lab.azure.servers.beginCreateOrUpdate(GROUP, 'orders', { location: 'East US', backup: { backupRetentionDays: 9 } }),
    )
    expect(server).toMatchObject({ backup: { backupRetentionDays: 9 }, storage: { storageSizeGB: 128 } })
    expect(server.tags).toBeUndefined()
  })

  test('high availability is shown coming and going, and only with it a failover is accepted', async () => {
    const failover = { restartWithFailover: true, failoverMode: 'PlannedFailover' }
    await refused(lab.azure.servers.beginRestart(GROUP, 'orders', { parameters: failover }), 'OperationNotAllowed')
    const poller = await lab.azure.servers.beginUpdate(GROUP, 'orders', { highAvailability: { mode: 'ZoneRedundant' } })
    expect((await get('orders')).highAvailability).toMatchObject({ mode: 'Disabled', state: 'CreatingStandby' })
    expect((await done(Promise.resolve(poller))).highAvailability).toMatchObject({ mode: 'ZoneRedundant', state: 'Healthy' })
    await done(lab.azure.servers.beginRestart(GROUP, 'orders', { parameters: failover }))
    await refused(
      lab.azure.servers.beginUpdate(GROUP, 'orders', { sku: { name: 'Standard_B2s', tier: 'Burstable' } }),
      'InvalidParameterValue',
    )
    await done(lab.azure.servers.beginUpdate(GROUP, 'orders', { highAvailability: { mode: 'Disabled' } }))
  })
})

describe('power', () => {
  test('a stopped server takes no connection and no change, and has its data when it is started', async () => {
    await query(lab, await get('orders'), 'CREATE TABLE kept AS SELECT 7 AS n')
    const poller = await lab.azure.servers.beginStop(GROUP, 'orders')
    expect((await get('orders')).state).toBe('Stopping')
    await done(Promise.resolve(poller))
    const stopped = await get('orders')
    expect(stopped.state).toBe('Stopped')
    await expect(query(lab, stopped, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await refused(lab.azure.servers.beginStop(GROUP, 'orders'), 'ServerIsNotReady', 'Current Server State = Stopped')
    await refused(lab.azure.servers.beginRestart(GROUP, 'orders'), 'ServerIsNotReady')
    await refused(lab.azure.servers.beginUpdate(GROUP, 'orders', {}), 'ServerIsNotReady')
    await lab.restart()
    expect((await get('orders')).state).toBe('Stopped')
    await done(lab.azure.servers.beginStart(GROUP, 'orders'))
    expect(await query(lab, await get('orders'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    await refused(lab.azure.servers.beginStart(GROUP, 'orders'), 'ServerIsNotReady', 'Current Server State = Ready')
  })

  test('a restart is a real one', async () => {
    const started = async () => query(lab, await get('orders'), 'SELECT pg_postmaster_start_time()::text AS at')
    const before = await started()
    const poller = await lab.azure.servers.beginRestart(GROUP, 'orders')
    expect((await get('orders')).state).toBe('Restarting')
    await done(Promise.resolve(poller))
    expect(await started()).not.toEqual(before)
  })
})

describe('promises', () => {
  test('the poller asks where it was told to, and another process carries on without asking for the thing again', async () => {
    const sent: string[] = []
    const { api, credentials } = lab.lab
    const first = await sdk(api, credentials.azure, sent).servers.beginUpdate(GROUP, 'orders', { tags: { n: '2' } })
    const state = first.toString()
    const resumed: string[] = []
    const second = sdk(api, credentials.azure, resumed).servers.beginUpdate(GROUP, 'orders', {}, { resumeFrom: state })
    expect(await done(second)).toMatchObject({ tags: { n: '2' } })
    expect(sent[0]).toContain('PATCH https://management.azure.com/')
    expect(resumed[0]).toMatch(/^GET https:\/\/management\.azure\.com\/.*\/locations\/eastus\/azureAsyncOperation\//)
    expect(resumed.some((line) => line.startsWith('PATCH'))).toBe(false)
  })

  test('an accepted call names two addresses of the host that its caller used, and when to ask', async () => {
    const update = (headers: Record<string, string>) =>
      eventually(async () => {
        const answer = await lab.raw('PATCH', serverPath(lab, 'orders'), { body: {}, headers })
        return answer.status === 409 ? undefined : answer
      })
    const plain = await update({})
    expect(plain.status).toBe(202)
    expect(plain.body).toMatchObject({ operation: 'UpsertServerManagementOperationV2', startTime: expect.any(String) })
    expect(plain.headers.get('retry-after')).toBe('1')
    const monitor = new URL(plain.headers.get('azure-asyncoperation')!)
    const result = new URL(plain.headers.get('location')!)
    expect([monitor.host, result.host]).toEqual(['management.azure.com', 'management.azure.com'])
    expect(monitor.searchParams.get('api-version')).toBe('2025-08-01')
    expect((await lab.raw('GET', result.pathname + result.search)).status).toBe(202)
    const ended = await eventually(async () => {
      const { body } = await lab.raw('GET', monitor.pathname + monitor.search)
      return body.status === 'InProgress' ? undefined : body
    })
    expect(ended).toMatchObject({ status: 'Succeeded', name: monitor.pathname.split('/').at(-1) })
    expect(await lab.raw('GET', result.pathname + result.search)).toMatchObject({ status: 200, body: { name: 'orders' } })
    const forwarded = await update({ 'x-forwarded-host': 'lab.internal:8443', 'x-forwarded-proto': 'https' })
    expect(forwarded.headers.get('location')).toMatch(/^https:\/\/lab\.internal:8443\/subscriptions\//)
    const odd = await update({ 'x-forwarded-host': 'a b/c', 'x-forwarded-proto': 'gopher' })
    expect(odd.headers.get('location')).toMatch(/^https:\/\/management\.azure\.com\//)
  })

  test('a promise can be asked about after a restart of the lab', async () => {
    const accepted = await eventually(async () => {
      const answer = await lab.raw('PATCH', serverPath(lab, 'orders'), { body: { tags: { after: 'restart' } } })
      return answer.status === 202 ? answer : undefined
    })
    const monitor = new URL(accepted.headers.get('azure-asyncoperation')!)
    await lab.restart()
    const ended = await eventually(async () => {
      const { body } = await lab.raw('GET', monitor.pathname + monitor.search)
      return body.status === 'InProgress' ? undefined : body
    })
    expect(ended).toMatchObject({ status: 'Succeeded' })
    expect(await get('orders')).toMatchObject({ state: 'Ready', tags: { after: 'restart' } })
  })

  test('a creation that the lab was stopped in is finished by the next one', async () => {
    const poller = await lab.azure.servers.beginCreateOrUpdate(GROUP, 'interrupted', wanted())
    const state = poller.toString()
    await lab.restart()
    const server = await done(lab.azure.servers.beginCreateOrUpdate(GROUP, 'interrupted', wanted(), { resumeFrom: state }))
    expect(server).toMatchObject({ state: 'Ready' })
  })
})

describe('names', () => {
  test('a server is found in its group and subscription, whatever the case of the path, and nowhere else', async () => {
    const names = async (servers: AsyncIterable<{ name?: string }>) => {
      const found: string[] = []
      for await (const { name } of servers) found.push(name!)
      return found.sort()
    }
    expect(await names(lab.azure.servers.listByResourceGroup(GROUP))).toEqual(['interrupted', 'orders'])
    expect(await names(lab.azure.servers.listByResourceGroup('TESTS'))).toEqual(['interrupted', 'orders'])
    expect(await names(lab.azure.servers.listByResourceGroup('elsewhere'))).toEqual([])
    expect(await names(lab.azure.servers.listBySubscription())).toEqual(['interrupted', 'orders'])
    await refused(
      lab.azure.servers.get('elsewhere', 'orders'),
      'ResourceNotFound',
      "'Microsoft.DBforPostgreSQL/flexibleServers/orders'",
    )
    const shouted = serverPath(lab, 'orders').replace(/(resourceGroups|providers|flexibleServers|tests|orders)/g, (word) =>
      word.toUpperCase(),
    )
    expect((await lab.raw('GET', shouted)).status).toBe(200)
  })

  test('a name is global, and belongs to one location', async () => {
    await refused(lab.azure.servers.beginCreateOrUpdate('elsewhere', 'orders', wanted()), 'ServerNameAlreadyExists')
    const elsewhere = wanted({ location: 'westeurope' })
    await refused(
      lab.azure.servers.beginCreateOrUpdate(GROUP, 'orders', elsewhere),
      'InvalidResourceLocation',
      "location 'eastus'",
    )
  })

  test('a name can be asked about before', async () => {
    const ask = (name: string) =>
      lab.azure.nameAvailability.checkGlobally({ name, type: 'Microsoft.DBforPostgreSQL/flexibleServers' })
    expect(await ask('free-name')).toMatchObject({ nameAvailable: true, name: 'free-name' })
    expect(await ask('orders')).toMatchObject({ nameAvailable: false, reason: 'AlreadyExists' })
    expect(await ask('-bad')).toMatchObject({ nameAvailable: false, reason: 'Invalid' })
    const there = await lab.azure.nameAvailability.checkWithLocation('eastus', { name: 'free-name' })
    expect(there).toMatchObject({ nameAvailable: true })
  })

  test('what is on offer can be asked of a location and of a server', async () => {
    for await (const capability of lab.azure.capabilitiesByLocation.list('eastus')) {
      expect(capability.supportedServerVersions?.map(({ name }) => name)).toEqual(['15', '17'])
      expect(capability.supportedServerEditions?.map(({ name }) => name)).toEqual([
        'Burstable',
        'GeneralPurpose',
        'MemoryOptimized',
      ])
    }
    for await (const { restricted } of lab.azure.capabilitiesByServer.list(GROUP, 'orders')) expect(restricted).toBe('Disabled')
    await expect(lab.azure.capabilitiesByLocation.list('mars').next()).rejects.toMatchObject({
      code: 'LocationNotAvailableForResourceType',
    })
  })

  test('a deleted server is gone, its name is in dropping state for a while, and then free', async () => {
    const poller = await unlessGone()
    expect((await get('interrupted')).state).toBe('Dropping')
    await done(Promise.resolve(poller))
    await refused(get('interrupted'), 'ResourceNotFound')
    expect((await lab.raw('DELETE', serverPath(lab, 'interrupted'))).status).toBe(204)
    const again = done(lab.azure.servers.beginCreateOrUpdate(GROUP, 'interrupted', wanted()))
    // an SDK tells a failed promise by a plain error, the code in its text
    await expect(again).rejects.toThrow(
      'The long-running operation has failed. ServerGroupDropping. Operations on a server group in dropping state are not allowed.',
    )
    await refused(get('interrupted'), 'ResourceNotFound')
    const server = await eventually(() => createServer(lab, 'interrupted').catch(() => undefined))
    expect(server.state).toBe('Ready')
  })

  const unlessGone = () => eventually(() => lab.azure.servers.beginDelete(GROUP, 'interrupted').catch(() => undefined))
})
