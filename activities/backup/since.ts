/** For a moment that is over: which reading of the database, from before it, it can be held against. */
import type { DatabaseEntry } from '../../contracts/fleet'
import type { IsoInstant, OperationId } from '../../contracts/operation'
import { OVERWRITE_DOCUMENTS, type OverwriteBegun } from '../../contracts/overwrite'
import { SNAPSHOT_DOCUMENTS, type SnapshotPlan } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'
import { readManifest } from '../proof/manifest'

/** More snapshots in a row without a manifest are as good as none. */
const LOOKED_AT_MAX = 1_000

/** The newest `snapshot` of that very database and instance whose first reading ended before `at`; null: there is none. */
export async function manifestedBefore(
  ledger: Ledger,
  { database, instanceId, at }: { database: DatabaseEntry; instanceId: string; at: IsoInstant },
): Promise<OperationId | null> {
  const overwritten = await overwrittenAt(ledger, instanceId)
  const taken = await ledger.listOperations({ database: database.name, kind: 'snapshot', limit: LOOKED_AT_MAX })
  for (const { id, startedAt } of taken) {
    if (Date.parse(startedAt) >= Date.parse(at)) continue
    const plan = (await ledger.getDocument({ operation: id, name: SNAPSHOT_DOCUMENTS.plan })) as SnapshotPlan | null
    if (plan === null || plan.instanceId !== instanceId) continue
    const manifest = await readManifest(ledger, id, 'before')
    if (manifest === null || manifest.database !== database.database) continue
    // Transactions count anew from the snapshot that it was overwritten with: numbers of before are given out twice.
    if (overwritten !== null && Date.parse(manifest.finishedAt) <= Date.parse(overwritten)) continue
    if (Date.parse(manifest.finishedAt) < Date.parse(at)) return id
  }
  return null
}

/** When the last backup before an overwriting of the instance was begun, behind whose fence nobody read; null: none was begun. By whichever entry of
 *  the fleet file: several databases may be on it. */
async function overwrittenAt(ledger: Ledger, instanceId: string): Promise<IsoInstant | null> {
  const operations = await ledger.listOperations({ kind: 'overwrite', mode: 'apply', limit: LOOKED_AT_MAX })
  let newest: IsoInstant | null = null
  for (const { id } of operations) {
    const begun = (await ledger.getDocument({ operation: id, name: OVERWRITE_DOCUMENTS.begun })) as OverwriteBegun | null
    if (begun === null || begun.instance.instanceId !== instanceId) continue
    if (newest === null || Date.parse(begun.since) > Date.parse(newest)) newest = begun.since
  }
  return newest
}
