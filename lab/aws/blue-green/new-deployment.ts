/** What a new blue/green deployment is made of: a copy of the source and one of each of its read replicas, with what the request has
 *  otherwise. Names, addresses and room are taken at once, so that nobody else takes them while the copies are made. */
import { randomInt } from 'node:crypto'
import { type Call, findGroupOf, keyOf, parseParameterGroup, takeHost } from '../cloud'
import { invalidCombination } from '../errors'
import { parseInstanceClass } from '../instance-classes'
import { newResourceId } from '../operations/new-instance'
import { Query } from '../protocol/query'
import { requireRoom } from '../quotas'
import { type AwsState, type DbInstance, key, type ParameterGroup } from '../state'
import { parseStorage, type Storage } from '../storage'
import type { DeploymentMember } from './state'

/** What all copies have that their sources may not have. */
export interface Target {
  instanceClass: string | undefined
  group: ParameterGroup
  /** Of the copy of the primary alone. */
  storage: Storage
}

/** Its parameters by the names that they have where one instance is made. */
const NAMES = {
  TargetAllocatedStorage: 'AllocatedStorage',
  TargetStorageType: 'StorageType',
  TargetIops: 'Iops',
  TargetStorageThroughput: 'StorageThroughput',
  TargetDBParameterGroupName: 'DBParameterGroupName',
} as const

/** @throws AwsError InvalidParameterValue, InvalidParameterCombination, DBParameterGroupNotFound. */
export function parseTarget(call: Call, source: DbInstance): Target {
  const { cloud, query: asked } = call
  const form = new URLSearchParams()
  for (const [target, name] of Object.entries(NAMES)) {
    const value = asked.text(target)
    if (value !== undefined) form.set(name, value)
  }
  const query = new Query(form)
  if (asked.text('TargetDBClusterParameterGroupName') !== undefined) {
    throw invalidCombination('TargetDBClusterParameterGroupName can be specified only when the source is a DB cluster.')
  }
  if ((asked.records('TargetResourceConfigurations') ?? []).length > 0) {
    throw invalidCombination('TargetResourceConfigurations is not supported: this lab encrypts nothing.')
  }
  const instanceClass = asked.text('TargetDBInstanceClass')
  return {
    instanceClass: instanceClass === undefined ? undefined : parseInstanceClass(instanceClass),
    group: parseParameterGroup({ ...call, query }, source, findGroupOf(cloud.state, source)),
    storage: parseStorage(query, source),
  }
}

/** Writes the copies down; the first source is the primary. They are made by the deployment's task. The caller saves.
 *  @throws AwsError when there is no room for them. */
export function addCopies(
  { cloud, region }: Call,
  sources: readonly [DbInstance, ...DbInstance[]],
  target: Target,
): [DeploymentMember, ...DeploymentMember[]] {
  const { state } = cloud
  requireRoom(state, region, 'instances', sources.length)
  const [first, ...others] = sources
  const more = others.reduce((sum, { storageGib }) => sum + storageGib, target.storage.storageGib)
  requireRoom(state, region, 'storage', more)
  const added: DbInstance[] = []
  const made = (source: DbInstance, replicaOf: DbInstance, storage: Partial<Storage>): DbInstance => {
    const id = greenName(state, source)
    const copy: DbInstance = {
      ...structuredClone(source),
      ...storage,
      id,
      resourceId: newResourceId(),
      status: 'creating',
      folder: '',
      host: takeHost(cloud, key(region, id)),
      createdAt: null,
      instanceClass: target.instanceClass ?? source.instanceClass,
      parameterGroup: target.group.name,
      running: { group: '', parameters: {} },
      parameterStatus: 'in-sync',
      pending: {},
      applyNow: false,
      replicaOf: replicaOf.resourceId,
      // until it is switched over, like every replica of this lab
      backupRetentionDays: 0,
      archive: null,
      restorable: null,
      tasks: [],
    }
    // its server's own place, if it has one, is found when it is made
    delete copy.innerHost
    delete copy.follows
    delete copy.nextBackupAt
    delete copy.availableAt
    delete copy.optimizesUntil
    // at once: the next one is not to have its address
    state.instances[keyOf(copy)] = copy
    added.push(copy)
    return copy
  }
  try {
    const primary = made(first, first, target.storage)
    return [memberOf(first, primary), ...others.map((source) => memberOf(source, made(source, primary, {})))]
  } catch (error) {
    // all or none
    for (const copy of added) delete state.instances[keyOf(copy)]
    throw error
  }
}

function memberOf(blue: DbInstance, green: DbInstance): DeploymentMember {
  return {
    blue: blue.resourceId,
    green: green.resourceId,
    blueId: blue.id,
    greenId: green.id,
    status: 'PROVISIONING',
  }
}

/** At most 63 characters, and no two hyphens in a row. */
function greenName({ instances }: AwsState, { region, id }: DbInstance): string {
  const stem = id.slice(0, 50).replace(/-$/, '')
  for (;;) {
    const name = `${stem}-green-${chance(6)}`
    if (!instances[key(region, name)]) return name
  }
}

/** As many letters and digits. */
export function chance(length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
