/** The door bundles: client, worker and CI see different disks, and files change after an approval. So the migrations and
 *  the database's resolved fleet entry travel together, content-addressed by SHA-256 of their canonical JSON. */
import type { DatabaseEntry } from './fleet'

export interface BundledMigration {
  /** Path relative to the migrations folder, with forward slashes. */
  readonly script: string
  readonly content: string
}

export interface MigrationBundle {
  readonly version: 1
  readonly database: DatabaseEntry
  readonly migrations: readonly BundledMigration[]
}
