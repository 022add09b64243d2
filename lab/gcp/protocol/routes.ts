/** Which call a request is: the generated paths under both of the API's prefixes, as regular expressions. */
import { type GeneratedMethod, METHODS } from '../generated/model'

/** Before a path of the table; each is the API's own for one of its versions. */
export const PREFIXES = ['/v1/', '/sql/v1beta4/'] as const

export interface Route {
  readonly method: GeneratedMethod
  readonly prefix: string
  /** What the path says, by field of the request. */
  readonly fields: Readonly<Record<string, string>>
}

interface CompiledPath {
  readonly method: GeneratedMethod
  readonly pattern: RegExp
  readonly names: readonly string[]
}

const PATHS: readonly CompiledPath[] = METHODS.map((method) => {
  const names: string[] = []
  const pattern = method.path.replace(/[.:]|\{([\w.]+)(?:=([^}]+))?\}/g, (found, name?: string, shape?: string) => {
    if (name === undefined) return `\\${found}`
    // paths have the names of protocol buffers, requests those of JSON
    names.push(name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
    return `(${(shape ?? '*').replace(/\*/g, '[^/:]+')})`
  })
  return { method, pattern: new RegExp(`^${pattern}$`), names }
})

/** @returns undefined for a path that the API does not have, or not with this verb. */
export function findRoute(verb: string, path: string): Route | undefined {
  const prefix = PREFIXES.find((candidate) => path.startsWith(candidate))
  if (prefix === undefined) return undefined
  const rest = path.slice(prefix.length)
  for (const { method, pattern, names } of PATHS) {
    const found = method.verb === verb ? pattern.exec(rest) : null
    if (!found) continue
    const values = found.slice(1).map(decodeURIComponent)
    return { method, prefix, fields: Object.fromEntries(names.map((name, index) => [name, values[index] ?? ''])) }
  }
  return undefined
}
