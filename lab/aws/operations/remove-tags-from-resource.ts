/** RemoveTagsFromResource: a key that is not there is no error. */
import type { Operation } from '../cloud'
import { tagsOfResource } from './tags-of-resource'

export const removeTagsFromResource: Operation<'RemoveTagsFromResource'> = async (call) => {
  const tags = tagsOfResource(call)
  for (const name of call.query.list('TagKeys') ?? []) delete tags[name]
  await call.cloud.save()
  return undefined
}
