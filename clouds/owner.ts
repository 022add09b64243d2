/** Ownership as tags, the same words on every cloud, and what follows from it. How a cloud writes them down is its adapter's. */
import { Failure, failure } from '../contracts/failures'
import type { InstanceDescription, InstanceRef, ManagedPostgres, NewInstance, Owner, Started } from './port'

export const OPERATION_TAG = 'capstan-operation'
export const STEP_TAG = 'capstan-step'
export const EXPIRES_TAG = 'capstan-expires'
/** A user's own: what bears it is removed by nothing here, and neither removed nor tagged by the policies of `infra/policies`. */
export const PROTECTED_TAG = 'capstan-protected'

/** Of an instance that an operation made and that took another one's place: the operation. Such an instance is nobody's copy any more. */
export const TOOK_OVER_TAG = 'capstan-took-over'
/** Of an instance whose place another one took: the name of that one. */
export const REPLACED_BY_TAG = 'capstan-replaced-by'

export type Tags = Readonly<Record<string, string>>

export function ownerTags(owner: Owner): Record<string, string> {
  const tags = { [OPERATION_TAG]: owner.operation, [STEP_TAG]: owner.step }
  return owner.expiresAt === null ? tags : { ...tags, [EXPIRES_TAG]: owner.expiresAt }
}

/** Null where operation and step are not both named. An instant that cannot be read is none: what has no retention is not removed. */
export function ownerOf(tags: Tags): Owner | null {
  const { [OPERATION_TAG]: operation, [STEP_TAG]: step, [EXPIRES_TAG]: expires } = tags
  if (operation === undefined || step === undefined) return null
  const instant = expires === undefined ? Number.NaN : Date.parse(expires)
  return { operation, step, expiresAt: Number.isNaN(instant) ? null : new Date(instant).toISOString() }
}

/** Of a change of tags, whether there is something to do. */
export function tagsDiffer(tags: Tags, { set, remove }: { set: Tags; remove: readonly string[] }): boolean {
  return Object.entries(set).some(([name, value]) => tags[name] !== value) || remove.some((name) => tags[name] !== undefined)
}

/** Tags as they are to be, where a cloud is told all of them. */
export function withTags(tags: Tags, { set, remove }: { set: Tags; remove: readonly string[] }): Record<string, string> {
  return { ...Object.fromEntries(Object.entries(tags).filter(([name]) => !remove.includes(name))), ...set }
}

/** A resource under our deterministic name is ours only if its tags say so. */
export function assertMine(what: string, tags: Tags, owner: Pick<Owner, 'operation'> & { step?: string }): void {
  const sameOperation = tags[OPERATION_TAG] === owner.operation
  const sameStep = owner.step === undefined || tags[STEP_TAG] === owner.step
  if (!sameOperation || !sameStep) throw notOurs(what, owner)
}

export function notOurs(what: string, { operation }: Pick<Owner, 'operation'>): Failure {
  return failure(
    'RESOURCE_NOT_OURS',
    `${what} exists but is not tagged ${OPERATION_TAG}=${operation}; it was left alone. Rename or remove it, then start again.`,
    { resource: what, operation },
  )
}

/** What may be removed: named for the operation *and* tagged with it. Neither alone is enough to delete a database. */
export function isTemporaryOf(operation: string, name: string, tags: Tags): boolean {
  return name.startsWith(`cap-${operation}-`) && tags[OPERATION_TAG] === operation
}

/** Of whatever operation. */
export function isTemporary(name: string, tags: Tags): boolean {
  return tags[OPERATION_TAG] !== undefined && isTemporaryOf(tags[OPERATION_TAG], name, tags)
}

const UNKNOWN = '@unknown'

/** In place of an id, where a cloud tells the name alone of an instance that is gone: several that were called so share it. */
export const unknownInstance = (name: string): string => `${name}${UNKNOWN}`

/** Snapshots that have it in common need not be of one instance: nothing that is known of one says anything of another. */
export const isUnknownInstance = (instanceId: string): boolean => instanceId.endsWith(UNKNOWN)

export function instanceNotFound(cloud: string, instance: string): Failure {
  return failure('INSTANCE_NOT_FOUND', `${cloud} has no instance ${instance}.`, { instance })
}

/** @throws INSTANCE_NOT_FOUND, TARGET_MISMATCH. */
export function assertVery(
  cloud: string,
  found: Pick<InstanceDescription, 'instanceId'> | null,
  { name, instanceId }: InstanceRef,
): void {
  if (found === null) throw instanceNotFound(cloud, name)
  if (found.instanceId === instanceId) return
  throw failure(
    'TARGET_MISMATCH',
    `Instance ${name} is ${found.instanceId}, expected was ${instanceId}: it was replaced by another one, which was left alone.`,
    { instance: name, found: found.instanceId, expected: instanceId },
  )
}

/** Right before a removal that somebody asked for. @throws TARGET_MISMATCH, RESOURCE_NOT_OURS, CLOUD_REFUSED for a protected one. */
export function assertRemovable(
  cloud: string,
  found: InstanceDescription,
  { instance, owner }: { instance: InstanceRef; owner: Pick<Owner, 'operation' | 'step'> },
): void {
  assertVery(cloud, found, instance)
  assertMine(`Instance ${found.name}`, found.tags, owner)
  assertUnprotected(found)
}

/** Before anything is removed. @throws CLOUD_REFUSED for an instance that its cloud protects from removal, or that bears its user's tag. */
export function assertUnprotected(found: Pick<InstanceDescription, 'name' | 'deletionProtected' | 'tags'>): void {
  const tagged = found.tags[PROTECTED_TAG] !== undefined
  if (!tagged && !found.deletionProtected) return
  throw failure(
    'CLOUD_REFUSED',
    `Instance ${found.name} is protected from removal and was left alone. Take its ${tagged ? `tag ${PROTECTED_TAG}` : 'deletion protection'} off, then start again.`,
    { resource: found.name },
  )
}

/** Of a new instance whose storage has a size. @throws CLOUD_REFUSED for none. */
export function requireSize({ instance, storageGib }: Pick<NewInstance, 'instance' | 'storageGib'>): number {
  if (storageGib !== null) return storageGib
  throw failure('CLOUD_REFUSED', `The storage of ${instance} needs a size here; say how many GiB it is to have.`, { instance })
}

/** @throws CLOUD_REFUSED for one that is stopped: what it is asked for would be waited for in vain. */
export function assertRunning({ name, state }: InstanceDescription): void {
  if (state !== 'stopped') return
  throw failure('CLOUD_REFUSED', `Instance ${name} is stopped; start it first.`, { instance: name })
}

export function cannotAwaitSource(cloud: string, { name }: InstanceRef): Failure {
  return failure(
    'CLOUD_REFUSED',
    `${cloud} promotes ${name} with what it has; it cannot wait for its source. See by SQL that it has everything, then promote without waiting.`,
    { instance: name },
  )
}

/** Of a cloud whose `capabilities.overwrite` is false. */
export function cannotOverwrite(cloud: string): Pick<ManagedPostgres, 'overwrite' | 'overwriteObstacles'> {
  const refused = async ({ instance }: { readonly instance: InstanceRef }): Promise<never> => {
    const message = `${cloud} restores a snapshot as a new instance only, and cannot overwrite ${instance.name} with one: restore it with --as replacement, which takes the instance's place.`
    throw failure('CLOUD_REFUSED', message, { instance: instance.name })
  }
  return { overwrite: refused, overwriteObstacles: refused }
}

/** Of a cloud whose `capabilities.roleExchange` is null. */
export function cannotExchange(cloud: string): Pick<ManagedPostgres, 'exchangeObstacles' | 'startExchange'> {
  const refused = async ({ replica }: { readonly replica: InstanceRef }): Promise<never> => {
    const message = `${cloud} exchanges no instance with its read replica: it only promotes ${replica.name}, beside which the old writer goes on. Declare a standby, which follows by logical replication.`
    throw failure('CLOUD_REFUSED', message, { instance: replica.name })
  }
  return { exchangeObstacles: refused, startExchange: refused }
}

/** A promotion that is refused because an earlier attempt's came to its end between the look and the call. */
export async function unlessPromoted(promote: () => Promise<Started>, isReplica: () => Promise<boolean>): Promise<Started> {
  try {
    return await promote()
  } catch (error) {
    if (!(error instanceof Failure) || error.kind === 'transient' || (await isReplica())) throw error
    return { operation: null }
  }
}
