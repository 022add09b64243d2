/** The one way to start the verification of a backup, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { type AskedVerification, verifyBackupStarter, type WantedPoint } from '../contracts/verify-backup'
import { assertRestorableIn } from './copies-region'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface VerifyBackupQuestion {
  readonly fleetFile: string
  readonly database: string
  readonly wanted: WantedPoint
}

/** The bundle of a verification: the fleet entry, and what is to be verified. Fails with the codes of the fleet file, DATABASE_UNKNOWN, and
 *  OPTION_INVALID for a moment that is yet to come, or a region in which nothing can be restored. */
export async function prepareVerifyBackup({ fleetFile, database, wanted }: VerifyBackupQuestion): Promise<MigrationBundle> {
  const entry = findDatabase(await readFleet(fleetFile), database)
  if (wanted.kind === 'moment' && Date.parse(wanted.at) > Date.now()) {
    const message = `${wanted.at} is yet to come; name a moment before now, or let a moment of its own be verified (--at now).`
    throw failure('OPTION_INVALID', message, { option: 'at', at: wanted.at })
  }
  if (wanted.kind === 'snapshot') assertRestorableIn(entry, wanted.region, 'verify')
  return { version: 1, database: entry, migrations: [], verify: wanted }
}

/** `wasDormant`: a person's word for the point that is restored. `withinMs`: instead of the fleet entry's; null: that. Fails as
 *  `startOperation` does. */
export function startVerifyBackup(
  doors: Doors,
  request: OperationRequest & Omit<AskedVerification, 'wanted'>,
): Promise<StartedOperation> {
  const { withinMs, wasDormant, bundle, mode } = request
  const { database, verify: wanted = { kind: 'newest' } } = bundle
  return startOperation(doors, request, verifyBackupStarter(database, mode, { wanted, withinMs, wasDormant }))
}
