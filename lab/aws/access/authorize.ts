/** What a call wants to do to which resources, and whether its caller may. Sources: "Actions, resources, and condition keys for Amazon RDS"; that tags of a
 *  new resource want AddTagsToResource, and a final snapshot CreateDBSnapshot, is also what callers who lacked them were told. */
import type { AwsIdentity } from '../../access/identities'
import { clusterSnapshotKey } from '../backups'
import { AwsError } from '../errors'
import { isQuestion, placesOf, tagsOf } from '../facts'
import type { Query } from '../protocol/query'
import { ACCOUNT, type ArnKind, type AwsState, arn, key, type Tags } from '../state'
import { isAllowed, type Wanted } from './policy'

interface Asked {
  readonly action: string
  readonly query: Query
  readonly region: string
}

const KINDS: Readonly<Record<string, ArnKind>> = {
  instance: 'db',
  snapshot: 'snapshot',
  'parameter-group': 'pg',
  'subnet-group': 'subgrp',
  cluster: 'cluster',
  'cluster-snapshot': 'cluster-snapshot',
  'cluster-parameter-group': 'cluster-pg',
  'global-cluster': 'global-cluster',
  'blue-green-deployment': 'deployment',
}

/** The parameter that names what a call makes. */
const MADE: Readonly<Record<string, readonly [parameter: string, type: string]>> = {
  CreateDBInstance: ['DBInstanceIdentifier', 'instance'],
  CreateDBInstanceReadReplica: ['DBInstanceIdentifier', 'instance'],
  RestoreDBInstanceFromDBSnapshot: ['DBInstanceIdentifier', 'instance'],
  RestoreDBInstanceToPointInTime: ['TargetDBInstanceIdentifier', 'instance'],
  CreateDBSnapshot: ['DBSnapshotIdentifier', 'snapshot'],
  CopyDBSnapshot: ['TargetDBSnapshotIdentifier', 'snapshot'],
  CreateDBParameterGroup: ['DBParameterGroupName', 'parameter-group'],
  CopyDBParameterGroup: ['TargetDBParameterGroupIdentifier', 'parameter-group'],
  CreateDBSubnetGroup: ['DBSubnetGroupName', 'subnet-group'],
  CreateDBCluster: ['DBClusterIdentifier', 'cluster'],
  RestoreDBClusterFromSnapshot: ['DBClusterIdentifier', 'cluster'],
  RestoreDBClusterToPointInTime: ['DBClusterIdentifier', 'cluster'],
  CreateDBClusterSnapshot: ['DBClusterSnapshotIdentifier', 'cluster-snapshot'],
  CopyDBClusterSnapshot: ['TargetDBClusterSnapshotIdentifier', 'cluster-snapshot'],
  CreateDBClusterParameterGroup: ['DBClusterParameterGroupName', 'cluster-parameter-group'],
  CopyDBClusterParameterGroup: ['TargetDBClusterParameterGroupIdentifier', 'cluster-parameter-group'],
  CreateGlobalCluster: ['GlobalClusterIdentifier', 'global-cluster'],
  // RDS gives the identifier: policies can only name all of them
  CreateBlueGreenDeployment: ['BlueGreenDeploymentName', 'blue-green-deployment'],
}

/** Calls that take a snapshot on their way, by the parameter that names it. */
const SNAPSHOTTING: Readonly<Record<string, string>> = {
  DeleteDBCluster: 'FinalDBSnapshotIdentifier',
  DeleteDBInstance: 'FinalDBSnapshotIdentifier',
  StopDBInstance: 'DBSnapshotIdentifier',
}

const LAST_OF_INSTANCE = ['CreateDBSnapshot', 'snapshot'] as const
const LAST_OF_CLUSTER = ['CreateDBClusterSnapshot', 'cluster-snapshot'] as const

/** @throws AwsError AccessDenied, in IAM's words. */
export function authorize({ name, statements }: AwsIdentity, asked: Asked, state: AwsState): void {
  const requestTags = tagsOf(asked.query)
  const tagKeys = [...Object.keys(requestTags), ...(asked.query.list('TagKeys') ?? [])]
  const context = { requestTags, tagKeys, region: asked.region }
  for (const wanted of wantedBy(asked, state)) {
    const decision = isAllowed(statements, wanted, context)
    if (decision === 'allowed') continue
    const { action, resource } = wanted
    const why =
      decision === 'denied'
        ? 'with an explicit deny in an identity-based policy'
        : `because no identity-based policy allows the ${action} action`
    const user = `arn:aws:iam::${ACCOUNT}:user/${name}`
    throw new AwsError('AccessDenied', `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ${why}`)
  }
}

function wantedBy(asked: Asked, state: AwsState): Wanted[] {
  const { action, query, region } = asked
  const of = (call: string, type: string, id: string, where = region): Wanted => ({
    action: `rds:${call}`,
    resource: arn(type === 'global-cluster' ? '' : where, KINDS[type] ?? 'db', id.toLowerCase()),
    resourceTags: tagsIn(state, type, placeOf(type, where, id)),
  })
  const along = query.text(SNAPSHOTTING[action] ?? '')
  const named = placesOf(query).filter(({ type }) => along === undefined || type !== 'snapshot')
  const wanted = named.map((one) => of(action, one.type, one.id, one.region))
  if (named.length === 0) wanted.push({ action: `rds:${action}`, resource: listed(asked), resourceTags: {} })
  if (along !== undefined) {
    const [call, type] = action === 'DeleteDBCluster' ? LAST_OF_CLUSTER : LAST_OF_INSTANCE
    for (const resource of [...named, { type, id: along }]) wanted.push(of(call, resource.type, resource.id))
  }
  const [parameter, type] = MADE[action] ?? []
  const made = parameter === undefined ? undefined : query.text(parameter)
  if (made !== undefined && type !== undefined && Object.keys(tagsOf(query)).length > 0) {
    wanted.push({ ...of('AddTagsToResource', type, made), resourceTags: {} })
  }
  return wanted
}

/** What a call is about that names nothing. */
function listed({ action, region }: Asked): string {
  const [, kind] = LISTED.find(([pattern]) => pattern.test(action)) ?? []
  return isQuestion(action) ? arn(kind === 'global-cluster' ? '' : region, kind ?? 'db', '*') : '*'
}

/** The first that fits. */
const LISTED: readonly (readonly [RegExp, ArnKind])[] = [
  [/BlueGreen/, 'deployment'],
  [/GlobalCluster/, 'global-cluster'],
  [/ClusterSnapshot/, 'cluster-snapshot'],
  [/Snapshot/, 'snapshot'],
  [/ClusterParameter/, 'cluster-pg'],
  [/ParameterGroup/, 'pg'],
  [/SubnetGroup/, 'subgrp'],
  [/DBCluster/, 'cluster'],
]

/** Where its record is. */
function placeOf(type: string, region: string, id: string): string {
  if (type === 'global-cluster') return id.toLowerCase()
  return type === 'cluster-snapshot' ? clusterSnapshotKey(region, id) : key(region, id)
}

function tagsIn(state: AwsState, type: string, at: string): Tags {
  const { instances, snapshots, parameterGroups, subnetGroups, clusters, clusterParameterGroups, globalClusters, deployments } =
    state
  const records: Readonly<Record<string, Readonly<Record<string, { tags: Tags }>>>> = {
    instance: instances,
    snapshot: snapshots,
    'parameter-group': parameterGroups,
    'subnet-group': subnetGroups,
    cluster: clusters,
    'cluster-snapshot': snapshots,
    'cluster-parameter-group': clusterParameterGroups,
    'global-cluster': globalClusters,
    'blue-green-deployment': deployments,
  }
  const of = records[type] ?? {}
  return (Object.hasOwn(of, at) ? of[at]?.tags : undefined) ?? {}
}
