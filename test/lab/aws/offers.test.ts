/** What can be asked about the service and what happened in it. */
import {
  ask,
  available,
  createInstance,
  eventually,
  openLab,
  PASSWORD,
  refused,
  snapshotAvailable,
  type TestLab,
} from '../fixture'

let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
  await createInstance(lab, 'main', { BackupRetentionPeriod: 0 })
})
afterAll(() => lab.remove())

describe('what is on offer', () => {
  test('engine versions are those that an instance can be made of, one of them the default', async () => {
    const versions = async (more: object) =>
      (await lab.rds.describeDBEngineVersions(more)).DBEngineVersions!.map(
        ({ Engine, EngineVersion }) => `${Engine} ${EngineVersion}`,
      )
    const all = await versions({ Engine: 'postgres' })
    expect(all).toEqual([expect.stringMatching(/^postgres 15\.\d+$/), expect.stringMatching(/^postgres 17\.\d+$/)])
    expect(await versions({ Engine: 'postgres', DefaultOnly: true })).toEqual([all[1]])
    expect(await versions({ Engine: 'postgres', EngineVersion: '15' })).toEqual([all[0]])
    expect(await versions({ DBParameterGroupFamily: 'postgres17' })).toEqual([all[1]])
    expect(await versions({ Engine: 'oracle-ee' })).toEqual([])
    expect(await versions({ Engine: 'postgres', Filters: [{ Name: 'status', Values: ['deprecated'] }] })).toEqual([])
  })

  test('every class is orderable with every kind of storage, page by page, and no other class is', async () => {
    const seen = new Set<string>()
    let Marker: string | undefined
    let pages = 0
    do {
      const page = await lab.rds.describeOrderableDBInstanceOptions({
        Engine: 'postgres',
        MaxRecords: 500,
        ...(Marker && { Marker }),
      })
      for (const one of page.OrderableDBInstanceOptions!) {
        seen.add(`${one.EngineVersion} ${one.DBInstanceClass} ${one.StorageType}`)
        expect(one.AvailabilityZones).toEqual(['a', 'b', 'c'].map((letter) => ({ Name: `us-east-1${letter}` })))
      }
      Marker = page.Marker
      pages++
    } while (Marker)
    const classes = new Set([...seen].map((name) => name.split(' ')[1]))
    expect(seen.size).toBe(classes.size * 2 * 5)
    expect(pages).toBe(Math.ceil(seen.size / 500))
    expect(classes.has('db.t4g.micro')).toBe(true)
    const ask = (more: object) => lab.rds.describeOrderableDBInstanceOptions({ Engine: 'postgres', ...more })
    expect((await ask({ DBInstanceClass: 'db.x9.huge' })).OrderableDBInstanceOptions).toEqual([])
    expect((await ask({ LicenseModel: 'bring-your-own-license' })).OrderableDBInstanceOptions).toEqual([])
    await refused(ask({ MaxRecords: 1001 }), 'InvalidParameterValue', 'between 20 and 1000')
    await refused(ask({ Engine: 'sybase' }), 'InvalidParameterValue', 'engine name')
  })

  test('quotas are told with what is used of them', async () => {
    const { AccountQuotas } = await lab.rds.describeAccountAttributes({})
    expect(AccountQuotas).toEqual(
      expect.arrayContaining([
        { AccountQuotaName: 'DBInstances', Used: 1, Max: 40 },
        { AccountQuotaName: 'AllocatedStorage', Used: 20, Max: 102_400 },
        { AccountQuotaName: 'DBSubnetGroups', Used: 0, Max: 50 },
      ]),
    )
    const more = { Engine: 'postgres', DBInstanceClass: 'db.t4g.micro', MasterUsername: 'boss', MasterUserPassword: PASSWORD }
    await lab.rds.createDBInstance({ DBInstanceIdentifier: 'large', AllocatedStorage: 65_536, ...more })
    await refused(
      lab.rds.createDBInstance({ DBInstanceIdentifier: 'larger', AllocatedStorage: 65_536, ...more }),
      'StorageQuotaExceededFault',
    )
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'large', SkipFinalSnapshot: true })
  })

  test('a switchover of a read replica is for another engine', async () => {
    await refused(lab.rds.switchoverReadReplica({ DBInstanceIdentifier: 'main' }), 'InvalidParameterCombination', 'Oracle')
    await refused(lab.rds.switchoverReadReplica({ DBInstanceIdentifier: 'nobody' }), 'DBInstanceNotFoundFault')
  })

  test.each([
    ['db-instance-id', 'MAIN', 1],
    ['db-instance-id', 'arn:aws:rds:us-east-1:000000000000:db:main', 1],
    ['db-instance-id', 'nobody', 0],
    ['engine', 'postgres', 1],
    ['engine', 'aurora-postgresql', 0],
    ['dbi-resource-id', 'db-X', 0],
  ])('instances are found by the filter %s = %s', async (Name, value, count) => {
    const filters = [{ Name, Values: ['none-of-these', value] }]
    const { DBInstances } = await lab.rds.describeDBInstances({ DBInstanceIdentifier: 'main', Filters: filters })
    expect(DBInstances).toHaveLength(count)
  })

  test('a description that has no filters refuses every one', async () => {
    const Filters = [{ Name: 'engine', Values: ['postgres'] }]
    const asked: Promise<unknown>[] = [
      lab.rds.describeDBParameterGroups({ Filters }),
      lab.rds.describeDBSubnetGroups({ Filters }),
      lab.rds.describeEvents({ Filters }),
      lab.rds.describeEventCategories({ Filters }),
      lab.rds.describeDBLogFiles({ DBInstanceIdentifier: 'main', Filters }),
      lab.rds.describeOrderableDBInstanceOptions({ Engine: 'postgres', Filters }),
    ]
    for (const one of asked) await refused(one, 'InvalidParameterValue', 'Unrecognized filter name: engine')
    const { Parameters } = await lab.rds.describeDBParameters({
      DBParameterGroupName: 'default.postgres17',
      Filters: [{ Name: 'parameter-name', Values: ['work_mem', 'max_connections'] }],
    })
    expect(Parameters!.map(({ ParameterName }) => ParameterName)).toEqual(['max_connections', 'work_mem'])
  })
})

describe('events', () => {
  const events = async (more: Parameters<typeof lab.rds.describeEvents>[0] = {}) => (await lab.rds.describeEvents(more)).Events!
  const messages = async (more: Parameters<typeof lab.rds.describeEvents>[0]) =>
    (await events(more)).map(({ Message }) => Message)

  test('tell of creation, backup, password, reboot, crash and recovery, in their order and with their categories', async () => {
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'main', DBSnapshotIdentifier: 'told' })
    await snapshotAvailable(lab, 'told')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'main', MasterUserPassword: PASSWORD })
    await available(lab, 'main')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'main' })
    await available(lab, 'main')
    await lab.call('POST', '/_lab/instances/main/crash')
    const source = { SourceType: 'db-instance', SourceIdentifier: 'MAIN' } as const
    await eventually(async () =>
      (await messages(source)).includes('Recovery of the DB instance is complete.') ? true : undefined,
    )
    const told = (await events(source)).map(({ Message, EventCategories }) => `${EventCategories![0]}: ${Message}`)
    expect(told).toEqual([
      'creation: DB instance created',
      'backup: Backing up DB instance',
      'backup: Finished DB Instance backup',
      'configuration change: Reset master credentials',
      'availability: DB instance shutdown',
      'availability: DB instance restarted',
      expect.stringMatching(/^recovery: Recovery of the DB instance has started/),
      'recovery: Recovery of the DB instance is complete.',
      'availability: DB instance restarted',
    ])
    expect((await events(source))[0]).toMatchObject({
      SourceIdentifier: 'main',
      SourceType: 'db-instance',
      SourceArn: 'arn:aws:rds:us-east-1:000000000000:db:main',
    })
    expect(await messages({ SourceType: 'db-snapshot', SourceIdentifier: 'told' })).toEqual([
      'Creating manual snapshot',
      'Manual snapshot created',
    ])
    expect(await messages({ ...source, EventCategories: ['backup', 'recovery'] })).toHaveLength(4)
    const known = (await lab.rds.describeEventCategories({})).EventCategoriesMapList!
    for (const event of await events({ Duration: 20_160 })) {
      const { EventCategories } = known.find(({ SourceType }) => SourceType === event.SourceType)!
      expect(EventCategories).toEqual(expect.arrayContaining(event.EventCategories!))
    }
  })

  test('are those of the last hour unless asked otherwise, and survive their source and the lab', async () => {
    const before = await events({ SourceType: 'db-instance', SourceIdentifier: 'main' })
    const [first] = before
    expect(
      await events({ StartTime: new Date(Date.now() - 13 * 86_400_000), EndTime: new Date(first!.Date!.getTime() - 1) }),
    ).toEqual([])
    expect(await events({ StartTime: first!.Date!, Duration: 60 })).not.toEqual([])
    await lab.rds.deleteDBSnapshot({ DBSnapshotIdentifier: 'told' })
    await lab.restart()
    expect(await events({ SourceType: 'db-instance', SourceIdentifier: 'main' })).toEqual(expect.arrayContaining(before))
    expect(await messages({ SourceType: 'db-snapshot', SourceIdentifier: 'told' })).toContain('Deleted user snapshot')
  })

  test('come page by page, none twice and none left out', async () => {
    await lab.rds.createDBParameterGroup({
      DBParameterGroupName: 'noisy',
      DBParameterGroupFamily: 'postgres17',
      Description: 'noisy',
    })
    for (let n = 0; n < 30; n++) {
      await lab.rds.modifyDBParameterGroup({
        DBParameterGroupName: 'noisy',
        Parameters: [{ ParameterName: 'lock_timeout', ParameterValue: String(n), ApplyMethod: 'immediate' }],
      })
    }
    const seen: string[] = []
    let Marker: string | undefined
    do {
      const page = await lab.rds.describeEvents({
        SourceType: 'db-parameter-group',
        MaxRecords: 20,
        ...(Marker && { Marker }),
      })
      seen.push(...page.Events!.map(({ Message }) => Message!))
      Marker = page.Marker
    } while (Marker)
    expect(seen).toEqual(
      Array.from({ length: 30 }, (_, n) => `Updated parameter lock_timeout to ${n} with apply method immediate`),
    )
  })

  test.each([
    [{ SourceIdentifier: 'main' }, 'InvalidParameterCombination'],
    [{ SourceType: 'db-planet' as 'db-instance' }, 'InvalidParameterValue'],
    [{ Duration: 20_161 }, 'InvalidParameterValue'],
    [{ StartTime: new Date(Date.now() - 15 * 86_400_000) }, 'InvalidParameterValue'],
    [{ StartTime: new Date(), EndTime: new Date(Date.now() - 60_000) }, 'InvalidParameterCombination'],
  ])('asked for with %j are refused', async (wrong, name) => {
    await refused(events(wrong), name)
  })
})

describe('the log', () => {
  const portion = (more: object = {}) =>
    lab.rds.downloadDBLogFilePortion({ DBInstanceIdentifier: 'main', LogFileName: 'error/postgresql.log', ...more })

  test("is the server's own: what goes wrong in a session is in it, and nothing of the administrator", async () => {
    await lab.rds.modifyDBParameterGroup({
      DBParameterGroupName: 'noisy',
      Parameters: [
        { ParameterName: 'log_min_duration_statement', ParameterValue: '0', ApplyMethod: 'immediate' },
        { ParameterName: 'log_statement', ParameterValue: 'all', ApplyMethod: 'immediate' },
      ],
    })
    const chatty = await createInstance(lab, 'chatty', {
      EngineVersion: '17',
      DBParameterGroupName: 'noisy',
      BackupRetentionPeriod: 0,
    })
    await expect(ask(lab, chatty, "SELECT 'the needle', 1/0")).rejects.toMatchObject({ code: '22012' })
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'chatty', MasterUserPassword: `${PASSWORD}-2` })
    await available(lab, 'chatty')
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'chatty', DBSnapshotIdentifier: 'chatty' })
    await snapshotAvailable(lab, 'chatty')
    const { LogFileData } = await lab.rds.downloadDBLogFilePortion({
      DBInstanceIdentifier: 'chatty',
      LogFileName: 'error/postgresql.log',
      Marker: '0',
    })
    expect(LogFileData).toContain('division by zero')
    expect(LogFileData).toContain("SELECT 'the needle', 1/0")
    for (const secret of ['SCRAM-SHA-256', 'ALTER ROLE', 'pg_backup_start', PASSWORD]) expect(LogFileData).not.toContain(secret)
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'chatty', SkipFinalSnapshot: true })
  })

  test('is listed with its size, and read whole in portions, whatever their size', async () => {
    const { DescribeDBLogFiles } = await lab.rds.describeDBLogFiles({ DBInstanceIdentifier: 'main' })
    expect(DescribeDBLogFiles).toEqual([
      { LogFileName: 'error/postgresql.log', LastWritten: expect.any(Number), Size: expect.any(Number) },
    ])
    const [{ Size, LastWritten }] = DescribeDBLogFiles as [{ Size: number; LastWritten: number }]
    for (const [more, count] of [
      [{ FilenameContains: 'postgresql' }, 1],
      [{ FilenameContains: 'oracle' }, 0],
      [{ FileSize: Size + 1_000_000 }, 0],
      [{ FileLastWritten: LastWritten + 86_400_000 }, 0],
    ] as const) {
      const found = await lab.rds.describeDBLogFiles({ DBInstanceIdentifier: 'main', ...more })
      expect(found.DescribeDBLogFiles).toHaveLength(count)
    }
    let text = ''
    let Marker: string | undefined = '0'
    let pending: boolean | undefined = true
    while (pending) {
      const part = await portion({ Marker, NumberOfLines: 7 })
      text += part.LogFileData ?? ''
      expect((part.LogFileData ?? '').split('\n').length).toBeLessThanOrEqual(8)
      Marker = part.Marker
      pending = part.AdditionalDataPending
    }
    const whole = (await portion({ Marker: '0' })).LogFileData!
    expect(text.startsWith(whole) || whole.startsWith(text)).toBe(true)
    const end = await portion({ NumberOfLines: 3 })
    expect(end.LogFileData!.trimEnd().split('\n')).toEqual((await portion()).LogFileData!.trimEnd().split('\n').slice(-3))
    expect(end.AdditionalDataPending).toBe(false)
  })

  test.each([
    [{ LogFileName: '../data/pg_hba.conf' }, 'DBLogFileNotFoundFault'],
    [{ LogFileName: 'error/postgresql.log.2026-01-01-00' }, 'DBLogFileNotFoundFault'],
    [{ DBInstanceIdentifier: 'nobody' }, 'DBInstanceNotFoundFault'],
    [{ NumberOfLines: 0 }, 'InvalidParameterValue'],
    [{ Marker: '-1' }, 'InvalidParameterValue'],
  ])('asked for with %j is refused', async (wrong, name) => {
    await refused(portion(wrong), name)
  })
})
