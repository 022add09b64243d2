/** Filters of lists: terms `field:value`, separated by spaces or AND, alternatives by OR, which binds less. A field is a path into the
 *  resource as the API shows it. Source: reference of "instances.list", parameter `filter`. */
import { invalid } from './errors'
import type { Json } from './protocol/json'

export type Filter = (resource: Json) => boolean

/** @throws GcpError invalid. */
export function parseFilter(text: string | undefined): Filter {
  if (text === undefined || text.trim() === '') return () => true
  const alternatives = text.trim().split(/\s+OR\s+/)
  const parsed = alternatives.map((alternative) =>
    alternative
      .split(/\s+/)
      .filter((word) => word !== 'AND')
      .map(parseTerm),
  )
  return (resource) => parsed.some((terms) => terms.every((holds) => holds(resource)))
}

function parseTerm(term: string): Filter {
  const found = /^([A-Za-z][\w.-]*)(!=|>=|<=|[=:<>])"?([^"]*)"?$/.exec(term)
  if (!found) throw invalid(`Invalid filter expression: ${term.slice(0, 100)}`)
  const [, path = '', operator = '', wanted = ''] = found
  return (resource) => {
    const value = valueAt(resource, path.split('.'))
    const text = String(value ?? '')
    if (operator === ':' && wanted === '*') return value !== undefined
    return compare[operator as keyof typeof compare](text, wanted)
  }
}

/** Texts, and times among them: those of one zone sort by what they mean. */
const compare = {
  ':': (text: string, wanted: string) => text === wanted,
  '=': (text: string, wanted: string) => text === wanted,
  '!=': (text: string, wanted: string) => text !== wanted,
  '>': (text: string, wanted: string) => text > wanted,
  '>=': (text: string, wanted: string) => text >= wanted,
  '<': (text: string, wanted: string) => text < wanted,
  '<=': (text: string, wanted: string) => text <= wanted,
} as const

function valueAt(resource: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = resource
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined
    value = (value as { readonly [field: string]: Json })[name]
  }
  return value
}
