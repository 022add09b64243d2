/** What the commands of the engine alone work with: the files of a folder and a session on the database of a URL. */
import { failure } from '../../../contracts/failures'
import { connect, type Session } from '../../../postgres/connect/session'
import { parsePostgresUrl } from '../../../postgres/connect/url'
import { readMigrationDirectory } from '../../../postgres/migrate/read-directory'
import { type ResolvedMigration, resolveMigrations } from '../../../postgres/migrate/resolve'

export interface EngineOptions {
  readonly url: string
  readonly dir: string
  readonly json?: boolean
}

/** Fails with the codes of MIGRATION_…; an empty folder is one too, since a mistyped path looks like it. */
export async function readMigrations(folder: string): Promise<ResolvedMigration[]> {
  const resolved = resolveMigrations(await readMigrationDirectory(folder))
  if (resolved.length > 0) return resolved
  const message = `${folder} holds no migration; files are named like V1__create_orders.sql or R__order_totals.sql.`
  throw failure('MIGRATIONS_MISSING', message, { folder })
}

export function connector(url: string): () => Promise<Session> {
  const target = parsePostgresUrl(url, { applicationName: 'capstan migrations' })
  return () => connect(target)
}

export async function withSession<T>(url: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await connector(url)()
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
