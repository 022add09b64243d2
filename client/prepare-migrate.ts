/** What can be known about a migrate operation before anything is contacted: the fleet entry, the files, and whether the files
 *  can be read, named, ordered and parsed. A mistake ends here, with nothing left behind. */
import path from 'node:path'
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { atItsAddress, type DatabaseEntry } from '../contracts/fleet'
import type { StandbyRequest } from '../contracts/replicate'
import { planMigration } from '../postgres/migrate/plan'
import { readMigrationDirectory } from '../postgres/migrate/read-directory'
import { resolveMigrations } from '../postgres/migrate/resolve'
import { printable } from '../postgres/printable'
import { findDatabase, type LoadedFleet, readFleet } from './fleet/read-fleet'
import { backward } from './fleet/turned'

export interface MigrateQuestion {
  readonly fleetFile: string
  readonly database: string
  /** Instead of the fleet entry's folder; relative to the working directory. */
  readonly migrations: string | null
}

export interface PreparedMigrate {
  readonly bundle: MigrationBundle
  /** Absolute. */
  readonly migrationsFolder: string
}

/** Fails with the codes of the fleet file and of MIGRATION_…, all of them of kind `invalid`. */
export async function prepareMigrate(question: MigrateQuestion): Promise<PreparedMigrate> {
  const fleet = await readFleet(question.fleetFile)
  const entry = findDatabase(fleet, question.database)
  const migrationsFolder = question.migrations === null ? declaredFolder(fleet, entry) : path.resolve(question.migrations)
  const resolved = resolveMigrations(await readMigrationDirectory(migrationsFolder))
  if (resolved.length === 0) {
    const message = `${migrationsFolder} holds no migration; files are named like V1__create_orders.sql or R__order_totals.sql.`
    throw failure('MIGRATIONS_MISSING', message, { folder: migrationsFolder })
  }
  for (const migration of resolved) await planMigration(migration)
  const migrations = resolved.map(({ script, content }) => ({ script, content }))
  const standbys = followersOf(fleet, entry)
  const bundle = { version: 1 as const, database: entry, migrations, ...(standbys.length === 0 ? {} : { standbys }) }
  return { bundle, migrationsFolder }
}

/** Whoever may follow it as the file has it, either way round; who does is known to the ledger. */
function followersOf(fleet: LoadedFleet, entry: DatabaseEntry): StandbyRequest[] {
  const forward = (entry.standbys ?? []).map((declared) => ({ standby: findDatabase(fleet, declared.database), declared }))
  return [...forward, ...backward(fleet, entry).map(({ other, declared }) => ({ standby: atItsAddress(other), declared }))]
}

function declaredFolder(fleet: LoadedFleet, { name, migrations }: DatabaseEntry): string {
  if (migrations !== null) return path.resolve(fleet.folder, migrations)
  const message = `${name} declares no migrations in ${printable(fleet.file)}: add "migrations: FOLDER" there, or name them with --migrations FOLDER.`
  throw failure('MIGRATIONS_MISSING', message, { database: name })
}
