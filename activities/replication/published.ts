/** What the source publishes to a standby, and what it would have to: a table that a migration has made since is in no publication, and its rows stay behind
 *  without a word. */
import type { StandbyNames } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { DEFAULT_HISTORY } from '../../postgres/migrate/history'
import { historyValues, PUBLISHED_TABLES } from '../../postgres/replicate/preflight/relations'

export interface PublishedTables {
  /** By `schema.table`, quoted as PostgreSQL reads it, without our own. */
  readonly published: readonly string[]
  /** What would be published if it were set up now, and is not. */
  readonly missing: readonly string[]
}

export async function publishedTables(source: Session, { publication }: StandbyNames): Promise<PublishedTables> {
  const rows = await source.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(schemaname) || '.' || pg_catalog.quote_ident(tablename) AS name FROM pg_catalog.pg_publication_tables
      WHERE pubname = $1 AND schemaname <> 'capstan' ORDER BY 1`,
    [publication],
  )
  const published = rows.map(({ name }) => name)
  const wanted = await source.query<{ shown: string }>(PUBLISHED_TABLES, historyValues(DEFAULT_HISTORY))
  return { published, missing: wanted.map(({ shown }) => shown).filter((table) => !published.includes(table)) }
}
