/** Changes to clusters that are there. What belongs to a server is its writer's, the rest the cluster's. */
import { failure } from '../../../contracts/failures'
import { assertMine, assertRunning } from '../../owner'
import type { ChangeOptions, CopyRequest, InstanceRef, ManagedPostgres, Started } from '../../port'
import type { Rds } from '../client'
import { NO_RECORD } from '../instances'
import { groupOf, setInGroup } from '../parameters'
import { tagRecord } from '../tags'
import { hasCapacity, parseClass, scalingOf } from './capacity'
import { requireCluster, requireVery, requireWriter } from './clusters'
import { refuseSize } from './create'
import { clusterDescription } from './describe'

export async function startScale(
  rds: Rds,
  { instance, instanceClass, storageGib }: Parameters<ManagedPostgres['startScale']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const cluster = await requireVery(rds, instance, options)
  refuseSize({ storageGib })
  if (instanceClass === null) return NO_RECORD
  const wanted = parseClass(instanceClass)
  const { DBInstanceIdentifier, DBInstanceClass } = requireWriter(cluster)
  // the capacity first: without one no writer can become serverless
  if (!hasCapacity(cluster.raw, wanted)) {
    await rds.change('ModifyDBCluster', options, (client) =>
      client.modifyDBCluster({ DBClusterIdentifier: instance.name, ...scalingOf(wanted), ApplyImmediately: true }),
    )
  }
  if (DBInstanceClass === wanted.DBInstanceClass) return NO_RECORD
  await rds.change('ModifyDBInstance', options, (client) =>
    client.modifyDBInstance({ DBInstanceIdentifier, DBInstanceClass: wanted.DBInstanceClass, ApplyImmediately: true }),
  )
  return NO_RECORD
}

/** Of the writer: readers are restarted with it, or keep on, as the version has it. */
export async function startRestart(rds: Rds, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const cluster = await requireVery(rds, instance, options)
  assertRunning(clusterDescription(cluster))
  const { DBInstanceIdentifier, DBInstanceStatus } = requireWriter(cluster)
  if (DBInstanceStatus === 'rebooting') return NO_RECORD
  await rds.change('RebootDBInstance', options, (client) => client.rebootDBInstance({ DBInstanceIdentifier }))
  return NO_RECORD
}

export async function startStop(rds: Rds, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { raw } = await requireVery(rds, instance, options)
  if (['stopped', 'stopping'].includes(raw.Status ?? '')) return NO_RECORD
  await rds.change('StopDBCluster', options, (client) => client.stopDBCluster({ DBClusterIdentifier: instance.name }))
  return NO_RECORD
}

export async function startStart(rds: Rds, instance: InstanceRef, options: ChangeOptions): Promise<Started> {
  const { raw } = await requireVery(rds, instance, options)
  // One that is still being stopped is refused, and asked again.
  if (!['stopped', 'stopping'].includes(raw.Status ?? '')) return NO_RECORD
  await rds.change('StartDBCluster', options, (client) => client.startDBCluster({ DBClusterIdentifier: instance.name }))
  return NO_RECORD
}

/** In the group of each member, since each may become the writer; a restart is needed where the writer waits for one. */
export async function setParameters(
  rds: Rds,
  { instance, parameters }: Parameters<ManagedPostgres['setParameters']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean; restartNeeded: boolean }> {
  const cluster = await requireVery(rds, instance, options)
  const writer = requireWriter(cluster)
  const users = cluster.members.map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier)
  const what = `a member of cluster ${instance.name}`
  let [done, restartNeeded] = [true, false]
  for (const member of cluster.members) {
    const answer = await setInGroup(rds, { ...groupOf(member), what, users }, parameters, options)
    done &&= answer.done
    if (member.DBInstanceIdentifier === writer.DBInstanceIdentifier) restartNeeded = answer.restartNeeded
  }
  return { done, restartNeeded: done && restartNeeded }
}

export async function setNetworkRules(
  rds: Rds,
  { instance, networkRules }: Parameters<ManagedPostgres['setNetworkRules']>[0],
  options: ChangeOptions,
): Promise<{ done: boolean }> {
  const { VpcSecurityGroups = [] } = (await requireVery(rds, instance, options)).raw
  const standing = new Set(VpcSecurityGroups.map(({ VpcSecurityGroupId }) => VpcSecurityGroupId))
  const same = standing.size === new Set(networkRules).size && networkRules.every((id) => standing.has(id))
  if (same) return { done: VpcSecurityGroups.every(({ Status }) => Status === 'active') }
  // Security groups do not wait for ApplyImmediately, which would apply whatever else is pending.
  await rds.change('ModifyDBCluster', options, (client) =>
    client.modifyDBCluster({ DBClusterIdentifier: instance.name, VpcSecurityGroupIds: [...networkRules] }),
  )
  return { done: false }
}

export async function resetPassword(
  rds: Rds,
  input: Parameters<ManagedPostgres['startPasswordReset']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { raw } = await requireCluster(rds, input.instance, options)
  // A password is only ever reset on a copy that this operation made.
  assertMine(`Cluster ${input.instance}`, tagRecord(raw.TagList), input)
  await rds.change('ModifyDBCluster', options, (client) =>
    client.modifyDBCluster({
      DBClusterIdentifier: input.instance,
      MasterUserPassword: input.password,
      ApplyImmediately: true,
    }),
  )
  return NO_RECORD
}

/** Why, and what was thought of instead: docs/decisions/0006-one-port.md. */
export async function startReplica(rds: Rds, { source }: CopyRequest, options: ChangeOptions): Promise<Started> {
  await requireCluster(rds, source, options)
  throw failure(
    'CLOUD_REFUSED',
    `Aurora makes no replica of cluster ${source} that could become an instance of its own: a reader shares its storage. Replicate logically, or restore a copy.`,
    { instance: source },
  )
}

export async function startPromotion(
  rds: Rds,
  { instance }: Parameters<ManagedPostgres['startPromotion']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { replicaOf } = clusterDescription(await requireVery(rds, instance, options))
  if (replicaOf === null) return NO_RECORD
  throw failure(
    'CLOUD_REFUSED',
    `Cluster ${instance.name} is a replica of ${replicaOf} that was not made here; whoever made it promotes it.`,
    { instance: instance.name },
  )
}
