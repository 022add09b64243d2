/** AddTagsToResource: a key that is there already gets the new value. */
import type { Operation } from '../cloud'
import { invalidValue } from '../errors'
import { parseTags } from '../identifiers'
import { tagsOfResource } from './tags-of-resource'

export const addTagsToResource: Operation<'AddTagsToResource'> = async (call) => {
  const tags = tagsOfResource(call)
  const added = parseTags(call.query.records('Tags'))
  if (Object.keys({ ...tags, ...added }).length > 50) throw invalidValue('A resource has at most 50 tags.')
  Object.assign(tags, added)
  await call.cloud.save()
  return undefined
}
