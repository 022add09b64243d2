/** The one place where identifiers become SQL text. Values are never quoted here: they are bound. */
import { failure } from '../../contracts/failures'
import { printable } from '../printable'

/** NAMEDATALEN - 1. PostgreSQL cuts a longer name without a word, and may find another object by what is left. */
const IDENTIFIER_BYTES_MAX = 63

/** A double-quoted identifier. Throws OPTION_INVALID for what PostgreSQL cannot hold as a name: nothing, a NUL, half a surrogate pair,
 *  more than 63 bytes. */
export function quoteIdentifier(name: string): string {
  if (name === '') throw refused('An empty name cannot be one in PostgreSQL: give it at least one character.')
  if (name.includes('\0')) throw refused(`The name "${shown(name)}" holds a NUL, which PostgreSQL cannot store: remove it.`)
  if (/\p{Cs}/u.test(name)) throw refused(`The name "${shown(name)}" is no Unicode text: write it anew.`)
  const bytes = Buffer.byteLength(name)
  if (bytes > IDENTIFIER_BYTES_MAX) {
    throw refused(
      `The name "${shown(name)}" has ${bytes} bytes, and PostgreSQL's have ${IDENTIFIER_BYTES_MAX} at most: shorten it.`,
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}

function refused(message: string): Error {
  return failure('OPTION_INVALID', message)
}

/** Cut after it was made printable: one character may become ten. */
function shown(name: string): string {
  const characters = [...printable(name)]
  return characters.length > 80 ? `${characters.slice(0, 80).join('')}…` : characters.join('')
}

/** `"schema"."name"`. */
export function quoteQualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}
