/** Whose a snapshot is, by its cloud's own word or, where snapshots bear nothing but a name, by the ledger's. */
import type { ManagedPostgres, Owner, SnapshotDescription } from '../../clouds/port'
import { Failure } from '../../contracts/failures'
import { MIGRATE_STEPS } from '../../contracts/migrate'
import { OPERATION_ID_PATTERN, temporaryName } from '../../contracts/operation'
import { copyStepOf, SNAPSHOT_STEPS } from '../../contracts/snapshot'
import type { Ledger } from '../../ledger/ledger'

/** Ids of the steps that take snapshots. */
const TAKING = [SNAPSHOT_STEPS.take.id, MIGRATE_STEPS.snapshot.id]

/** The description with its owner. By its name alone it is ours only if the ledger has it among what that operation made of an instance of that
 *  very cloud and name: anybody may give a backup any name. */
export async function withOwner(
  { ledger, cloud }: { ledger: Ledger; cloud: ManagedPostgres },
  snapshot: SnapshotDescription,
): Promise<SnapshotDescription> {
  if (cloud.capabilities.snapshotOwner === 'tags') return snapshot
  for (const step of TAKING) {
    const operation = operationIn(snapshot.name, step)
    const owner = operation === null ? null : await recordedOwner(ledger, snapshot, { operation, step })
    if (owner !== null) return { ...snapshot, owner }
  }
  return snapshot
}

/** Whether the ledger knows that one of ours removed the snapshot of that name: its retention, or whoever took it back. `region`: of a copy; null: it is
 *  the database's own. */
export async function isRemovedByUs(ledger: Ledger, name: string, region: string | null): Promise<boolean> {
  for (const step of region === null ? TAKING : [copyStepOf(region)]) {
    const operation = operationIn(name, step)
    const made = operation === null ? [] : await ledger.listResources({ operation })
    if (made.some((one) => one.kind === 'snapshot' && one.name === name && one.removedAt !== null)) return true
  }
  return false
}

/** `cap-x-take` and `take` → `x`. */
function operationIn(name: string, step: string): string | null {
  const operation = name.slice('cap-'.length, -`-${step}`.length)
  return OPERATION_ID_PATTERN.test(operation) && temporaryName(operation, step) === name ? operation : null
}

async function recordedOwner(
  ledger: Ledger,
  { name, instance }: SnapshotDescription,
  key: Pick<Owner, 'operation' | 'step'>,
): Promise<Owner | null> {
  const made = await ledger.listResources({ operation: key.operation })
  const resource = made.find((one) => one.kind === 'snapshot' && one.name === name)
  if (resource === undefined) return null
  const { database } = await ledger.getBundle((await ledger.getOrigin(key.operation)).bundle).catch(noBundle)
  if (database === null || database.cloud !== resource.cloud || database.instance !== instance) return null
  return { ...key, expiresAt: resource.expiresAt }
}

/** What cannot be read proves nothing. */
function noBundle(error: unknown): { database: null } {
  if (error instanceof Failure && error.code === 'BUNDLE_MISSING') return { database: null }
  throw error
}
