/** The fields of an order: each is what it may be, or is refused by a sentence that names it and says what would be right. */

export type Order = Readonly<Record<string, unknown>>

export class FaultRefusal extends Error {
  override readonly name = 'FaultRefusal'

  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message)
  }
}

export function identifierOf(order: Order, field: string): string | undefined {
  const value = order[field]
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$/.test(value)) return value
  throw wrong(field, value, 'an identifier: letters, digits, dots and hyphens')
}

export function choice(order: Order, field: string, names: readonly string[]): string | undefined {
  const value = order[field]
  if (value === undefined) return undefined
  const found = names.find((name) => name === value)
  if (found !== undefined) return found
  throw wrong(field, value, `one of: ${names.join(', ')}`, names)
}

export function number(
  order: Order,
  field: string,
  otherwise: number,
  wanted: string,
  valid: (value: number) => boolean,
): number {
  const value = order[field]
  if (value === undefined) return otherwise
  if (typeof value === 'number' && valid(value)) return value
  throw wrong(field, value, wanted)
}

/** `names`: all that would be right, where that is a list. */
export function wrong(field: string, value: unknown, wanted: string, names: readonly string[] = []): FaultRefusal {
  const found = value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value)).slice(0, 80)
  const meant = typeof value === 'string' ? meantBy(value, names) : undefined
  const right = meant === undefined ? `wanted is ${shortened(wanted)}.` : `did you mean ${meant}?`
  return new FaultRefusal(field, `${field} is ${found}; ${right}`)
}

/** The name that begins most like it, when that is most of it. */
function meantBy(value: string, names: readonly string[]): string | undefined {
  const common = (name: string): number => {
    let length = 0
    while (length < value.length && value[length]?.toLowerCase() === name[length]?.toLowerCase()) length++
    return length
  }
  const [best] = [...names].sort((a, b) => common(b) - common(a))
  return best !== undefined && common(best) * 2 > Math.max(value.length, best.length) ? best : undefined
}

const WANTED_LENGTH_MAX = 200

/** Cut between two names: nobody reads twenty in a sentence. */
function shortened(wanted: string): string {
  if (wanted.length <= WANTED_LENGTH_MAX) return wanted
  return `${wanted.slice(0, wanted.lastIndexOf(', ', WANTED_LENGTH_MAX))} and others, which GET /_lab/faults/kinds lists`
}
