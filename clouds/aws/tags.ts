/** Ownership as RDS tags, and back. */
import type { Tag } from '@aws-sdk/client-rds'
import { type Failure, failure } from '../../contracts/failures'
import type { Owner } from '../port'

export const OPERATION_TAG = 'capstan-operation'
const STEP_TAG = 'capstan-step'
const EXPIRES_TAG = 'capstan-expires'

export function ownerTags(owner: Owner): Tag[] {
  const tags = [
    { Key: OPERATION_TAG, Value: owner.operation },
    { Key: STEP_TAG, Value: owner.step },
  ]
  // RDS allows letters, digits, spaces and _.:/=+-@ in a tag's value: an ISO instant fits.
  return owner.expiresAt === null ? tags : [...tags, { Key: EXPIRES_TAG, Value: owner.expiresAt }]
}

export function tagRecord(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).flatMap((tag) => (tag.Key === undefined ? [] : [[tag.Key, tag.Value ?? '']])))
}

/** Null where operation and step are not both named. An instant that cannot be read is none: what has no retention is not removed. */
export function ownerOf(tags: Readonly<Record<string, string>>): Owner | null {
  const { [OPERATION_TAG]: operation, [STEP_TAG]: step, [EXPIRES_TAG]: expires } = tags
  if (operation === undefined || step === undefined) return null
  const instant = expires === undefined ? Number.NaN : Date.parse(expires)
  return { operation, step, expiresAt: Number.isNaN(instant) ? null : new Date(instant).toISOString() }
}

/** A resource under our deterministic name is ours only if its tags say so. */
export function assertMine(
  what: string,
  tags: Readonly<Record<string, string>>,
  owner: Pick<Owner, 'operation'> & { step?: string },
): void {
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
