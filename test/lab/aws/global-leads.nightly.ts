/** The lead of an Aurora global database changes, or a cluster leaves it, while something is in the way. */
import {
  available,
  describe as describeInstance,
  eventually,
  openLab,
  orderFault,
  placeOf,
  refused,
  type TestLab,
} from '../fixture'
import { auroraOf, inRegion, writerOf } from './aurora-fixture'

let lab: TestLab
const abroad = (region = 'eu-west-1') => inRegion(lab, region)
const home = auroraOf(() => lab)
const europe = auroraOf(abroad)
const { at, journal, holds, write, writeOn } = home

const HOME = 'arn:aws:rds:us-east-1:000000000000:cluster:orders'
const EUROPE = 'arn:aws:rds:eu-west-1:000000000000:cluster:orders-eu'
const WORLD = { GlobalClusterIdentifier: 'world' }
const OF_THE_PRIMARY = { MasterUsername: undefined, MasterUserPassword: undefined, DatabaseName: undefined }

const world = async () => (await lab.rds.describeGlobalClusters(WORLD)).GlobalClusters![0]!
const leader = async () => {
  const { GlobalClusterMembers } = await eventually(async () => ((await world()).Status === 'available' ? world() : undefined))
  return GlobalClusterMembers!.find(({ IsWriter }) => IsWriter)!.DBClusterArn
}
const addressOf = async (id: string, where = lab) => placeOf(await describeInstance(where, id)).host
const failOver = (TargetDbClusterIdentifier: string) =>
  lab.rds.failoverGlobalCluster({ ...WORLD, TargetDbClusterIdentifier, AllowDataLoss: true })
const remove = (DbClusterIdentifier: string) => lab.rds.removeFromGlobalCluster({ ...WORLD, DbClusterIdentifier })
/** Each of them hears what is committed there, and takes nothing. */
const expectFollow = async (endpoint: string, value: number, ...followers: [string, TestLab][]) => {
  await write(endpoint, value)
  for (const [id, where] of followers) {
    await available(where, id)
    const host = await addressOf(id, where)
    await holds(host, value)
    await expect(write(host, -value)).rejects.toMatchObject({ code: '25006' })
  }
}

beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  await home.createCluster('orders')
  await home.clusterAvailable()
  for (const id of ['orders-1', 'orders-2']) {
    await home.addMember(id)
    await available(lab, id)
  }
  await at((await home.describeCluster()).Endpoint, 'CREATE TABLE journal (id int PRIMARY KEY)')
  await lab.rds.createGlobalCluster({ ...WORLD, SourceDBClusterIdentifier: HOME })
  await europe.createCluster('orders-eu', { ...OF_THE_PRIMARY, ...WORLD })
  await europe.clusterAvailable('orders-eu')
  for (const id of ['eu-1', 'eu-2']) {
    await europe.addMember(id, 'orders-eu')
    await available(abroad(), id)
  }
})
afterAll(() => lab.remove())

test('a secondary cluster that could not be made is removed, and can be deleted', async () => {
  const asia = auroraOf(() => abroad('ap-south-1'))
  await orderFault(lab, { kind: 'fail-operation', operation: 'CreateDBCluster', times: 1 })
  await asia.createCluster('orders-ap', { ...OF_THE_PRIMARY, ...WORLD })
  expect((await asia.clusterAvailable('orders-ap')).Status).toBe('failed')
  const { GlobalCluster } = await remove('arn:aws:rds:ap-south-1:000000000000:cluster:orders-ap')
  expect(GlobalCluster!.GlobalClusterMembers!.map(({ DBClusterArn }) => DBClusterArn)).toEqual([HOME, EUROPE])
  await abroad('ap-south-1').rds.deleteDBCluster({ DBClusterIdentifier: 'orders-ap', SkipFinalSnapshot: true })
  await asia.clusterGone('orders-ap')
})

test('a cluster whose member is known not to write yet stays, and follows', async () => {
  await orderFault(lab, { kind: 'break-promotion', instance: 'eu-1', moment: 'before' })
  await remove(EUROPE)
  expect(await europe.clusterAvailable('orders-eu')).toMatchObject(WORLD)
  await expectFollow((await home.describeCluster()).Endpoint!, 1, ['eu-1', abroad()], ['eu-2', abroad()])
})

test('a failover amid one inside the primary cluster leaves one writer, and refuses another', async () => {
  await home.addMember('orders-3')
  await available(lab, 'orders-3')
  await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders', TargetDBInstanceIdentifier: 'orders-2' })
  await failOver(EUROPE)
  await refused(lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' }), 'InvalidDBClusterStateFault')
  expect(await leader()).toBe(EUROPE)
  await home.clusterAvailable()
  const { Endpoint } = await europe.describeCluster('orders-eu')
  const followers = ['orders-1', 'orders-2', 'orders-3'].map((id): [string, TestLab] => [id, lab])
  await expectFollow(Endpoint!, 2, ...followers, ['eu-2', abroad()])
  expect(writerOf(await home.describeCluster())).toBeUndefined()
})

test('a failover brings those to write that stand still, since their primary allows itself more than they have', async () => {
  const { rds } = abroad()
  const DBParameterGroupName = 'many'
  await rds.createDBParameterGroup({
    DBParameterGroupName,
    DBParameterGroupFamily: 'aurora-postgresql17',
    Description: 'many',
  })
  const more = { ParameterName: 'max_connections', ParameterValue: '200', ApplyMethod: 'pending-reboot' as const }
  await rds.modifyDBParameterGroup({ DBParameterGroupName, Parameters: [more] })
  const DBInstanceIdentifier = writerOf(await europe.describeCluster('orders-eu'))!
  await rds.modifyDBInstance({ DBInstanceIdentifier, DBParameterGroupName, ApplyImmediately: true })
  await available(abroad(), DBInstanceIdentifier)
  await rds.rebootDBInstance({ DBInstanceIdentifier })
  await available(abroad(), DBInstanceIdentifier)
  for (const id of ['orders-1', 'orders-2', 'orders-3']) {
    const host = await addressOf(id)
    await eventually(async () => {
      const [row] = await at<{ state: string }>(host, 'SELECT pg_get_wal_replay_pause_state() AS state')
      return row!.state === 'paused' ? true : undefined
    })
  }
  await failOver(HOME)
  expect(await leader()).toBe(HOME)
  await expectFollow((await home.describeCluster()).Endpoint!, 3, ['eu-1', abroad()], ['eu-2', abroad()])
})

test('a cluster whose member writes already, whatever was heard of that, goes on alone with all that it took', async () => {
  await orderFault(lab, { kind: 'break-promotion', instance: 'eu-1', moment: 'after' })
  const { written, stop } = writeOn(await addressOf('eu-1', abroad()), 1_000)
  await remove(EUROPE)
  const alone = await europe.clusterAvailable('orders-eu')
  await eventually(async () => (written.length > 20 ? true : undefined))
  await stop()
  expect(alone.GlobalClusterIdentifier).toBeUndefined()
  expect(await journal(alone.Endpoint)).toEqual(expect.arrayContaining(written))
  await expectFollow(alone.Endpoint!, 4, ['eu-2', abroad()])
  await write((await home.describeCluster()).Endpoint, 5)
  expect(await journal(alone.Endpoint)).not.toContain(5)
})
