/** What of an instance can be restored, asked of its cloud: a named snapshot, or a moment of its log. Whatever cannot is refused in words. */
import type { CallOptions, InstanceDescription, ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import { failure } from '../../contracts/failures'
import type { IsoInstant } from '../../contracts/operation'

export type Window = NonNullable<Awaited<ReturnType<ManagedPostgres['restoreWindow']>>>

/** Fails with SNAPSHOT_NOT_FOUND, TARGET_MISMATCH for one of an earlier instance of that name, and RESOURCE_FAILED for one that is not ready. */
export async function restorableSnapshot(
  cloud: ManagedPostgres,
  source: InstanceDescription,
  name: string,
  options: CallOptions,
): Promise<SnapshotDescription> {
  const found = await cloud.describeSnapshot({ instance: source.name, name }, options)
  if (found === null) {
    throw failure(
      'SNAPSHOT_NOT_FOUND',
      `Instance ${source.name} has no snapshot ${name}; "capstan snapshot list" shows those that there are.`,
      { snapshot: name, instance: source.name },
    )
  }
  if (found.instanceId !== source.instanceId) {
    throw failure(
      'TARGET_MISMATCH',
      `Snapshot ${name} is of instance ${found.instance} (${found.instanceId}), not of ${source.name} (${source.instanceId}) as it is now: name one of this instance; where that one was this database's, "capstan restore --deleted" restores it.`,
      { snapshot: name, found: found.instanceId, expected: source.instanceId },
    )
  }
  assertRestorable(found)
  return found
}

/** Fails with RESOURCE_FAILED. */
export function assertRestorable({ name, state, cloudState }: SnapshotDescription): void {
  if (state === 'ready') return
  const message = `Snapshot ${name} is ${cloudState} and cannot be restored${state === 'changing' ? ' yet' : ''}.`
  throw failure('RESOURCE_FAILED', message, { snapshot: name, cloudState })
}

/** Fails with MOMENT_OUT_OF_REACH where no log is kept. `window`: null says so. */
export function requireWindow({ name }: InstanceDescription, window: Window | null): Window {
  if (window !== null) return window
  const message = `The cloud keeps no log of ${name}, so that no moment of it can be restored; name a snapshot with --snapshot.`
  throw failure('MOMENT_OUT_OF_REACH', message, { instance: name })
}

/** Fails with MOMENT_OUT_OF_REACH, naming the window. */
export function assertWithin({ name }: InstanceDescription, window: Window, at: IsoInstant): void {
  const { earliest, latest } = window
  const asked = Date.parse(at)
  if (asked >= Date.parse(earliest) && asked <= Date.parse(latest)) return
  throw failure(
    'MOMENT_OUT_OF_REACH',
    `The log of ${name} does not hold ${at}: it can be restored to any moment from ${earliest} to ${latest}.`,
    { instance: name, at, earliest, latest },
  )
}
