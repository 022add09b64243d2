/** What a request says of itself before it is carried out: which resources it names, and with which tags. */
import type { NamedResource } from '../faults/fault'
import type { Query } from './protocol/query'

const NAMED_BY: Readonly<Record<string, string>> = {
  DBInstanceIdentifier: 'instance',
  SourceDBInstanceIdentifier: 'instance',
  TargetDBInstanceIdentifier: 'instance',
  DBSnapshotIdentifier: 'snapshot',
  FinalDBSnapshotIdentifier: 'snapshot',
  SourceDBSnapshotIdentifier: 'snapshot',
  TargetDBSnapshotIdentifier: 'snapshot',
  DBParameterGroupName: 'parameter-group',
  SourceDBParameterGroupIdentifier: 'parameter-group',
  TargetDBParameterGroupIdentifier: 'parameter-group',
  DBSubnetGroupName: 'subnet-group',
  DBClusterIdentifier: 'cluster',
  SourceDBClusterIdentifier: 'cluster',
  DBClusterSnapshotIdentifier: 'cluster-snapshot',
  SnapshotIdentifier: 'cluster-snapshot',
  SourceDBClusterSnapshotIdentifier: 'cluster-snapshot',
  TargetDBClusterSnapshotIdentifier: 'cluster-snapshot',
  DBClusterParameterGroupName: 'cluster-parameter-group',
  SourceDBClusterParameterGroupIdentifier: 'cluster-parameter-group',
  TargetDBClusterParameterGroupIdentifier: 'cluster-parameter-group',
  GlobalClusterIdentifier: 'global-cluster',
  DbClusterIdentifier: 'cluster',
  TargetDbClusterIdentifier: 'cluster',
  BlueGreenDeploymentIdentifier: 'blue-green-deployment',
}
const NAMED_BY_ARN: Readonly<Record<string, string>> = {
  db: 'instance',
  snapshot: 'snapshot',
  pg: 'parameter-group',
  subgrp: 'subnet-group',
  cluster: 'cluster',
  'cluster-snapshot': 'cluster-snapshot',
  'cluster-pg': 'cluster-parameter-group',
  'global-cluster': 'global-cluster',
  deployment: 'blue-green-deployment',
}

/** Identifiers as they are stored: in lower case, and without the ARN around them. */
export function resourcesOf(query: Query): NamedResource[] {
  return placesOf(query).map(({ type, id }) => ({ type, id }))
}

/** `region`: of one that is named by its ARN. */
export function placesOf(query: Query): (NamedResource & { region: string | undefined })[] {
  const named = Object.entries(NAMED_BY).flatMap(([parameter, type]) => {
    const text = query.text(parameter)
    return text === undefined ? [] : [{ type, id: bare(text), region: regionOf(text) }]
  })
  for (const arn of [query.text('ResourceName'), query.text('Source')]) {
    const type = NAMED_BY_ARN[arn?.split(':')[5] ?? '']
    if (arn !== undefined && type !== undefined) named.push({ type, id: bare(arn), region: regionOf(arn) })
  }
  return named
}

/** As sent, right or wrong. */
export function tagsOf(query: Query): Record<string, string> {
  const tags = (query.records('Tags') ?? []).slice(0, 50)
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key.slice(0, 128), Value.slice(0, 256)]))
}

/** Whether an operation only asks. */
export function isQuestion(operation: string): boolean {
  return /^(Describe|List)/.test(operation)
}

function regionOf(text: string): string | undefined {
  return /^arn:aws:rds:([a-z0-9-]+):/.exec(text)?.[1]
}

function bare(text: string): string {
  return (text.startsWith('arn:') ? text.slice(text.lastIndexOf(':') + 1) : text).toLowerCase().slice(0, 255)
}
