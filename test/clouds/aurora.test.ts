/** What is Aurora's own: clusters that are half made, their members, and who writes. What every adapter promises is in test/conformance/. */
import { createServer } from 'node:net'
import type { DBCluster, DBInstance, RDSClientConfig } from '@aws-sdk/client-rds'
import { findTarget } from '../../activities/target'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { clusterDescription, clusterWith } from '../../clouds/aws/aurora/describe'
import { createRds } from '../../clouds/aws/rds'
import type { InstanceDescription, ManagedPostgres, NewInstance } from '../../clouds/port'
import { connect as openSession } from '../../postgres/connect/session'
import { inertnessFindings } from '../../postgres/inspect/inertness'
import { faultsOf } from '../conformance/lab-faults'
import { options, owned, refusal, retried } from '../conformance/support'
import { inRegion } from '../lab/aws/aurora-fixture'
import { connect, eventually, openLab, PASSWORD, type TestLab } from '../lab/fixture'
import { ORDERS as entry } from './aurora-entry'

let lab: TestLab
let cloud: ManagedPostgres
let rds: ManagedPostgres
let config: RDSClientConfig

beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  config = { region: 'us-east-1', endpoint: lab.lab.api, credentials: { ...lab.lab.credentials.aws }, maxAttempts: 3 }
  cloud = createAurora(config)
  rds = createRds(config)
  await make('orders')
})
afterEach(async () => {
  await lab?.call('DELETE', '/_lab/faults')
})
afterAll(() => lab?.remove())

const fault = (order: object) => faultsOf(lab).order(order)
const effects = (operation: string, resource: string) => faultsOf(lab).effects(operation, resource)

function wanted(instance: string, more: Partial<NewInstance> = {}): NewInstance {
  return {
    instance,
    engineVersion: '17',
    instanceClass: 'db.r6g.large',
    storageGib: null,
    master: { name: 'boss', password: PASSWORD },
    deletionProtected: false,
    owner: owned('by-hand', 'make').owner,
    ...more,
  }
}

async function ready(name: string): Promise<InstanceDescription> {
  return eventually(async () => {
    const found = await cloud.describeInstance({ name }, options)
    return found?.state === 'ready' ? found : undefined
  })
}

async function make(name: string, more: Partial<NewInstance> = {}): Promise<InstanceDescription> {
  await retried(() => cloud.startCreate(wanted(name, more), options))
  const instance = await ready(name)
  const letIn = () => retried(() => cloud.setNetworkRules({ instance, networkRules: [lab.group] }, options))
  await eventually(async () => (await letIn()).done || undefined)
  return instance
}

async function ask(name: string, sql: string): Promise<Record<string, unknown>[]> {
  const { endpoint } = await ready(name)
  const client = await connect(lab.client, { ...endpoint!, password: PASSWORD, database: 'postgres' })
  return client
    .query(sql)
    .then(({ rows }) => rows as Record<string, unknown>[])
    .finally(() => client.end())
}

async function inertnessOf(name: string): Promise<unknown[]> {
  const { endpoint } = await ready(name)
  const login = { user: 'boss', password: PASSWORD, database: 'postgres', tls: 'disable' } as const
  const session = await openSession({ ...endpoint!, ...login, applicationName: 'inertness', sourceAddress: lab.client })
  return inertnessFindings(session).finally(() => session.close())
}

async function snapshotBy(operation: string): Promise<string> {
  const { name, owner } = owned(operation, 'take')
  await retried(() => cloud.startSnapshot({ instance: 'orders', snapshot: name, owner }, options))
  await eventually(async () => {
    const found = await cloud.describeSnapshot({ instance: 'orders', name }, options)
    return found?.state === 'ready' || undefined
  })
  return name
}

const removed = (operation: string) =>
  eventually(async () => (await retried(() => cloud.removeOwnedInstances({ operation }, options))).done || undefined)

async function groupNames(): Promise<string[]> {
  const { DBParameterGroups = [] } = await lab.rds.describeDBParameterGroups({})
  const { DBClusterParameterGroups = [] } = await lab.rds.describeDBClusterParameterGroups({})
  return [
    ...DBParameterGroups.map(({ DBParameterGroupName = '' }) => DBParameterGroupName),
    ...DBClusterParameterGroups.map(({ DBClusterParameterGroupName = '' }) => DBClusterParameterGroupName),
  ]
}

describe('a cluster that is half made', () => {
  const copyOf = async (operation: string) => {
    const { name: instance, owner } = owned(operation, 'canary')
    const snapshot = await snapshotBy(operation)
    return { source: 'orders', snapshot, instance, networkRules: [lab.group], instanceClass: null, owner }
  }

  test('is no instance yet, gets its writer by a repeat, and one only', async () => {
    const request = await copyOf('half-made')
    const { instance } = request
    await expect(cloud.startInertRestore(request, options)).rejects.toEqual(refusal('NOT_READY_YET', 'its writer'))
    const available = () => lab.rds.describeDBClusters({ DBClusterIdentifier: instance })
    await eventually(async () => ((await available()).DBClusters?.[0]?.Status === 'available' ? true : undefined))
    expect(await cloud.describeInstance({ name: instance }, options)).toMatchObject({
      state: 'changing',
      cloudState: 'available, without a writer',
      instanceClass: '',
    })
    await fault({ kind: 'throttle', operation: 'CreateDBInstance', times: 3 })
    await expect(cloud.startInertRestore(request, options)).rejects.toEqual(refusal('CLOUD_THROTTLED'))
    await retried(() => cloud.startInertRestore(request, options))
    await retried(() => cloud.startInertRestore(request, options))
    expect(await ready(instance)).toMatchObject({ instanceClass: 'db.r6g.large' })
    expect(await effects('CreateDBInstance', `${instance}-1`)).toBe(1)
    expect(await effects('RestoreDBClusterFromSnapshot', instance)).toBe(1)
    await removed('half-made')
    expect(await groupNames()).not.toContain(instance)
  })

  test('goes as it is, without a writer; nothing is left of it', async () => {
    const request = await copyOf('never-made')
    await expect(cloud.startInertRestore(request, options)).rejects.toEqual(refusal('NOT_READY_YET'))
    await removed('never-made')
    expect(await cloud.describeInstance({ name: request.instance }, options)).toBeNull()
    expect(await groupNames()).not.toContain(request.instance)
    expect(await effects('CreateDBInstance', `${request.instance}-1`)).toBe(0)
  })

  test('whose writer fails has failed, and is removed', async () => {
    const request = await copyOf('bad-writer')
    await fault({ kind: 'fail-operation', operation: 'CreateDBInstance' })
    await retried(() => cloud.startInertRestore(request, options))
    const failed = await eventually(async () => {
      const found = await cloud.describeInstance({ name: request.instance }, options)
      return found?.state === 'failed' ? found : undefined
    })
    expect(failed.cloudState).toBe('available, its writer failed')
    await removed('bad-writer')
    expect(await cloud.describeInstance({ name: request.instance }, options)).toBeNull()
  })

  test('is not finished with an instance of that name that somebody else made', async () => {
    const request = await copyOf('taken-name')
    const stranger = { DBInstanceIdentifier: `${request.instance}-1`, DBClusterIdentifier: 'orders' }
    await lab.rds.createDBInstance({ ...stranger, Engine: 'aurora-postgresql', DBInstanceClass: 'db.r6g.large' })
    await expect(retried(() => cloud.startInertRestore(request, options))).rejects.toEqual(
      refusal('RESOURCE_NOT_OURS', `${request.instance}-1`),
    )
    await removed('taken-name')
    const { DBInstances = [] } = await lab.rds.describeDBInstances({ DBInstanceIdentifier: `${request.instance}-1` })
    expect(DBInstances).toHaveLength(1)
    await eventually(() =>
      lab.rds.deleteDBInstance({ DBInstanceIdentifier: `${request.instance}-1`, SkipFinalSnapshot: true }).then(
        () => true,
        () => undefined,
      ),
    )
  })
})

describe('a copy of a subscriber', () => {
  test('knocks nowhere, from its restore to its end', async () => {
    let knocks = 0
    const publisher = createServer((socket) => {
      knocks++
      socket.destroy()
    })
    const port = await new Promise<number>((resolve) => {
      publisher.listen(0, '127.0.0.1', () => resolve((publisher.address() as { port: number }).port))
    })
    try {
      const conninfo = `host=127.0.0.1 port=${port} password=x`
      await ask('orders', `CREATE SUBSCRIPTION feed CONNECTION '${conninfo}' PUBLICATION p WITH (connect = false)`)
      await ask('orders', 'ALTER SUBSCRIPTION feed ENABLE')
      await eventually(async () => (knocks > 0 ? true : undefined))
      const { name: instance, owner } = owned('subscriber', 'canary')
      const snapshot = await snapshotBy('subscriber')
      await ask('orders', 'ALTER SUBSCRIPTION feed DISABLE')
      const workers = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type LIKE 'logical replication apply%'`
      await eventually(async () => ((await ask('orders', workers))[0]?.n === 0 ? true : undefined))
      knocks = 0
      const request = { source: 'orders', snapshot, instance, networkRules: [lab.group], instanceClass: null, owner }
      await retried(() => cloud.startInertRestore(request, options))
      expect(await ask(instance, 'SELECT subenabled FROM pg_subscription')).toEqual([{ subenabled: true }])
      const all = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type LIKE 'logical replication%'`
      expect(await ask(instance, all)).toEqual([{ n: 0 }])
      expect(knocks).toBe(0)
      // what an operation asks before it goes on
      expect(await inertnessOf(instance)).toEqual([])
      await removed('subscriber')
      expect(knocks).toBe(0)
    } finally {
      publisher.close()
    }
  })
})

describe('a copy', () => {
  test("has its source's own settings, and no subscription wakes up in it", async () => {
    const { name: instance, owner } = owned('inherits', 'canary')
    const group = { DBClusterParameterGroupName: 'of-our-own' }
    const family = { DBParameterGroupFamily: 'aurora-postgresql17', Description: 'tuned' }
    await lab.rds.createDBClusterParameterGroup({ ...group, ...family })
    const Parameters = [{ ParameterName: 'work_mem', ParameterValue: '8192', ApplyMethod: 'immediate' as const }]
    await lab.rds.modifyDBClusterParameterGroup({ ...group, Parameters })
    await lab.rds.modifyDBCluster({ DBClusterIdentifier: 'orders', ...group, ApplyImmediately: true })
    await ready('orders')
    const request = { source: 'orders', snapshot: 'none', instance, networkRules: [lab.group], instanceClass: null, owner }
    // the groups come first, so they are there although the restore is refused
    await expect(cloud.startInertRestore(request, options)).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
    const ofCluster = await lab.rds.describeDBClusterParameters({ DBClusterParameterGroupName: instance, Source: 'user' })
    const set = ofCluster.Parameters?.map(({ ParameterName, ParameterValue }) => [ParameterName, ParameterValue])
    expect(set).toEqual([
      ['max_logical_replication_workers', '0'],
      ['work_mem', '8192'],
    ])
    const ofWriter = await lab.rds.describeDBParameters({ DBParameterGroupName: instance, Source: 'user' })
    expect(ofWriter.Parameters ?? []).toEqual([])
    await removed('inherits')
    expect(await groupNames()).not.toContain(instance)
  })

  test('that is protected keeps its members too; one that is stopped is started, and then goes', async () => {
    const { name, owner } = owned('at-rest', 'canary')
    await make(name, { owner, deletionProtected: true })
    const remove = () => cloud.removeOwnedInstances({ operation: 'at-rest' }, options)
    await expect(retried(remove)).rejects.toEqual(refusal('CLOUD_REFUSED', 'protected from removal'))
    expect(await effects('DeleteDBInstance', `${name}-1`)).toBe(0)
    const cluster = { DBClusterIdentifier: name }
    await lab.rds.modifyDBCluster({ ...cluster, DeletionProtection: false, ApplyImmediately: true })
    const stop = () =>
      lab.rds.stopDBCluster(cluster).then(
        () => true,
        () => undefined,
      )
    await eventually(stop)
    await eventually(async () => ((await cloud.describeInstance({ name }, options))?.state === 'stopped' ? true : undefined))
    await fault({ kind: 'drop-response', operation: 'StartDBCluster' })
    expect(await retried(remove)).toEqual({ done: false, removing: [name] })
    await removed('at-rest')
    expect(await effects('StartDBCluster', name)).toBe(1)
    expect(await cloud.describeInstance({ name }, options)).toBeNull()
  })
})

describe('a global database', () => {
  test('is reached by its leading cluster alone: a secondary has readers, no writer, and is no target', async () => {
    const world = { GlobalClusterIdentifier: 'world' }
    const DBClusterIdentifier = 'orders-eu'
    const there = inRegion(lab, 'eu-west-1').rds
    const europe = createAurora({ ...config, region: 'eu-west-1' })
    const described = () => europe.describeInstance({ name: DBClusterIdentifier }, options)
    const { instanceId: led } = await ready('orders')
    await lab.rds.createGlobalCluster({
      ...world,
      SourceDBClusterIdentifier: 'arn:aws:rds:us-east-1:000000000000:cluster:orders',
    })
    await there.createDBCluster({ DBClusterIdentifier, ...world, Engine: 'aurora-postgresql', EngineVersion: '17' })
    await eventually(async () => ((await described())?.state === 'failed' ? true : undefined))
    expect(await described()).toMatchObject({ cloudState: 'available, a secondary without a reader that is available' })
    const reader = { DBClusterIdentifier, Engine: 'aurora-postgresql', DBInstanceClass: 'db.t4g.medium' }
    for (const id of ['eu-1', 'eu-2']) {
      await there.createDBInstance({ ...reader, DBInstanceIdentifier: id })
      const found = await eventually(async () => {
        const one = await described()
        return one?.state === 'ready' ? one : undefined
      })
      const { ReaderEndpoint: host } = (await there.describeDBClusters({ DBClusterIdentifier })).DBClusters![0]!
      expect(found).toMatchObject({ replicaOf: 'orders', endpoint: { host }, cloudState: 'available, a secondary' })
      const restart = europe.startRestart({ instance: found }, options)
      await expect(restart).rejects.toEqual(refusal('CLOUD_REFUSED', 'a secondary of orders'))
    }
    const target = (adapter: ManagedPostgres, region: string, instance: string) =>
      findTarget(() => adapter, { ...entry, region, instance }, options)
    await expect(target(europe, 'eu-west-1', DBClusterIdentifier)).rejects.toEqual(
      refusal('TARGET_MISMATCH', 'is a secondary of orders: name the leading cluster'),
    )
    expect(await target(cloud, 'us-east-1', 'orders')).toMatchObject({ instanceId: led, replicaOf: null })
  })

  const member = (id: string, DBInstanceStatus: string): DBInstance => ({
    ...{ DBInstanceIdentifier: id, DBClusterIdentifier: 'odd', DBInstanceStatus },
  })
  const [a, b, made] = [member('a', 'available'), member('b', 'available'), member('b', 'creating')]
  const flagged = { DBClusterMembers: [{ DBInstanceIdentifier: 'a', IsClusterWriter: true }] }
  test.each<[string, Partial<DBCluster>, DBInstance[], string]>([
    ['one member, no flag yet', {}, [a], 'ready'],
    ['one member of a global database without a flag', { GlobalClusterIdentifier: 'world' }, [a], 'failed'],
    ['one member of a global database on its way', { GlobalClusterIdentifier: 'world' }, [made], 'changing'],
    ['two members at rest without a flag', {}, [a, b], 'failed'],
    ['two members without a flag, one on its way', {}, [a, made], 'changing'],
    ['a flagged one that is not listed', flagged, [b], 'changing'],
    ['a secondary whose reader is on its way', { ReplicationSourceIdentifier: 'x:led' }, [made], 'changing'],
  ])('%s', (_case, more, members, state) => {
    const raw = { DBClusterIdentifier: 'odd', Status: 'available', Endpoint: 'w', ReaderEndpoint: 'r', Port: 1, ...more }
    expect(clusterDescription(clusterWith(raw, members)).state).toBe(state)
  })
})

describe('a cluster with readers', () => {
  test('is what its writer is, also after a failover, and has its parameters in the group of each member', async () => {
    await make('pair')
    const reader = { DBInstanceIdentifier: 'pair-2', DBClusterIdentifier: 'pair', Engine: 'aurora-postgresql' }
    await lab.rds.createDBInstance({ ...reader, DBInstanceClass: 'db.t4g.medium' })
    for (const member of ['pair-1', 'pair-2']) {
      await lab.rds.createDBParameterGroup({
        DBParameterGroupName: member,
        DBParameterGroupFamily: 'aurora-postgresql17',
        Description: member,
      })
      await eventually(() =>
        lab.rds.modifyDBInstance({ DBInstanceIdentifier: member, DBParameterGroupName: member }).then(
          () => true,
          () => undefined,
        ),
      )
    }
    const instance = await ready('pair')
    const set = { instance, parameters: { work_mem: '8192' } }
    await eventually(async () => (await retried(() => cloud.setParameters(set, options))).done || undefined)
    for (const DBParameterGroupName of ['pair-1', 'pair-2']) {
      const { Parameters } = await lab.rds.describeDBParameters({ DBParameterGroupName, Source: 'user' })
      expect(Parameters).toMatchObject([{ ParameterName: 'work_mem', ParameterValue: '8192' }])
    }
    const unknown = cloud.setParameters({ instance, parameters: { no_such_thing: '1' } }, options)
    await expect(unknown).rejects.toEqual(refusal('CLOUD_REFUSED', 'no_such_thing'))

    // as whoever was stopped after the first member leaves it
    const configuration = await cloud.describeConfiguration(instance, options)
    const upgrades = configuration.maintenance.minorUpgrades === true
    const other = { DBInstanceIdentifier: 'pair-2', AutoMinorVersionUpgrade: !upgrades, ApplyImmediately: true }
    await lab.rds.modifyDBInstance(other)
    const ofWriter = await effects('ModifyDBInstance', 'pair-1')
    const apply = { instance, configuration, parts: ['maintenance' as const] }
    await eventually(async () => (await retried(() => cloud.applyConfiguration(apply, options))).done || undefined)
    const { DBInstances = [] } = await lab.rds.describeDBInstances({ DBInstanceIdentifier: 'pair-2' })
    expect(DBInstances[0]?.AutoMinorVersionUpgrade).toBe(upgrades)
    expect(await effects('ModifyDBInstance', 'pair-1')).toBe(ofWriter)

    expect(instance.instanceClass).toBe('db.r6g.large')
    await eventually(() =>
      lab.rds.failoverDBCluster({ DBClusterIdentifier: 'pair', TargetDBInstanceIdentifier: 'pair-2' }).then(
        () => true,
        () => undefined,
      ),
    )
    await eventually(async () => ((await ready('pair')).instanceClass === 'db.t4g.medium' ? true : undefined))
    await retried(() => cloud.startScale({ instance, instanceClass: 'db.r6g.xlarge', storageGib: null }, options))
    await eventually(async () => ((await ready('pair')).instanceClass === 'db.r6g.xlarge' ? true : undefined))
    expect(await effects('ModifyDBInstance', 'pair-2')).toBeGreaterThan(0)
    const removal = { instance, owner: owned('by-hand', 'make').owner }
    await retried(() => cloud.startRemoval(removal, options))
    await eventually(async () => ((await cloud.describeInstance({ name: 'pair' }, options)) === null ? true : undefined))
    expect((await lab.rds.describeDBInstances({})).DBInstances?.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)).toEqual([
      'orders-1',
    ])
  })
})

describe('capacity', () => {
  test('is a part of the class, for a new cluster and for one that is there', async () => {
    const instance = await make('burst', { instanceClass: 'db.serverless/1-8' })
    expect(instance.instanceClass).toBe('db.serverless/1-8')
    await retried(() => cloud.startScale({ instance, instanceClass: 'db.serverless/0.5-16', storageGib: null }, options))
    await eventually(async () => ((await ready('burst')).instanceClass === 'db.serverless/0.5-16' ? true : undefined))
    expect(await effects('ModifyDBInstance', 'burst-1')).toBe(0)
    await retried(() => cloud.startRemoval({ instance, owner: owned('by-hand', 'make').owner }, options))
  })

  test.each(['db.serverless/', 'db.serverless/16', 'db.serverless/a-b'])('%s is none', async (instanceClass) => {
    const made = cloud.startCreate(wanted('odd', { instanceClass }), options)
    await expect(made).rejects.toEqual(refusal('CLOUD_REFUSED', 'db.serverless/0.5-16'))
    expect(await cloud.describeInstance({ name: 'odd' }, options)).toBeNull()
  })
})

test('the adapter for instances takes no member for one, and lists none', async () => {
  await expect(rds.describeInstance({ name: 'orders-1' }, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'aurora: true'))
  const restart = rds.startRestart({ instance: { name: 'orders-1', instanceId: 'any' } }, options)
  await expect(restart).rejects.toEqual(refusal('CLOUD_REFUSED', 'cluster orders'))
  expect(await rds.listInstances(options)).toEqual([])
  expect(await cloud.listInstances(options)).toMatchObject([{ name: 'orders', storage: { sizeGib: null }, replicaOf: null }])
})
