/** A policy that this lab does not understand: refused when it is handed over, since one that is half understood would lie. */
export class PolicyRefused extends Error {
  override readonly name = 'PolicyRefused'
}

/** @throws PolicyRefused for anything else than an object. */
export function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new PolicyRefused(`${what} must be an object.`)
}

/** @throws PolicyRefused for anything else than a list. */
export function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new PolicyRefused(`${what} must be a list.`)
}

/** One text, or a list of them. @throws PolicyRefused. */
export function texts(value: unknown, what: string): string[] {
  const all = Array.isArray(value) ? value : [value]
  if (all.every((one) => typeof one === 'string')) return all
  throw new PolicyRefused(`${what} must be text, or a list of texts.`)
}

/** @throws PolicyRefused for a field that is not known here. */
export function onlyFields(value: Readonly<Record<string, unknown>>, known: readonly string[], what: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new PolicyRefused(`${what} has ${unknown}; this lab knows ${known.join(', ')}.`)
}

/** `*` for any number of characters, `?` for one. */
export function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${expression}$`, 's').test(text)
}
