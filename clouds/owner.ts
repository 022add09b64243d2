/** Ownership as tags, the same words on every cloud, and what follows from it. How a cloud writes them down is its adapter's. */
import { type Failure, failure } from '../contracts/failures'
import type { InstanceDescription, InstanceRef, Owner } from './port'

export const OPERATION_TAG = 'capstan-operation'
export const STEP_TAG = 'capstan-step'
export const EXPIRES_TAG = 'capstan-expires'

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
  if (!found.deletionProtected) return
  throw failure(
    'CLOUD_REFUSED',
    `Instance ${found.name} is protected from removal and was left alone. Take its deletion protection off, then start again.`,
    { resource: found.name },
  )
}
