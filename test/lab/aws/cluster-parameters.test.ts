import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Parameter } from '@aws-sdk/client-rds'
import type { AwsState } from '../../../lab/aws/state'
import { available, describe as describeInstance, eventually, openLab, refused, type TestLab } from '../fixture'
import { auroraOf } from './aurora-fixture'

let lab: TestLab
const { createCluster, addMember, describeCluster, clusterAvailable, at } = auroraOf(() => lab)

const TUNED = { DBClusterParameterGroupName: 'tuned' }
const create = (more: object = {}) =>
  lab.rds.createDBClusterParameterGroup({
    DBClusterParameterGroupName: 'Tuned',
    DBParameterGroupFamily: 'aurora-postgresql17',
    Description: 'tuned',
    ...more,
  })
const modify = (name: string, value: string, method: 'immediate' | 'pending-reboot', group = 'tuned') =>
  lab.rds.modifyDBClusterParameterGroup({
    DBClusterParameterGroupName: group,
    Parameters: [{ ParameterName: name, ParameterValue: value, ApplyMethod: method }],
  })
const own = async (group = 'tuned') => {
  const { Parameters } = await lab.rds.describeDBClusterParameters({ DBClusterParameterGroupName: group, Source: 'user' })
  return Parameters!.map(({ ParameterName, ParameterValue }) => `${ParameterName}=${ParameterValue}`)
}
const show = async (id: string, name: string) => {
  const host = (await describeInstance(lab, id)).Endpoint!.Address
  return (await at<{ value: string }>(host, `SELECT current_setting('${name}') AS value`))[0]!.value
}
const statuses = async () =>
  (await describeCluster()).DBClusterMembers!.map(({ DBClusterParameterGroupStatus: status }) => status)
const reboot = async (id: string) => {
  await lab.rds.rebootDBInstance({ DBInstanceIdentifier: id })
  await available(lab, id)
}

beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab.remove())

test('a cluster parameter group is made, described with the default ones, tagged, copied and deleted', async () => {
  const { DBClusterParameterGroup } = await create({ Tags: [{ Key: 'a', Value: '1' }] })
  expect(DBClusterParameterGroup).toEqual({
    DBClusterParameterGroupName: 'tuned',
    DBParameterGroupFamily: 'aurora-postgresql17',
    Description: 'tuned',
    DBClusterParameterGroupArn: 'arn:aws:rds:us-east-1:000000000000:cluster-pg:tuned',
  })
  const ResourceName = DBClusterParameterGroup!.DBClusterParameterGroupArn!
  expect((await lab.rds.listTagsForResource({ ResourceName })).TagList).toEqual([{ Key: 'a', Value: '1' }])
  await modify('work_mem', '8192', 'immediate')
  await lab.rds.copyDBClusterParameterGroup({
    SourceDBClusterParameterGroupIdentifier: ResourceName,
    TargetDBClusterParameterGroupIdentifier: 'copied',
    TargetDBClusterParameterGroupDescription: 'a copy',
  })
  expect(await own('copied')).toEqual(['work_mem=8192'])
  const { DBClusterParameterGroups } = await lab.rds.describeDBClusterParameterGroups({})
  expect(DBClusterParameterGroups!.map((group) => group.DBClusterParameterGroupName)).toEqual([
    'copied',
    'default.aurora-postgresql15',
    'default.aurora-postgresql17',
    'tuned',
  ])
  await lab.rds.deleteDBClusterParameterGroup({ DBClusterParameterGroupName: 'copied' })
  await refused(
    lab.rds.describeDBClusterParameterGroups({ DBClusterParameterGroupName: 'copied' }),
    'DBParameterGroupNotFoundFault',
  )
  await lab.rds.resetDBClusterParameterGroup({ ...TUNED, ResetAllParameters: true })
  expect(await own()).toEqual([])
})

test('what cannot be is refused in the words of the vendor', async () => {
  await refused(create(), 'DBParameterGroupAlreadyExistsFault')
  await refused(create({ DBClusterParameterGroupName: 'x', DBParameterGroupFamily: 'postgres17' }), 'InvalidParameterValue')
  await refused(modify('work_mem', '1', 'immediate', 'nobodys'), 'DBParameterGroupNotFoundFault')
  await refused(modify('work_mem', '64', 'immediate', 'default.aurora-postgresql17'), 'InvalidDBParameterGroupStateFault')
  await refused(modify('rds.logical_replication', '1', 'immediate'), 'InvalidParameterCombination', 'static')
  await refused(
    lab.rds.copyDBClusterParameterGroup({
      SourceDBClusterParameterGroupIdentifier: 'default.aurora-postgresql17',
      TargetDBClusterParameterGroupIdentifier: 'x',
      TargetDBClusterParameterGroupDescription: 'x',
    }),
    'InvalidParameterCombination',
  )
  await refused(createCluster('wrong', { DBClusterParameterGroupName: 'nobodys' }), 'DBClusterParameterGroupNotFoundFault')
  await refused(createCluster('wrong', { ...TUNED, EngineVersion: '15' }), 'InvalidParameterCombination', 'Family')
})

test('a group of clusters has what members must have alike, and a group of instances does not', async () => {
  const namesOf = (Parameters: Parameter[] | undefined) => Parameters!.map(({ ParameterName }) => ParameterName)
  const Filters = [{ Name: 'parameter-name', Values: ['rds.logical_replication'] }]
  const cluster = await lab.rds.describeDBClusterParameters({ ...TUNED, Filters })
  expect(cluster.Parameters).toMatchObject([{ ApplyType: 'static', IsModifiable: true, DataType: 'boolean' }])
  const instance = await lab.rds.describeDBParameters({ DBParameterGroupName: 'default.aurora-postgresql17', Filters })
  expect(namesOf(instance.Parameters)).toEqual([])
  const plain = await lab.rds.describeDBParameters({ DBParameterGroupName: 'default.postgres17', Filters })
  expect(namesOf(plain.Parameters)).toEqual(['rds.logical_replication'])
})

test('logical decoding waits for the reboot of the writer, and works after it', async () => {
  await createCluster('orders', TUNED)
  expect((await clusterAvailable()).DBClusterParameterGroup).toBe('tuned')
  await addMember('orders-1')
  await available(lab, 'orders-1')
  await addMember('orders-2')
  await available(lab, 'orders-2')
  expect(await statuses()).toEqual(['in-sync', 'in-sync'])
  await modify('rds.logical_replication', '1', 'pending-reboot')
  expect(await statuses()).toEqual(['pending-reboot', 'pending-reboot'])
  const { Endpoint } = await describeCluster()
  const decode = "SELECT pg_create_logical_replication_slot('changes', 'pgoutput')"
  await expect(at(Endpoint, decode)).rejects.toMatchObject({ code: '55000' })
  await reboot('orders-1')
  expect(await statuses()).toEqual(['in-sync', 'pending-reboot'])
  await at(Endpoint, 'CREATE TABLE journal (id int PRIMARY KEY); CREATE PUBLICATION everything FOR TABLE journal')
  await at(Endpoint, decode)
  await at(Endpoint, 'INSERT INTO journal VALUES (1)')
  const changes = await at(
    Endpoint,
    "SELECT FROM pg_logical_slot_get_binary_changes('changes', NULL, NULL, 'proto_version', '1', 'publication_names', 'everything')",
  )
  expect(changes.length).toBeGreaterThan(0)
  await reboot('orders-2')
  expect(await statuses()).toEqual(['in-sync', 'in-sync'])
})

test("dynamic ones reach every member at once; a member's own group goes before its cluster's", async () => {
  await lab.rds.createDBParameterGroup({
    DBParameterGroupName: 'own',
    DBParameterGroupFamily: 'aurora-postgresql17',
    Description: 'own',
  })
  await lab.rds.modifyDBParameterGroup({
    DBParameterGroupName: 'own',
    Parameters: [{ ParameterName: 'work_mem', ParameterValue: '9999', ApplyMethod: 'immediate' }],
  })
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'orders-2', DBParameterGroupName: 'own', ApplyImmediately: true })
  await available(lab, 'orders-2')
  await reboot('orders-2')
  await modify('work_mem', '7777', 'immediate')
  await modify('lock_timeout', '1234', 'immediate')
  await eventually(async () => ((await show('orders-1', 'work_mem')) === '7777kB' ? true : undefined))
  await eventually(async () => ((await show('orders-2', 'lock_timeout')) === '1234ms' ? true : undefined))
  expect(await show('orders-2', 'work_mem')).toBe('9999kB')
  expect(await statuses()).toEqual(['in-sync', 'in-sync'])
  await lab.rds.resetDBParameterGroup({
    DBParameterGroupName: 'own',
    Parameters: [{ ParameterName: 'work_mem', ApplyMethod: 'immediate' }],
  })
  await eventually(async () => ((await show('orders-2', 'work_mem')) === '7777kB' ? true : undefined))
})

test('a cluster that is given another group awaits the reboot of its members; a group in use stays', async () => {
  await refused(lab.rds.deleteDBClusterParameterGroup(TUNED), 'InvalidDBParameterGroupStateFault', 'orders')
  await create({ DBClusterParameterGroupName: 'other' })
  await modify('lock_timeout', '4321', 'pending-reboot', 'other')
  await modify('rds.logical_replication', '1', 'pending-reboot', 'other')
  const { DBCluster } = await lab.rds.modifyDBCluster({ DBClusterIdentifier: 'orders', DBClusterParameterGroupName: 'other' })
  expect(DBCluster!.DBClusterParameterGroup).toBe('other')
  await clusterAvailable()
  expect(await statuses()).toEqual(['pending-reboot', 'pending-reboot'])
  await reboot('orders-1')
  expect(await show('orders-1', 'lock_timeout')).toBe('4321ms')
  expect(await statuses()).toEqual(['in-sync', 'pending-reboot'])
  await lab.rds.deleteDBClusterParameterGroup(TUNED)
})

test('a restore takes the group that it is told, or the default one', async () => {
  const restore = (id: string, more: object) =>
    lab.rds.restoreDBClusterToPointInTime({
      DBClusterIdentifier: id,
      SourceDBClusterIdentifier: 'orders',
      UseLatestRestorableTime: true,
      ...more,
    })
  await refused(restore('copy', { DBClusterParameterGroupName: 'nobodys' }), 'DBClusterParameterGroupNotFoundFault')
  const { DBCluster } = await restore('copy', { DBClusterParameterGroupName: 'other' })
  expect(DBCluster!.DBClusterParameterGroup).toBe('other')
  await clusterAvailable('copy')
})

test('an Aurora cluster is not rebooted as a whole', async () => {
  await refused(lab.rds.rebootDBCluster({ DBClusterIdentifier: 'orders' }), 'InvalidDBClusterStateFault', 'RebootDBInstance')
  await refused(lab.rds.rebootDBCluster({ DBClusterIdentifier: 'nobodys' }), 'DBClusterNotFoundFault')
})

test('a stopped cluster starts again after seven days', async () => {
  await lab.rds.stopDBCluster({ DBClusterIdentifier: 'orders' })
  await eventually(async () => ((await describeCluster()).Status === 'stopped' ? true : undefined))
  const { AutomaticRestartTime } = await describeCluster()
  const leftMs = AutomaticRestartTime!.getTime() - Date.now()
  expect(leftMs).toBeGreaterThan(6.9 * 86_400_000)
  expect(leftMs).toBeLessThanOrEqual(7 * 86_400_000)
  // as if the time had passed: what the lab wrote down is changed while it is down
  await lab.lab.stop()
  const file = join(lab.stateDir, 'lab.json')
  const state = JSON.parse(readFileSync(file, 'utf8')) as { aws: AwsState }
  state.aws.clusters['us-east-1/orders']!.restartsAt = new Date(Date.now() - 1000).toISOString()
  writeFileSync(file, JSON.stringify(state))
  await lab.restart()
  const cluster = await clusterAvailable()
  expect(cluster.AutomaticRestartTime).toBeUndefined()
  await available(lab, 'orders-1')
  expect(await show('orders-1', 'lock_timeout')).toBe('4321ms')
  const { Events } = await lab.rds.describeEvents({ SourceType: 'db-cluster', SourceIdentifier: 'orders', Duration: 60 })
  expect(Events!.map(({ Message }) => Message)).toContainEqual(expect.stringContaining('exceeding the maximum allowed time'))
})
