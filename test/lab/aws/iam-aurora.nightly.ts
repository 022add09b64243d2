/** IAM database authentication of a whole cluster: its endpoints hand on to members, before each of which the lab stands. */
import type { DBCluster } from '@aws-sdk/client-rds'
import type { AccessKey } from '../../../lab/credentials'
import { available, describe as describeInstance, eventually, openLab, orderFault, PASSWORD, type TestLab } from '../fixture'
import { gcpOf } from '../gcp/fixture'
import { auroraOf, writerOf } from './aurora-fixture'
import { iamOf, PAM, ROLES } from './iam-fixture'

let lab: TestLab
let orders: DBCluster
const { createCluster, addMember, describeCluster, clusterAvailable, at, holds, write } = auroraOf(() => lab)
const { byToken } = iamOf(() => ({
  client: lab.client,
  credentials: lab.lab.credentials.aws,
  certificateFile: lab.lab.certificateFile,
}))

beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  await createCluster('orders', { EnableIAMDatabaseAuthentication: true })
  await clusterAvailable()
  await addMember('one')
  await available(lab, 'one')
  await addMember('two')
  await available(lab, 'two')
  orders = await clusterAvailable()
  await at(orders.Endpoint, ROLES)
  await at(orders.Endpoint, 'CREATE TABLE journal (id int)')
})
afterAll(() => lab.remove())

/** Its endpoint of that kind, as an instance's. */
const endpoint = (Address: string | undefined) => ({ Endpoint: { Address: Address!, Port: lab.lab.dataPort } })
const enters = (Address: string | undefined, wish = {}) => byToken(endpoint(Address), 'app', wish)
const who = () => `app from ${lab.client}, TLS t`

test('tokens for the endpoints of the cluster and of its members are good, each where it is for', async () => {
  expect(await enters(orders.Endpoint)).toBe(who())
  expect(await enters(orders.ReaderEndpoint)).toBe(who())
  for (const id of ['one', 'two']) {
    const member = await describeInstance(lab, id)
    expect(member.IAMDatabaseAuthenticationEnabled).toBe(true)
    expect(await byToken(member, 'app')).toBe(who())
  }
  await expect(enters(orders.Endpoint, { hostname: '127.0.0.9' })).rejects.toMatchObject(PAM('app'))
})

test('a policy names the resource of the cluster, not that of a member', async () => {
  const keyFor = async (name: string, resource: string) => {
    const Resource = `arn:aws:rds-db:us-east-1:000000000000:dbuser:${resource}/app`
    const policies = [{ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource }] }]
    const { body } = await lab.call('PUT', `/_lab/identities/${name}`, { cloud: 'aws', policies })
    return body.credentials as AccessKey
  }
  const member = await describeInstance(lab, 'one')
  expect(await enters(orders.Endpoint, { credentials: await keyFor('whole', orders.DbClusterResourceId!) })).toBe(who())
  const credentials = await keyFor('part', member.DbiResourceId!)
  await expect(enters(orders.Endpoint, { credentials })).rejects.toMatchObject(PAM('app'))
})

test('a failover keeps it, and readers follow', async () => {
  await write(orders.Endpoint, 1)
  await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders', TargetDBInstanceIdentifier: 'two' })
  await eventually(async () => {
    const cluster = await describeCluster()
    return cluster.Status === 'available' && writerOf(cluster) === 'two' ? true : undefined
  })
  expect(await enters(orders.Endpoint)).toBe(who())
  await write(orders.Endpoint, 2)
  await holds((await describeInstance(lab, 'one')).Endpoint!.Address, 2)
})

async function turn(enabled: boolean): Promise<void> {
  const DBClusterIdentifier = 'orders'
  await lab.rds.modifyDBCluster({ DBClusterIdentifier, EnableIAMDatabaseAuthentication: enabled, ApplyImmediately: true })
  expect(await clusterAvailable()).toMatchObject({ IAMDatabaseAuthenticationEnabled: enabled, Endpoint: orders.Endpoint })
}

test('it is taken from a cluster that runs, and given back, for all members', async () => {
  for (const [round, enabled] of [false, true].entries()) {
    await turn(enabled)
    for (const address of [orders.Endpoint, orders.ReaderEndpoint]) {
      if (enabled) expect(await enters(address)).toBe(who())
      else await expect(enters(address)).rejects.toMatchObject({ code: '28P01' })
    }
    await write(orders.Endpoint, 10 + round)
    await holds((await describeInstance(lab, 'one')).Endpoint!.Address, 10 + round)
  }
  await lab.restart()
  expect(await enters(orders.Endpoint)).toBe(who())
  expect(await enters(orders.ReaderEndpoint)).toBe(who())
})

test('a member that is down while it is taken or given has it so when it is back, and is followed there', async () => {
  for (const [round, id] of ['two', 'one', 'two', 'one'].entries()) {
    const reaches = (status: string) =>
      eventually(async () => ((await describeInstance(lab, id)).DBInstanceStatus === status ? true : undefined))
    const enabled = round > 1
    // both ways for the writer, and for the reader
    if (round % 2 === 1) await turn(!enabled)
    await orderFault(lab, { kind: 'fill-disk', instance: id, for: '1h' })
    await reaches('storage-full')
    await turn(enabled)
    await lab.call('DELETE', '/_lab/faults')
    await reaches('available')
    const member = await describeInstance(lab, id)
    if (enabled) expect(await byToken(member, 'app')).toBe(who())
    else await expect(byToken(member, 'app')).rejects.toMatchObject({ code: '28P01' })
    await write(orders.Endpoint, 20 + round)
    await holds((await describeInstance(lab, 'one')).Endpoint!.Address, 20 + round)
  }
})

test('a link that is cut is cut there too, whichever endpoint is asked', async () => {
  await lab.call('PUT', '/_lab/security-groups/sg-tests', { cidrs: [`${lab.client}/32`, '127.0.0.1/32'] })
  const gcp = gcpOf(lab)
  const ipConfiguration = { authorizedNetworks: [{ value: `${lab.client}/32` }] }
  const copy = await gcp.create('copy', { databaseVersion: 'POSTGRES_17', settings: { ipConfiguration } })
  await gcp.ask(copy, 'CREATE EXTENSION dblink')
  const writer = await describeInstance(lab, 'two')
  const through = (host: string | undefined) => {
    const login = `host=${host} port=${lab.lab.dataPort} dbname=shop user=boss password=${PASSWORD}`
    return gcp.ask(copy, `SELECT n FROM dblink('${login}', 'SELECT 7') AS asked (n int)`)
  }
  const places = [orders.Endpoint, writer.Endpoint!.Address]
  for (const host of places) expect(await through(host)).toEqual([{ n: 7 }])
  await orderFault(lab, { kind: 'cut-link', from: 'gcp', to: 'aws', for: '1h' })
  for (const host of places) await expect(through(host)).rejects.toThrow('could not establish connection')
  expect(await enters(orders.Endpoint)).toBe(who())
  await lab.call('DELETE', '/_lab/faults')
  for (const host of places) expect(await through(host)).toEqual([{ n: 7 }])
})
