/** Databases of a server, as the API tells of them. Which there are, PostgreSQL is asked. */
import type { Client } from 'pg'
import { invalidParameter } from './errors'
import { type AzureServer, own } from './state'
import { databaseView } from './views'

export const DEFAULT_CHARSET = 'UTF8'
export const DEFAULT_COLLATION = 'en_US.utf8'

/** PostgreSQL's encodings of servers. Manual, "Character Set Support". */
const CHARSETS =
  /^(EUC_CN|EUC_JP|EUC_JIS_2004|EUC_KR|EUC_TW|ISO_8859_[5-8]|KOI8R|KOI8U|LATIN([1-9]|10)|MULE_INTERNAL|SQL_ASCII|UTF8|WIN(866|874|125[0-8]))$/

/** The cloud's own: not to be deleted. The administrator's is not shown either. */
const OWN = ['azuresu', 'azure_maintenance', 'azure_sys', 'postgres', 'template0', 'template1']

export interface Database {
  readonly name: string
  readonly charset: string
}

export function parseCharset(charset: string): string {
  const name = charset.toUpperCase()
  if (CHARSETS.test(name)) return name
  throw invalidParameter('charset')
}

/** `C`, `POSIX`, or a language and a country with a character set. */
export function parseCollation(collation: string): string {
  if (/^(C|POSIX|C\.utf-?8|[a-z]{2,3}_[A-Z]{2}(\.[\w-]{1,20})?(@[a-z]{1,20})?|[a-z]{2,3}-[A-Z]{2}-x-icu)$/i.test(collation))
    return collation
  throw invalidParameter('collation')
}

export function isOwnDatabase(name: string): boolean {
  return OWN.includes(name)
}

export async function databasesIn(client: Client): Promise<readonly Database[]> {
  const question = `SELECT datname AS name, pg_encoding_to_char(encoding) AS charset FROM pg_database
    WHERE NOT datistemplate AND datname <> 'azuresu' ORDER BY oid`
  return (await client.query<Database>(question)).rows
}

export async function databaseNamed(client: Client, name: string): Promise<Database | undefined> {
  return (await databasesIn(client)).find((database) => database.name === name)
}

export function describe(server: AzureServer, { name, charset }: Database): object {
  return databaseView(server, name, charset, own(server.databases, name)?.collation ?? DEFAULT_COLLATION)
}
