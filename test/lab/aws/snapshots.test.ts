import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { RDS } from '@aws-sdk/client-rds'
import { ask, available, createInstance, eventually, gone, openLab, refused, snapshotAvailable, type TestLab } from '../fixture'

let lab: TestLab
let elsewhere: RDS
beforeAll(async () => {
  lab = await openLab()
  elsewhere = new RDS({ region: 'eu-central-1', endpoint: lab.lab.api, credentials: { ...lab.lab.credentials.aws } })
  const source = await createInstance(lab, 'main', { BackupRetentionPeriod: 0 })
  await ask(lab, source, 'CREATE TABLE kept AS SELECT 7 AS n')
  await lab.rds.createDBSnapshot({
    DBInstanceIdentifier: 'main',
    DBSnapshotIdentifier: 'first',
    Tags: [{ Key: 'kind', Value: 'first' }],
  })
  await snapshotAvailable(lab, 'first')
})
afterAll(() => lab.remove())

const folders = () => readdirSync(join(lab.stateDir, 'aws', 'snapshots'))

test('a copy is a snapshot of its own: it outlives its source, and can be restored', async () => {
  const { DBSnapshot } = await lab.rds.copyDBSnapshot({
    SourceDBSnapshotIdentifier: 'first',
    TargetDBSnapshotIdentifier: 'Second',
    CopyTags: true,
    Tags: [{ Key: 'more', Value: 'yes' }],
  })
  expect(DBSnapshot).toMatchObject({ DBSnapshotIdentifier: 'second', Status: 'creating', PercentProgress: 0 })
  await refused(lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'second' }), 'InvalidDBSnapshotStateFault')
  const copy = await snapshotAvailable(lab, 'second')
  const source = await snapshotAvailable(lab, 'first')
  expect(copy).toMatchObject({
    Status: 'available',
    SourceDBSnapshotIdentifier: source.DBSnapshotArn,
    SourceRegion: 'us-east-1',
    OriginalSnapshotCreateTime: source.SnapshotCreateTime,
    TagList: [
      { Key: 'kind', Value: 'first' },
      { Key: 'more', Value: 'yes' },
    ],
  })
  expect(copy.SnapshotCreateTime!.getTime()).toBeGreaterThan(source.SnapshotCreateTime!.getTime())
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'first' })
  await lab.rds.restoreDBInstanceFromDBSnapshot({
    DBInstanceIdentifier: 'from-copy',
    DBSnapshotIdentifier: 'second',
    VpcSecurityGroupIds: [lab.group],
  })
  expect(await ask(lab, await available(lab, 'from-copy'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'from-copy', SkipFinalSnapshot: true })
  await gone(lab, 'from-copy')
})

test('a snapshot is copied to another region by its ARN, and its data goes with the last one that shares it', async () => {
  const { DBSnapshotArn: arn } = await snapshotAvailable(lab, 'second')
  const copy = (SourceDBSnapshotIdentifier: string, more = {}) =>
    elsewhere.copyDBSnapshot({ SourceDBSnapshotIdentifier, TargetDBSnapshotIdentifier: 'abroad', ...more })
  await refused(copy('second'), 'DBSnapshotNotFoundFault')
  await refused(copy(arn!.replace('000000000000', '111111111111')), 'InvalidParameterValue')
  // with SourceRegion the SDK adds a URL that it signed for the other region
  await copy(arn!, { SourceRegion: 'us-east-1' })
  const found = await eventually(async () => {
    const { DBSnapshots } = await elsewhere.describeDBSnapshots({ DBSnapshotIdentifier: 'abroad' })
    return DBSnapshots![0]!.Status === 'available' ? DBSnapshots![0]! : undefined
  })
  expect(found).toMatchObject({
    DBSnapshotArn: 'arn:aws:rds:eu-central-1:000000000000:snapshot:abroad',
    SourceDBSnapshotIdentifier: arn,
    SourceRegion: 'us-east-1',
    AvailabilityZone: 'eu-central-1a',
  })
  expect(folders()).toHaveLength(1)
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'second' })
  expect(folders()).toHaveLength(1)
  await elsewhere.restoreDBInstanceFromDBSnapshot({
    DBInstanceIdentifier: 'abroad',
    DBSnapshotIdentifier: 'abroad',
    VpcSecurityGroupIds: [lab.group],
  })
  const restored = await eventually(async () => {
    const { DBInstances } = await elsewhere.describeDBInstances({ DBInstanceIdentifier: 'abroad' })
    return DBInstances![0]!.DBInstanceStatus === 'available' ? DBInstances![0]! : undefined
  })
  expect(restored.AvailabilityZone).toBe('eu-central-1a')
  expect(await ask(lab, restored, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  await elsewhere.deleteDBInstance({ DBInstanceIdentifier: 'abroad', SkipFinalSnapshot: true })
  await elsewhere.deleteDBSnapshot({ DBSnapshotIdentifier: 'abroad' })
  expect(folders()).toEqual([])
})

test('a copy that a lab did not finish is finished by the next one, and one that was to fail has failed', async () => {
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'main', DBSnapshotIdentifier: 'source' })
  await snapshotAvailable(lab, 'source')
  await lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: 'source', TargetDBSnapshotIdentifier: 'interrupted' })
  await lab.restart()
  expect(await snapshotAvailable(lab, 'interrupted')).toMatchObject({ Status: 'available' })
  await lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'CopyDBSnapshot', times: 1 })
  await lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: 'source', TargetDBSnapshotIdentifier: 'doomed' })
  expect(await snapshotAvailable(lab, 'doomed')).toMatchObject({ Status: 'failed' })
  await refused(
    lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: 'doomed', TargetDBSnapshotIdentifier: 'more' }),
    'InvalidDBSnapshotStateFault',
  )
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'doomed' })
  await refused(
    lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: 'source', TargetDBSnapshotIdentifier: 'INTERRUPTED' }),
    'DBSnapshotAlreadyExistsFault',
  )
})

test('a snapshot is shared with accounts and with everybody, and no longer when that is taken back', async () => {
  const shared = async (more: object) => {
    const { DBSnapshotAttributesResult: result } = await lab.rds.modifyDBSnapshotAttribute({
      DBSnapshotIdentifier: 'source',
      AttributeName: 'restore',
      ...more,
    })
    return result!.DBSnapshotAttributes![0]!.AttributeValues
  }
  const empty = await lab.rds.describeDBSnapshotAttributes({ DBSnapshotIdentifier: 'source' })
  expect(empty.DBSnapshotAttributesResult).toEqual({
    DBSnapshotIdentifier: 'source',
    DBSnapshotAttributes: [{ AttributeName: 'restore', AttributeValues: [] }],
  })
  expect(await shared({ ValuesToAdd: ['222222222222', '111111111111'] })).toEqual(['111111111111', '222222222222'])
  expect(await shared({ ValuesToAdd: ['all'], ValuesToRemove: ['222222222222'] })).toEqual(['111111111111', 'all'])
  for (const [more, name] of [
    [{ AttributeName: 'delete' }, 'InvalidParameterValue'],
    [{ ValuesToAdd: ['somebody'] }, 'InvalidParameterValue'],
    [{ ValuesToAdd: Array.from({ length: 20 }, (_, n) => String(n).padStart(12, '3')) }, 'SharedSnapshotQuotaExceededFault'],
    [{ DBSnapshotIdentifier: 'nobodys' }, 'DBSnapshotNotFoundFault'],
  ] as const) {
    await refused(shared(more), name)
  }
  const { DBSnapshotAttributesResult: after } = await lab.rds.describeDBSnapshotAttributes({ DBSnapshotIdentifier: 'source' })
  expect(after!.DBSnapshotAttributes![0]!.AttributeValues).toEqual(['111111111111', 'all'])
})

test('snapshots are found by their filters', async () => {
  const found = async (Name: string, ...Values: string[]) =>
    (await lab.rds.describeDBSnapshots({ Filters: [{ Name, Values }] })).DBSnapshots!.map((one) => one.DBSnapshotIdentifier)
  expect(await found('db-instance-id', 'nobody', 'main')).toEqual(['interrupted', 'source'])
  expect(await found('db-snapshot-id', 'source')).toEqual(['source'])
  expect(await found('snapshot-type', 'automated')).toEqual([])
  expect(await found('engine', 'mysql')).toEqual([])
  await refused(found('colour', 'blue'), 'InvalidParameterValue', 'filter name: colour')
  await refused(lab.rds.describeDBSnapshots({ SnapshotType: 'blue' }), 'InvalidParameterValue')
})

test('the hundred and first snapshot is refused, and an encrypted one keeps its key', async () => {
  await lab.rds.createDBInstance({
    DBInstanceIdentifier: 'sealed',
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'boss',
    MasterUserPassword: 'correct-horse-battery',
    StorageEncrypted: true,
    BackupRetentionPeriod: 0,
  })
  await available(lab, 'sealed')
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'sealed', DBSnapshotIdentifier: 'sealed' })
  const sealed = await snapshotAvailable(lab, 'sealed')
  expect(sealed).toMatchObject({ Encrypted: true, KmsKeyId: 'alias/aws/rds' })
  const abroad = { SourceDBSnapshotIdentifier: sealed.DBSnapshotArn!, TargetDBSnapshotIdentifier: 'abroad' }
  await refused(elsewhere.copyDBSnapshot(abroad), 'InvalidParameterCombination', 'KmsKeyId')
  const KmsKeyId = 'arn:aws:kms:us-east-1:000000000000:key/6f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f'
  await refused(elsewhere.copyDBSnapshot({ ...abroad, KmsKeyId }), 'KMSKeyNotAccessibleFault', KmsKeyId)
  await refused(
    lab.rds.modifyDBSnapshotAttribute({ DBSnapshotIdentifier: 'sealed', AttributeName: 'restore', ValuesToAdd: ['all'] }),
    'InvalidParameterValue',
  )
  const { AccountQuotas } = await lab.rds.describeAccountAttributes({})
  const { Used, Max } = AccountQuotas!.find(({ AccountQuotaName }) => AccountQuotaName === 'ManualSnapshots')!
  expect([Used, Max]).toEqual([3, 100])
  for (let n = Used!; n < 100; n++) {
    await lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: 'source', TargetDBSnapshotIdentifier: `copy-${n}` })
  }
  await refused(
    lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: 'source', TargetDBSnapshotIdentifier: 'too-many' }),
    'SnapshotQuotaExceededFault',
  )
  await refused(
    lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'main', DBSnapshotIdentifier: 'too-many' }),
    'SnapshotQuotaExceededFault',
  )
  expect(folders().every((folder) => existsSync(join(lab.stateDir, 'aws', 'snapshots', folder, 'data')))).toBe(true)
})
