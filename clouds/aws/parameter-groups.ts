/** Parameter groups of the two kinds, by the same words: those of instances, and those that an Aurora cluster has for all its members. */
import type { DBClusterParameterGroup, DBParameterGroup, Parameter, RDS, Tag } from '@aws-sdk/client-rds'
import type { CallOptions } from '../port'
import { errorName } from './failures'

export interface ParameterGroup {
  readonly name: string
  readonly arn: string
  readonly family: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}

interface NewGroup {
  readonly name: string
  readonly description: string
  readonly tags: Tag[]
}

export interface GroupKind {
  /** In messages. */
  readonly what: 'Parameter group' | 'Cluster parameter group'
  /** The calls, in failures. */
  readonly creation: 'CreateDBParameterGroup' | 'CreateDBClusterParameterGroup'
  readonly deletion: 'DeleteDBParameterGroup' | 'DeleteDBClusterParameterGroup'
  /** All of them, or the one of that name. */
  list(rds: RDS, wanted: { name?: string; marker?: string | undefined }, options: CallOptions): Promise<Page<ParameterGroup>>
  create(rds: RDS, group: NewGroup & { readonly family: string }): Promise<unknown>
  copy(rds: RDS, group: NewGroup & { readonly source: string }): Promise<unknown>
  /** What somebody has set in it. */
  changed(rds: RDS, wanted: { name: string; marker: string | undefined }, options: CallOptions): Promise<Page<Parameter>>
  modify(rds: RDS, name: string, parameters: Parameter[]): Promise<unknown>
  remove(rds: RDS, name: string): Promise<unknown>
}

export const OF_INSTANCE: GroupKind = {
  what: 'Parameter group',
  creation: 'CreateDBParameterGroup',
  deletion: 'DeleteDBParameterGroup',
  async list(rds, { name, marker }, { signal }) {
    const input = { ...(name !== undefined && { DBParameterGroupName: name }), ...(marker !== undefined && { Marker: marker }) }
    const { DBParameterGroups = [], Marker } = await rds.describeDBParameterGroups(input, { abortSignal: signal })
    return { items: DBParameterGroups.map(groupOfInstances), next: Marker }
  },
  create: (rds, { name, family, description, tags }) =>
    rds.createDBParameterGroup({
      DBParameterGroupName: name,
      DBParameterGroupFamily: family,
      Description: description,
      Tags: tags,
    }),
  copy: (rds, { name, source, description, tags }) =>
    rds.copyDBParameterGroup({
      SourceDBParameterGroupIdentifier: source,
      TargetDBParameterGroupIdentifier: name,
      TargetDBParameterGroupDescription: description,
      Tags: tags,
    }),
  async changed(rds, { name, marker }, { signal }) {
    const input = { DBParameterGroupName: name, Source: 'user', ...(marker !== undefined && { Marker: marker }) }
    const { Parameters = [], Marker } = await rds.describeDBParameters(input, { abortSignal: signal })
    return { items: Parameters, next: Marker }
  },
  modify: (rds, name, parameters) => rds.modifyDBParameterGroup({ DBParameterGroupName: name, Parameters: parameters }),
  remove: (rds, name) => rds.deleteDBParameterGroup({ DBParameterGroupName: name }),
}

export const OF_CLUSTER: GroupKind = {
  what: 'Cluster parameter group',
  creation: 'CreateDBClusterParameterGroup',
  deletion: 'DeleteDBClusterParameterGroup',
  async list(rds, { name, marker }, { signal }) {
    const input = {
      ...(name !== undefined && { DBClusterParameterGroupName: name }),
      ...(marker !== undefined && { Marker: marker }),
    }
    const { DBClusterParameterGroups = [], Marker } = await rds.describeDBClusterParameterGroups(input, { abortSignal: signal })
    return { items: DBClusterParameterGroups.map(groupOfClusters), next: Marker }
  },
  create: (rds, { name, family, description, tags }) =>
    rds.createDBClusterParameterGroup({
      DBClusterParameterGroupName: name,
      DBParameterGroupFamily: family,
      Description: description,
      Tags: tags,
    }),
  copy: (rds, { name, source, description, tags }) =>
    rds.copyDBClusterParameterGroup({
      SourceDBClusterParameterGroupIdentifier: source,
      TargetDBClusterParameterGroupIdentifier: name,
      TargetDBClusterParameterGroupDescription: description,
      Tags: tags,
    }),
  async changed(rds, { name, marker }, { signal }) {
    const input = { DBClusterParameterGroupName: name, Source: 'user', ...(marker !== undefined && { Marker: marker }) }
    const { Parameters = [], Marker } = await rds.describeDBClusterParameters(input, { abortSignal: signal })
    return { items: Parameters, next: Marker }
  },
  modify: (rds, name, parameters) =>
    rds.modifyDBClusterParameterGroup({ DBClusterParameterGroupName: name, Parameters: parameters }),
  remove: (rds, name) => rds.deleteDBClusterParameterGroup({ DBClusterParameterGroupName: name }),
}

/** RDS names both kinds alike where there is none. */
export function isNoGroup(error: unknown): boolean {
  return /^DB(Cluster)?ParameterGroupNotFound/.test(errorName(error))
}

export async function findGroup(kind: GroupKind, rds: RDS, name: string, options: CallOptions): Promise<ParameterGroup | null> {
  try {
    return (await kind.list(rds, { name }, options)).items[0] ?? null
  } catch (error) {
    if (isNoGroup(error)) return null
    throw error
  }
}

/** Everything that there is, page after page. */
export async function everyOf<T>(page: (marker: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = []
  let marker: string | undefined
  do {
    const { items, next } = await page(marker)
    all.push(...items)
    marker = next
  } while (marker)
  return all
}

function groupOfInstances(raw: DBParameterGroup): ParameterGroup {
  const { DBParameterGroupName: name = '', DBParameterGroupArn: arn = '', DBParameterGroupFamily: family = '' } = raw
  return { name, arn, family }
}

function groupOfClusters(raw: DBClusterParameterGroup): ParameterGroup {
  const {
    DBClusterParameterGroupName: name = '',
    DBClusterParameterGroupArn: arn = '',
    DBParameterGroupFamily: family = '',
  } = raw
  return { name, arn, family }
}
