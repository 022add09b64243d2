/** ListTagsForResource. */
import type { Operation } from '../cloud'
import { tagList } from '../views'
import { tagsOfResource } from './tags-of-resource'

export const listTagsForResource: Operation<'ListTagsForResource'> = async (call) => ({ TagList: tagList(tagsOfResource(call)) })
