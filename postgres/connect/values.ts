/** Result values as plain JSON: numbers within 2^53 as numbers and beyond as text, instants as UTC ISO strings in milliseconds, LSNs,
 *  numerics and everything else as PostgreSQL's own text. */
import pg from 'pg'

const INT8 = 20
const TIMESTAMPTZ = 1184
const AS_TEXT = new Set([1114, 1082, 1083, 1266, 1186, 17])

export const plainTypes = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
    if (oid === INT8) return integer
    if (oid === TIMESTAMPTZ) return instant
    if (AS_TEXT.has(oid)) return (text) => text
    return pg.types.getTypeParser(oid, format ?? 'text')
  },
}

function integer(text: string): number | string {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}

function instant(text: string): string {
  // The session's time zone is UTC and its DateStyle ISO. 'infinity' and dates before Christ stay as they are.
  const time = Date.parse(text.replace(' ', 'T').replace(/\+00$/, 'Z'))
  return Number.isNaN(time) ? text : new Date(time).toISOString()
}
