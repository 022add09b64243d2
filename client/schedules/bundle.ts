/** The bundle of an operation that runs by the clock: the database's fleet entry, and no migrations. */
import type { MigrationBundle } from '../../contracts/bundle'
import type { DatabaseEntry } from '../../contracts/fleet'

export function scheduledBundle(database: DatabaseEntry): MigrationBundle {
  return { version: 1, database, migrations: [] }
}
