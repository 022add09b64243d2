/** The one place where identifiers become SQL text. Values are never quoted here: they are bound. */

/** A double-quoted identifier. Throws on a NUL, which PostgreSQL cannot store. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new Error('an identifier cannot hold a NUL character')
  return `"${name.replaceAll('"', '""')}"`
}

/** `"schema"."name"`. */
export function quoteQualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}
