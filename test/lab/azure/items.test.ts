/** What belongs to a server: firewall rules, databases, configurations, backups, administrators. */
import type { Configuration } from '@azure/arm-postgresql-flexible'
import { connect } from '../fixture'
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
  serverPath,
  trusted,
  unlessBusy,
} from './fixture'

let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
  await createServer(lab, 'shop')
})
afterAll(() => lab?.remove())

const shop = () => lab.azure.servers.get(GROUP, 'shop')
const all = async <Item>(items: AsyncIterable<Item>) => {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('firewall rules', () => {
  const rules = () => lab.azure.firewallRules
  const open = (from: string, to = from, name = 'door') =>
    done(rules().beginCreateOrUpdate(GROUP, 'shop', name, { startIpAddress: from, endIpAddress: to }))

  test('without a rule nobody is let in; a range lets in exactly its addresses, also after it is changed and deleted', async () => {
    await expect(query(lab, await shop(), 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
    expect(await open(`${lab.block}.2`, `${lab.block}.4`)).toMatchObject({
      name: 'door',
      type: 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules',
      startIpAddress: `${lab.block}.2`,
      endIpAddress: `${lab.block}.4`,
    })
    const from = async (last: number) => {
      const config = {
        host: (await shop()).fullyQualifiedDomainName!,
        port: lab.lab.dataPort,
        database: 'postgres',
        password: PASSWORD,
        ssl: trusted(lab),
      }
      const client = await connect(`${lab.block}.${last}`, config)
      await client.end()
    }
    for (const inside of [2, 3, 4]) await from(inside)
    for (const outside of [5, 6]) await expect(from(outside)).rejects.toMatchObject({ code: '28000' })
    await open(`${lab.block}.5`)
    await from(5)
    await expect(from(2)).rejects.toMatchObject({ code: '28000' })
    await done(rules().beginDelete(GROUP, 'shop', 'DOOR'))
    await expect(from(5)).rejects.toMatchObject({ code: '28000' })
    expect(await all(rules().listByServer(GROUP, 'shop'))).toEqual([])
  })

  test('a connection that is there stays when its rule goes', async () => {
    await openFirewall(lab, 'shop')
    const config = {
      host: (await shop()).fullyQualifiedDomainName!,
      port: lab.lab.dataPort,
      database: 'postgres',
      password: PASSWORD,
      ssl: trusted(lab),
    }
    const client = await connect(lab.client, config)
    await done(rules().beginDelete(GROUP, 'shop', 'tests'))
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await client.end()
  })

  test('the rule for services inside Azure lets in nobody here', async () => {
    await open('0.0.0.0')
    await expect(query(lab, await shop(), 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
    await done(rules().beginDelete(GROUP, 'shop', 'door'))
  })

  test.each([
    ['an end before its start', '10.0.0.9', '10.0.0.1'],
    ['a start that is no address', '10.0.0', '10.0.0.1'],
    ['an end that is no address', '10.0.0.1', '::1'],
  ])('%s is refused', async (_, startIpAddress, endIpAddress) => {
    const body = { properties: { startIpAddress, endIpAddress } }
    const answer = await lab.raw('PUT', serverPath(lab, 'shop', '/firewallRules/bad'), { body })
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidParameterValue' } } })
    await refused(rules().get(GROUP, 'shop', 'bad'), 'ResourceNotFound')
  })

  test('what is not there can be neither found nor given a child, and deleting it is no error', async () => {
    await refused(rules().get(GROUP, 'nobody', 'door'), 'ResourceNotFound')
    const rule = { startIpAddress: '10.0.0.1', endIpAddress: '10.0.0.1' }
    await refused(rules().beginCreateOrUpdate(GROUP, 'nobody', 'door', rule), 'ParentResourceNotFound')
    expect((await lab.raw('DELETE', serverPath(lab, 'shop', '/firewallRules/none'))).status).toBe(204)
    const bad = await lab.raw('PUT', serverPath(lab, 'shop', '/firewallRules/bad.name'), { body: { properties: rule } })
    expect(bad.body.error?.code).toBe('InvalidParameterValue')
  })
})

test.each(['constructor', 'toString', '__proto__'])('nothing of a server is called %s by nature', async (name) => {
  for (const collection of ['firewallRules', 'backups', 'administrators', 'configurations', 'virtualendpoints', 'databases']) {
    const answer = await lab.raw('GET', serverPath(lab, 'shop', `/${collection}/${name}`))
    expect([collection, answer.status, answer.body.error?.code]).toEqual([collection, 404, 'ResourceNotFound'])
  }
  for (const collection of ['firewallRules', 'backups', 'administrators', 'virtualendpoints', 'databases']) {
    expect((await lab.raw('DELETE', serverPath(lab, 'shop', `/${collection}/${name}`))).status).toBe(204)
  }
})

describe('databases', () => {
  const databases = () => lab.azure.databases
  beforeAll(() => openFirewall(lab, 'shop'))

  test('a database is made by the API, belongs to the administrator, and is shown beside those made by SQL', async () => {
    const made = await done(databases().beginCreate(GROUP, 'shop', 'orders', { charset: 'utf8', collation: 'de_DE.utf8' }))
    expect(made).toMatchObject({ name: 'orders', charset: 'UTF8', collation: 'de_DE.utf8' })
    await query(lab, await shop(), 'CREATE TABLE t (n int)', { database: 'orders' })
    await query(lab, await shop(), 'CREATE DATABASE by_sql')
    const names = (await all(databases().listByServer(GROUP, 'shop'))).map(({ name }) => name)
    expect(names).toEqual(['postgres', 'orders', 'by_sql'])
    await done(databases().beginCreate(GROUP, 'shop', 'orders', {}))
    expect(await query(lab, await shop(), 'SELECT * FROM t', { database: 'orders' })).toEqual([])
  })

  test('a database is dropped with whoever is in it, one of the cloud’s own never', async () => {
    const config = {
      host: (await shop()).fullyQualifiedDomainName!,
      port: lab.lab.dataPort,
      database: 'by_sql',
      password: PASSWORD,
      ssl: trusted(lab),
    }
    const client = await connect(lab.client, config)
    await done(databases().beginDelete(GROUP, 'shop', 'by_sql'))
    await client.end().catch(() => {})
    await refused(databases().get(GROUP, 'shop', 'by_sql'), 'ResourceNotFound')
    for (const own of ['postgres', 'azuresu']) {
      await refused(databases().beginDelete(GROUP, 'shop', own), 'OperationNotAllowed')
    }
    expect((await lab.raw('DELETE', serverPath(lab, 'shop', '/databases/by_sql'))).status).toBe(204)
  })

  test.each([
    ['klingon', 'charset', { charset: 'klingon' }],
    ['a collation that is none', 'collation', { collation: 'en-us-please' }],
    ['a charset with an end of a statement in it', 'charset', { charset: "UTF8'; DROP" }],
  ])('%s is refused', async (_, parameter, properties) => {
    const answer = await lab.raw('PUT', serverPath(lab, 'shop', '/databases/bad'), { body: { properties } })
    expect(answer.body.error).toMatchObject({ code: 'InvalidParameterValue', message: expect.stringContaining(parameter) })
    await refused(databases().get(GROUP, 'shop', 'bad'), 'ResourceNotFound')
  })

  test('a name with a quote in it is refused', async () => {
    const answer = await lab.raw('PUT', serverPath(lab, 'shop', '/databases/a%22b'), { body: {} })
    expect(answer.body.error?.code).toBe('InvalidParameterValue')
  })
})

describe('configurations', () => {
  const configurations = () => lab.azure.configurations
  const set = (name: string, value: string) =>
    unlessBusy(() => configurations().beginUpdate(GROUP, 'shop', name, { value, source: 'user-override' }))
  const shown = async (name: string) => (await query<Record<string, string>>(lab, await shop(), `SHOW ${name}`))[0]![name]

  test('they are PostgreSQL’s own, with types, ranges and defaults', async () => {
    const found = new Map((await all(configurations().listByServer(GROUP, 'shop'))).map((one) => [one.name!, one]))
    expect(found.size).toBeGreaterThan(250)
    const wanted: Record<string, Partial<Configuration>> = {
      work_mem: {
        dataType: 'Integer',
        allowedValues: '64-2147483647',
        value: '4096',
        defaultValue: '4096',
        unit: 'kB',
        isDynamicConfig: true,
      },
      max_connections: { dataType: 'Integer', isDynamicConfig: false, isReadOnly: false },
      enable_seqscan: { dataType: 'Boolean', allowedValues: 'on,off', value: 'on' },
      client_min_messages: { dataType: 'Enumeration', allowedValues: expect.stringContaining('warning') },
      seq_page_cost: { dataType: 'Numeric' },
      wal_level: { allowedValues: 'replica,logical', value: 'replica', isReadOnly: false },
      archive_command: { isReadOnly: true, value: '' },
      fsync: { isReadOnly: true },
    }
    for (const [name, expected] of Object.entries(wanted)) expect(found.get(name)).toMatchObject(expected)
    for (const { value } of found.values()) expect(value).not.toContain(lab.stateDir)
  })

  test('a dynamic one holds for new connections at once, and returns to its default', async () => {
    const poller = await configurations().beginUpdate(GROUP, 'shop', 'work_mem', { value: '8192', source: 'user-override' })
    expect((await shop()).state).toBe('Updating')
    expect(await done(Promise.resolve(poller))).toMatchObject({
      value: '8192',
      source: 'user-override',
      isConfigPendingRestart: false,
    })
    expect(await shown('work_mem')).toBe('8MB')
    await done(configurations().beginPut(GROUP, 'shop', 'WORK_MEM', { source: 'system-default' }))
    expect(await shown('work_mem')).toBe('4MB')
    expect(await configurations().get(GROUP, 'shop', 'work_mem')).toMatchObject({ source: 'system-default', value: '4096' })
  })

  test('a static one is pending until a restart', async () => {
    expect(await set('wal_level', 'LOGICAL')).toMatchObject({ value: 'logical', isConfigPendingRestart: true })
    expect(await shown('wal_level')).toBe('replica')
    await done(lab.azure.servers.beginRestart(GROUP, 'shop'))
    expect(await shown('wal_level')).toBe('logical')
    expect(await configurations().get(GROUP, 'shop', 'wal_level')).toMatchObject({ isConfigPendingRestart: false })
  })

  test.each([
    ['work_mem', '1'],
    ['work_mem', '8MB'],
    ['work_mem', ''],
    ['enable_seqscan', 'maybe'],
    ['client_min_messages', 'loud'],
    ['wal_level', 'minimal'],
    ['seq_page_cost', '-1'],
    ['shared_preload_libraries', 'evil'],
    ['fsync', 'off'],
    ['archive_command', 'rm -rf /'],
    ['search_path', "a\nfsync = 'off'"],
  ])('%s cannot be %j', async (name, value) => {
    const before = await configurations().get(GROUP, 'shop', name)
    await refused(
      configurations().beginUpdate(GROUP, 'shop', name, { value, source: 'user-override' }),
      'ServerParameterToCMSUnAllowedParameterValue',
    )
    expect(await configurations().get(GROUP, 'shop', name)).toEqual(before)
  })

  test('what only PostgreSQL finds wrong fails as an operation, and nothing of it stays', async () => {
    await expect(set('timezone', 'Mars/Olympus')).rejects.toThrow('ServerParameterToCMSUnAllowedParameterValue')
    expect(await configurations().get(GROUP, 'shop', 'TimeZone')).toMatchObject({ value: 'UTC', source: 'system-default' })
    expect(await shown('TimeZone')).toBe('UTC')
    expect((await shop()).state).toBe('Ready')
  })

  test('one that nobody knows is not found', async () => {
    await refused(configurations().beginUpdate(GROUP, 'shop', 'no_such', { value: '1' }), 'ResourceNotFound')
    await refused(configurations().get(GROUP, 'shop', 'no_such'), 'ResourceNotFound')
  })

  test('a server that does not start with its configurations is Inaccessible, and is mended through the API', async () => {
    await set('max_wal_senders', '0')
    await done(lab.azure.servers.beginUpdate(GROUP, 'shop', {}))
    await set('wal_keep_size', '0')
    await set('max_connections', '1')
    await expect(done(lab.azure.servers.beginRestart(GROUP, 'shop'))).rejects.toThrow('InternalServerError')
    expect((await shop()).state).toBe('Inaccessible')
    await refused(lab.azure.servers.beginStop(GROUP, 'shop'), 'ServerIsNotReady')
    for (const name of ['max_connections', 'max_wal_senders']) {
      await unlessBusy(() => configurations().beginPut(GROUP, 'shop', name, { source: 'system-default' }))
    }
    await done(lab.azure.servers.beginRestart(GROUP, 'shop'))
    expect((await shop()).state).toBe('Ready')
    expect(await shown('max_wal_senders')).toBe('10')
  })
})

describe('backups', () => {
  const backups = () => lab.azure.backupsAutomaticAndOnDemand

  test('the first is taken by itself, others on demand, and only these can be deleted', async () => {
    const [first] = await eventually(async () => {
      const found = await all(backups().listByServer(GROUP, 'shop'))
      return found.length > 0 ? found : undefined
    })
    expect(first).toMatchObject({ backupType: 'Full', source: 'Automatic', completedTime: expect.any(Date) })
    const poller = await backups().beginCreate(GROUP, 'shop', 'Before-Migration')
    expect((await shop()).state).toBe('Ready')
    await refused(lab.azure.servers.beginUpdate(GROUP, 'shop', {}), 'ServerIsBusy')
    await refused(backups().get(GROUP, 'shop', 'before-migration'), 'ResourceNotFound')
    expect(await done(Promise.resolve(poller))).toMatchObject({
      name: 'Before-Migration',
      backupType: 'Customer On-Demand',
      source: 'Customer Initiated',
      completedTime: expect.any(Date),
    })
    await refused(backups().beginCreate(GROUP, 'shop', 'before-migration'), 'ResourceAlreadyExists')
    await refused(backups().beginDelete(GROUP, 'shop', first!.name!), 'OperationNotAllowed')
    await done(backups().beginDelete(GROUP, 'shop', 'before-migration'))
    expect((await all(backups().listByServer(GROUP, 'shop'))).map(({ name }) => name)).toEqual([first!.name])
  })
})

test('a burstable server takes neither a backup on demand nor a replica', async () => {
  const { id } = await createServer(lab, 'small', {
    sku: { name: 'Standard_B1ms', tier: 'Burstable' },
    storage: { storageSizeGB: 32 },
  })
  await refused(lab.azure.backupsAutomaticAndOnDemand.beginCreate(GROUP, 'small', 'b'), 'OperationNotAllowed', 'Burstable')
  const replica = { location: 'eastus', createMode: 'Replica', sourceServerResourceId: id! }
  await refused(lab.azure.servers.beginCreateOrUpdate(GROUP, 'second', replica), 'OperationNotAllowed', 'Burstable')
})

describe('administrators', () => {
  const administrators = () => lab.azure.administratorsMicrosoftEntra
  const id = '8f3a1c52-0000-4000-8000-000000000001'

  test('they are kept and shown once Entra is enabled, and refused before', async () => {
    const wanted = { principalName: 'dba@example.org', principalType: 'User' }
    await refused(administrators().beginCreateOrUpdate(GROUP, 'shop', id, wanted), 'OperationNotAllowed')
    await done(lab.azure.servers.beginUpdate(GROUP, 'shop', { authConfig: { activeDirectoryAuth: 'Enabled' } }))
    expect(await done(administrators().beginCreateOrUpdate(GROUP, 'shop', id, wanted))).toMatchObject({ objectId: id, ...wanted })
    expect(await all(administrators().listByServer(GROUP, 'shop'))).toHaveLength(1)
    await done(administrators().beginDelete(GROUP, 'shop', id))
    await refused(administrators().get(GROUP, 'shop', id), 'ResourceNotFound')
    await refused(administrators().beginCreateOrUpdate(GROUP, 'shop', 'not-an-id', wanted), 'InvalidParameterValue')
  })
})
