import { setTimeout as sleep } from 'node:timers/promises'
import { RDS } from '@aws-sdk/client-rds'
import { available, describe as describeInstance, eventually, gone, openLab, PASSWORD, refused, type TestLab } from '../fixture'
import { auroraOf, writerOf } from './aurora-fixture'

let lab: TestLab
const { createCluster, addMember, describeCluster, clusterAvailable, clusterGone, at, journal, holds, write } = auroraOf(
  () => lab,
)

beforeAll(async () => {
  lab = await openLab()
  await createCluster('orders')
  const { Endpoint } = await clusterAvailable()
  for (const id of ['orders-1', 'orders-2']) {
    await addMember(id)
    await available(lab, id)
  }
  await at(Endpoint, 'CREATE TABLE journal AS SELECT 5 AS id')
})
afterAll(() => lab.remove())

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
