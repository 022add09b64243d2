/** Pages of a description: `MaxRecords` (20 to 100, 100 when absent, more for few) and an opaque `Marker` that names the last item seen, so
 *  that items that come or go between two pages neither repeat nor hide another. */
import { invalidValue } from './errors'
import type { Query } from './protocol/query'

export interface Page<Item> {
  items: Item[]
  /** Undefined on the last page. */
  marker: string | undefined
}

export function pageOf<Item>(query: Query, all: readonly Item[], name: (item: Item) => string, sizeMax = 100): Page<Item> {
  const size = query.integer('MaxRecords') ?? 100
  if (size < 20 || size > sizeMax) throw invalidValue(`Invalid value ${size} for MaxRecords. Must be between 20 and ${sizeMax}`)
  const marker = query.text('Marker')
  const after = marker === undefined ? '' : Buffer.from(marker, 'base64url').toString('utf8')
  const rest = [...all].sort((a, b) => (name(a) < name(b) ? -1 : 1)).filter((item) => name(item) > after)
  const items = rest.slice(0, size)
  const last = items.at(-1)
  return { items, marker: rest.length > size && last ? Buffer.from(name(last)).toString('base64url') : undefined }
}
