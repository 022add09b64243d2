import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  available,
  connect,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  placeOf,
  refused,
  slowly,
  type TestLab,
} from '../fixture'
import { auroraOf, freeze, writerOf } from './aurora-fixture'

let lab: TestLab
const { createCluster, addMember, describeCluster, clusterAvailable, at, journal, holds, write, writeOn } = auroraOf(() => lab)

beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab.remove())

describe('a cluster', () => {
  test('is made without members, with two endpoints that nobody answers at', async () => {
    const { DBCluster } = await createCluster('Orders', { Tags: [{ Key: 'a', Value: '1' }] })
    expect(DBCluster).toMatchObject({ DBClusterIdentifier: 'orders', Status: 'creating', DBClusterMembers: [] })
    const cluster = await clusterAvailable()
    expect(cluster).toMatchObject({
      Status: 'available',
      Engine: 'aurora-postgresql',
      EngineMode: 'provisioned',
      DatabaseName: 'shop',
      BackupRetentionPeriod: 1,
      DBClusterArn: 'arn:aws:rds:us-east-1:000000000000:cluster:orders',
      TagList: [{ Key: 'a', Value: '1' }],
    })
    expect(cluster.Endpoint).not.toBe(cluster.ReaderEndpoint)
    await expect(at(cluster.Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect((await lab.rds.listTagsForResource({ ResourceName: cluster.DBClusterArn! })).TagList).toEqual([
      { Key: 'a', Value: '1' },
    ])
  })

  test.each([
    [{ DBClusterIdentifier: 'ORDERS' }, 'DBClusterAlreadyExistsFault'],
    [{ DBClusterIdentifier: '9lives' }, 'InvalidParameterValue'],
    [{ Engine: 'aurora-mysql' }, 'InvalidParameterValue'],
    [{ EngineVersion: '11' }, 'InvalidParameterCombination'],
    [{ MasterUserPassword: 'short' }, 'InvalidParameterValue'],
    [{ MasterUsername: 'rdsadmin' }, 'InvalidParameterValue'],
    [{ BackupRetentionPeriod: 0 }, 'InvalidParameterValue'],
    [{ EngineMode: 'serverless' }, 'InvalidParameterCombination'],
    [{ GlobalClusterIdentifier: 'world' }, 'GlobalClusterNotFoundFault'],
    [{ DBClusterParameterGroupName: 'mine' }, 'DBClusterParameterGroupNotFoundFault'],
    [{ VpcSecurityGroupIds: ['sg-nobody'] }, 'InvalidParameterValue'],
    [{ ServerlessV2ScalingConfiguration: { MinCapacity: 0.3, MaxCapacity: 4 } }, 'InvalidParameterValue'],
    [{ ServerlessV2ScalingConfiguration: { MinCapacity: 8, MaxCapacity: 4 } }, 'InvalidParameterValue'],
    [{ ServerlessV2ScalingConfiguration: { MinCapacity: 1 } }, 'InvalidParameterCombination'],
    [{ ManageMasterUserPassword: true, MasterUserPassword: undefined }, 'InvalidParameterCombination'],
  ])('asked for with %j is refused', async (wrong, name) => {
    await refused(createCluster('wrong', wrong), name)
    expect((await lab.rds.describeDBClusters({})).DBClusters).toHaveLength(1)
  })

  test('has a writer and readers at its endpoints, and each member at its own', async () => {
    await addMember('orders-1')
    const writer = await available(lab, 'orders-1')
    expect(writer).toMatchObject({
      DBClusterIdentifier: 'orders',
      Engine: 'aurora-postgresql',
      StorageType: 'aurora',
      MasterUsername: 'boss',
      BackupRetentionPeriod: 1,
      DBParameterGroups: [{ DBParameterGroupName: 'default.aurora-postgresql17' }],
    })
    const { Endpoint, ReaderEndpoint } = await describeCluster()
    await at(Endpoint, 'CREATE TABLE journal AS SELECT 1 AS id')
    // without readers the reader endpoint is the writer's
    expect(await journal(ReaderEndpoint)).toEqual([1])
    await Promise.all([
      addMember('orders-2', 'orders', { PromotionTier: 5 }),
      addMember('orders-3', 'orders', { PromotionTier: 2 }),
    ])
    const readers = await Promise.all(['orders-2', 'orders-3'].map((id) => available(lab, id)))
    await write(Endpoint, 2)
    for (const reader of readers) {
      await holds(reader.Endpoint!.Address, 2)
      await expect(write(reader.Endpoint!.Address, 0)).rejects.toMatchObject({ code: '25006' })
    }
    await expect(write(ReaderEndpoint, 0)).rejects.toMatchObject({ code: '25006' })
    const seen = new Set<string>()
    for (let n = 0; n < 4; n++) {
      const [row] = await at<{ at: string }>(ReaderEndpoint, 'SELECT host(inet_server_addr()) AS at')
      seen.add(row!.at)
    }
    expect(seen).toEqual(new Set(readers.map((reader) => reader.Endpoint!.Address)))
    const cluster = await describeCluster()
    expect(
      cluster.DBClusterMembers!.map((member) => [member.DBInstanceIdentifier, member.IsClusterWriter, member.PromotionTier]),
    ).toEqual([
      ['orders-1', true, 1],
      ['orders-3', false, 2],
      ['orders-2', false, 5],
    ])
    const { DBInstances } = await lab.rds.describeDBInstances({ Filters: [{ Name: 'db-cluster-id', Values: ['orders'] }] })
    expect(DBInstances).toHaveLength(3)
  })

  test("lets its security groups' networks in at every endpoint, and nobody else", async () => {
    const { Endpoint, ReaderEndpoint } = await describeCluster()
    for (const host of [Endpoint!, ReaderEndpoint!, placeOf(await describeInstance(lab, 'orders-2')).host]) {
      await expect(connect(`${lab.block}.3`, { host, port: lab.lab.dataPort })).rejects.toMatchObject({ code: '28000' })
    }
  })

  test('certifies its members for its endpoints too', async () => {
    const { Endpoint, ReaderEndpoint } = await describeCluster()
    const ssl = { ca: readFileSync(join(lab.stateDir, 'ca.crt'), 'utf8'), rejectUnauthorized: true }
    for (const host of [Endpoint!, ReaderEndpoint!]) {
      const client = await connect(lab.client, { host, port: lab.lab.dataPort, ssl })
      await client.end()
    }
  })

  test.each([
    [{ MasterUserPassword: PASSWORD }, 'InvalidParameterCombination', 'Set master user password'],
    [{ DBName: 'other' }, 'InvalidParameterCombination', 'Set database name'],
    [{ VpcSecurityGroupIds: ['sg-default'] }, 'InvalidParameterCombination', 'Set VPC security groups'],
    [{ Engine: 'postgres' }, 'InvalidParameterCombination', ''],
    [{ EngineVersion: '15' }, 'InvalidParameterCombination', ''],
    [{ DBClusterIdentifier: 'nobodys' }, 'DBClusterNotFoundFault', ''],
    [{ DBClusterIdentifier: undefined }, 'InvalidParameterCombination', 'DBClusterIdentifier'],
    [{ DBInstanceClass: 'db.m6g.large' }, 'InvalidParameterValue', ''],
    [{ DBInstanceClass: 'db.serverless' }, 'InvalidParameterCombination', 'scaling configuration'],
    [{ PromotionTier: 16 }, 'InvalidParameterValue', ''],
  ])('takes no member with %j', async (wrong, name, message) => {
    await refused(addMember('wrong', 'orders', wrong), name, message)
    expect((await describeCluster()).DBClusterMembers).toHaveLength(3)
  })

  test('refuses for a member what is for the cluster to say', async () => {
    const member = { DBInstanceIdentifier: 'orders-2' }
    await refused(lab.rds.modifyDBInstance({ ...member, MasterUserPassword: PASSWORD }), 'InvalidParameterCombination')
    await refused(lab.rds.createDBSnapshot({ ...member, DBSnapshotIdentifier: 'x' }), 'InvalidParameterCombination')
    await refused(lab.rds.stopDBInstance(member), 'InvalidDBInstanceStateFault', 'member of a DB cluster')
    await refused(lab.rds.promoteReadReplica(member), 'InvalidDBInstanceStateFault')
    await refused(
      lab.rds.createDBInstanceReadReplica({ DBInstanceIdentifier: 'x', SourceDBInstanceIdentifier: 'orders-1' }),
      'InvalidParameterCombination',
    )
    await refused(
      lab.rds.deleteDBCluster({ DBClusterIdentifier: 'orders', SkipFinalSnapshot: true }),
      'InvalidDBClusterStateFault',
    )
  })
})

describe('a failover', () => {
  test('makes the named reader the writer under a client that writes, and loses nothing that was acknowledged', async () => {
    const { Endpoint } = await describeCluster()
    const { written, stop } = writeOn(Endpoint!, 1000)
    await eventually(async () => (written.length > 20 ? true : undefined))
    const { DBCluster } = await lab.rds.failoverDBCluster({
      DBClusterIdentifier: 'orders',
      TargetDBInstanceIdentifier: 'orders-2',
    })
    expect(DBCluster).toMatchObject({ Status: 'failing-over' })
    await refused(lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' }), 'InvalidDBClusterStateFault')
    const cluster = await clusterAvailable()
    const before = written.length
    await eventually(async () => (written.length > before + 20 ? true : undefined))
    await stop()
    expect(writerOf(cluster)).toBe('orders-2')
    expect(await journal(Endpoint)).toEqual(expect.arrayContaining(written))
    for (const id of ['orders-1', 'orders-3']) await holds((await describeInstance(lab, id)).Endpoint!.Address, written.at(-1)!)
  })

  test('without a name goes to the reader of the lowest tier, and survives a lab that was stopped meanwhile', async () => {
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    await lab.restart()
    const cluster = await clusterAvailable()
    expect(writerOf(cluster)).toBe('orders-1')
    await write(cluster.Endpoint, 3)
    for (const id of ['orders-2', 'orders-3']) await holds((await describeInstance(lab, id)).Endpoint!.Address, 3)
  })

  test('is followed by a reader that stood still meanwhile, once it can', async () => {
    const { Endpoint } = await describeCluster()
    await freeze(lab, 'orders-2')
    await at(Endpoint, 'INSERT INTO journal SELECT 20000 + n FROM generate_series(1, 50000) AS n')
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    expect(writerOf(await clusterAvailable())).toBe('orders-3')
    await at(Endpoint, 'DELETE FROM journal WHERE id > 20000')
    await lab.call('DELETE', '/_lab/faults')
    await write(Endpoint, 30)
    await holds((await available(lab, 'orders-2')).Endpoint!.Address, 30)
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    expect(writerOf(await clusterAvailable())).toBe('orders-1')
  })

  test.each([
    [{ TargetDBInstanceIdentifier: 'orders-1' }, 'InvalidParameterCombination'],
    [{ TargetDBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFoundFault'],
    [{ DBClusterIdentifier: 'nobodys' }, 'DBClusterNotFoundFault'],
  ])('with %j is refused', async (wrong, name) => {
    await refused(lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders', ...wrong }), name)
  })

  test('comes before the removal of a writer; who crashed comes back as itself, and follows whoever writes then', async () => {
    await slowly(lab, async () => {
      await lab.call('POST', '/_lab/instances/orders-1/crash')
      await eventually(async () =>
        (await describeInstance(lab, 'orders-1')).DBInstanceStatus === 'rebooting' ? true : undefined,
      )
    })
    await available(lab, 'orders-1')
    const { Endpoint } = await describeCluster()
    await write(Endpoint, 4)
    // its recovery comes before its removal, or amid that
    await lab.call('POST', '/_lab/instances/orders-1/crash')
    await lab.call('POST', '/_lab/instances/orders-2/crash')
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'orders-1' })
    await gone(lab, 'orders-1')
    const cluster = await describeCluster()
    expect(writerOf(cluster)).toBe('orders-3')
    await write(cluster.Endpoint, 5)
    await holds((await available(lab, 'orders-2')).Endpoint!.Address, 5)
    expect(await journal(cluster.Endpoint)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5]))
  })
})
