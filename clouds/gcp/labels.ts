/** Ownership as labels: lower-case letters, digits, `_` and `-`, at most 63 of them, so that an instant is written without its colons and
 *  dots; and as words in a backup's description, since backups have no labels. */
import { failure } from '../../contracts/failures'
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

/** `cap-x-take capstan-operation=x capstan-step=take …` */
export function descriptionOf(name: string, owner: Owner): string {
  const labels = ownersLabels(owner)
  return [name, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)].join(' ')
}

/** Null: not a description of ours. */
export function readDescription(description: string | null | undefined): { name: string; tags: Tags } | null {
  const [name = '', ...words] = (description ?? '').split(' ')
  const labels = Object.fromEntries(words.map((word) => word.split('=', 2)).filter((pair) => pair.length === 2))
  const tags = tagsOfLabels(labels)
  return tags[OPERATION_TAG] === undefined || tags[STEP_TAG] === undefined ? null : { name, tags }
}
