/** `Filters` of a description: an item is described when each filter has a value that fits it. A name that the description does not
 *  have is refused, also where there is nothing to describe. */
import { invalidValue } from './errors'
import type { Query } from './protocol/query'

export type FilterTable<Item> = Readonly<Record<string, (item: Item, value: string) => boolean>>

/** @throws AwsError InvalidParameterValue. */
export function filtered<Item>(query: Query, table: FilterTable<Item>, items: readonly Item[]): Item[] {
  const filters = query.filters().map(({ name, values }) => {
    if (!Object.hasOwn(table, name)) throw invalidValue(`Unrecognized filter name: ${name}`)
    const fits = table[name]
    return (item: Item) => values.some((value) => fits?.(item, value))
  })
  return items.filter((item) => filters.every((fits) => fits(item)))
}

/** For a description that takes filters in its model and has none that it knows. */
export const NO_FILTERS: FilterTable<unknown> = {}
