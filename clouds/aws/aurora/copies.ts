/** Inert copies of Aurora clusters. A restored cluster is given a cluster parameter group of its own by the restore itself, its source's with
 *  `max_logical_replication_workers` at 0, which is a parameter of whole clusters; and it has no server before it gets a writer, which has a group
 *  of its own too. What is in both holds before the first start. Source: Aurora user guide, "Aurora PostgreSQL cluster-level parameters". */
import type { RDS } from '@aws-sdk/client-rds'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../../port'
import type { Rds } from '../client'
import { ensureInertParameters, NO_SUBSCRIPTIONS, NO_WORKERS } from '../inert-parameters'
import { OF_CLUSTER, OF_INSTANCE } from '../parameter-groups'
import { groupOf } from '../parameters'
import { ownersTags } from '../tags'
import { classOf, parseClass, scalingOf } from './capacity'
import { findCluster, requireCluster, requireWriter } from './clusters'
import { adoptingCluster, ensureWriter } from './create'
import { AURORA, type Cluster } from './describe'

/** What both kinds of restore are told. */
function settingsOf(source: Cluster, input: CopyRequest) {
  const { DBSubnetGroup } = source.raw
  return {
    DBClusterIdentifier: input.instance,
    ...(DBSubnetGroup === undefined ? {} : { DBSubnetGroupName: DBSubnetGroup }),
    DBClusterParameterGroupName: input.instance,
    ...scalingOf(parseClass(classFor(source, input))),
    VpcSecurityGroupIds: [...input.networkRules],
    DeletionProtection: false,
    Tags: ownersTags(input.owner),
  }
}

function classFor(source: Cluster, { instanceClass }: CopyRequest): string {
  return instanceClass ?? classOf(source.raw, requireWriter(source))
}

/** The cluster's, and that of its writer, both of the copy's name. What the writer's says goes before what the cluster's does. */
async function ensureGroups(
  rds: Rds,
  source: Cluster,
  { instance: name, owner }: CopyRequest,
  options: ChangeOptions,
): Promise<void> {
  const { DBClusterParameterGroup: ofCluster = '' } = source.raw
  const { subscribes } = await rds.change(OF_CLUSTER.creation, options, (client) => {
    const wanted = { name, sourceGroup: ofCluster, parameters: [NO_SUBSCRIPTIONS], owner }
    return ensureInertParameters(OF_CLUSTER, client, wanted, options)
  })
  const { group: ofWriter } = groupOf(requireWriter(source))
  await rds.change(OF_INSTANCE.creation, options, (client) => {
    const wanted = { name, sourceGroup: ofWriter, parameters: subscribes ? [NO_WORKERS] : [], owner }
    return ensureInertParameters(OF_INSTANCE, client, wanted, options)
  })
}

async function startCopy(
  rds: Rds,
  action: string,
  input: CopyRequest,
  options: ChangeOptions,
  restore: (client: RDS, settings: ReturnType<typeof settingsOf>) => Promise<unknown>,
): Promise<Started> {
  const { instance, owner } = input
  const existing = await findCluster(rds, instance, options)
  if (existing === null) {
    const source = await requireCluster(rds, input.source, options)
    const settings = settingsOf(source, input)
    await ensureGroups(rds, source, input, options)
    await rds.change(action, options, (client) => adoptingCluster(client, input, options, () => restore(client, settings)))
  }
  const ofSource = async (): Promise<string> => classFor(await requireCluster(rds, input.source, options), input)
  return ensureWriter(rds, { instance, owner, classFor: ofSource, group: instance }, options)
}

export function startInertRestore(
  rds: Rds,
  input: Parameters<ManagedPostgres['startInertRestore']>[0],
  options: ChangeOptions,
): Promise<Started> {
  return startCopy(rds, 'RestoreDBClusterFromSnapshot', input, options, (client, settings) =>
    client.restoreDBClusterFromSnapshot({ SnapshotIdentifier: input.snapshot, Engine: AURORA, ...settings }),
  )
}

export function startRestoreToTime(
  rds: Rds,
  input: Parameters<ManagedPostgres['startRestoreToTime']>[0],
  options: ChangeOptions,
): Promise<Started> {
  return startCopy(rds, 'RestoreDBClusterToPointInTime', input, options, (client, settings) =>
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
