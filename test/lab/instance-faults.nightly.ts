import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { PATIENCE_MS } from '../support/eventually'
import {
  ask,
  available,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  openLab,
  orderFault,
  placeOf,
  slowly,
  snapshotAvailable,
  type TestLab,
} from './fixture'

let lab: TestLab
const opened: Client[] = []
beforeAll(async () => {
  lab = await openLab()
  const shop = await createInstance(lab, 'shop', { BackupRetentionPeriod: 0 })
  await ask(lab, shop, 'CREATE TABLE kept (n int)')
})
afterAll(async () => {
  for (const client of opened) await client.end().catch(() => {})
  await lab.remove()
})
afterEach(async () => {
  await lab.call('DELETE', '/_lab/faults')
  await available(lab, 'shop')
})

const order = (fault: object) => orderFault(lab, fault)
const standing = async () => ((await lab.call('GET', '/_lab/faults')).body as { faults: object[] }).faults
const login = async (connectionTimeoutMillis = PATIENCE_MS): Promise<Client> => {
  const place = placeOf(await describeInstance(lab, 'shop'))
  const client = await connect(lab.client, { ...place, connectionTimeoutMillis })
  opened.push(client)
  return client
}
const again = () => eventually(() => login().catch(() => undefined))
const rows = async (client: Client) => (await client.query('SELECT n FROM kept ORDER BY n')).rows

test('an instance that is not there cannot be struck, and one has to be named', async () => {
  expect(await lab.call('POST', '/_lab/faults', { kind: 'crash-instance' })).toMatchObject({
    status: 422,
    body: { field: 'instance', error: expect.stringContaining('instance is missing') },
  })
  expect(await lab.call('POST', '/_lab/faults', { kind: 'crash-instance', instance: 'nobody' })).toMatchObject({
    status: 422,
    body: { field: 'instance', error: 'instance is "nobody", which is not in this lab; there are: shop.' },
  })
  expect(await lab.call('POST', '/_lab/faults', { kind: 'crash-instance', instance: 'shop', lasts: '1s' })).toMatchObject({
    status: 422,
    body: { field: 'lasts' },
  })
})

test('a crashed instance breaks its connections, shows rebooting, refuses changes and comes back with every commit', async () => {
  const client = await login()
  await client.query('INSERT INTO kept VALUES (1)')
  await slowly(lab, async () => {
    await order({ kind: 'crash-instance', instance: 'shop' })
    await expect(client.query('SELECT 1')).rejects.toThrow()
    expect((await describeInstance(lab, 'shop')).DBInstanceStatus).toBe('rebooting')
    const snapshot = { DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'crashed' }
    await expect(lab.rds.createDBSnapshot(snapshot)).rejects.toMatchObject({ name: 'InvalidDBInstanceStateFault' })
  })
  expect(await available(lab, 'shop')).toMatchObject({ DBInstanceStatus: 'available' })
  expect(await rows(await login())).toEqual([{ n: 1 }])
  expect(await standing()).toEqual([])
})

test('a change that a crash interrupts is carried out after the recovery', async () => {
  const recoveries = async () => {
    const { Events } = await lab.rds.describeEvents({ SourceIdentifier: 'shop', SourceType: 'db-instance' })
    return Events!.filter(({ Message }) => Message?.startsWith('Recovery of the DB instance has started.')).length
  }
  const before = await recoveries()
  await order({ kind: 'crash-instance', operation: 'ModifyDBInstance', delay: '150ms' })
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'shop', DBInstanceClass: 'db.m6g.large', ApplyImmediately: true })
  await eventually(async () => ((await recoveries()) > before ? true : undefined))
  await eventually(async () => ((await describeInstance(lab, 'shop')).DBInstanceClass === 'db.m6g.large' ? true : undefined))
  expect(await available(lab, 'shop')).toMatchObject({ DBInstanceStatus: 'available' })
})

test('a snapshot under way when its instance crashes is failed, and the instance recovers', async () => {
  const client = await login()
  const crashed = new Promise<void>((resolve) => client.once('end', () => resolve()))
  await order({ kind: 'freeze-instance', operation: 'CreateDBSnapshot', lasts: '1h' })
  await order({ kind: 'crash-instance', operation: 'CreateDBSnapshot', delay: '200ms' })
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'cut-short' })
  await crashed
  await lab.call('DELETE', '/_lab/faults')
  expect(await snapshotAvailable(lab, 'cut-short')).toMatchObject({ Status: 'failed' })
  expect(await available(lab, 'shop')).toMatchObject({ DBInstanceStatus: 'available' })
})

test('a frozen instance answers nobody and loses nobody, and what the API has to do in it waits', async () => {
  const client = await login()
  await order({ kind: 'freeze-instance', instance: 'shop', for: '1h' })
  const asked = rows(client)
  await expect(login(2_000)).rejects.toThrow(/timeout/)
  expect(await Promise.race([asked, sleep(300, 'silence')])).toBe('silence')
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'patient' })
  await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`, `${lab.block}.3/32`] })
  expect((await describeInstance(lab, 'shop')).DBInstanceStatus).toBe('backing-up')
  expect(await standing()).toMatchObject([{ kind: 'freeze-instance', effects: [{ begun: true }] }])
  await lab.call('DELETE', '/_lab/faults')
  expect(await asked).toEqual([{ n: 1 }])
  expect(await snapshotAvailable(lab, 'patient')).toMatchObject({ Status: 'available' })
})

test('a freeze ends by itself', async () => {
  const client = await login()
  await order({ kind: 'freeze-instance', instance: 'shop', for: '200ms' })
  expect(await rows(client)).toEqual([{ n: 1 }])
  await eventually(async () => ((await standing()).length === 0 ? true : undefined))
})

test('a cut network ends sessions and refuses new ones, while the API goes on; afterwards everything is as before', async () => {
  const client = await login()
  await order({ kind: 'cut-network', instance: 'shop', for: '1h' })
  await expect(client.query('SELECT 1')).rejects.toThrow()
  await expect(login()).rejects.toMatchObject({ code: '28000' })
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'offline' })
  expect(await snapshotAvailable(lab, 'offline')).toMatchObject({ Status: 'available' })
  await available(lab, 'shop')
  await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
  await expect(login()).rejects.toMatchObject({ code: '28000' })
  await lab.call('DELETE', '/_lab/faults')
  expect(await rows(await login())).toEqual([{ n: 1 }])
})

test('a cut that waits for a call begins with it and ends after its time', async () => {
  await order({ kind: 'cut-network', operation: 'AddTagsToResource', instance: 'shop', lasts: '500ms' })
  const client = await login()
  const { DBInstanceArn: ResourceName } = await describeInstance(lab, 'shop')
  await lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'a', Value: '' }] })
  await expect(client.query('SELECT 1')).rejects.toThrow()
  await again()
  const { body } = await lab.call('GET', '/_lab/calls')
  const tagging = (body.calls as { operation: string }[]).filter(({ operation }) => operation === 'AddTagsToResource')
  expect(tagging).toMatchObject([{ faults: [{ kind: 'cut-network' }] }])
  await eventually(async () => ((await standing()).length === 0 ? true : undefined))
})

test('commits on a slow disk wait for it, until it is quick again', async () => {
  const client = await login()
  const shown = async () => (await client.query('SHOW commit_delay')).rows
  await order({ kind: 'slow-disk', instance: 'shop', latency: '100ms', for: '1h' })
  await eventually(async () => ((await shown())[0].commit_delay === '100000' ? true : undefined))
  const began = Date.now()
  for (let n = 0; n < 10; n++) await client.query('CREATE TABLE slow (); DROP TABLE slow')
  // never less; how much more is the machine's
  expect(Date.now() - began).toBeGreaterThanOrEqual(1_000)
  await lab.restart()
  const next = await login()
  expect((await next.query('SHOW commit_delay')).rows).toEqual([{ commit_delay: '100000' }])
  await lab.call('DELETE', '/_lab/faults')
  await eventually(async () => ((await next.query('SHOW commit_delay')).rows[0].commit_delay === '0' ? true : undefined))
  for (const latency of ['0ms', '101ms']) {
    expect(await lab.call('POST', '/_lab/faults', { kind: 'slow-disk', instance: 'shop', latency })).toMatchObject({
      status: 422,
      body: { field: 'latency', error: `latency is "${latency}"; wanted is a time from 1ms to 100ms.` },
    })
  }
})

test('what was done to an instance outlives the lab, and a stopped lab leaves nothing frozen', async () => {
  await order({ kind: 'cut-network', instance: 'shop', for: '1h' })
  await lab.restart()
  await available(lab, 'shop')
  await expect(login()).rejects.toMatchObject({ code: '28000' })
  await lab.call('DELETE', '/_lab/faults')
  await login()
  await order({ kind: 'freeze-instance', instance: 'shop', for: '1h' })
  await lab.restart()
  await expect(login(2_000)).rejects.toThrow(/timeout/)
  await lab.call('DELETE', '/_lab/faults')
  expect(await rows(await login())).toEqual([{ n: 1 }])
})

test('a lab that is emptied while an instance recovers, and called meanwhile, makes what was asked for afterwards', async () => {
  const before = lab.lines.length
  for (let round = 0; round < 3; round++) {
    await order({ kind: 'crash-instance', instance: 'shop', delay: `${round * 20}ms` })
    const reset = lab.call('POST', '/_lab/reset')
    const rules = lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
    expect([(await reset).status, (await rules).status]).toEqual([200, 200])
    await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
    const emptied = lab.call('POST', '/_lab/reset')
    await lab.rds
      .createDBParameterGroup({ DBParameterGroupName: 'x', DBParameterGroupFamily: 'postgres15', Description: 'x' })
      .catch(() => {})
    await emptied
    await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
    expect(await createInstance(lab, 'shop', { BackupRetentionPeriod: 0 })).toMatchObject({ DBInstanceStatus: 'available' })
  }
  expect(lab.lines.slice(before).filter((line) => /ENOENT|defect|InternalFailure/.test(line))).toEqual([])
})

test('a frozen instance can be emptied away with the lab', async () => {
  await order({ kind: 'freeze-instance', instance: 'shop', for: '1h' })
  expect((await lab.call('POST', '/_lab/reset')).body).toMatchObject({ instances: [], faults: [] })
  await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.block}.2/32`] })
  await createInstance(lab, 'shop', { BackupRetentionPeriod: 0 })
})
