/** Several things in one sentence. */
import { grouped, typeable } from '../../health/words'

const NAMED_MAX = 3

/** `a, b, c and 5 others`; names as `quote_ident` gives them. */
export function named(shown: readonly string[]): string {
  const first = shown.slice(0, NAMED_MAX).map(typeable).join(', ')
  const more = shown.length - NAMED_MAX
  return more > 0 ? `${first} and ${grouped(more)} ${more === 1 ? 'other' : 'others'}` : first
}

/** `1 table`, `1,204 tables`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
