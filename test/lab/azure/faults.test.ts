import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CallRecord } from '../../../lab/calls'
import { connect, slowly } from '../fixture'
import {
  type AzureLab,
  createServer,
  done,
  eventually,
  GROUP,
  openAzure,
  openFirewall,
  orderFault,
  PASSWORD,
  query,
  refused,
  rested,
  trusted,
  unlessBusy,
  wanted,
} from './fixture'

let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
  await createServer(lab, 'shop')
  await openFirewall(lab, 'shop')
  await query(lab, await shop(), 'CREATE TABLE kept AS SELECT 7 AS n')
})
afterEach(async () => {
  await lab.call('DELETE', '/_lab/faults')
})
afterAll(() => lab?.remove())

const shop = () => lab.azure.servers.get(GROUP, 'shop')
const order = (fault: object) => orderFault(lab, { cloud: 'azure', ...fault })
const marked = async () => ((await lab.call('GET', '/_lab/calls')).body as { last: number }).last
const since = async (mark: number) =>
  ((await lab.call('GET', `/_lab/calls?since=${mark}`)).body as { calls: CallRecord[] }).calls.map(
    ({ operation, status, outcome, answered }) => [operation, status, outcome, answered],
  )
const update = (change = {}) => lab.azure.servers.beginUpdate(GROUP, 'shop', change)
const login = async () =>
  connect(lab.client, {
    host: (await shop()).fullyQualifiedDomainName!,
    port: lab.lab.dataPort,
    database: 'postgres',
    password: PASSWORD,
    ssl: trusted(lab),
  })

test('throttled, the SDK waits as long as it is told and asks again, also for a change', async () => {
  const mark = await marked()
  await order({ kind: 'throttle', operation: 'Servers_Update', times: 2 })
  await done(update({ tags: { n: '1' } }))
  expect((await since(mark)).filter(([operation]) => operation === 'Servers_Update')).toEqual([
    ['Servers_Update', 429, 'SubscriptionRequestsThrottled', true],
    ['Servers_Update', 429, 'SubscriptionRequestsThrottled', true],
    ['Servers_Update', 202, 'ok', true],
  ])
})

test('when the answer to a creation is lost, the SDK asks again, is refused, and the server is there once', async () => {
  const mark = await marked()
  // However soon it is made, it is busy when it is asked for again.
  await order({ kind: 'busy-tail', instance: 'lost', tail: '1h' })
  await order({ kind: 'drop-response', operation: 'Servers_CreateOrUpdate' })
  await refused(lab.azure.servers.beginCreateOrUpdate(GROUP, 'lost', wanted()), 'ServerIsBusy')
  expect((await since(mark)).filter(([operation]) => operation === 'Servers_CreateOrUpdate')).toEqual([
    ['Servers_CreateOrUpdate', 202, 'ok', false],
    ['Servers_CreateOrUpdate', 409, 'ServerIsBusy', true],
  ])
  await lab.call('DELETE', '/_lab/faults')
  expect(await rested(lab, 'lost')).toMatchObject({ state: 'Ready' })
  await unlessBusy(() => lab.azure.servers.beginDelete(GROUP, 'lost'))
})

test('when a creation arrives twice, its caller may hear of the second alone, which is refused', async () => {
  const mark = await marked()
  await order({ kind: 'busy-tail', instance: 'twice', tail: '1h' })
  await order({ kind: 'deliver-twice', operation: 'Servers_CreateOrUpdate', heard: 'second' })
  await refused(lab.azure.servers.beginCreateOrUpdate(GROUP, 'twice', wanted()), 'ServerIsBusy')
  expect((await since(mark)).filter(([operation]) => operation === 'Servers_CreateOrUpdate')).toEqual([
    ['Servers_CreateOrUpdate', 202, 'ok', true],
    ['Servers_CreateOrUpdate', 409, 'ServerIsBusy', true],
  ])
  await lab.call('DELETE', '/_lab/faults')
  expect(await rested(lab, 'twice')).toMatchObject({ state: 'Ready' })
  await unlessBusy(() => lab.azure.servers.beginDelete(GROUP, 'twice'))
})

test('an ordered error is the one that is answered, and nothing is done', async () => {
  const before = await shop()
  await order({ kind: 'fail', operation: 'Servers_Update', code: 'AuthorizationFailed', message: 'No.' })
  await refused(update({ tags: { n: '2' } }), 'AuthorizationFailed', 'No.')
  expect(await shop()).toEqual(before)
})

test('an accepted change that fails leaves the server as it was, and tells so by a plain error', async () => {
  const { sku, tags } = await shop()
  await order({ kind: 'fail-operation', operation: 'Servers_Update' })
  const failed = done(update({ sku: { name: 'Standard_D8ds_v5', tier: 'GeneralPurpose' }, tags: {} }))
  await expect(failed).rejects.toThrow('The long-running operation has failed. InternalServerError.')
  await expect(failed).rejects.not.toHaveProperty('code')
  expect(await shop()).toMatchObject({ state: 'Ready', sku, tags })
})

test.each([
  ['a stop', 'Servers_Stop', () => lab.azure.servers.beginStop(GROUP, 'shop')],
  ['a deletion', 'Servers_Delete', () => lab.azure.servers.beginDelete(GROUP, 'shop')],
  ['a restart', 'Servers_Restart', () => lab.azure.servers.beginRestart(GROUP, 'shop')],
  ['a firewall rule', 'FirewallRules_Delete', () => lab.azure.firewallRules.beginDelete(GROUP, 'shop', 'tests')],
  [
    'a configuration',
    'Configurations_Update',
    () => lab.azure.configurations.beginUpdate(GROUP, 'shop', 'work_mem', { value: '999' }),
  ],
  ['a backup', 'BackupsAutomaticAndOnDemand_Create', () => lab.azure.backupsAutomaticAndOnDemand.beginCreate(GROUP, 'shop', 'b')],
])('%s that was accepted and fails leaves the server serving', async (_, operation, start) => {
  await order({ kind: 'fail-operation', operation })
  await expect(done(start() as ReturnType<typeof lab.azure.servers.beginStop>)).rejects.toThrow('InternalServerError')
  expect((await shop()).state).toBe('Ready')
  expect(await query(lab, await shop(), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  expect(await lab.azure.configurations.get(GROUP, 'shop', 'work_mem')).toMatchObject({ source: 'system-default' })
  await refused(lab.azure.backupsAutomaticAndOnDemand.get(GROUP, 'shop', 'b'), 'ResourceNotFound')
})

test('a creation that was accepted and fails leaves no server', async () => {
  await order({ kind: 'fail-operation', operation: 'Servers_CreateOrUpdate' })
  await expect(done(lab.azure.servers.beginCreateOrUpdate(GROUP, 'stillborn', wanted()))).rejects.toThrow('InternalServerError')
  await refused(lab.azure.servers.get(GROUP, 'stillborn'), 'ResourceNotFound')
  expect((await lab.call('GET', '/_lab/status')).body.instances).toHaveLength(1)
})

test('a creation that fails ends as failed although what it made cannot be removed', async () => {
  const instances = join(lab.stateDir, 'azure', 'instances')
  // nothing can be made below a file, nor removed from there
  renameSync(instances, `${instances}.aside`)
  writeFileSync(instances, '')
  try {
    await expect(done(lab.azure.servers.beginCreateOrUpdate(GROUP, 'stuck', wanted()))).rejects.toThrow('InternalServerError')
  } finally {
    rmSync(instances)
    renameSync(`${instances}.aside`, instances)
  }
  expect(lab.lines.some((line) => /what was made of stuck stays/.test(line))).toBe(true)
  await refused(lab.azure.servers.get(GROUP, 'stuck'), 'ResourceNotFound')
})

test('a server that became ready refuses changes for as long as ordered', async () => {
  await done(lab.azure.servers.beginRestart(GROUP, 'shop'))
  await order({ kind: 'busy-tail', instance: 'shop', tail: '1h' })
  expect((await shop()).state).toBe('Ready')
  await refused(update(), 'ServerIsBusy')
  await refused(lab.azure.firewallRules.beginDelete(GROUP, 'shop', 'tests'), 'ServerIsBusy')
  await lab.call('DELETE', '/_lab/faults')
  await done(update())
})

test('stale answers are those of some questions ago', async () => {
  await done(update({ tags: { n: 'before' } }))
  await order({ kind: 'stale-reads', operation: 'Servers_Get', reads: 2 })
  await shop()
  await unlessBusy(() => update({ tags: { n: 'after' } }))
  const seen = [await shop(), await shop(), await shop(), await shop()].map(({ tags }) => tags?.n)
  expect(seen).toContain('before')
  expect(seen.at(-1)).toBe('after')
})

test('a crashed server shows that it restarts, and has every commit when it is back', async () => {
  const client = await login()
  await client.query('INSERT INTO kept VALUES (8)')
  await slowly(lab, async () => {
    await order({ kind: 'crash-instance', instance: 'shop' })
    await eventually(async () => ((await shop()).state === 'Restarting' ? true : undefined))
    await refused(update(), 'ServerIsBusy')
  })
  await rested(lab, 'shop')
  expect(await query(lab, await shop(), 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 7 }, { n: 8 }])
  await client.end().catch(() => {})
})

test('a server that stands still is asked in vain, and answers again afterwards', async () => {
  const client = await login()
  await order({ kind: 'freeze-instance', instance: 'shop', for: '1h' })
  const answer = client.query('SELECT 1 AS one')
  const first = await Promise.race([answer, shop()])
  expect(first).toMatchObject({ name: 'shop', state: 'Ready' })
  await lab.call('DELETE', '/_lab/faults')
  expect((await answer).rows).toEqual([{ one: 1 }])
  await client.end()
})

test('a cut network ends sessions and refuses new ones, whatever the rules say, until it is mended', async () => {
  const client = await login()
  const ended = new Promise((resolve) => client.once('error', resolve))
  await order({ kind: 'cut-network', instance: 'shop', for: '1h' })
  await ended
  await expect(query(lab, await shop(), 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
  await lab.call('DELETE', '/_lab/faults')
  expect(await query(lab, await shop(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('a server whose disk is full is read-only until its storage grows', async () => {
  await order({ kind: 'fill-disk', instance: 'shop', for: '1h' })
  await expect(query(lab, await shop(), 'INSERT INTO kept VALUES (9)')).rejects.toMatchObject({ code: '25006' })
  expect(await query(lab, await shop(), 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 2 }])
  expect((await shop()).state).toBe('Ready')
  await done(update({ storage: { storageSizeGB: 128 } }))
  await query(lab, await shop(), 'INSERT INTO kept VALUES (9)')
})
