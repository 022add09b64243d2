import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nextWindow } from '../../../lab/aws/schedule'
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
  type TestLab,
  whileDown,
} from '../fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await createInstance(lab, 'main', { BackupRetentionPeriod: 7, EngineVersion: '17', MultiAZ: true })
})
afterAll(() => {
  return lab.remove()
})

const folders = (kind: 'archives' | 'snapshots') => readdirSync(join(lab.stateDir, 'aws', kind))
const automated = async (id: string) =>
  (await lab.rds.describeDBSnapshots({ DBInstanceIdentifier: id, SnapshotType: 'automated' })).DBSnapshots!
const backups = async (more: object = {}) => (await lab.rds.describeDBInstanceAutomatedBackups(more)).DBInstanceAutomatedBackups!

/** Waits until the instance can be restored to this moment, as a client has to in life. */
const reaches = (id: string, at: Date) =>
  eventually(async () => {
    const { LatestRestorableTime } = await describeInstance(lab, id)
    return LatestRestorableTime && LatestRestorableTime >= at ? LatestRestorableTime : undefined
  })

/** A moment with commits on both of its sides and none in it. */
async function moment(): Promise<Date> {
  await sleep(5)
  const at = new Date()
  await sleep(5)
  return at
}

const restore = (more: object) =>
  lab.rds.restoreDBInstanceToPointInTime({
    SourceDBInstanceIdentifier: 'main',
    TargetDBInstanceIdentifier: 'copy',
    VpcSecurityGroupIds: [lab.group],
    ...more,
  })

async function remove(id: string, more: object = {}): Promise<void> {
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true, ...more })
  await gone(lab, id)
}

type Records = Record<string, Record<string, unknown>>

const changeState = (change: (aws: { instances: Records; snapshots: Records; retained: Records }) => void) =>
  whileDown<{ aws: { instances: Records; snapshots: Records; retained: Records } }>(lab, ({ aws }) => change(aws))

test('an instance that keeps backups has one when it is available, and shows to when it can be restored', async () => {
  const [snapshot] = await automated('main')
  expect(snapshot).toMatchObject({
    DBSnapshotIdentifier: expect.stringMatching(/^rds:main-\d{4}-\d\d-\d\d-\d\d-\d\d$/),
    Status: 'available',
    SnapshotType: 'automated',
  })
  const { LatestRestorableTime } = await describeInstance(lab, 'main')
  const [backup] = await backups({ DBInstanceIdentifier: 'main' })
  expect(backup).toMatchObject({ Status: 'active', BackupRetentionPeriod: 7 })
  expect(backup!.RestoreWindow!.EarliestTime! <= LatestRestorableTime!).toBe(true)
  await refused(
    lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: snapshot!.DBSnapshotIdentifier! }),
    'InvalidDBSnapshotStateFault',
  )
  await refused(
    lab.rds.modifyDBSnapshotAttribute({
      DBSnapshotIdentifier: snapshot!.DBSnapshotIdentifier!,
      AttributeName: 'restore',
      ValuesToAdd: ['111111111111'],
    }),
    'InvalidDBSnapshotStateFault',
  )
})

describe('a restore to a point in time', () => {
  let early: Date
  let late: Date

  beforeAll(async () => {
    const instance = await available(lab, 'main')
    await ask(lab, instance, 'CREATE TABLE journal AS SELECT 1 AS id')
    early = await moment()
    await ask(lab, instance, 'INSERT INTO journal VALUES (2)')
    late = await moment()
    await ask(lab, instance, 'INSERT INTO journal VALUES (3)')
    await reaches('main', new Date())
  })

  const journal = async (id: string) =>
    (await ask<{ id: number }>(lab, await available(lab, id), 'SELECT id FROM journal ORDER BY id')).map((row) => row.id)

  test('holds every commit before its time and none after, and is a new instance with the defaults', async () => {
    const source = await describeInstance(lab, 'main')
    const { DBInstance } = await restore({ RestoreTime: early })
    expect(DBInstance).toMatchObject({ DBInstanceIdentifier: 'copy', DBInstanceStatus: 'creating' })
    expect(await journal('copy')).toEqual([1])
    const copy = await describeInstance(lab, 'copy')
    expect(copy).toMatchObject({
      MultiAZ: false,
      DeletionProtection: false,
      BackupRetentionPeriod: 7,
      DBInstanceClass: source.DBInstanceClass,
      DBParameterGroups: [{ DBParameterGroupName: 'default.postgres17' }],
      EngineVersion: source.EngineVersion,
    })
    expect(copy.DbiResourceId).not.toBe(source.DbiResourceId)
    // it goes on in a backup of its own, and can be restored from in turn
    await ask(lab, copy, 'INSERT INTO journal VALUES (40)')
    const at = await moment()
    await ask(lab, copy, 'INSERT INTO journal VALUES (41)')
    await reaches('copy', at)
    await restore({ SourceDBInstanceIdentifier: 'copy', TargetDBInstanceIdentifier: 'copy-2', RestoreTime: at })
    expect(await journal('copy-2')).toEqual([1, 40])
    await Promise.all([remove('copy'), remove('copy-2')])
  })

  test('to the latest time holds everything, and to a time between what was committed until then', async () => {
    await restore({ UseLatestRestorableTime: true, BackupRetentionPeriod: 0 })
    await restore({ RestoreTime: late, TargetDBInstanceIdentifier: 'between', BackupRetentionPeriod: 0 })
    expect(await journal('copy')).toEqual([1, 2, 3])
    expect(await journal('between')).toEqual([1, 2])
    expect(await automated('copy')).toEqual([])
    await Promise.all([remove('copy'), remove('between')])
  })

  test('carries on in a lab that was stopped meanwhile', async () => {
    await restore({ RestoreTime: late })
    await lab.restart()
    expect(await journal('copy')).toEqual([1, 2])
    await remove('copy')
  })

  test('is refused where it cannot be, and leaves nothing', async () => {
    const hour = 3_600_000
    await createInstance(lab, 'careless', { BackupRetentionPeriod: 0 })
    for (const [more, name] of [
      [{ RestoreTime: new Date(Date.now() - hour) }, 'InvalidParameterValue'],
      [{ RestoreTime: new Date(Date.now() + hour) }, 'InvalidParameterValue'],
      [{}, 'InvalidParameterCombination'],
      [{ RestoreTime: early, UseLatestRestorableTime: true }, 'InvalidParameterCombination'],
      [{ RestoreTime: early, TargetDBInstanceIdentifier: 'MAIN' }, 'DBInstanceAlreadyExistsFault'],
      [{ RestoreTime: early, SourceDBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFoundFault'],
      [{ RestoreTime: early, SourceDBInstanceIdentifier: 'careless' }, 'PointInTimeRestoreNotEnabledFault'],
      [{ RestoreTime: early, SourceDbiResourceId: 'db-NOBODY' }, 'InvalidParameterCombination'],
      [
        { RestoreTime: early, SourceDBInstanceIdentifier: undefined, SourceDbiResourceId: 'db-NOBODY' },
        'DBInstanceAutomatedBackupNotFoundFault',
      ],
      [{ RestoreTime: early, DBName: 'other' }, 'InvalidParameterCombination'],
      [{ RestoreTime: early, VpcSecurityGroupIds: ['sg-nobody'] }, 'InvalidParameterValue'],
    ] as const) {
      await refused(restore(more), name)
    }
    await refused(describeInstance(lab, 'copy'), 'DBInstanceNotFoundFault')
    await remove('careless')
  })

  test('that was to fail ends as incompatible-restore', async () => {
    await lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'RestoreDBInstanceToPointInTime', times: 1 })
    await restore({ RestoreTime: early })
    expect(await available(lab, 'copy')).toMatchObject({ DBInstanceStatus: 'incompatible-restore' })
    await remove('copy')
  })

  test('of a password that was changed since has the password of its time', async () => {
    const at = await moment()
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MasterUserPassword: `${PASSWORD}-2` })
    await available(lab, 'main')
    await reaches('main', at)
    await restore({ RestoreTime: at, BackupRetentionPeriod: 0 })
    expect(await ask(lab, await available(lab, 'copy'), 'SELECT 1 AS n', { password: PASSWORD })).toEqual([{ n: 1 }])
    await remove('copy')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MasterUserPassword: PASSWORD })
    await available(lab, 'main')
  })
})

test('an automated snapshot is restored and copied like any other, and the copy stays', async () => {
  const [snapshot] = await automated('main')
  const name = snapshot!.DBSnapshotIdentifier!
  await lab.rds.copyDBSnapshot({ SourceDBSnapshotIdentifier: name, TargetDBSnapshotIdentifier: 'mine' })
  const { DBSnapshots } = await eventually(async () => {
    const found = await lab.rds.describeDBSnapshots({ DBSnapshotIdentifier: 'mine' })
    return found.DBSnapshots![0]!.Status === 'available' ? found : undefined
  })
  expect(DBSnapshots![0]).toMatchObject({ SnapshotType: 'manual' })
  await lab.rds.restoreDBInstanceFromDBSnapshot({
    DBInstanceIdentifier: 'of-automated',
    DBSnapshotIdentifier: name,
    BackupRetentionPeriod: 0,
    VpcSecurityGroupIds: [lab.group],
  })
  await available(lab, 'of-automated')
  await remove('of-automated')
  await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'mine' })
  // what the automated one shares with it is still there
  expect(folders('snapshots')).toHaveLength(1)
})

test('backups are taken daily in their window, and older ones go when they are past their retention, with the log only they needed', async () => {
  const [first] = await automated('main')
  await changeState(({ instances }) => {
    instances['us-east-1/main']!.nextBackupAt = new Date().toISOString()
  })
  const two = await eventually(async () => {
    const found = await automated('main')
    return found.length === 2 && found.every(({ Status }) => Status === 'available') ? found : undefined
  })
  await available(lab, 'main')
  const [{ RestoreWindow: before }] = (await backups({ DBInstanceIdentifier: 'main' })) as [
    { RestoreWindow: { EarliestTime: Date } },
  ]
  await changeState(({ instances, snapshots }) => {
    snapshots[`us-east-1/${first!.DBSnapshotIdentifier}`]!.createdAt = new Date(Date.now() - 8 * 86_400_000).toISOString()
    instances['us-east-1/main']!.nextBackupAt = new Date().toISOString()
  })
  const rest = await eventually(async () => {
    const found = await automated('main')
    return found.every(({ Status }) => Status === 'available') &&
      !found.some((one) => one.DBSnapshotIdentifier === first!.DBSnapshotIdentifier)
      ? found
      : undefined
  })
  expect(rest).toHaveLength(2)
  expect(rest.map((one) => one.DBSnapshotIdentifier)).toContain(
    two.find((one) => one.DBSnapshotIdentifier !== first!.DBSnapshotIdentifier)!.DBSnapshotIdentifier,
  )
  await available(lab, 'main')
  const [{ RestoreWindow: after }] = (await backups({ DBInstanceIdentifier: 'main' })) as [
    { RestoreWindow: { EarliestTime: Date } },
  ]
  expect(after.EarliestTime > before.EarliestTime).toBe(true)
  expect(folders('snapshots')).toHaveLength(2)
  await restore({ UseLatestRestorableTime: true, BackupRetentionPeriod: 0 })
  expect(await ask(lab, await available(lab, 'copy'), 'SELECT count(*)::int AS n FROM journal')).toEqual([{ n: 3 }])
  await remove('copy')
})

test('a daily backup that fails leaves nothing, and its next time is the next window', async () => {
  const before = [(await automated('main')).length, folders('snapshots').length]
  const record = () => {
    const { aws } = JSON.parse(readFileSync(join(lab.stateDir, 'lab.json'), 'utf8')) as { aws: { instances: Records } }
    return aws.instances['us-east-1/main'] as { folder: string; nextBackupAt: string; status: string }
  }
  // nothing that a server has, so that no copy of it is made
  const odd = join(lab.stateDir, 'aws', 'instances', record().folder, 'data', 'base', 'odd')
  symlinkSync('nowhere', odd)
  const now = new Date().toISOString()
  await changeState(({ instances }) => {
    instances['us-east-1/main']!.nextBackupAt = now
  })
  await eventually(async () => (lab.lines.some((line) => line.startsWith('back-up of main failed')) ? true : undefined))
  await available(lab, 'main')
  expect([(await automated('main')).length, folders('snapshots').length]).toEqual(before)
  expect(record().nextBackupAt > now).toBe(true)
  rmSync(odd)
})

test('the next window is the next time that it begins', () => {
  const noon = Date.parse('2026-11-28T12:00:00Z')
  expect(nextWindow('13:30-14:00', noon)).toBe('2026-11-28T13:30:00.000Z')
  expect(nextWindow('12:00-12:30', noon)).toBe('2026-11-29T12:00:00.000Z')
  expect(nextWindow('03:00-03:30', noon)).toBe('2026-11-29T03:00:00.000Z')
})

test('backups are given up with a retention of 0, and begun again with another; the server restarts for it', async () => {
  const started = async () =>
    (await ask<{ at: Date }>(lab, await available(lab, 'main'), 'SELECT pg_postmaster_start_time() AS at'))[0]!.at.getTime()
  const before = await started()
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', BackupRetentionPeriod: 0, ApplyImmediately: true })
  await eventually(async () => ((await describeInstance(lab, 'main')).BackupRetentionPeriod === 0 ? true : undefined))
  await available(lab, 'main')
  expect((await started()) > before).toBe(true)
  expect((await describeInstance(lab, 'main')).LatestRestorableTime).toBeUndefined()
  expect([await automated('main'), await backups(), folders('archives'), folders('snapshots')]).toEqual([[], [], [], []])
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', BackupRetentionPeriod: 3, ApplyImmediately: true })
  await eventually(async () => ((await automated('main'))[0]?.Status === 'available' ? true : undefined))
  const at = await moment()
  const instance = await available(lab, 'main')
  await ask(lab, instance, 'INSERT INTO journal VALUES (4)')
  await reaches('main', at)
  await restore({ RestoreTime: at, BackupRetentionPeriod: 0 })
  expect(await ask(lab, await available(lab, 'copy'), 'SELECT count(*)::int AS n FROM journal')).toEqual([{ n: 3 }])
  await remove('copy')
})

describe('backups of an instance that is gone', () => {
  let resource: string

  test('are kept when that is asked for, hold its last commit, and can be restored from', async () => {
    const instance = await createInstance(lab, 'brief', { BackupRetentionPeriod: 2 })
    resource = instance.DbiResourceId!
    await ask(lab, instance, 'CREATE TABLE last_words AS SELECT 7 AS n')
    await remove('brief', { DeleteAutomatedBackups: false })
    const [backup] = await backups({ DbiResourceId: resource })
    expect(backup).toMatchObject({ Status: 'retained', DBInstanceIdentifier: 'brief', DbiResourceId: resource })
    expect(await backups({ Filters: [{ Name: 'status', Values: ['retained'] }] })).toHaveLength(1)
    await lab.restart()
    await restore({
      SourceDBInstanceIdentifier: undefined,
      SourceDBInstanceAutomatedBackupsArn: backup!.DBInstanceAutomatedBackupsArn,
      UseLatestRestorableTime: true,
      BackupRetentionPeriod: 0,
    })
    expect(await ask(lab, await available(lab, 'copy'), 'SELECT n FROM last_words')).toEqual([{ n: 7 }])
    await remove('copy')
  })

  test('go when they are deleted, and only those of an instance that is gone can be', async () => {
    const main = (await describeInstance(lab, 'main')).DbiResourceId!
    await refused(lab.rds.deleteDBInstanceAutomatedBackup({ DbiResourceId: main }), 'InvalidDBInstanceAutomatedBackupStateFault')
    await refused(lab.rds.deleteDBInstanceAutomatedBackup({}), 'InvalidParameterCombination')
    await lab.rds.deleteDBInstanceAutomatedBackup({ DbiResourceId: resource })
    await refused(backups({ DbiResourceId: resource }), 'DBInstanceAutomatedBackupNotFoundFault')
    await refused(lab.rds.deleteDBInstanceAutomatedBackup({ DbiResourceId: resource }), 'DBInstanceAutomatedBackupNotFoundFault')
    expect([folders('archives').length, folders('snapshots').length]).toEqual([1, 1])
  })

  test('go by themselves when their retention is over, and at once unless they were to be kept', async () => {
    const instance = await createInstance(lab, 'brief', { BackupRetentionPeriod: 2 })
    await remove('brief', { DeleteAutomatedBackups: false })
    await changeState(({ retained }) => {
      retained[`us-east-1/${instance.DbiResourceId!.toLowerCase()}`]!.expiresAt = new Date().toISOString()
    })
    expect(await backups({ Filters: [{ Name: 'status', Values: ['retained'] }] })).toEqual([])
    await createInstance(lab, 'brief', { BackupRetentionPeriod: 2 })
    expect(folders('archives')).toHaveLength(2)
    await remove('brief')
    await eventually(async () => (folders('archives').length === 1 && folders('snapshots').length === 1 ? true : undefined))
    const known = await eventually(async () => {
      const { aws } = JSON.parse(readFileSync(join(lab.stateDir, 'lab.json'), 'utf8'))
      return aws.doomed.archives.length + aws.doomed.snapshots.length === 0 ? aws : undefined
    })
    expect(existsSync(join(lab.stateDir, 'aws', 'archives', known.instances['us-east-1/main'].archive))).toBe(true)
  })
})
