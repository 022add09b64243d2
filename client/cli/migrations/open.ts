/** What the commands of the engine alone work with: the files of a folder and a session on the database of a URL. */
import { Option } from 'commander'
import { failure } from '../../../contracts/failures'
import { connect, type Session } from '../../../postgres/connect/session'
import { parsePostgresUrl } from '../../../postgres/connect/url'
import { readMigrationDirectory } from '../../../postgres/migrate/read-directory'
import { type ResolvedMigration, resolveMigrations } from '../../../postgres/migrate/resolve'
import type { DatabaseDoor } from '../../config'

export interface EngineOptions {
  readonly url?: string
  readonly dir: string
  readonly json?: boolean
}

export const urlOption = (): Option =>
  new Option(
    '--url <url>',
    'postgres://user@host:port/database (default: CAPSTAN_DATABASE_URL); its password belongs into PGPASSWORD, ' +
      'since everybody on this machine can read a command line',
  )

/** Fails with the codes of MIGRATION_…; an empty folder is one too, since a mistyped path looks like it. */
export async function readMigrations(folder: string): Promise<ResolvedMigration[]> {
  const resolved = resolveMigrations(await readMigrationDirectory(folder))
  if (resolved.length > 0) return resolved
  const message = `${folder} holds no migration; files are named like V1__create_orders.sql or R__order_totals.sql.`
  throw failure('MIGRATIONS_MISSING', message, { folder })
}

export function connector({ url, password }: DatabaseDoor): () => Promise<Session> {
  const target = parsePostgresUrl(url, { applicationName: 'capstan migrations' })
  return () => connect({ ...target, password: target.password || (password ?? '') })
}

export async function withSession<T>(database: DatabaseDoor, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await connector(database)()
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
