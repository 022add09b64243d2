/** The door bundles: client, worker and CI see different disks, and files change after an approval. So the migrations and
 *  the database's resolved fleet entry travel together, content-addressed by SHA-256 of their canonical JSON. */

import type { ExchangeRequest } from './exchange'
import type { FailoverRequest } from './failover'
import type { MomentRequest } from './find-moment'
import type { DatabaseEntry } from './fleet'
import type { RowsRequest } from './recover-rows'
import type { ReplicateRequest, StandbyRequest } from './replicate'
import type { RestoreRequest } from './restore'
import type { SalvageRequest } from './salvage'
import type { SwitchoverRequest } from './switchover'
import type { UpgradeRequest } from './upgrade'
import type { WantedPoint } from './verify-backup'

export interface BundledMigration {
  /** Path relative to the migrations folder, with forward slashes. */
  readonly script: string
  readonly content: string
}

export interface MigrationBundle {
  readonly version: 1
  readonly database: DatabaseEntry
  readonly migrations: readonly BundledMigration[]
  /** Of a migration: those that may follow the database, by their own entries; which of them do the ledger says. Absent: none. */
  readonly standbys?: readonly StandbyRequest[]
  /** Of a verification: whoever repeats its id with another point is refused. */
  readonly verify?: WantedPoint
  /** Of a restore: another moment under the same id is another operation. */
  readonly restore?: RestoreRequest
  /** Of rows that are to come back: other tables under the same id are another operation. */
  readonly rows?: RowsRequest
  /** Of a moment that is sought: another question under the same id is another operation. */
  readonly moment?: MomentRequest
  /** Of a standby: another one, or another thing to do with it, under the same id is another operation. */
  readonly replicate?: ReplicateRequest
  /** Of writing that is to move: to another standby under the same id is another operation. */
  readonly switchover?: SwitchoverRequest
  /** Of a standby that is to be the writer: with another word of its requester under the same id it is another operation. */
  readonly failover?: FailoverRequest
  /** Of an instance and its read replica that are to be exchanged: with another one under the same id it is another operation. */
  readonly exchange?: ExchangeRequest
  /** Of an instance whose changed copy is to take its place: with another change under the same id it is another operation. */
  readonly upgrade?: UpgradeRequest
  /** Of what an old writer has alone: other tables under the same id are another operation. */
  readonly salvage?: SalvageRequest
}
