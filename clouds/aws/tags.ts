/** Ownership as RDS tags, and back. */
import type { Tag } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
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

/** A resource under our deterministic name is ours only if its tags say so. */
export function assertMine(
  what: string,
  tags: Readonly<Record<string, string>>,
  owner: Pick<Owner, 'operation'> & { step?: string },
): void {
  const sameOperation = tags[OPERATION_TAG] === owner.operation
  const sameStep = owner.step === undefined || tags[STEP_TAG] === owner.step
  if (sameOperation && sameStep) return
  throw failure(
    'RESOURCE_NOT_OURS',
    `${what} exists but is not tagged ${OPERATION_TAG}=${owner.operation}; it was left alone. Rename or remove it, then start again.`,
    { resource: what, operation: owner.operation },
  )
}
