import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DBCluster, RDS } from '@aws-sdk/client-rds'
import type { Client } from 'pg'
import {
  available,
  connect,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  refused,
  type TestLab,
} from '../fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => {
  return lab.remove()
})

const createCluster = (id: string, more: object = {}) =>
  lab.rds.createDBCluster({
    DBClusterIdentifier: id,
    Engine: 'aurora-postgresql',
    EngineVersion: '17',
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
    DatabaseName: 'shop',
    VpcSecurityGroupIds: [lab.group],
    ...more,
  })
const addMember = (id: string, cluster = 'orders', more: object = {}) =>
  lab.rds.createDBInstance({
    DBInstanceIdentifier: id,
    DBClusterIdentifier: cluster,
    Engine: 'aurora-postgresql',
    DBInstanceClass: 'db.r6g.large',
    ...more,
  })
const describeCluster = async (id = 'orders') => (await lab.rds.describeDBClusters({ DBClusterIdentifier: id })).DBClusters![0]!
const clusterAvailable = (id = 'orders') =>
  eventually(async () => {
    const cluster = await describeCluster(id)
    return ['available', 'failed'].includes(cluster.Status!) && !cluster.PendingModifiedValues ? cluster : undefined
  })
const clusterGone = (id: string) =>
  eventually(async () => ((await describeCluster(id).catch(() => undefined)) ? undefined : true))
const writerOf = (cluster: DBCluster) => cluster.DBClusterMembers!.find((member) => member.IsClusterWriter)?.DBInstanceIdentifier

async function at<Row extends object>(host: string | undefined, sql: string, password = PASSWORD): Promise<Row[]> {
  const client = await connect(lab.client, { host: host!, port: lab.lab.dataPort, password })
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}
const journal = async (host: string | undefined) =>
  (await at<{ id: number }>(host, 'SELECT id FROM journal ORDER BY id')).map(({ id }) => id)
const holds = (host: string | undefined, value: number) =>
  eventually(async () => ((await journal(host).catch((): number[] => [])).includes(value) ? true : undefined))
const write = (host: string | undefined, value: number) => at(host, `INSERT INTO journal VALUES (${value})`)

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
    [{ GlobalClusterIdentifier: 'world' }, 'InvalidParameterCombination'],
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
    for (const host of [Endpoint!, ReaderEndpoint!, (await describeInstance(lab, 'orders-2')).Endpoint!.Address!]) {
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
  let stopped = true
  afterEach(() => {
    stopped = true
  })

  test('makes the named reader the writer under a client that writes, and loses nothing that was acknowledged', async () => {
    const { Endpoint } = await describeCluster()
    const written: number[] = []
    stopped = false
    const writing = (async () => {
      let client: Client | undefined
      for (let id = 1000; !stopped; id++) {
        try {
          client ??= await connect(lab.client, { host: Endpoint!, port: lab.lab.dataPort })
          await client.query(`INSERT INTO journal VALUES (${id})`)
          written.push(id)
        } catch {
          await client?.end().catch(() => {})
          client = undefined
          await sleep(10)
        }
      }
      await client?.end()
    })()
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
    stopped = true
    await writing
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
    await lab.call('POST', '/_lab/faults', { kind: 'freeze-instance', instance: 'orders-2', for: '1h' })
    await eventually(async () => {
      const { body } = await lab.call('GET', '/_lab/faults')
      const faults = body.faults as { effects?: { begun: boolean }[] }[]
      return faults.some(({ effects }) => effects?.some(({ begun }) => begun)) ? true : undefined
    })
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
    await lab.call('POST', '/_lab/instances/orders-1/crash')
    await eventually(async () => ((await describeInstance(lab, 'orders-1')).DBInstanceStatus === 'rebooting' ? true : undefined))
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

describe('changes of a cluster', () => {
  const modify = (more: object) => lab.rds.modifyDBCluster({ DBClusterIdentifier: 'orders', ...more })

  test('its password waits for ApplyImmediately and then holds at every member; capacity lets serverless members in', async () => {
    await modify({ MasterUserPassword: `${PASSWORD}-2` })
    expect((await describeCluster()).PendingModifiedValues).toEqual({ MasterUserPassword: '****' })
    await modify({
      ApplyImmediately: true,
      ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 8 },
      DeletionProtection: true,
      BackupRetentionPeriod: 3,
    })
    const cluster = await clusterAvailable()
    expect(cluster).toMatchObject({
      ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 8 },
      DeletionProtection: true,
      BackupRetentionPeriod: 3,
    })
    expect(await at(cluster.Endpoint, 'SELECT 1 AS n', `${PASSWORD}-2`)).toEqual([{ n: 1 }])
    await expect(at(cluster.Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    await modify({ MasterUserPassword: PASSWORD, ApplyImmediately: true })
    await clusterAvailable()
    await addMember('orders-4', 'orders', { DBInstanceClass: 'db.serverless' })
    expect(await available(lab, 'orders-4')).toMatchObject({ DBInstanceClass: 'db.serverless' })
  })

  test('its name takes its endpoints with it', async () => {
    const before = await describeCluster()
    await modify({ NewDBClusterIdentifier: 'Sales', ApplyImmediately: true })
    await clusterGone('orders')
    const after = await clusterAvailable('sales')
    expect(after.DbClusterResourceId).toBe(before.DbClusterResourceId)
    expect(await journal(after.Endpoint)).toContain(5)
    await expect(at(before.Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await lab.rds.modifyDBCluster({ DBClusterIdentifier: 'sales', NewDBClusterIdentifier: 'orders', ApplyImmediately: true })
    await clusterGone('sales')
    await clusterAvailable()
  })
})

describe('a cluster that is stopped', () => {
  const orders = { DBClusterIdentifier: 'orders' }

  test('has no server that answers and nothing that can be done with it, also after a restart of the lab', async () => {
    const { Endpoint, DBClusterMembers } = await describeCluster()
    await write(Endpoint, 40)
    expect((await lab.rds.stopDBCluster(orders)).DBCluster).toMatchObject({ Status: 'stopping' })
    await eventually(async () => ((await describeCluster()).Status === 'stopped' ? true : undefined))
    await expect(at(Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await lab.restart()
    await expect(at(Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const member = { DBInstanceIdentifier: DBClusterMembers![0]!.DBInstanceIdentifier! }
    expect((await describeInstance(lab, member.DBInstanceIdentifier)).DBInstanceStatus).toBe('stopped')
    await refused(lab.rds.startDBInstance(member), 'InvalidDBInstanceStateFault', 'member of a DB cluster')
    await refused(lab.rds.deleteDBInstance(member), 'InvalidDBClusterStateFault')
    await refused(lab.rds.failoverDBCluster(orders), 'InvalidDBClusterStateFault')
    await refused(lab.rds.stopDBCluster(orders), 'InvalidDBClusterStateFault')
  })

  test('goes on where it was once it is started', async () => {
    expect((await lab.rds.startDBCluster(orders)).DBCluster).toMatchObject({ Status: 'starting' })
    const { Endpoint, DBClusterMembers } = await clusterAvailable()
    await refused(lab.rds.startDBCluster(orders), 'InvalidDBClusterStateFault')
    expect(await journal(Endpoint)).toContain(40)
    await write(Endpoint, 41)
    for (const { DBInstanceIdentifier: id } of DBClusterMembers!) await holds((await available(lab, id!)).Endpoint!.Address, 41)
  })
})

describe('copies of a cluster', () => {
  test('come from its snapshots, with members or without', async () => {
    await lab.rds.createDBClusterSnapshot({ DBClusterIdentifier: 'orders', DBClusterSnapshotIdentifier: 'Kept' })
    await refused(
      lab.rds.createDBClusterSnapshot({ DBClusterIdentifier: 'orders', DBClusterSnapshotIdentifier: 'kept' }),
      'DBClusterSnapshotAlreadyExistsFault',
    )
    await eventually(async () => {
      const { DBClusterSnapshots } = await lab.rds.describeDBClusterSnapshots({ DBClusterSnapshotIdentifier: 'kept' })
      return DBClusterSnapshots![0]!.Status === 'available' ? true : undefined
    })
    await write((await describeCluster()).Endpoint, 6)
    const { DBClusterSnapshot: copied } = await lab.rds.copyDBClusterSnapshot({
      SourceDBClusterSnapshotIdentifier: 'kept',
      TargetDBClusterSnapshotIdentifier: 'kept-too',
      Tags: [{ Key: 'b', Value: '2' }],
    })
    const source = copied!.SourceDBClusterSnapshotArn
    expect(source).toBe('arn:aws:rds:us-east-1:000000000000:cluster-snapshot:kept')
    await refused(
      lab.rds.copyDBClusterSnapshot({
        SourceDBClusterSnapshotIdentifier: 'nobodys',
        TargetDBClusterSnapshotIdentifier: 'x',
      }),
      'DBClusterSnapshotNotFoundFault',
    )
    await eventually(async () => {
      const { DBClusterSnapshots } = await lab.rds.describeDBClusterSnapshots({ DBClusterSnapshotIdentifier: 'kept-too' })
      return DBClusterSnapshots![0]!.Status === 'available' ? true : undefined
    })
    const west = new RDS({ region: 'us-west-2', endpoint: lab.lab.api, credentials: { ...lab.lab.credentials.aws } })
    await west.copyDBClusterSnapshot({ SourceDBClusterSnapshotIdentifier: source, TargetDBClusterSnapshotIdentifier: 'away' })
    const [away] = (await west.describeDBClusterSnapshots({})).DBClusterSnapshots!
    expect(away).toMatchObject({
      DBClusterSnapshotIdentifier: 'away',
      SourceDBClusterSnapshotArn: source,
      DBClusterSnapshotArn: 'arn:aws:rds:us-west-2:000000000000:cluster-snapshot:away',
    })
    // the copy has what it needs of its own
    await lab.rds.deleteDBClusterSnapshot({ DBClusterSnapshotIdentifier: 'kept' })
    await lab.rds.restoreDBClusterFromSnapshot({
      DBClusterIdentifier: 'copy',
      SnapshotIdentifier: 'kept-too',
      Engine: 'aurora-postgresql',
      VpcSecurityGroupIds: [lab.group],
    })
    expect(await clusterAvailable('copy')).toMatchObject({ Status: 'available', DeletionProtection: false, DBClusterMembers: [] })
    await addMember('copy-1', 'copy')
    await available(lab, 'copy-1')
    const { Endpoint } = await describeCluster('copy')
    expect(await journal(Endpoint)).toContain(5)
    expect(await journal(Endpoint)).not.toContain(6)
    expect((await lab.rds.describeDBSnapshots({})).DBSnapshots).toEqual([])
  })

  test('its data outlives its last member, and its end with a final snapshot', async () => {
    await write((await describeCluster('copy')).Endpoint, 77)
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'copy-1' })
    await gone(lab, 'copy-1')
    await lab.restart()
    await addMember('copy-2', 'copy')
    await available(lab, 'copy-2')
    expect(await journal((await describeCluster('copy')).Endpoint)).toContain(77)
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'copy-2' })
    await gone(lab, 'copy-2')
    await refused(lab.rds.deleteDBCluster({ DBClusterIdentifier: 'copy' }), 'InvalidParameterCombination')
    await lab.rds.deleteDBCluster({ DBClusterIdentifier: 'copy', FinalDBSnapshotIdentifier: 'copy-final' })
    await clusterGone('copy')
    await lab.rds.restoreDBClusterFromSnapshot({
      DBClusterIdentifier: 'again',
      SnapshotIdentifier: 'copy-final',
      Engine: 'aurora-postgresql',
      VpcSecurityGroupIds: [lab.group],
    })
    await clusterAvailable('again')
    await addMember('again-1', 'again')
    await available(lab, 'again-1')
    expect(await journal((await describeCluster('again')).Endpoint)).toContain(77)
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'again-1' })
    await gone(lab, 'again-1')
    await lab.rds.deleteDBCluster({ DBClusterIdentifier: 'again', SkipFinalSnapshot: true })
    await clusterGone('again')
    await lab.rds.deleteDBClusterSnapshot({ DBClusterSnapshotIdentifier: 'copy-final' })
  })

  test('are for other accounts too, once a snapshot is shared with them', async () => {
    const shared = { DBClusterSnapshotIdentifier: 'kept-too', AttributeName: 'restore' }
    await lab.rds.modifyDBClusterSnapshotAttribute({ ...shared, ValuesToAdd: ['123456789012', 'all'] })
    await lab.rds.modifyDBClusterSnapshotAttribute({ ...shared, ValuesToRemove: ['all'] })
    const { DBClusterSnapshotAttributesResult } = await lab.rds.describeDBClusterSnapshotAttributes(shared)
    expect(DBClusterSnapshotAttributesResult).toEqual({
      DBClusterSnapshotIdentifier: 'kept-too',
      DBClusterSnapshotAttributes: [{ AttributeName: 'restore', AttributeValues: ['123456789012'] }],
    })
    for (const wrong of [{ ValuesToAdd: ['somebody'] }, { AttributeName: 'read', ValuesToAdd: ['all'] }]) {
      await refused(lab.rds.modifyDBClusterSnapshotAttribute({ ...shared, ...wrong }), 'InvalidParameterValue')
    }
    await lab.rds.deleteDBClusterSnapshot({ DBClusterSnapshotIdentifier: 'kept-too' })
  })

  test('come of a moment, to the transaction, whoever wrote since', async () => {
    const { Endpoint } = await describeCluster()
    await write(Endpoint, 100)
    await sleep(5)
    const moment = new Date()
    await sleep(5)
    await write(Endpoint, 101)
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    await clusterAvailable()
    await write(Endpoint, 102)
    await eventually(async () => ((await describeCluster()).LatestRestorableTime! >= moment ? true : undefined))
    const restore = (id: string, more: object) =>
      lab.rds.restoreDBClusterToPointInTime({
        DBClusterIdentifier: id,
        SourceDBClusterIdentifier: 'orders',
        VpcSecurityGroupIds: [lab.group],
        ...more,
      })
    for (const [more, name] of [
      [{}, 'InvalidParameterCombination'],
      [{ RestoreToTime: new Date(Date.now() + 3_600_000) }, 'InvalidParameterValue'],
      [{ RestoreToTime: moment, RestoreType: 'copy-on-write' }, 'InvalidParameterCombination'],
      [{ RestoreToTime: moment, SourceDBClusterIdentifier: 'nobodys' }, 'DBClusterNotFoundFault'],
    ] as const) {
      await refused(restore('wrong', more), name)
    }
    await restore('then', { RestoreToTime: moment })
    await restore('now', { UseLatestRestorableTime: true, RestoreType: 'copy-on-write' })
    for (const id of ['then', 'now']) {
      await clusterAvailable(id)
      await addMember(`${id}-1`, id)
      expect(await available(lab, `${id}-1`)).toMatchObject({ DBInstanceStatus: 'available' })
    }
    expect((await journal((await describeCluster('then')).Endpoint)).filter((id) => id >= 100 && id < 1000)).toEqual([100])
    expect((await journal((await describeCluster('now')).Endpoint)).filter((id) => id >= 100 && id < 1000)).toEqual([
      100, 101, 102,
    ])
  })
})

test('what was to fail has failed: a cluster, a failover, a snapshot', async () => {
  const doom = (operation: string) => lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation, times: 1 })
  await doom('CreateDBCluster')
  await createCluster('doomed')
  expect(await clusterAvailable('doomed')).toMatchObject({ Status: 'failed' })
  await lab.rds.deleteDBCluster({ DBClusterIdentifier: 'doomed', SkipFinalSnapshot: true })
  await clusterGone('doomed')
  const before = writerOf(await describeCluster())
  await doom('FailoverDBCluster')
  await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
  expect(writerOf(await clusterAvailable())).toBe(before)
  await doom('CreateDBClusterSnapshot')
  await lab.rds.createDBClusterSnapshot({ DBClusterIdentifier: 'orders', DBClusterSnapshotIdentifier: 'doomed' })
  await eventually(async () => {
    const { DBClusterSnapshots } = await lab.rds.describeDBClusterSnapshots({ DBClusterSnapshotIdentifier: 'doomed' })
    return DBClusterSnapshots![0]!.Status === 'failed' ? true : undefined
  })
})

test('a protected cluster stays, and a reset takes everything', async () => {
  await refused(
    lab.rds.deleteDBCluster({ DBClusterIdentifier: 'orders', SkipFinalSnapshot: true }),
    'InvalidParameterCombination',
    'protected',
  )
  const { Endpoint } = await describeCluster()
  await lab.call('POST', '/_lab/reset')
  expect((await lab.rds.describeDBClusters({})).DBClusters).toEqual([])
  await expect(at(Endpoint, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
