import type { AccessKey } from '../../../lab/credentials'
import {
  available,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  placeOf,
  refused,
  sdk,
  type TestLab,
} from '../fixture'
import { auroraOf, freeze, inRegion, writerOf } from './aurora-fixture'

let lab: TestLab
const abroad = () => inRegion(lab, 'eu-west-1')
const home = auroraOf(() => lab)
const europe = auroraOf(abroad)
const { at, journal, holds, write, writeOn } = home

const HOME = 'arn:aws:rds:us-east-1:000000000000:cluster:orders'
const EUROPE = 'arn:aws:rds:eu-west-1:000000000000:cluster:orders-eu'
const WORLD = { GlobalClusterIdentifier: 'world' }

const secondary = (id: string, more: object = {}) =>
  europe.createCluster(id, {
    MasterUsername: undefined,
    MasterUserPassword: undefined,
    DatabaseName: undefined,
    GlobalClusterIdentifier: 'world',
    ...more,
  })
const world = async () => (await lab.rds.describeGlobalClusters(WORLD)).GlobalClusters![0]!
const worldAtRest = () => eventually(async () => ((await world()).Status === 'available' ? world() : undefined))
const leader = async () => (await worldAtRest()).GlobalClusterMembers!.find(({ IsWriter }) => IsWriter)!.DBClusterArn
const addressOf = async (id: string, where = lab) => placeOf(await describeInstance(where, id)).host
const follows = async (host: string) =>
  (await at<{ follows: boolean }>(host, 'SELECT pg_is_in_recovery() AS follows'))[0]!.follows

beforeAll(async () => {
  lab = await openLab()
  await home.createCluster('orders')
  await home.clusterAvailable()
  await home.addMember('orders-1')
  await available(lab, 'orders-1')
  await at((await home.describeCluster()).Endpoint, 'CREATE TABLE journal (id int PRIMARY KEY)')
})
afterAll(() => lab.remove())

describe('a global database', () => {
  test('may be empty, and the first cluster that comes leads it', async () => {
    const { GlobalCluster } = await lab.rds.createGlobalCluster({
      GlobalClusterIdentifier: 'Empty',
      Engine: 'aurora-postgresql',
      EngineVersion: '17',
      DatabaseName: 'shop',
      Tags: [{ Key: 'a', Value: '1' }],
    })
    expect(GlobalCluster).toMatchObject({
      GlobalClusterIdentifier: 'empty',
      GlobalClusterArn: 'arn:aws:rds::000000000000:global-cluster:empty',
      Status: 'available',
      Engine: 'aurora-postgresql',
      DatabaseName: 'shop',
      GlobalClusterMembers: [],
      TagList: [{ Key: 'a', Value: '1' }],
    })
    const tagged = await abroad().rds.listTagsForResource({ ResourceName: GlobalCluster!.GlobalClusterArn! })
    expect(tagged.TagList).toEqual([{ Key: 'a', Value: '1' }])
    await refused(
      europe.createCluster('first', { GlobalClusterIdentifier: 'empty', EngineVersion: '15' }),
      'InvalidParameterCombination',
    )
    await europe.createCluster('first', { GlobalClusterIdentifier: 'empty', DatabaseName: undefined })
    expect(await europe.clusterAvailable('first')).toMatchObject({ GlobalClusterIdentifier: 'empty', DatabaseName: 'shop' })
    const modified = await lab.rds.modifyGlobalCluster({
      GlobalClusterIdentifier: 'empty',
      NewGlobalClusterIdentifier: 'renamed',
      DeletionProtection: true,
    })
    expect(modified.GlobalCluster).toMatchObject({
      GlobalClusterIdentifier: 'renamed',
      GlobalClusterMembers: [{ DBClusterArn: 'arn:aws:rds:eu-west-1:000000000000:cluster:first', IsWriter: true }],
    })
    const renamed = { GlobalClusterIdentifier: 'renamed' }
    await refused(lab.rds.deleteGlobalCluster(renamed), 'InvalidParameterCombination', 'protected')
    await lab.rds.modifyGlobalCluster({ ...renamed, DeletionProtection: false })
    await refused(lab.rds.deleteGlobalCluster(renamed), 'InvalidGlobalClusterStateFault', 'not empty')
    await lab.rds.removeFromGlobalCluster({
      ...renamed,
      DbClusterIdentifier: 'arn:aws:rds:eu-west-1:000000000000:cluster:first',
    })
    await europe.clusterAvailable('first')
    await lab.rds.deleteGlobalCluster(renamed)
    await refused(lab.rds.describeGlobalClusters(renamed), 'GlobalClusterNotFoundFault')
    await abroad().rds.deleteDBCluster({ DBClusterIdentifier: 'first', SkipFinalSnapshot: true })
  })

  test.each([
    [{ Engine: undefined }, 'InvalidParameterCombination'],
    [{ Engine: 'aurora-mysql' }, 'InvalidParameterValue'],
    [{ SourceDBClusterIdentifier: HOME }, 'InvalidParameterCombination'],
    [{ SourceDBClusterIdentifier: `${HOME}-x`, Engine: undefined }, 'DBClusterNotFoundFault'],
    [{ GlobalClusterIdentifier: '9lives' }, 'InvalidParameterValue'],
  ])('asked for with %j is refused', async (wrong, name) => {
    await refused(lab.rds.createGlobalCluster({ GlobalClusterIdentifier: 'x', Engine: 'aurora-postgresql', ...wrong }), name)
  })

  test('is made around a cluster, which goes on leading', async () => {
    const { GlobalCluster } = await lab.rds.createGlobalCluster({ ...WORLD, SourceDBClusterIdentifier: HOME })
    expect(GlobalCluster!.GlobalClusterMembers).toEqual([{ DBClusterArn: HOME, Readers: [], IsWriter: true }])
    await refused(
      lab.rds.createGlobalCluster({ GlobalClusterIdentifier: 'other', SourceDBClusterIdentifier: HOME }),
      'InvalidDBClusterStateFault',
    )
    await refused(lab.rds.createGlobalCluster({ ...WORLD, Engine: 'aurora-postgresql' }), 'GlobalClusterAlreadyExistsFault')
    await write(GlobalCluster!.Endpoint, 1)
  })
})

describe('a secondary cluster', () => {
  test('has no master of its own, and one place in each region', async () => {
    await refused(secondary('x', { MasterUserPassword: PASSWORD }), 'InvalidParameterCombination', 'Cannot specify password')
    await refused(secondary('x', { DatabaseName: 'shop' }), 'InvalidParameterCombination', 'Cannot specify database name')
    await refused(secondary('x', { GlobalClusterIdentifier: 'nobodys' }), 'GlobalClusterNotFoundFault')
    await refused(secondary('x', { EnableGlobalWriteForwarding: true }), 'InvalidParameterCombination', 'write forwarding')
    await refused(
      home.createCluster('x', { MasterUsername: undefined, MasterUserPassword: undefined, GlobalClusterIdentifier: 'world' }),
      'InvalidParameterCombination',
      'us-east-1',
    )
    await secondary('orders-eu')
    expect(await europe.clusterAvailable('orders-eu')).toMatchObject({
      GlobalClusterIdentifier: 'world',
      ReplicationSourceIdentifier: HOME,
      MasterUsername: 'boss',
      DatabaseName: 'shop',
      DBClusterMembers: [],
    })
    expect((await world()).GlobalClusterMembers).toEqual([
      { DBClusterArn: HOME, Readers: [EUROPE], IsWriter: true },
      {
        DBClusterArn: EUROPE,
        Readers: [],
        IsWriter: false,
        GlobalWriteForwardingStatus: 'disabled',
        SynchronizationStatus: 'connected',
      },
    ])
  })

  test('streams what the primary one commits, refuses writes, and has nobody at its writer endpoint', async () => {
    await europe.addMember('eu-1', 'orders-eu')
    await europe.addMember('eu-2', 'orders-eu', { PromotionTier: 3 })
    for (const id of ['eu-1', 'eu-2']) await available(abroad(), id)
    await write((await home.describeCluster()).Endpoint, 2)
    for (const id of ['eu-1', 'eu-2']) {
      const host = await addressOf(id, abroad())
      await holds(host, 2)
      await expect(write(host, 0)).rejects.toMatchObject({ code: '25006' })
    }
    const { Endpoint, ReaderEndpoint, DBClusterMembers } = await europe.describeCluster('orders-eu')
    expect(DBClusterMembers!.map(({ IsClusterWriter }) => IsClusterWriter)).toEqual([false, false])
    await holds(ReaderEndpoint, 2)
    await expect(write(ReaderEndpoint, 0)).rejects.toMatchObject({ code: '25006' })
    await expect(at(Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('refuses what only the primary one, or one of its own, can do', async () => {
    const eu = { DBClusterIdentifier: 'orders-eu' }
    const { rds } = abroad()
    await refused(rds.deleteDBCluster({ ...eu, SkipFinalSnapshot: true }), 'InvalidDBClusterStateFault', 'part of a global')
    await refused(rds.stopDBCluster(eu), 'InvalidDBClusterStateFault', 'part of a global')
    await refused(lab.rds.stopDBCluster({ DBClusterIdentifier: 'orders' }), 'InvalidDBClusterStateFault')
    await refused(rds.modifyDBCluster({ ...eu, MasterUserPassword: PASSWORD }), 'InvalidDBClusterStateFault')
    await refused(lab.rds.deleteGlobalCluster(WORLD), 'InvalidGlobalClusterStateFault')
    await refused(
      lab.rds.removeFromGlobalCluster({ ...WORLD, DbClusterIdentifier: HOME }),
      'InvalidGlobalClusterStateFault',
      'leads',
    )
  })

  test('gives a snapshot that is restored to a cluster of its own', async () => {
    const { rds } = abroad()
    const snapshot = { DBClusterSnapshotIdentifier: 'of-eu' }
    await rds.createDBClusterSnapshot({ ...snapshot, DBClusterIdentifier: 'orders-eu' })
    await eventually(async () => {
      const [one] = (await rds.describeDBClusterSnapshots(snapshot)).DBClusterSnapshots!
      return one!.Status === 'available' ? true : undefined
    })
    await rds.restoreDBClusterFromSnapshot({
      DBClusterIdentifier: 'copy',
      SnapshotIdentifier: 'of-eu',
      Engine: 'aurora-postgresql',
      VpcSecurityGroupIds: [lab.group],
    })
    await europe.clusterAvailable('copy')
    await europe.addMember('copy-1', 'copy')
    await available(abroad(), 'copy-1')
    const { Endpoint } = await europe.describeCluster('copy')
    await write(Endpoint, 90)
    expect(await journal(Endpoint)).toEqual([1, 2, 90])
    await rds.deleteDBInstance({ DBInstanceIdentifier: 'copy-1' })
    await gone(abroad(), 'copy-1')
    await rds.deleteDBCluster({ DBClusterIdentifier: 'copy', SkipFinalSnapshot: true })
  })

  test('follows whoever writes after a failover in the primary one', async () => {
    await home.addMember('orders-2')
    await available(lab, 'orders-2')
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    const cluster = await home.clusterAvailable()
    expect(writerOf(cluster)).toBe('orders-2')
    await write(cluster.Endpoint, 3)
    for (const id of ['eu-1', 'eu-2']) await holds(await addressOf(id, abroad()), 3)
  })
})

describe('a switchover', () => {
  const to = (TargetDbClusterIdentifier: string) => ({ ...WORLD, TargetDbClusterIdentifier })

  test.each([
    [to(HOME), 'InvalidDBClusterStateFault'],
    [to(`${EUROPE}-x`), 'DBClusterNotFoundFault'],
    [{ ...to(EUROPE), GlobalClusterIdentifier: 'nobodys' }, 'GlobalClusterNotFoundFault'],
  ])('with %j is refused', async (wrong, name) => {
    await refused(lab.rds.switchoverGlobalCluster(wrong), name)
    await refused(lab.rds.failoverGlobalCluster({ ...wrong, AllowDataLoss: true }), name)
  })

  test('is not asked for together with the loss of data', async () => {
    await refused(
      lab.rds.failoverGlobalCluster({ ...to(EUROPE), AllowDataLoss: true, Switchover: true }),
      'InvalidParameterCombination',
    )
    expect(await leader()).toBe(HOME)
  })

  test('is for whoever may do it to the global database and to the cluster, where that is', async () => {
    const identity = async (name: string, ...Resource: string[]) => {
      const Statement = [{ Effect: 'Allow', Action: ['rds:SwitchoverGlobalCluster'], Resource }]
      const policies = [{ Version: '2012-10-17', Statement }]
      const { body } = await lab.call('PUT', `/_lab/identities/${name}`, { cloud: 'aws', policies })
      return sdk(lab.lab.api, body.credentials as AccessKey)
    }
    const all = 'arn:aws:rds::000000000000:global-cluster:*'
    const stranger = await identity('stranger', `${all}-x`, EUROPE)
    await refused(stranger.switchoverGlobalCluster(to(EUROPE)), 'AccessDenied', all.replace('*', 'world'))
    const neighbour = await identity('neighbour', all, HOME)
    await refused(neighbour.switchoverGlobalCluster(to(EUROPE)), 'AccessDenied', EUROPE)
    const allowed = await identity('allowed', all, HOME)
    await refused(allowed.switchoverGlobalCluster(to(HOME)), 'InvalidDBClusterStateFault')
  })

  test('that is ordered to fail leaves everything as it was', async () => {
    await lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'SwitchoverGlobalCluster', times: 1 })
    await lab.rds.switchoverGlobalCluster(to(EUROPE))
    expect(await leader()).toBe(HOME)
    await lab.call('DELETE', '/_lab/faults')
    await write((await home.clusterAvailable()).Endpoint, 4)
  })

  test('exchanges the roles under a client that writes, and loses nothing that was acknowledged', async () => {
    const endpoint = (await world()).Endpoint!
    const { written, stop } = writeOn(endpoint, 1000)
    await eventually(async () => (written.length > 20 ? true : undefined))
    const { GlobalCluster } = await lab.rds.switchoverGlobalCluster(to(EUROPE))
    expect(GlobalCluster).toMatchObject({
      Status: 'switching-over',
      FailoverState: { FromDbClusterArn: HOME, ToDbClusterArn: EUROPE, IsDataLossAllowed: false },
    })
    await refused(lab.rds.switchoverGlobalCluster(to(EUROPE)), 'InvalidGlobalClusterStateFault')
    expect(await leader()).toBe(EUROPE)
    expect((await world()).FailoverState).toBeUndefined()
    const before = written.length
    await eventually(async () => (written.length > before + 20 ? true : undefined))
    await stop()
    const now = await europe.describeCluster('orders-eu')
    expect(writerOf(now)).toBe('eu-1')
    expect(await journal(now.Endpoint)).toEqual(expect.arrayContaining(written))
    const old = await home.describeCluster()
    expect([writerOf(old), old.ReplicationSourceIdentifier]).toEqual([undefined, EUROPE])
    await expect(at(old.Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const readers = [await addressOf('eu-2', abroad()), await addressOf('orders-1'), await addressOf('orders-2')]
    for (const host of readers) {
      await holds(host, written.at(-1)!)
      expect(await follows(host)).toBe(true)
    }
    await holds(old.ReaderEndpoint, written.at(-1)!)
  })

  test('begins the backups of who leads now', async () => {
    const { EarliestRestorableTime } = await eventually(async () => {
      const cluster = await europe.describeCluster('orders-eu')
      return cluster.EarliestRestorableTime ? cluster : undefined
    })
    expect(EarliestRestorableTime!.getTime()).toBeGreaterThan(Date.now() - 600_000)
    const { rds } = abroad()
    await write((await europe.describeCluster('orders-eu')).Endpoint, 5)
    await rds.restoreDBClusterToPointInTime({
      DBClusterIdentifier: 'past',
      SourceDBClusterIdentifier: 'orders-eu',
      UseLatestRestorableTime: true,
      VpcSecurityGroupIds: [lab.group],
    })
    expect((await europe.clusterAvailable('past')).Status).toBe('available')
    await europe.addMember('past-1', 'past')
    await available(abroad(), 'past-1')
    expect(await journal((await europe.describeCluster('past')).Endpoint)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5]))
    await rds.deleteDBInstance({ DBInstanceIdentifier: 'past-1' })
    await gone(abroad(), 'past-1')
    await rds.deleteDBCluster({ DBClusterIdentifier: 'past', SkipFinalSnapshot: true })
  })

  test('is what a failover is that may lose nothing, and survives a lab that was stopped meanwhile', async () => {
    await lab.rds.failoverGlobalCluster(to(HOME))
    await lab.restart()
    expect(await leader()).toBe(HOME)
    await write((await world()).Endpoint, 6)
    for (const host of [await addressOf('eu-1', abroad()), await addressOf('eu-2', abroad())]) await holds(host, 6)
  })
})

describe('a failover that may lose data', () => {
  test('asks nothing of a primary cluster that stands still, which follows once it can', async () => {
    const writer = writerOf(await home.describeCluster())!
    await freeze(lab, writer)
    const { GlobalCluster } = await lab.rds.failoverGlobalCluster({
      ...WORLD,
      TargetDbClusterIdentifier: EUROPE,
      AllowDataLoss: true,
    })
    expect(GlobalCluster).toMatchObject({ Status: 'failing-over', FailoverState: { IsDataLossAllowed: true } })
    expect(await leader()).toBe(EUROPE)
    const { Endpoint } = await europe.describeCluster('orders-eu')
    await write(Endpoint, 7)
    expect(await journal(Endpoint)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6, 7]))
    await holds(await addressOf('eu-2', abroad()), 7)
    await lab.call('DELETE', '/_lab/faults')
    for (const id of ['orders-1', 'orders-2']) {
      const { Endpoint: own } = await available(lab, id)
      await holds(own!.Address, 7)
      expect(await follows(own!.Address!)).toBe(true)
    }
  })
})

describe('a cluster that is removed', () => {
  test('goes on alone, and so does the one that it followed', async () => {
    await lab.rds.removeFromGlobalCluster({ ...WORLD, DbClusterIdentifier: HOME })
    const alone = await home.clusterAvailable()
    expect(alone.GlobalClusterIdentifier).toBeUndefined()
    const left = await europe.describeCluster('orders-eu')
    await write(alone.Endpoint, 8)
    await write(left.Endpoint, 9)
    expect(await journal(alone.Endpoint)).not.toContain(9)
    expect(await journal(left.Endpoint)).not.toContain(8)
    const other = writerOf(alone) === 'orders-1' ? 'orders-2' : 'orders-1'
    await available(lab, other)
    await holds(await addressOf(other), 8)
    expect((await world()).GlobalClusterMembers).toMatchObject([{ DBClusterArn: EUROPE, IsWriter: true, Readers: [] }])
    const slots = await eventually(async () => {
      const rows = await at<{ n: number }>(left.Endpoint, 'SELECT count(*)::int AS n FROM pg_replication_slots')
      return rows[0]!.n === 1 ? 1 : undefined
    })
    expect(slots).toBe(1)
    await eventually(async () => ((await home.describeCluster()).EarliestRestorableTime ? true : undefined))
  })

  test('without members has a copy of the data', async () => {
    await home.createCluster('headless', {
      MasterUsername: undefined,
      MasterUserPassword: undefined,
      DatabaseName: undefined,
      GlobalClusterIdentifier: 'world',
    })
    await home.clusterAvailable('headless')
    await lab.rds.removeFromGlobalCluster({
      ...WORLD,
      DbClusterIdentifier: 'arn:aws:rds:us-east-1:000000000000:cluster:headless',
    })
    await home.clusterAvailable('headless')
    await home.addMember('headless-1', 'headless')
    await available(lab, 'headless-1')
    const { Endpoint } = await home.describeCluster('headless')
    await write(Endpoint, 91)
    expect(await journal(Endpoint)).toEqual(expect.arrayContaining([1, 7, 9, 91]))
  })

  test('last of all leaves a global database that can be deleted', async () => {
    await lab.rds.removeFromGlobalCluster({ ...WORLD, DbClusterIdentifier: EUROPE })
    await europe.clusterAvailable('orders-eu')
    const { GlobalCluster } = await lab.rds.deleteGlobalCluster(WORLD)
    expect(GlobalCluster).toMatchObject({ Status: 'deleting', GlobalClusterMembers: [] })
    await write((await europe.describeCluster('orders-eu')).Endpoint, 10)
    expect((await lab.rds.describeGlobalClusters({})).GlobalClusters).toEqual([])
  })
})
