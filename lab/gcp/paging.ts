/** Pages of a list: so many a page, and an opaque token that names the last item seen, so that items that come or go between two pages
 *  neither repeat nor hide another. */
import { invalid } from './errors'
import type { Json, Message } from './protocol/json'

export interface Page<Item> {
  readonly items: Item[]
  /** Absent on the last page. */
  readonly nextPageToken?: string
}

const SIZE = 500

/** `all` in ascending order of `key`. `fields`: of the request, whose page size is called `sizeName`. */
export function pageOf<Item>(
  fields: Message,
  all: readonly Item[],
  key: (item: Item) => string,
  sizeName: 'maxResults' | 'pageSize' = 'maxResults',
): Page<Item> {
  const size = sizeOf(fields[sizeName], sizeName)
  const after = tokenOf(fields.pageToken)
  const sorted = [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  const rest = after === undefined ? sorted : sorted.filter((item) => key(item) > after)
  const items = rest.slice(0, size)
  const last = items.at(-1)
  if (rest.length <= size || last === undefined) return { items }
  return { items, nextPageToken: Buffer.from(`after:${key(last)}`).toString('base64url') }
}

function sizeOf(value: Json | undefined, name: string): number {
  if (value === undefined || value === 0) return SIZE
  if (typeof value !== 'number' || value < 0) throw invalid(`Invalid value for ${name}`)
  return Math.min(value, SIZE)
}

function tokenOf(value: Json | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const text = Buffer.from(value, 'base64url').toString('utf8')
  if (!text.startsWith('after:')) throw invalid('Invalid page token')
  return text.slice('after:'.length)
}
