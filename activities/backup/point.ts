/** Which backup is meant: the newest, a named one, or a moment. Asked of the cloud, which alone knows what there is. */
import { createHash } from 'node:crypto'
import type { CallOptions, InstanceDescription, ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import { type Failure, failure } from '../../contracts/failures'
import type { IsoInstant, OperationId } from '../../contracts/operation'
import type { PlannedPoint, WantedPoint } from '../../contracts/verify-backup'
import { assertWithin, requireWindow, restorableSnapshot, type Window } from '../instance/restorable'

export interface Choosing {
  readonly cloud: ManagedPostgres
  readonly source: InstanceDescription
  readonly operation: OperationId
  readonly window: Window | null
  readonly options: CallOptions
}

/** Whose turn it is is settled before: `turns.ts`. */
export type SettledPoint = Exclude<WantedPoint, { kind: 'by-turns' }>

export async function choosePoint(choosing: Choosing, wanted: SettledPoint): Promise<PlannedPoint> {
  const { cloud, source, window, options } = choosing
  switch (wanted.kind) {
    case 'newest': {
      const newest = await newestSnapshot(choosing)
      if (newest === null) throw noSnapshot(source.name)
      return { kind: 'snapshot', snapshot: newest.name, createdAt: newest.createdAt }
    }
    case 'snapshot': {
      const { createdAt } = await restorableSnapshot(cloud, source, wanted.snapshot, options)
      return { kind: 'snapshot', snapshot: wanted.snapshot, createdAt }
    }
    case 'moment':
      assertWithin(source, requireWindow(source, window), wanted.at)
      return wanted
    case 'random':
      return { kind: 'moment', at: momentOf(requireWindow(source, window), choosing.operation) }
    case 'now':
      requireWindow(source, window)
      return wanted
  }
}

/** Of those that can be restored, whoever took them; null: there is none. */
export async function newestSnapshot({
  cloud,
  source,
  options,
}: Pick<Choosing, 'cloud' | 'source' | 'options'>): Promise<SnapshotDescription | null> {
  const all = await cloud.listSnapshots({ instanceId: source.instanceId }, options)
  const age = ({ createdAt }: SnapshotDescription): number => Date.parse(createdAt ?? '') || 0
  return all.filter(({ state }) => state === 'ready').sort((a, b) => age(b) - age(a))[0] ?? null
}

function noSnapshot(instance: string): Failure {
  return failure(
    'SNAPSHOT_NOT_FOUND',
    `Instance ${instance} has no snapshot that can be restored; take one with "capstan snapshot", or have a moment verified (--at now).`,
    { instance },
  )
}

const SECOND_MS = 1_000

/** A whole second, as every cloud takes it. By the operation's id, so that whoever repeats it meets the same one, and nobody can choose. */
export function momentOf({ earliest, latest }: Window, operation: OperationId): IsoInstant {
  const first = Math.ceil(Date.parse(earliest) / SECOND_MS)
  const last = Math.floor(Date.parse(latest) / SECOND_MS)
  const drawn = createHash('sha256').update(`verify-backup/${operation}`).digest().readUIntBE(0, 6)
  return new Date((first + (drawn % Math.max(1, last - first + 1))) * SECOND_MS).toISOString()
}
