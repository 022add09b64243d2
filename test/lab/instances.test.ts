import {
  ask,
  available,
  describe as describeInstance,
  gone,
  openLab,
  PASSWORD,
  slowly,
  snapshotAvailable,
  type TestLab,
} from './fixture'

let test_: TestLab
beforeAll(async () => {
  test_ = await openLab()
})
afterAll(() => test_.remove())

test('an instance is created through the SDK, has no endpoint while creating, and is a real database afterwards', async () => {
  const { DBInstance: early } = await test_.rds.createDBInstance({
    DBInstanceIdentifier: 'Orders',
    Engine: 'postgres',
    EngineVersion: '15',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
    DBName: 'shop',
    VpcSecurityGroupIds: [test_.group],
    Tags: [{ Key: 'capstan-operation', Value: 'op-1' }],
  })
  expect(early).toMatchObject({ DBInstanceIdentifier: 'orders', DBInstanceStatus: 'creating', EngineVersion: '15.18' })
  expect(early?.Endpoint).toBeUndefined()
  const instance = await available(test_, 'ORDERS')
  expect(instance).toMatchObject({
    Endpoint: { Address: `${test_.block}.10`, Port: test_.lab.dataPort },
    DBInstanceArn: 'arn:aws:rds:us-east-1:000000000000:db:orders',
    TagList: [{ Key: 'capstan-operation', Value: 'op-1' }],
    ReadReplicaDBInstanceIdentifiers: [],
  })
  await ask(test_, instance, 'CREATE TABLE t (n int)')
  expect(await ask(test_, instance, "SELECT current_setting('server_version') AS v")).toEqual([{ v: '15.18' }])
})

test('a snapshot is restored to a new instance with defaults reset, and the password is reset through the API', async () => {
  const source = await available(test_, 'orders')
  await ask(test_, source, 'INSERT INTO t SELECT generate_series(1, 1000)')
  await slowly(test_, async () => {
    await test_.rds.createDBSnapshot({ DBInstanceIdentifier: 'orders', DBSnapshotIdentifier: 'Before' })
    expect((await describeInstance(test_, 'orders')).DBInstanceStatus).toBe('backing-up')
  })
  expect(await snapshotAvailable(test_, 'before')).toMatchObject({
    Status: 'available',
    PercentProgress: 100,
    SnapshotType: 'manual',
  })
  await test_.rds.restoreDBInstanceFromDBSnapshot({ DBInstanceIdentifier: 'copy', DBSnapshotIdentifier: 'before' })
  const copy = await available(test_, 'copy')
  expect(copy.VpcSecurityGroups).toEqual([{ VpcSecurityGroupId: 'sg-default', Status: 'active' }])
  await expect(ask(test_, copy, 'SELECT 1')).rejects.toMatchObject({ code: '28000' })
  await test_.rds.modifyDBInstance({
    DBInstanceIdentifier: 'copy',
    MasterUserPassword: 'another-password',
    VpcSecurityGroupIds: [test_.group],
    ApplyImmediately: true,
  })
  await available(test_, 'copy')
  expect(await ask(test_, copy, 'SELECT count(*)::int AS n FROM t', { password: 'another-password' })).toEqual([{ n: 1000 }])
  await test_.rds.deleteDBInstance({ DBInstanceIdentifier: 'copy', SkipFinalSnapshot: true })
  await gone(test_, 'copy')
})
