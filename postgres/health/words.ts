/** Names and quantities in the sentences of findings. */
import { printable } from '../printable'

/** A quoted identifier (`quote_ident`'s answer, or several with dots or commas between) as it can be typed on any terminal: what would be obeyed there or
 *  cannot be seen is written as PostgreSQL's Unicode escape, `U&"a\00001b"`. */
export function typeable(quoted: string): string {
  return quoted.replace(/"(?:[^"]|"")*"/g, escaped)
}

function escaped(part: string): string {
  if (printable(part) === part) return part
  const characters = [...part].map((character) => {
    if (character === '\\') return '\\\\'
    if (printable(character) === character) return character
    return `\\+${(character.codePointAt(0) ?? 0).toString(16).padStart(6, '0')}`
  })
  return `U&${characters.join('')}`
}

/** `12,345` */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** Decimal: `3.2 GB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let value = count
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** One unit is enough to see what to do: `17 s`, `5 min`, `3 h`, `12 d`. */
export function age(ms: number): string {
  const [unit, size] = UNITS.find(([, least]) => ms >= 2 * least) ?? ['s', 1_000]
  return `${grouped(Math.floor(ms / size))} ${unit}`
}
