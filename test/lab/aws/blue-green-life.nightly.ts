import { type BlueGreenDeployment, RDS } from '@aws-sdk/client-rds'
import {
  ask,
  available,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  gone,
  openLab,
  orderFault,
  PASSWORD,
  refused,
  type TestLab,
} from '../fixture'
import { arnOf, deploymentsOf, idOf, makeGroup, nameIn, Writers } from './blue-green-fixture'
import { WRONG_SOURCES, WRONG_TARGETS } from './blue-green-refusals'

let lab: TestLab
const deployments = deploymentsOf(() => lab.rds)
const { create, created, switchOver, remove } = deployments

const replicate = async (id: string) => {
  const named = { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: 'shop' }
  await lab.rds.createDBInstanceReadReplica({ ...named, VpcSecurityGroupIds: [lab.group] })
  await available(lab, id)
}

beforeAll(async () => {
  lab = await openLab()
  await makeGroup(lab, 'roomy', { ParameterName: 'work_mem', ParameterValue: '8192', ApplyMethod: 'immediate' })
  await makeGroup(lab, 'logical', {
    ParameterName: 'rds.logical_replication',
    ParameterValue: '1',
    ApplyMethod: 'pending-reboot',
  })
  const [shop] = await Promise.all([
    createInstance(lab, 'shop', {
      EngineVersion: '17',
      DBParameterGroupName: 'logical',
      BackupRetentionPeriod: 2,
      Tags: [{ Key: 'team', Value: 'orders' }],
    }),
    createInstance(lab, 'plain', { BackupRetentionPeriod: 0 }),
    createInstance(lab, 'free', { EngineVersion: '17', BackupRetentionPeriod: 1 }),
  ])
  await ask(lab, shop, 'CREATE TABLE journal (id int PRIMARY KEY)')
  await replicate('shop-reader')
})
const open: Writers[] = []
afterEach(async () => {
  for (const writers of open.splice(0)) await writers.stop()
})
afterAll(() => lab.remove())

const on = async <Row extends object>(id: string, sql: string) => ask<Row>(lab, await describeInstance(lab, id), sql)
const journal = async (id: string) => (await on<{ id: number }>(id, 'SELECT id FROM journal')).map((row) => row.id)
const messages = async (SourceType: 'blue-green-deployment' | 'db-instance', SourceIdentifier: string) =>
  (await lab.rds.describeEvents({ SourceIdentifier, SourceType })).Events!.map(({ Message }) => Message)
const endpointOf = async (id: string) => {
  const { Address, Port } = (await describeInstance(lab, id)).Endpoint!
  return { host: Address!, port: Port! }
}
const writersAt = async (id: string) => {
  const writers = new Writers(lab.client, await endpointOf(id))
  open.push(writers)
  return writers
}
/** It has what is committed to `shop` from now on. */
const follows = async (id: string, value: number) => {
  await on('shop', `INSERT INTO journal VALUES (${value})`)
  await eventually(async () => ((await journal(id)).includes(value) ? true : undefined))
}
const expectAll = async (id: string, acknowledged: readonly number[]) => {
  const there = new Set(await journal(id))
  expect(acknowledged.filter((one) => !there.has(one))).toEqual([])
}

let first: BlueGreenDeployment

describe('a blue/green deployment', () => {
  test('copies the primary and its replicas, which follow and cannot be written', async () => {
    const { BlueGreenDeployment } = await create('upgrade', {
      TargetDBInstanceClass: 'db.m6g.large',
      TargetDBParameterGroupName: 'roomy',
      TargetEngineVersion: '17',
      TargetAllocatedStorage: 40,
      Tags: [{ Key: 'for', Value: 'more room' }],
    })
    expect(BlueGreenDeployment).toMatchObject({
      BlueGreenDeploymentIdentifier: expect.stringMatching(/^bgd-[a-z0-9]{16}$/),
      BlueGreenDeploymentName: 'upgrade',
      Source: arnOf('shop'),
      Status: 'PROVISIONING',
      SwitchoverDetails: [
        { SourceMember: arnOf('shop'), Status: 'PROVISIONING' },
        { SourceMember: arnOf('shop-reader'), Status: 'PROVISIONING' },
      ],
      TagList: [{ Key: 'for', Value: 'more room' }],
    })
    expect(BlueGreenDeployment!.Target).toBeUndefined()
    expect(BlueGreenDeployment!.Tasks!.map(({ Name }) => Name)).toEqual([
      'CREATING_READ_REPLICA_OF_SOURCE',
      'DB_ENGINE_VERSION_UPGRADE',
      'CONFIGURE_BACKUPS',
      'CREATING_TOPOLOGY_OF_SOURCE',
    ])
    const id = idOf(BlueGreenDeployment!)
    await refused(switchOver(id), 'InvalidBlueGreenDeploymentStateFault', 'PROVISIONING')
    await refused(remove(id), 'InvalidBlueGreenDeploymentStateFault', 'PROVISIONING')
    first = await deployments.reaches(id, 'AVAILABLE')
    expect(first.Tasks!.map(({ Status }) => Status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED'])
    expect(first.SwitchoverDetails!.map(({ Status }) => Status)).toEqual(['AVAILABLE', 'AVAILABLE'])
    const [green, reader] = first.SwitchoverDetails!.map(({ TargetMember }) => nameIn(TargetMember))
    expect(first.Target).toBe(arnOf(green!))
    expect([green, reader]).toEqual([
      expect.stringMatching(/^shop-green-[a-z0-9]{6}$/),
      expect.stringMatching(/^shop-reader-green-[a-z0-9]{6}$/),
    ])
    expect(await describeInstance(lab, green!)).toMatchObject({
      DBInstanceClass: 'db.m6g.large',
      AllocatedStorage: 40,
      DBParameterGroups: [{ DBParameterGroupName: 'roomy', ParameterApplyStatus: 'in-sync' }],
      TagList: [{ Key: 'team', Value: 'orders' }],
      ReadReplicaDBInstanceIdentifiers: [reader],
    })
    expect(await on(green!, 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
    await follows(green!, -1)
    await follows(reader!, -2)
    for (const one of [green!, reader!]) {
      await expect(on(one, 'INSERT INTO journal VALUES (-100)')).rejects.toMatchObject({ code: '25006' })
    }
    expect(await messages('blue-green-deployment', id)).toEqual([expect.stringContaining('deployment tasks completed')])
  })

  test('is found by its identifier and its filters, and is tagged', async () => {
    const found = async (name: string, value: string) => {
      const answer = await lab.rds.describeBlueGreenDeployments({ Filters: [{ Name: name, Values: [value] }] })
      return answer.BlueGreenDeployments!.map(({ BlueGreenDeploymentName }) => BlueGreenDeploymentName)
    }
    const others = 'somebody-else'
    for (const [name, value] of [
      ['blue-green-deployment-identifier', idOf(first)],
      ['blue-green-deployment-name', 'upgrade'],
      ['source', first.Source!],
      ['target', first.Target!],
    ] as const) {
      expect([await found(name, value), await found(name, others)]).toEqual([['upgrade'], []])
    }
    await refused(found('status', 'AVAILABLE'), 'InvalidParameterValue', 'Unrecognized filter')
    await refused(lab.rds.describeBlueGreenDeployments({ MaxRecords: 19 }), 'InvalidParameterValue', 'MaxRecords')
    const Marker = Buffer.from('bgd-zzzz').toString('base64url')
    expect((await lab.rds.describeBlueGreenDeployments({ MaxRecords: 20, Marker })).BlueGreenDeployments).toEqual([])
    expect(idOf(await deployments.describe(idOf(first).toUpperCase()))).toBe(idOf(first))
    await refused(deployments.describe('bgd-nobody'), 'BlueGreenDeploymentNotFoundFault')
    const ResourceName = `arn:aws:rds:us-east-1:000000000000:deployment:${idOf(first)}`
    await lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'seen', Value: 'yes' }] })
    expect((await lab.rds.listTagsForResource({ ResourceName })).TagList).toEqual(
      (await deployments.describe(idOf(first))).TagList,
    )
  })

  test.each(WRONG_SOURCES)('asked for with %j is refused', async (wrong, name, message) => {
    await refused(create('another', wrong), name, message)
    expect((await lab.rds.describeBlueGreenDeployments({})).BlueGreenDeployments).toHaveLength(1)
  })

  test.each(WRONG_TARGETS)(
    'of a source that is free, asked for with %j, is refused and leaves nothing',
    async (wrong, name, message) => {
      const before = (await lab.rds.describeDBInstances({})).DBInstances!.length
      await refused(create('another', { Source: arnOf('free'), ...wrong }), name, message)
      expect((await lab.rds.describeDBInstances({})).DBInstances).toHaveLength(before)
    },
  )

  test('of a DB cluster is refused', async () => {
    const cluster = { DBClusterIdentifier: 'orders', Engine: 'aurora-postgresql', EngineVersion: '17' }
    await lab.rds.createDBCluster({ ...cluster, MasterUsername: 'boss', MasterUserPassword: PASSWORD })
    const Source = 'arn:aws:rds:us-east-1:000000000000:cluster:orders'
    await refused(create('another', { Source }), 'SourceClusterNotSupportedFault')
  })

  test('is switched over and removed only as it can be', async () => {
    await refused(switchOver('bgd-nobody'), 'BlueGreenDeploymentNotFoundFault')
    await refused(remove('bgd-nobody'), 'BlueGreenDeploymentNotFoundFault')
    for (const seconds of [29, 3_601])
      await refused(switchOver(idOf(first), seconds), 'InvalidParameterValue', 'SwitchoverTimeout')
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: nameIn(first.Target) })
    await refused(switchOver(idOf(first)), 'InvalidBlueGreenDeploymentStateFault', 'available')
    await available(lab, nameIn(first.Target))
  })

  test('is not switched over past its guardrails: nothing is changed, and the reason is told', async () => {
    const blue = await describeInstance(lab, 'shop')
    const client = await connect(lab.client, await endpointOf('shop'))
    try {
      await client.query('BEGIN; INSERT INTO journal VALUES (-3); SELECT pg_sleep(5.5)')
      await switchOver(idOf(first))
      const failed = await deployments.reaches(idOf(first), 'SWITCHOVER_FAILED')
      expect(failed.StatusDetails).toContain('Active writes')
      await client.query('COMMIT')
    } finally {
      await client.end()
    }
    await on('shop', "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')")
    await switchOver(idOf(first))
    await eventually(async () =>
      (await deployments.describe(idOf(first))).StatusDetails?.includes('External replication') ? true : undefined,
    )
    await on('shop', "SELECT pg_drop_replication_slot('feed')")
    expect((await describeInstance(lab, 'shop')).Endpoint).toEqual(blue.Endpoint)
    await follows(nameIn(first.Target), -4)
    expect((await messages('blue-green-deployment', idOf(first))).at(-1)).toBe('Switchover canceled on blue/green deployment.')
  })
})

describe('its switchover', () => {
  test('that comes apart before green writes is taken back: blue goes on at its address, with every commit', async () => {
    const green = nameIn(first.Target)
    const [blueAt, greenAt] = [await endpointOf('shop'), await endpointOf(green)]
    const writers = await writersAt('shop')
    await writers.reach(20)
    await orderFault(lab, { kind: 'break-promotion', instance: green, moment: 'marked' })
    await switchOver(idOf(first))
    const deletion = lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'shop-reader', SkipFinalSnapshot: true })
    await refused(deletion, 'InvalidDBInstanceStateFault', 'switchover')
    await refused(switchOver(idOf(first)), 'InvalidBlueGreenDeploymentStateFault', 'SWITCHOVER_IN_PROGRESS')
    const failed = await deployments.reaches(idOf(first), 'SWITCHOVER_FAILED')
    expect(failed.StatusDetails).toContain('came apart (marked)')
    expect(failed.SwitchoverDetails!.map(({ Status }) => Status)).toEqual(['SWITCHOVER_FAILED', 'SWITCHOVER_FAILED'])
    await writers.reach(20)
    await writers.stop()
    expect([await endpointOf('shop'), await endpointOf(green)]).toEqual([blueAt, greenAt])
    await expectAll('shop', writers.acknowledged)
    await follows(green, -5)
    await follows('shop-reader', -6)
    expect(await messages('blue-green-deployment', idOf(first))).toContainEqual(
      expect.stringMatching(/^Switchover from shop to shop-green-\w+ was canceled due to It came apart/),
    )
  })

  test('gives green the name and the address, loses no commit, and stumbles over nothing on the way', async () => {
    const [green, reader] = first.SwitchoverDetails!.map(({ TargetMember }) => nameIn(TargetMember))
    const [shopAt, readerAt] = [await endpointOf('shop'), await endpointOf('shop-reader')]
    const before = await describeInstance(lab, 'shop')
    const copy = await describeInstance(lab, green!)
    // no member: it was made after the deployment
    await replicate('shop-late')
    await available(lab, 'shop')
    const writers = await writersAt('shop')
    await writers.reach(20)
    // once more before it writes, and once after
    for (const moment of ['before', 'after']) await orderFault(lab, { kind: 'break-promotion', instance: green, moment })
    await switchOver(idOf(first), 60)
    const done = await deployments.reaches(idOf(first), 'SWITCHOVER_COMPLETED')
    await writers.reach(20)
    await writers.stop()
    expect(done).toMatchObject({
      Source: arnOf('shop-old1'),
      Target: arnOf('shop'),
      SwitchoverDetails: [
        { SourceMember: arnOf('shop-old1'), TargetMember: arnOf('shop'), Status: 'SWITCHOVER_COMPLETED' },
        { SourceMember: arnOf('shop-reader-old1'), TargetMember: arnOf('shop-reader'), Status: 'SWITCHOVER_COMPLETED' },
      ],
    })
    for (const id of [green!, reader!]) await refused(describeInstance(lab, id), 'DBInstanceNotFoundFault')
    expect([await endpointOf('shop'), await endpointOf('shop-reader')]).toEqual([shopAt, readerAt])
    const after = await available(lab, 'shop')
    expect(after).toMatchObject({
      DbiResourceId: copy.DbiResourceId,
      DBInstanceClass: 'db.m6g.large',
      BackupRetentionPeriod: 2,
      ReadReplicaDBInstanceIdentifiers: ['shop-reader'],
    })
    expect(after.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
    expect(await describeInstance(lab, 'shop-old1')).toMatchObject({
      DbiResourceId: before.DbiResourceId,
      DBInstanceStatus: 'available',
      ReadReplicaDBInstanceIdentifiers: expect.arrayContaining(['shop-reader-old1', 'shop-late']),
    })
    await expectAll('shop', writers.acknowledged)
    await follows('shop-reader', -7)
    expect(await on('shop', 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
    expect((await messages('blue-green-deployment', idOf(first))).slice(-3)).toEqual([
      `Switchover from shop to ${green} completed; renamed shop to shop-old1 and ${green} to shop.`,
      `Switchover from shop-reader to ${reader} completed; renamed shop-reader to shop-reader-old1 and ${reader} to shop-reader.`,
      'Switchover completed on blue/green deployment.',
    ])
    await eventually(async () => ((await describeInstance(lab, 'shop')).LatestRestorableTime ? true : undefined))
  })

  test('leaves the old blue read-only until it is rebooted, also over a restart of the lab, and nobody holds log for the other', async () => {
    const write = (value: number) => on('shop-old1', `INSERT INTO journal VALUES (${value})`)
    await expect(write(-8)).rejects.toMatchObject({ code: '25006' })
    await lab.restart()
    await expect(write(-8)).rejects.toMatchObject({ code: '25006' })
    await follows('shop-reader', -9)
    const slots = 'SELECT FROM pg_replication_slots'
    expect([await on('shop', slots), await on('shop-old1', slots)]).toEqual([[{}], [{}, {}]])
    await lab.rds.rebootDBInstance({ DBInstanceIdentifier: 'shop-old1' })
    await available(lab, 'shop-old1')
    await write(-10)
    for (const id of ['shop-reader-old1', 'shop-late']) {
      await eventually(async () => ((await journal(id)).includes(-10) ? true : undefined))
    }
    expect(await journal('shop')).not.toContain(-10)
  })
})

describe('its end', () => {
  test('after the switchover leaves all instances, and asks for no target', async () => {
    await refused(remove(idOf(first), true), 'InvalidParameterCombination', 'DeleteTarget')
    await refused(switchOver(idOf(first)), 'InvalidBlueGreenDeploymentStateFault', 'SWITCHOVER_COMPLETED')
    const { BlueGreenDeployment } = await remove(idOf(first))
    expect(BlueGreenDeployment).toMatchObject({ Status: 'DELETING', DeleteTime: expect.any(Date) })
    await deployments.gone(idOf(first))
    for (const id of ['shop', 'shop-old1', 'shop-reader', 'shop-reader-old1']) await available(lab, id)
    for (const id of ['shop-late', 'shop-reader-old1', 'shop-old1']) {
      await lab.rds.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
      await gone(lab, id)
    }
  })

  test('before it takes the green instances along if asked to', async () => {
    const deployment = await created('again')
    const greens = deployment.SwitchoverDetails!.map(({ TargetMember }) => nameIn(TargetMember))
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: greens[0]!, DeletionProtection: true })
    await available(lab, greens[0]!)
    await refused(remove(idOf(deployment), true), 'InvalidParameterCombination', 'protected')
    await lab.rds.modifyDBInstance({ DBInstanceIdentifier: greens[0]!, DeletionProtection: false })
    await available(lab, greens[0]!)
    await remove(idOf(deployment), true)
    await deployments.gone(idOf(deployment))
    for (const id of greens) await refused(describeInstance(lab, id), 'DBInstanceNotFoundFault')
    expect((await describeInstance(lab, 'shop')).ReadReplicaDBInstanceIdentifiers).toEqual(['shop-reader'])
  })

  test('leaves them without that; one that was promoted by hand is an invalid configuration', async () => {
    const deployment = await created('by-hand', { Source: arnOf('free') })
    const green = nameIn(deployment.Target)
    await lab.rds.promoteReadReplica({ DBInstanceIdentifier: green })
    const invalid = await deployments.reaches(idOf(deployment), 'INVALID_CONFIGURATION')
    expect(invalid.StatusDetails).toContain(green)
    await refused(switchOver(idOf(deployment)), 'InvalidBlueGreenDeploymentStateFault', 'INVALID_CONFIGURATION')
    await available(lab, green)
    await remove(idOf(deployment))
    await deployments.gone(idOf(deployment))
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: green, SkipFinalSnapshot: true })
    await gone(lab, green)
  })

  test('comes to those that were to fail: what could not be made says so, and goes with the deployment', async () => {
    await orderFault(lab, { kind: 'fail-operation', operation: 'CreateBlueGreenDeployment', times: 1 })
    const { BlueGreenDeployment } = await create('doomed', { Source: arnOf('free') })
    const id = idOf(BlueGreenDeployment!)
    const failed = await deployments.reaches(id, 'INVALID_CONFIGURATION')
    expect(failed.StatusDetails).toContain('ordered by the fault')
    await remove(id, true)
    await deployments.gone(id)
    const deployment = await created('deleted', { Source: arnOf('free') })
    await orderFault(lab, { kind: 'fail-operation', operation: 'SwitchoverBlueGreenDeployment', times: 1 })
    await switchOver(idOf(deployment))
    await deployments.reaches(idOf(deployment), 'SWITCHOVER_FAILED')
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'free', SkipFinalSnapshot: true })
    await gone(lab, 'free')
    const missing = await deployments.describe(idOf(deployment))
    expect(missing).toMatchObject({
      Status: 'INVALID_CONFIGURATION',
      Source: arnOf('free'),
      SwitchoverDetails: [{ Status: 'MISSING_SOURCE' }],
    })
    await remove(idOf(deployment), true)
    await deployments.gone(idOf(deployment))
  })
})

test('a caller whose policy does not allow it makes, switches and removes none', async () => {
  const deployment = await created('guarded')
  const Resource = [arnOf('*'), 'arn:aws:rds:us-east-1:000000000000:deployment:*']
  const statement = { Effect: 'Allow', Action: ['rds:Describe*', 'rds:CreateBlueGreenDeployment'], Resource }
  const policies = [{ Version: '2012-10-17', Statement: [statement] }]
  const { body } = await lab.call('PUT', '/_lab/identities/watcher', { cloud: 'aws', policies })
  const credentials = (body as { credentials: { accessKeyId: string; secretAccessKey: string } }).credentials
  const watcher = new RDS({ region: 'us-east-1', endpoint: lab.lab.api, credentials })
  const named = { BlueGreenDeploymentIdentifier: idOf(deployment) }
  expect((await watcher.describeBlueGreenDeployments({})).BlueGreenDeployments).toHaveLength(1)
  await refused(watcher.switchoverBlueGreenDeployment(named), 'AccessDenied', 'deployment:bgd-')
  await refused(watcher.deleteBlueGreenDeployment(named), 'AccessDenied', 'deployment:bgd-')
  const tagged = { BlueGreenDeploymentName: 'tagged', Source: arnOf('shop'), Tags: [{ Key: 'a', Value: 'b' }] }
  await refused(watcher.createBlueGreenDeployment(tagged), 'AccessDenied', 'AddTagsToResource')
  await refused(
    watcher.createBlueGreenDeployment({ ...tagged, Tags: [] }),
    'SourceDatabaseNotSupportedFault',
    'belongs to the blue/green deployment guarded',
  )
  await remove(idOf(deployment), true)
  await deployments.gone(idOf(deployment))
})
