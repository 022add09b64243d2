import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startLab } from '../../../lab/start'
import {
  ask,
  available,
  cacheDir,
  createInstance,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  refused,
  sdk,
  snapshotAvailable,
  type TestLab,
} from '../fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await Promise.all(['main', 'other'].map((id) => createInstance(lab, id, { BackupRetentionPeriod: 0 })))
})
afterAll(() => lab.remove())

const becomes = (id: string, status: string) =>
  eventually(async () => {
    const instance = await describeInstance(lab, id)
    return instance.DBInstanceStatus === status ? instance : undefined
  })
const messages = async (id: string) =>
  (await lab.rds.describeEvents({ SourceIdentifier: id, SourceType: 'db-instance' })).Events!.map(({ Message }) => Message)

/** As if time had passed: what the lab wrote down is changed while it is down. */
async function changeState(
  change: (instances: Record<string, { restartsAt?: string; optimizesUntil?: string }>) => void,
): Promise<void> {
  await lab.lab.stop()
  const file = join(lab.stateDir, 'lab.json')
  const state = JSON.parse(readFileSync(file, 'utf8'))
  change(state.aws.instances)
  writeFileSync(file, JSON.stringify(state))
  await lab.restart()
}

describe('a stopped instance', () => {
  test('has no server, keeps its data, takes a snapshot with it when asked, and is started only when it is stopped', async () => {
    await ask(lab, await available(lab, 'main'), 'CREATE TABLE kept AS SELECT 7 AS n')
    await refused(lab.rds.startDBInstance({ DBInstanceIdentifier: 'main' }), 'InvalidDBInstanceStateFault', 'not stopped')
    const { DBInstance } = await lab.rds.stopDBInstance({ DBInstanceIdentifier: 'main', DBSnapshotIdentifier: 'as-it-stopped' })
    expect(DBInstance).toMatchObject({ DBInstanceStatus: 'stopping' })
    await refused(lab.rds.stopDBInstance({ DBInstanceIdentifier: 'main' }), 'InvalidDBInstanceStateFault')
    const stopped = await becomes('main', 'stopped')
    expect(await snapshotAvailable(lab, 'as-it-stopped')).toMatchObject({ Status: 'available' })
    const week = stopped.AutomaticRestartTime!.getTime() - Date.now()
    expect([week > 6.9 * 86_400_000, week <= 7 * 86_400_000]).toEqual([true, true])
    await expect(ask(lab, stopped, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    for (const change of [
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MultiAZ: true }),
      lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'main' }),
      lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'main', DBSnapshotIdentifier: 'no' }),
    ]) {
      await refused(change, 'InvalidDBInstanceStateFault')
    }
    await lab.rds.startDBInstance({ DBInstanceIdentifier: 'main' })
    const started = await available(lab, 'main')
    expect(started.AutomaticRestartTime).toBeUndefined()
    expect(await ask(lab, started, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    expect(await messages('main')).toEqual(expect.arrayContaining(['DB instance stopped', 'DB instance started']))
  })

  test('stays stopped when the lab starts again, and is started once its week is over', async () => {
    await lab.rds.stopDBInstance({ DBInstanceIdentifier: 'main' })
    const stopped = await becomes('main', 'stopped')
    await lab.restart()
    expect(await describeInstance(lab, 'main')).toMatchObject({ DBInstanceStatus: 'stopped' })
    await expect(ask(lab, stopped, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await changeState((instances) => {
      instances['us-east-1/main']!.restartsAt = new Date(Date.now() - 1000).toISOString()
    })
    expect(await ask(lab, await available(lab, 'main'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    expect(await messages('main')).toContainEqual(expect.stringContaining('exceeding the maximum allowed time being stopped'))
  })

  test('can be removed with a final snapshot, which holds its data', async () => {
    const source = await createInstance(lab, 'brief', { BackupRetentionPeriod: 0 })
    await ask(lab, source, 'CREATE TABLE last AS SELECT 1 AS n')
    await lab.rds.stopDBInstance({ DBInstanceIdentifier: 'brief' })
    await becomes('brief', 'stopped')
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'brief', FinalDBSnapshotIdentifier: 'brief-final' })
    await gone(lab, 'brief')
    expect(await snapshotAvailable(lab, 'brief-final')).toMatchObject({ Status: 'available' })
    await lab.rds.restoreDBInstanceFromDBSnapshot({
      DBInstanceIdentifier: 'brief',
      DBSnapshotIdentifier: 'brief-final',
      VpcSecurityGroupIds: [lab.group],
    })
    expect(await ask(lab, await available(lab, 'brief'), 'SELECT n FROM last')).toEqual([{ n: 1 }])
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'brief', SkipFinalSnapshot: true })
    await gone(lab, 'brief')
  })

  test('that was to be started badly ends as incompatible-parameters, and one that was to be stopped badly goes on', async () => {
    await lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'StopDBInstance', times: 1 })
    await lab.rds.stopDBInstance({ DBInstanceIdentifier: 'other' })
    expect(await ask(lab, await becomes('other', 'available'), 'SELECT 1 AS n')).toEqual([{ n: 1 }])
    await lab.rds.stopDBInstance({ DBInstanceIdentifier: 'other' })
    await becomes('other', 'stopped')
    await lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'StartDBInstance', times: 1 })
    await lab.rds.startDBInstance({ DBInstanceIdentifier: 'other' })
    await becomes('other', 'incompatible-parameters')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'other' })
    await available(lab, 'other')
  })
})

describe('a renamed instance', () => {
  test('waits for ApplyImmediately, keeps its data and its resource id, and is not found under its old name', async () => {
    const before = await available(lab, 'main')
    await refused(
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', NewDBInstanceIdentifier: 'OTHER' }),
      'DBInstanceAlreadyExistsFault',
    )
    await refused(
      lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', NewDBInstanceIdentifier: '9lives' }),
      'InvalidParameterValue',
    )
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', NewDBInstanceIdentifier: 'Main-Old' })
    expect((await available(lab, 'main')).PendingModifiedValues).toEqual({ DBInstanceIdentifier: 'main-old' })
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', ApplyImmediately: true })
    await gone(lab, 'main')
    const after = await available(lab, 'main-old')
    expect(after).toMatchObject({ DbiResourceId: before.DbiResourceId, DBInstanceArn: `${before.DBInstanceArn}-old` })
    expect(after.Endpoint!.Address).not.toBe(before.Endpoint!.Address)
    expect(await ask(lab, after, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    await expect(ask(lab, before, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await messages('main-old')).toContain('Renamed instance from main to main-old')
  })

  test('takes over the address that its new name stood for, so that clients of the name follow it', async () => {
    const [old, other] = [await available(lab, 'main-old'), await available(lab, 'other')]
    await ask(lab, other, 'CREATE TABLE newcomer AS SELECT 8 AS n')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'other', NewDBInstanceIdentifier: 'main', ApplyImmediately: true })
    await gone(lab, 'other')
    const main = await available(lab, 'main')
    expect([old.Endpoint!.Address, other.Endpoint!.Address]).not.toContain(main.Endpoint!.Address)
    expect(await ask(lab, main, 'SELECT n FROM newcomer')).toEqual([{ n: 8 }])
    // and back: the first one is main again, where main has always been
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', NewDBInstanceIdentifier: 'other', ApplyImmediately: true })
    await gone(lab, 'main')
    expect((await available(lab, 'other')).Endpoint!.Address).toBe(other.Endpoint!.Address)
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main-old', NewDBInstanceIdentifier: 'main', ApplyImmediately: true })
    await gone(lab, 'main-old')
    const again = await available(lab, 'main')
    expect(again.Endpoint!.Address).toBe(main.Endpoint!.Address)
    expect(await ask(lab, again, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })

  test('has its new name after a lab that died while renaming it', async () => {
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', NewDBInstanceIdentifier: 'second', ApplyImmediately: true })
    await eventually(async () => {
      const { DBInstances } = await lab.rds.describeDBInstances({})
      return DBInstances!.some(({ DBInstanceStatus }) => DBInstanceStatus === 'renaming') ? true : undefined
    })
    await lab.restart()
    await gone(lab, 'main')
    expect(await ask(lab, await available(lab, 'second'), 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })
})

describe('storage and settings', () => {
  const modify = (more: object) => lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'second', ApplyImmediately: true, ...more })

  test('storage that grew is optimized: usable, and not to be changed again meanwhile', async () => {
    await modify({ AllocatedStorage: 30 })
    await eventually(async () => ((await describeInstance(lab, 'second')).AllocatedStorage === 30 ? true : undefined))
    await available(lab, 'second')
    await changeState((instances) => {
      instances['us-east-1/second']!.optimizesUntil = new Date(Date.now() + 3_600_000).toISOString()
    })
    expect(await describeInstance(lab, 'second')).toMatchObject({ DBInstanceStatus: 'storage-optimization' })
    await refused(modify({ AllocatedStorage: 40 }), 'InvalidParameterCombination', 'previous storage change')
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'second', DBSnapshotIdentifier: 'meanwhile' })
    expect(await snapshotAvailable(lab, 'meanwhile')).toMatchObject({ Status: 'available' })
    await changeState((instances) => {
      instances['us-east-1/second']!.optimizesUntil = new Date().toISOString()
    })
    await available(lab, 'second')
  })

  test.each([
    [{ StorageType: 'floppy' }, 'InvalidParameterValue', 'storage type'],
    [{ StorageType: 'io1' }, 'InvalidParameterValue', 'storage size'],
    [{ StorageType: 'io1', AllocatedStorage: 100 }, 'InvalidParameterCombination', 'must specify Iops'],
    [{ Iops: 12_000 }, 'InvalidParameterCombination', 'less than 400'],
    [{ StorageType: 'gp2', StorageThroughput: 500 }, 'InvalidParameterCombination', 'throughput'],
    [{ AllocatedStorage: 29 }, 'InvalidParameterCombination', 'less than'],
    [{ PreferredBackupWindow: '3:00' }, 'InvalidParameterValue', 'backup window'],
    [{ PreferredBackupWindow: '03:00-03:10' }, 'InvalidParameterValue', 'backup window'],
    [{ PreferredMaintenanceWindow: 'someday:04:00-sun:05:00' }, 'InvalidParameterValue', 'maintenance window'],
    [{ MonitoringInterval: 7 }, 'InvalidParameterValue', 'monitoring interval'],
    [{ MonitoringInterval: 30 }, 'InvalidParameterCombination', 'MonitoringRoleARN'],
    [{ CloudwatchLogsExportConfiguration: { EnableLogTypes: ['slow'] } }, 'InvalidParameterCombination', 'log types'],
    [{ ManageMasterUserPassword: true }, 'InvalidParameterCombination', 'Secrets Manager'],
    [{ ManageMasterUserPassword: true, MasterUserPassword: 'long enough' }, 'InvalidParameterCombination', 'not both'],
    [{ EngineVersion: '17' }, 'InvalidParameterCombination', 'Cannot upgrade'],
    [{ DBInstanceClass: 'db.t9.huge' }, 'InvalidParameterValue', 'Instance class'],
    [{ MultiAZ: true, AllocatedStorage: 70_000 }, 'InvalidParameterValue', 'storage size'],
  ])('a change to %j is refused, and nothing of it is left', async (change, name, message) => {
    const before = await available(lab, 'second')
    await refused(modify(change), name, message)
    expect(await describeInstance(lab, 'second')).toEqual(before)
  })

  test('what has no effect here is remembered and shown', async () => {
    await modify({
      PreferredBackupWindow: '23:45-00:30',
      PreferredMaintenanceWindow: 'Mon:01:00-Mon:02:00',
      AutoMinorVersionUpgrade: false,
      MaxAllocatedStorage: 500,
      EnablePerformanceInsights: true,
      CloudwatchLogsExportConfiguration: { EnableLogTypes: ['upgrade', 'postgresql'] },
      StorageType: 'gp3',
      AllocatedStorage: 400,
      Iops: 12_000,
      StorageThroughput: 500,
      MultiAZ: true,
    })
    await eventually(async () => ((await describeInstance(lab, 'second')).MultiAZ ? true : undefined))
    const instance = await available(lab, 'second')
    expect(instance).toMatchObject({
      PreferredBackupWindow: '23:45-00:30',
      PreferredMaintenanceWindow: 'mon:01:00-mon:02:00',
      AutoMinorVersionUpgrade: false,
      MaxAllocatedStorage: 500,
      PerformanceInsightsEnabled: true,
      PerformanceInsightsRetentionPeriod: 7,
      EnabledCloudwatchLogsExports: ['postgresql', 'upgrade'],
      AllocatedStorage: 400,
      Iops: 12_000,
      StorageThroughput: 500,
      AvailabilityZone: 'us-east-1a',
      SecondaryAvailabilityZone: 'us-east-1b',
    })
    await modify({ CloudwatchLogsExportConfiguration: { DisableLogTypes: ['upgrade'] }, MultiAZ: false })
    await eventually(async () => ((await describeInstance(lab, 'second')).MultiAZ ? undefined : true))
    const after = await available(lab, 'second')
    expect(after.EnabledCloudwatchLogsExports).toEqual(['postgresql'])
    expect(after.SecondaryAvailabilityZone).toBeUndefined()
  })
})

test('a state folder of a lab that knew less is completed', async () => {
  await lab.lab.stop()
  const file = join(lab.stateDir, 'lab.json')
  const state = JSON.parse(readFileSync(file, 'utf8'))
  for (const name of ['subnetGroups', 'events', 'namedHosts', 'eventsNoted']) delete state.aws[name]
  writeFileSync(file, JSON.stringify(state))
  const older = await startLab({ stateDir: lab.stateDir, cacheDir, block: lab.block, profile: 'fast' })
  const rds = sdk(older.api, older.credentials.aws)
  expect((await rds.describeEvents({})).Events).toEqual([])
  await older.stop()
  await lab.restart()
})
