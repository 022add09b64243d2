/** What a call wants to do to which resources, and whether its caller may. Sources: "Actions, resources, and condition keys for Amazon RDS"; that tags of a
 *  new resource want AddTagsToResource, and a final snapshot CreateDBSnapshot, is also what callers who lacked them were told. */
import type { AwsIdentity } from '../../access/identities'
import { AwsError } from '../errors'
import { isQuestion, resourcesOf, tagsOf } from '../facts'
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
}

/** Calls that take a snapshot on their way, by the parameter that names it. */
const SNAPSHOTTING: Readonly<Record<string, string>> = {
  DeleteDBInstance: 'FinalDBSnapshotIdentifier',
  StopDBInstance: 'DBSnapshotIdentifier',
}

/** @throws AwsError AccessDenied, in IAM's words. */
export function authorize({ name, statements }: AwsIdentity, asked: Asked, state: AwsState): void {
  const context = { requestTags: tagsOf(asked.query), region: asked.region }
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
  const of = (call: string, type: string, id: string): Wanted => ({
    action: `rds:${call}`,
    resource: arn(region, KINDS[type] ?? 'db', id.toLowerCase()),
    resourceTags: tagsIn(state, type, key(region, id)),
  })
  const along = query.text(SNAPSHOTTING[action] ?? '')
  const named = resourcesOf(query).filter(({ type }) => along === undefined || type !== 'snapshot')
  const wanted = named.map(({ type, id }) => of(action, type, id))
  if (named.length === 0) wanted.push({ action: `rds:${action}`, resource: listed(asked), resourceTags: {} })
  if (along !== undefined) {
    for (const { type, id } of [...named, { type: 'snapshot', id: along }]) wanted.push(of('CreateDBSnapshot', type, id))
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
  const kind = /Snapshot/.test(action)
    ? 'snapshot'
    : /ParameterGroup/.test(action)
      ? 'pg'
      : /SubnetGroup/.test(action)
        ? 'subgrp'
        : 'db'
  return isQuestion(action) ? arn(region, kind, '*') : '*'
}

function tagsIn(state: AwsState, type: string, at: string): Tags {
  const { instances, snapshots, parameterGroups, subnetGroups } = state
  const records: Readonly<Record<string, Readonly<Record<string, { tags: Tags }>>>> = {
    instance: instances,
    snapshot: snapshots,
    'parameter-group': parameterGroups,
    'subnet-group': subnetGroups,
  }
  const of = records[type] ?? {}
  return (Object.hasOwn(of, at) ? of[at]?.tags : undefined) ?? {}
}
