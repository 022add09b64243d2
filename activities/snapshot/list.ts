/** An instance's snapshots for people: what each is, whose it is, and why it stays. */
import type { IsoInstant, Sha256 } from '../../contracts/operation'
import { type ListedSnapshot, type RetentionRecord, SNAPSHOT_DOCUMENTS, type SnapshotList } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { findTarget } from '../target'
import { type JudgedSnapshot, judgeSeries } from './series'

export async function listSnapshots(
  { ledger, cloudOf }: Pick<ActivityDeps, 'ledger' | 'cloudOf'>,
  bundle: Sha256,
): Promise<SnapshotList> {
  const { database } = await ledger.getBundle(bundle)
  const { name, instance } = database
  const { instanceId } = await findTarget(cloudOf, database, { signal: currentAct().signal })
  const now = new Date().toISOString()
  const judged = await judgeSeries({
    ledger,
    cloud: cloudOf(database),
    cloudName: database.cloud,
    instanceId,
    operation: null,
    now,
  })
  const snapshots = await Promise.all(judged.map((one) => listed(ledger, one, now)))
  return { version: 1, database: name, instance, instanceId, snapshots }
}

async function listed(ledger: Ledger, { description, standing }: JudgedSnapshot, now: IsoInstant): Promise<ListedSnapshot> {
  const { name, cloudState: state, createdAt, owner, storage } = description
  const facts = { name, state, createdAt, sizeGib: storage.sizeGib, standing }
  if (owner === null || standing === 'not-ours') return { ...facts, expiresAt: null, operation: null, step: null }
  const { operation, step, expiresAt } = owner
  const retention = (await ledger.getDocument({ operation, name: SNAPSHOT_DOCUMENTS.retention })) as RetentionRecord | null
  const ours = { ...facts, expiresAt, operation, step }
  if (retention === null) return ours
  const left = retention.generations.filter(({ until }) => until > now)
  return { ...ours, generations: left.map(({ generation }) => generation) }
}
