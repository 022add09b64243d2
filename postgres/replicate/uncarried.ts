/** What a source holds and no publication carries: once writing has moved, its rows would be missing. */
import type { Session } from '../connect/session'
import { LARGE_OBJECT_COUNT } from './preflight/checks/large-objects'
import { UNLOGGED, type Unlogged } from './preflight/checks/unlogged-tables'

export interface Uncarried {
  readonly largeObjects: number
  /** Unlogged tables that hold something, by `schema.table`, quoted. */
  readonly unlogged: readonly string[]
}

/** In the source's database. Reads only. */
export async function uncarriedOf(source: Session, signal?: AbortSignal): Promise<Uncarried> {
  const [row] = await source.query<{ count: number }>(LARGE_OBJECT_COUNT, [], { signal })
  const tables = await source.query<Unlogged>(UNLOGGED, [], { signal })
  return { largeObjects: row?.count ?? 0, unlogged: tables.filter(({ bytes }) => bytes > 0).map(({ shown }) => shown) }
}
