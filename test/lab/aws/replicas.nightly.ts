import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RDS } from '@aws-sdk/client-rds'
import {
  ask,
  available,
  createInstance,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  PASSWORD,
  refused,
  snapshotAvailable,
  type TestLab,
} from '../fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  const source = await createInstance(lab, 'main', { EngineVersion: '17', BackupRetentionPeriod: 1 })
  await ask(lab, source, 'CREATE TABLE journal AS SELECT 1 AS id')
})
afterAll(() => lab.remove())

const replicate = (id: string, more: object = {}) =>
  lab.rds.createDBInstanceReadReplica({
    DBInstanceIdentifier: id,
    SourceDBInstanceIdentifier: 'main',
    VpcSecurityGroupIds: [lab.group],
    ...more,
  })
const write = async (id: string, value: number) =>
  ask(lab, await describeInstance(lab, id), `INSERT INTO journal VALUES (${value})`)
const journal = async (id: string) =>
  (await ask<{ id: number }>(lab, await describeInstance(lab, id), 'SELECT id FROM journal ORDER BY id')).map((row) => row.id)
const holds = (id: string, value: number) => eventually(async () => ((await journal(id)).includes(value) ? true : undefined))
const messages = async (id: string) =>
  (await lab.rds.describeEvents({ SourceIdentifier: id, SourceType: 'db-instance' })).Events!.map(({ Message }) => Message)

/** Each takes an address. */
const takeAll = async () => {
  for (let n = 0; ; n++) {
    const world = { GlobalClusterIdentifier: `world-${n}`, Engine: 'aurora-postgresql' }
    try {
      await lab.rds.createGlobalCluster(world)
    } catch (error) {
      expect(error).toMatchObject({ message: 'Every address of this lab is taken.' })
      return n
    }
  }
}
const giveBack = (n: number) => lab.rds.deleteGlobalCluster({ GlobalClusterIdentifier: `world-${n}` })

describe('a read replica', () => {
  test('is made while its source goes on, shows whom it follows, can be read and not written', async () => {
    const { DBInstance } = await replicate('reader', { Tags: [{ Key: 'for', Value: 'reports' }] })
    expect(DBInstance).toMatchObject({
      DBInstanceStatus: 'creating',
      ReadReplicaSourceDBInstanceIdentifier: 'main',
      BackupRetentionPeriod: 0,
      TagList: [{ Key: 'for', Value: 'reports' }],
    })
    expect(DBInstance!.Endpoint).toBeUndefined()
    await write('main', 2)
    const reader = await available(lab, 'reader')
    expect(reader).toMatchObject({
      ReadReplicaSourceDBInstanceIdentifier: 'main',
      StatusInfos: [{ StatusType: 'read replication', Normal: true, Status: 'replicating' }],
      EngineVersion: (await describeInstance(lab, 'main')).EngineVersion,
    })
    expect((await describeInstance(lab, 'main')).ReadReplicaDBInstanceIdentifiers).toEqual(['reader'])
    await holds('reader', 2)
    await expect(write('reader', 3)).rejects.toMatchObject({ code: '25006' })
    await write('main', 3)
    await holds('reader', 3)
    const rows = await ask(lab, await describeInstance(lab, 'main'), 'SELECT state FROM pg_stat_replication')
    expect(rows).toEqual([{ state: 'streaming' }])
  })

  test('is copied by a blue/green deployment with its source or not at all, as addresses allow', async () => {
    const Source = (await describeInstance(lab, 'main')).DBInstanceArn!
    const create = () => lab.rds.createBlueGreenDeployment({ BlueGreenDeploymentName: 'tight', Source })
    const taken = await takeAll()
    await giveBack(0)
    await refused(create(), 'InstanceQuotaExceededFault', 'address')
    expect((await lab.rds.describeDBInstances({})).DBInstances).toHaveLength(2)
    for (let n = 1; n < taken; n++) await giveBack(n)
  })

  test.each([
    [{ SourceDBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFoundFault', ''],
    [{ SourceDBInstanceIdentifier: 'reader' }, 'InvalidDBInstanceStateFault', 'Automated backups are not enabled'],
    [{ DBInstanceIdentifier: 'MAIN' }, 'DBInstanceAlreadyExistsFault', ''],
    [{ AllocatedStorage: 10 }, 'InvalidParameterValue', 'storage size'],
    [{ DBParameterGroupName: 'default.postgres15' }, 'InvalidParameterCombination', ''],
    [{ KmsKeyId: 'alias/mine' }, 'InvalidParameterCombination', 'encrypted'],
  ])('asked for with %j is refused', async (wrong, name, message) => {
    await refused(replicate('wrong', wrong), name, message)
    await refused(describeInstance(lab, 'wrong'), 'DBInstanceNotFoundFault')
  })

  test('and its source refuse what would break them apart', async () => {
    const modify = (id: string, more: object) => lab.rds.modifyDBInstance({ DBInstanceIdentifier: id, ...more })
    await refused(lab.rds.stopDBInstance({ DBInstanceIdentifier: 'reader' }), 'InvalidDBInstanceStateFault', 'read replica')
    await refused(lab.rds.stopDBInstance({ DBInstanceIdentifier: 'main' }), 'InvalidDBInstanceStateFault', 'read replicas')
    await refused(modify('main', { BackupRetentionPeriod: 0 }), 'InvalidDBInstanceStateFault', 'read replicas')
    await refused(modify('reader', { BackupRetentionPeriod: 3 }), 'InvalidParameterCombination')
    await refused(modify('reader', { MasterUserPassword: PASSWORD }), 'InvalidParameterCombination')
    await refused(
      lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'reader', FinalDBSnapshotIdentifier: 'x' }),
      'InvalidParameterCombination',
      'replica instance',
    )
    await refused(
      lab.rds.promoteReadReplica({ DBInstanceIdentifier: 'main' }),
      'InvalidDBInstanceStateFault',
      'not a read replica',
    )
  })

  test('follows its source through its renaming, its reboot, its crash and a restart of the lab', async () => {
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', NewDBInstanceIdentifier: 'primary', ApplyImmediately: true })
    await gone(lab, 'main')
    await available(lab, 'primary')
    expect((await describeInstance(lab, 'reader')).ReadReplicaSourceDBInstanceIdentifier).toBe('primary')
    await write('primary', 4)
    await holds('reader', 4)
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'primary' })
    await available(lab, 'primary')
    await write('primary', 5)
    await holds('reader', 5)
    await lab.call('POST', '/_lab/instances/primary/crash')
    await eventually(async () =>
      (await messages('primary')).includes('Recovery of the DB instance is complete.') ? true : undefined,
    )
    await available(lab, 'primary')
    await write('primary', 6)
    await holds('reader', 6)
    await lab.restart()
    await write('primary', 7)
    await holds('reader', 7)
    await eventually(async () => ((await describeInstance(lab, 'reader')).StatusInfos![0]!.Normal ? true : undefined))
  })

  test('a snapshot of it is restored as an instance of its own', async () => {
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'reader', DBSnapshotIdentifier: 'of-reader' })
    await snapshotAvailable(lab, 'of-reader')
    await lab.rds.restoreDBInstanceFromDBSnapshot({
      DBInstanceIdentifier: 'alone',
      DBSnapshotIdentifier: 'of-reader',
      VpcSecurityGroupIds: [lab.group],
    })
    await available(lab, 'alone')
    await write('alone', 100)
    expect(await journal('alone')).toEqual([1, 2, 3, 4, 5, 6, 7, 100])
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'alone', SkipFinalSnapshot: true })
  })

  test('is not promoted while it is being backed up; promoted, it is written, follows nobody and keeps backups', async () => {
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'reader', DBSnapshotIdentifier: 'busy' })
    await refused(lab.rds.promoteReadReplica({ DBInstanceIdentifier: 'reader' }), 'InvalidDBInstanceStateFault')
    await snapshotAvailable(lab, 'busy')
    await available(lab, 'reader')
    await lab.rds.promoteReadReplica({ DBInstanceIdentifier: 'reader', BackupRetentionPeriod: 2 })
    const promoted = await eventually(async () => {
      const instance = await available(lab, 'reader')
      return instance.LatestRestorableTime ? instance : undefined
    })
    expect(promoted).toMatchObject({ BackupRetentionPeriod: 2 })
    expect(promoted.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
    expect((await describeInstance(lab, 'primary')).ReadReplicaDBInstanceIdentifiers).toEqual([])
    await write('primary', 8)
    await write('reader', 200)
    expect(await journal('reader')).toEqual([1, 2, 3, 4, 5, 6, 7, 200])
    expect(await ask(lab, await describeInstance(lab, 'primary'), 'SELECT slot_name FROM pg_replication_slots')).toEqual([])
    expect(await messages('reader')).toContain('Promoted read replica to a standalone database instance')
    await lab.rds.restoreDBInstanceToPointInTime({
      SourceDBInstanceIdentifier: 'reader',
      TargetDBInstanceIdentifier: 'restored',
      UseLatestRestorableTime: true,
      VpcSecurityGroupIds: [lab.group],
      BackupRetentionPeriod: 0,
    })
    await available(lab, 'restored')
    expect(await journal('restored')).toContain(200)
    for (const id of ['reader', 'restored']) await lab.rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
  })

  test('in another region follows by ARN, and goes on alone when its source is deleted', async () => {
    const elsewhere = new RDS({ region: 'eu-west-1', endpoint: lab.lab.api, credentials: { ...lab.lab.credentials.aws } })
    const arn = (await describeInstance(lab, 'primary')).DBInstanceArn!
    await elsewhere.createDBInstanceReadReplica({
      DBInstanceIdentifier: 'far',
      SourceDBInstanceIdentifier: arn,
      VpcSecurityGroupIds: [lab.group],
    })
    const far = async (status: string) =>
      eventually(async () => {
        const { DBInstances } = await elsewhere.describeDBInstances({ DBInstanceIdentifier: 'far' })
        return DBInstances![0]!.DBInstanceStatus === status ? DBInstances![0]! : undefined
      })
    expect(await far('available')).toMatchObject({ ReadReplicaSourceDBInstanceIdentifier: arn, AvailabilityZone: 'eu-west-1a' })
    expect((await describeInstance(lab, 'primary')).ReadReplicaDBInstanceIdentifiers).toEqual([
      'arn:aws:rds:eu-west-1:000000000000:db:far',
    ])
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'primary', SkipFinalSnapshot: true })
    await gone(lab, 'primary')
    const alone = await eventually(async () => {
      const instance = await far('available')
      return instance.StatusInfos ? undefined : instance
    })
    await ask(lab, alone, 'INSERT INTO journal VALUES (300)')
    expect(await ask(lab, alone, 'SELECT max(id) AS id FROM journal')).toEqual([{ id: 300 }])
  })

  test('that was to fail has failed, and one whose lab was stopped is made by the next', async () => {
    await createInstance(lab, 'main', { EngineVersion: '15', BackupRetentionPeriod: 1 })
    await lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'CreateDBInstanceReadReplica', times: 1 })
    await replicate('doomed')
    expect(await available(lab, 'doomed')).toMatchObject({ DBInstanceStatus: 'failed' })
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'doomed', SkipFinalSnapshot: true })
    await replicate('reader')
    await lab.restart()
    await available(lab, 'reader')
    await ask(lab, await describeInstance(lab, 'main'), 'CREATE TABLE journal AS SELECT 1 AS id')
    await eventually(() => journal('reader').catch(() => undefined))
  })
})

describe('a Multi-AZ instance', () => {
  test('fails over to its other zone with every commit, under the same address; one of a single zone does not', async () => {
    await refused(
      lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'main', ForceFailover: true }),
      'InvalidParameterCombination',
      'Multi-AZ',
    )
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MultiAZ: true, ApplyImmediately: true })
    await eventually(async () => ((await describeInstance(lab, 'main')).MultiAZ ? true : undefined))
    const before = await available(lab, 'main')
    await write('main', 2)
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'main', ForceFailover: true })
    const after = await available(lab, 'main')
    expect(after).toMatchObject({
      AvailabilityZone: before.SecondaryAvailabilityZone,
      SecondaryAvailabilityZone: before.AvailabilityZone,
      Endpoint: before.Endpoint,
    })
    expect(await journal('main')).toContain(2)
    await write('main', 3)
    await holds('reader', 3)
    expect((await messages('main')).slice(-3)).toEqual([
      'Multi-AZ instance failover started.',
      'DB instance restarted',
      'Multi-AZ instance failover completed',
    ])
  })

  test('fails over by itself when its server ends', async () => {
    const before = await available(lab, 'main')
    await lab.call('POST', '/_lab/instances/main/crash')
    await eventually(async () =>
      (await describeInstance(lab, 'main')).AvailabilityZone === before.AvailabilityZone ? undefined : true,
    )
    expect(await available(lab, 'main')).toMatchObject({ AvailabilityZone: before.SecondaryAvailabilityZone })
    await write('main', 4)
  })
})

describe('TLS', () => {
  const secure = () => ({ ca: readFileSync(join(lab.stateDir, 'ca.crt'), 'utf8'), rejectUnauthorized: true })
  const encrypted = async (ssl: object | false) =>
    (
      await ask<{ ssl: boolean }>(
        lab,
        await describeInstance(lab, 'main'),
        'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
        { ssl },
      )
    )[0]!.ssl

  test("is offered with a certificate of the lab's own authority", async () => {
    expect([await encrypted(secure()), await encrypted(false)]).toEqual([true, false])
  })

  test('is forced by rds.force_ssl, and replicas follow all the same', async () => {
    await lab.rds.createDBParameterGroup({
      DBParameterGroupName: 'sealed',
      DBParameterGroupFamily: 'postgres15',
      Description: 'sealed',
    })
    const force = (ParameterValue: string) =>
      lab.rds.modifyDBParameterGroup({
        DBParameterGroupName: 'sealed',
        Parameters: [{ ParameterName: 'rds.force_ssl', ParameterValue, ApplyMethod: 'immediate' }],
      })
    await refused(force('2'), 'InvalidParameterValue', 'allowed values are: 0,1')
    await force('1')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', DBParameterGroupName: 'sealed' })
    await available(lab, 'main')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'main' })
    await available(lab, 'main')
    await expect(encrypted(false)).rejects.toMatchObject({ code: '28000' })
    expect(await encrypted(secure())).toBe(true)
    await ask(lab, await describeInstance(lab, 'main'), 'INSERT INTO journal VALUES (5)', { ssl: secure() })
    await holds('reader', 5)
    await force('0')
    await eventually(() =>
      encrypted(false)
        .then(() => true)
        .catch(() => undefined),
    )
  })
})
