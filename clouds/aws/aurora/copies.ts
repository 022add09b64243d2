/** Inert copies of Aurora clusters. A restored cluster is given a cluster parameter group of its own by the restore itself, its source's with
 *  `max_logical_replication_workers` at 0, which is a parameter of whole clusters; and it has no server before it gets a writer, which has a group
 *  of its own too. What is in both holds before the first start. Source: Aurora user guide, "Aurora PostgreSQL cluster-level parameters". */
import type { RDS } from '@aws-sdk/client-rds'
import { failure } from '../../../contracts/failures'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../../port'
import type { Rds } from '../client'
import { ensureInertParameters, NO_SUBSCRIPTIONS, NO_WORKERS } from '../inert-parameters'
import { OF_CLUSTER, OF_INSTANCE } from '../parameter-groups'
import { groupOf } from '../parameters'
import { describeSnapshot } from '../snapshots'
import { ownersTags } from '../tags'
import { classOf, parseClass, scalingOf } from './capacity'
import { findCluster, requireCluster, requireWriter } from './clusters'
import { adoptingCluster, ensureWriter } from './create'
import { AURORA } from './describe'
import { OF_CLUSTERS } from './snapshots'

/** What a copy takes from the cluster that it is of. */
interface Source {
  readonly instanceClass: string
  readonly subnetGroup?: string | undefined
  readonly groups: Record<'ofCluster' | 'ofWriter', string | { readonly family: string }>
}

async function sourceOf(rds: Rds, { source, instanceClass }: CopyRequest, options: CallOptions): Promise<Source> {
  const cluster = await requireCluster(rds, source, options)
  const { DBSubnetGroup, DBClusterParameterGroup: ofCluster = '' } = cluster.raw
  const writer = requireWriter(cluster)
  return {
    instanceClass: instanceClass ?? classOf(cluster.raw, writer),
    subnetGroup: DBSubnetGroup,
    groups: { ofCluster, ofWriter: groupOf(writer).group },
  }
}

/** Of a cluster that is gone, or elsewhere: the request's subnet group or the account's default, and the parameters of its version. @throws SNAPSHOT_NOT_FOUND, CLOUD_REFUSED. */
async function sourceIn(
  rds: Rds,
  snapshot: string,
  { instanceClass, subnetGroup }: CopyRequest,
  options: CallOptions,
): Promise<Source> {
  if (instanceClass === null) {
    const message = `Snapshot ${snapshot} is of a cluster that is gone, and does not say of what class its writer was: name one.`
    throw failure('CLOUD_REFUSED', message, { snapshot })
  }
  const found = await describeSnapshot(rds, OF_CLUSTERS, snapshot, options)
  if (found === null) throw failure('SNAPSHOT_NOT_FOUND', `There is no snapshot ${snapshot} any more.`, { snapshot })
  const of = { family: `${AURORA}${found.engineVersion.split('.')[0]}` }
  return { instanceClass, subnetGroup, groups: { ofCluster: of, ofWriter: of } }
}

/** What both kinds of restore are told. */
function settingsOf({ instanceClass, subnetGroup }: Source, input: CopyRequest) {
  return {
    DBClusterIdentifier: input.instance,
    ...(subnetGroup === undefined ? {} : { DBSubnetGroupName: subnetGroup }),
    DBClusterParameterGroupName: input.instance,
    ...scalingOf(parseClass(instanceClass)),
    VpcSecurityGroupIds: [...input.networkRules],
    DeletionProtection: false,
    Tags: ownersTags(input.owner),
  }
}

/** The cluster's, and that of its writer, both of the copy's name. What the writer's says goes before what the cluster's does. */
async function ensureGroups(
  rds: Rds,
  { groups: { ofCluster, ofWriter } }: Source,
  { instance: name, owner }: CopyRequest,
  options: ChangeOptions,
): Promise<void> {
  const { subscribes } = await rds.change(OF_CLUSTER.creation, options, (client) => {
    const wanted = { name, sourceGroup: ofCluster, parameters: [NO_SUBSCRIPTIONS], owner }
    return ensureInertParameters(OF_CLUSTER, client, wanted, options)
  })
  await rds.change(OF_INSTANCE.creation, options, (client) => {
    const wanted = { name, sourceGroup: ofWriter, parameters: subscribes ? [NO_WORKERS] : [], owner }
    return ensureInertParameters(OF_INSTANCE, client, wanted, options)
  })
}

async function startCopy(
  rds: Rds,
  action: string,
  input: CopyRequest & { readonly describe: (options: CallOptions) => Promise<Source> },
  options: ChangeOptions,
  restore: (client: RDS, settings: ReturnType<typeof settingsOf>) => Promise<unknown>,
): Promise<Started> {
  const { instance, owner } = input
  const existing = await findCluster(rds, instance, options)
  if (existing === null) {
    const source = await input.describe(options)
    const settings = settingsOf(source, input)
    await ensureGroups(rds, source, input, options)
    await rds.change(action, options, (client) => adoptingCluster(client, input, options, () => restore(client, settings)))
  }
  const classFor = async (): Promise<string> => input.instanceClass ?? (await input.describe(options)).instanceClass
  return ensureWriter(rds, { instance, owner, classFor, group: instance }, options)
}

export function startInertRestore(
  rds: Rds,
  input: Parameters<ManagedPostgres['startInertRestore']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const { snapshot, sourceGone } = input
  const describe = (asking: CallOptions) => (sourceGone ? sourceIn(rds, snapshot, input, asking) : sourceOf(rds, input, asking))
  return startCopy(rds, 'RestoreDBClusterFromSnapshot', { ...input, describe }, options, (client, settings) =>
    client.restoreDBClusterFromSnapshot({ SnapshotIdentifier: snapshot, Engine: AURORA, ...settings }),
  )
}

export function startRestoreToTime(
  rds: Rds,
  input: Parameters<ManagedPostgres['startRestoreToTime']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const describe = (asking: CallOptions) => sourceOf(rds, input, asking)
  return startCopy(rds, 'RestoreDBClusterToPointInTime', { ...input, describe }, options, (client, settings) =>
    client.restoreDBClusterToPointInTime({
      SourceDBClusterIdentifier: input.source,
      RestoreToTime: new Date(input.at),
      ...settings,
    }),
  )
}

export async function restoreWindow(
  rds: Rds,
  name: string,
  options: CallOptions,
): Promise<Awaited<ReturnType<ManagedPostgres['restoreWindow']>>> {
  const { EarliestRestorableTime: earliest, LatestRestorableTime: latest } = (await requireCluster(rds, name, options)).raw
  if (earliest === undefined || latest === undefined) return null
  return { earliest: earliest.toISOString(), latest: latest.toISOString() }
}
