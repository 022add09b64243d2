/** What is RDS's own: parameter groups, and lists that lag behind. What every adapter promises is in test/conformance/. */
import { options, owned, refusal, retried } from '../conformance/support'
import { createInstance, eventually, gone, snapshotAvailable } from '../lab/fixture'
import { rdsLab } from './rds-lab'

const it = rdsLab()

describe('an answer that is lost', () => {
  test('of each call of a restore: there is one copy, with one group of its source’s settings, that goes without a trace', async () => {
    const operation = 'lost-custom'
    const source = await customInstance()
    const snapshot = await it.snapshotBy(operation)
    const { name: instance, owner } = owned(operation, 'canary')
    const request = { source, snapshot, instance, networkRules: [it.lab.group], instanceClass: null, owner }
    for (const lost of ['CopyDBParameterGroup', 'ModifyDBParameterGroup', 'RestoreDBInstanceFromDBSnapshot']) {
      await it.fault({ kind: 'drop-response', operation: lost })
    }
    await retried(() => it.cloud.startInertRestore(request, options))
    for (const once of ['CopyDBParameterGroup', 'RestoreDBInstanceFromDBSnapshot']) {
      expect(await it.effects(once, instance)).toBe(1)
    }
    await readyAs(instance)
    for (const lost of ['DeleteDBInstance', 'DeleteDBParameterGroup']) await it.fault({ kind: 'drop-response', operation: lost })
    await eventually(async () => (await it.cloud.removeOwnedInstances({ operation }, options)).done || undefined)
    expect(await it.effects('DeleteDBInstance', instance)).toBe(1)
    await gone(it.lab, instance)
    expect(await groupNames()).not.toContain(instance)
  })
})

async function readyAs(instance: string): Promise<void> {
  await eventually(async () => {
    const found = await it.cloud.describeInstance({ name: instance }, options)
    return found?.state === 'ready' ? true : undefined
  })
}

async function groupNames(): Promise<string[]> {
  const { DBParameterGroups = [] } = await it.lab.rds.describeDBParameterGroups({})
  return DBParameterGroups.map(({ DBParameterGroupName = '' }) => DBParameterGroupName)
}

/** An instance whose settings are its own. */
async function customInstance(): Promise<string> {
  const DBParameterGroupName = 'of-our-own'
  if ((await groupNames()).includes(DBParameterGroupName)) return 'tuned'
  await it.lab.rds.createDBParameterGroup({ DBParameterGroupName, DBParameterGroupFamily: 'postgres15', Description: 'tuned' })
  const wanted = { work_mem: '8192', shared_preload_libraries: 'pg_stat_statements,auto_explain' }
  const Parameters = Object.entries(wanted).map(([ParameterName, ParameterValue]) => {
    return { ParameterName, ParameterValue, ApplyMethod: 'pending-reboot' as const }
  })
  await it.lab.rds.modifyDBParameterGroup({ DBParameterGroupName, Parameters })
  await createInstance(it.lab, 'tuned', { DBParameterGroupName })
  return 'tuned'
}

describe('how an instance is set up', () => {
  test('holds the group with its values, and the tag that protects it apart from the others; those of AWS are named', async () => {
    const name = await customInstance()
    const ResourceName = `arn:aws:rds:us-east-1:000000000000:db:${name}`
    await it.lab.rds.addTagsToResource({ ResourceName, Tags: [{ Key: 'capstan-protected', Value: 'yes' }] })
    const told = await it.cloud.describeConfiguration({ name }, options)
    expect(told.parameters).toEqual({
      group: 'of-our-own',
      clusterGroup: null,
      values: { shared_preload_libraries: 'pg_stat_statements,auto_explain', work_mem: '8192' },
    })
    expect([told.tags, told.protection.tag]).toEqual([{}, 'yes'])
    const { instanceId } = (await it.cloud.describeInstance({ name: 'shop' }, options)) ?? { instanceId: '' }
    const instance = { name: 'shop', instanceId }
    const wanted = { instance, configuration: told, parts: ['tags' as const] }
    expect(await it.cloud.applyConfiguration(wanted, options)).toMatchObject({ done: true })
    expect((await it.cloud.describeConfiguration({ name: 'shop' }, options)).protection.tag).toBeNull()
  })

  test('is not given by a group that is gone, nor in one that is others’, too', async () => {
    const [name, instanceId] = ['shop', it.shop]
    const standing = await it.cloud.describeConfiguration({ name }, options)
    const parameters = { ...standing.parameters, group: 'long-gone', values: { work_mem: '8192' } }
    const wanted = { instance: { name, instanceId }, configuration: { ...standing, parameters } }
    const calls = await it.effects('ModifyDBInstance', 'shop')
    await expect(it.cloud.endInertness(wanted, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'long-gone is gone'))
    const applied = it.cloud.applyConfiguration({ ...wanted, parts: ['parameters'] }, options)
    await expect(applied).rejects.toEqual(refusal('CLOUD_REFUSED', 'give it a group of its own'))
    expect(await it.effects('ModifyDBInstance', 'shop')).toBe(calls)
  })
})

describe("a copy's parameter group", () => {
  test("has the source's own settings, and no subscription wakes up in it", async () => {
    const { name: instance, owner } = owned('inherits', 'canary')
    const source = await customInstance()
    const request = { source, snapshot: 'none', instance, networkRules: [it.lab.group], instanceClass: null, owner }
    // The group comes first, so it is there although the restore is refused; a repeat finds it as it has to be.
    for (let tries = 0; tries < 2; tries += 1) {
      await expect(it.cloud.startInertRestore(request, options)).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
    }
    expect(await it.effects('ModifyDBParameterGroup', instance)).toBe(1)
    const { Parameters = [] } = await it.lab.rds.describeDBParameters({ DBParameterGroupName: instance, Source: 'user' })
    const set = Object.fromEntries(Parameters.map(({ ParameterName, ParameterValue }) => [ParameterName, ParameterValue]))
    expect(set).toEqual({
      max_logical_replication_workers: '0',
      shared_preload_libraries: 'pg_stat_statements,auto_explain',
      work_mem: '8192',
    })
    expect(await it.cloud.removeOwnedInstances({ operation: 'inherits' }, options)).toEqual({ done: true, removing: [] })
  })

  test('lets no background worker start where pgactive would, which subscribes by its own', async () => {
    const { name: instance, owner } = owned('active', 'canary')
    const DBParameterGroupName = 'of-active'
    const family = { DBParameterGroupFamily: 'postgres15', Description: 'active-active' }
    await it.lab.rds.createDBParameterGroup({ DBParameterGroupName, ...family })
    const Parameters = [{ ParameterName: 'rds.enable_pgactive', ParameterValue: '1', ApplyMethod: 'pending-reboot' as const }]
    await it.lab.rds.modifyDBParameterGroup({ DBParameterGroupName, Parameters })
    await createInstance(it.lab, 'active', { DBParameterGroupName })
    const request = { source: 'active', snapshot: 'none', instance, networkRules: [it.lab.group], instanceClass: null, owner }
    await expect(it.cloud.startInertRestore(request, options)).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
    const copied = await it.lab.rds.describeDBParameters({ DBParameterGroupName: instance, Source: 'user' })
    expect(copied.Parameters?.map(({ ParameterName, ParameterValue }) => [ParameterName, ParameterValue])).toEqual([
      ['max_logical_replication_workers', '0'],
      ['max_worker_processes', '0'],
      ['rds.enable_pgactive', '1'],
    ])
    expect(await it.cloud.removeOwnedInstances({ operation: 'active' }, options)).toEqual({ done: true, removing: [] })
  })

  test('is found and removed among more groups than one page holds; others stay', async () => {
    const others = Array.from({ length: 110 }, (_, n) => `aa-other-${n}`)
    for (const DBParameterGroupName of others) {
      await it.lab.rds.createDBParameterGroup({
        DBParameterGroupName,
        DBParameterGroupFamily: 'postgres15',
        Description: 'of others',
      })
    }
    const { name, owner } = owned('paged', 'canary')
    const Tags = [{ Key: 'capstan-operation', Value: owner.operation }]
    const group = { DBParameterGroupFamily: 'postgres15', Description: 'ours, and one that only looks so' }
    await it.lab.rds.createDBParameterGroup({ DBParameterGroupName: name, Tags, ...group })
    await it.lab.rds.createDBParameterGroup({ DBParameterGroupName: `${name}-theirs`, ...group })
    expect(await it.cloud.removeOwnedInstances({ operation: 'paged' }, options)).toEqual({ done: true, removing: [] })
    const { DBParameterGroups = [] } = await it.lab.rds.describeDBParameterGroups({ DBParameterGroupName: `${name}-theirs` })
    expect(DBParameterGroups).toHaveLength(1)
    await expect(it.lab.rds.describeDBParameterGroups({ DBParameterGroupName: name })).rejects.toThrow()
    expect(await groupNames()).toEqual(expect.arrayContaining(['aa-other-0']))
  })
})

describe("an instance's snapshots", () => {
  test('are listed with their owners, and by its id: one that bore the same name before has its own', async () => {
    const first = await createInstance(it.lab, 'twin')
    const { name, owner } = owned('twins', 'take')
    await retried(() => it.cloud.startSnapshot({ instance: 'twin', snapshot: name, owner }, options))
    await snapshotAvailable(it.lab, name)
    const bad = { 'capstan-operation': 'twins', 'capstan-step': 'odd', 'capstan-expires': 'next Tuesday' }
    const Tags = Object.entries(bad).map(([Key, Value]) => ({ Key, Value }))
    await readyAs('twin')
    await it.lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'twin', DBSnapshotIdentifier: 'odd', Tags })
    await snapshotAvailable(it.lab, 'odd')
    const listed = await it.cloud.listSnapshots({ instanceId: first.DbiResourceId ?? '' }, options)
    expect(listed.map((snapshot) => [snapshot.name, snapshot.owner])).toEqual([
      [name, owner],
      ['odd', { operation: 'twins', step: 'odd', expiresAt: null }],
    ])
    expect(listed[0]).toMatchObject({ state: 'ready', storage: { sizeGib: 20, encrypted: false, key: null } })
    await readyAs('twin')
    await it.lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'twin', SkipFinalSnapshot: true })
    await gone(it.lab, 'twin')
    const second = await createInstance(it.lab, 'twin')
    expect(await it.cloud.listSnapshots({ instanceId: second.DbiResourceId ?? '' }, options)).toEqual([])
  })

  test('one that is still being made cannot be removed yet', async () => {
    const { name, owner } = owned('half-made', 'take')
    await retried(() => it.cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options))
    const removal = { snapshot: name, instanceId: it.shop, owner }
    await expect(it.cloud.startSnapshotRemoval(removal, options)).rejects.toEqual(refusal('CLOUD_BUSY'))
    await retried(() => it.cloud.startSnapshotRemoval(removal, options))
    expect(await it.cloud.describeSnapshot({ instance: 'shop', name }, options)).toBeNull()
  })

  test('one that the cloud does not list yet is waited for, not made twice', async () => {
    const { name, owner } = owned('unlisted', 'take')
    await it.fault({ kind: 'stale-reads', operation: 'DescribeDBSnapshots', lag: '1s' })
    const request = { instance: 'shop', snapshot: name, owner }
    await readyAs('shop')
    await expect(it.cloud.startSnapshot(request, options)).rejects.toEqual(refusal('NOT_READY_YET', 'not listed'))
    expect(await retried(() => it.cloud.startSnapshot(request, options))).toMatchObject({ name, owner })
    expect(await it.effects('CreateDBSnapshot', name)).toBe(1)
    await snapshotAvailable(it.lab, name)
  })
})
