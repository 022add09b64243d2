/** Ownership as labels: lower-case letters, digits, `_` and `-`, at most 63 of them, so that an instant is written without its colons and
 *  dots; and as words in a backup's description, since backups have no labels. */
import { failure } from '../../contracts/failures'
import type { IsoInstant } from '../../contracts/operation'
import { EXPIRES_TAG, OPERATION_TAG, ownerTags, STEP_TAG, type Tags } from '../owner'
import type { Owner } from '../port'

const VALUE = /^[a-z0-9_-]{0,63}$/

/** @throws CLOUD_REFUSED for what cannot be written. */
export function ownersLabels(owner: Owner): Record<string, string> {
  const labels = Object.fromEntries(
    Object.entries(ownerTags(owner)).map(([name, value]) => [name, name === EXPIRES_TAG ? labelOfInstant(value) : value]),
  )
  for (const [name, value] of Object.entries(labels)) {
    if (VALUE.test(value)) continue
    const what = `${name}="${value.slice(0, 80)}" cannot be a label: lower-case letters, digits, _ and -, at most 63.`
    throw failure('CLOUD_REFUSED', what, { label: name })
  }
  return labels
}

export function tagsOfLabels(labels: Readonly<Record<string, string>> | null | undefined): Tags {
  const { [EXPIRES_TAG]: expires, ...others } = labels ?? {}
  return expires === undefined ? others : { ...others, [EXPIRES_TAG]: instantOfLabel(expires) }
}

function labelOfInstant(instant: string): string {
  return instant.toLowerCase().replace(/[:.]/g, '-')
}

function instantOfLabel(label: string): string {
  const [, day, hours, minutes, seconds, ms] = /^(\d{4}-\d\d-\d\d)t(\d\d)-(\d\d)-(\d\d)-(\d{3})z$/.exec(label) ?? []
  return day === undefined ? label : `${day}T${hours}:${minutes}:${seconds}.${ms}Z`
}

/** Of the instance that a backup was taken of: when it was made. A backup that outlives it says no more than its name. */
const CREATED = 'capstan-instance-created'

/** `cap-x-take capstan-operation=x capstan-step=take … capstan-instance-created=2026-01-31t12-00-00-000z`. `instanceCreatedAt`: null where it is
 *  not known. */
export function descriptionOf(name: string, owner: Owner, instanceCreatedAt: IsoInstant | null): string {
  const labels = { ...ownersLabels(owner), ...(instanceCreatedAt !== null && { [CREATED]: labelOfInstant(instanceCreatedAt) }) }
  return [name, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)].join(' ')
}

export interface ReadDescription {
  readonly name: string
  readonly tags: Tags
  /** Null where it does not say. */
  readonly instanceCreatedAt: IsoInstant | null
}

/** Null: not a description of ours. */
export function readDescription(description: string | null | undefined): ReadDescription | null {
  const [name = '', ...words] = (description ?? '').split(' ')
  const labels = Object.fromEntries(words.map((word) => word.split('=', 2)).filter((pair) => pair.length === 2))
  const { [CREATED]: created, ...tags } = tagsOfLabels(labels)
  if (tags[OPERATION_TAG] === undefined || tags[STEP_TAG] === undefined) return null
  const instant = created === undefined ? null : instantOfLabel(created)
  return { name, tags, instanceCreatedAt: instant === created ? null : instant }
}
