/** Snapshots of RDS instances that somebody asked for. Those that RDS takes by itself are its own and not looked at. */
import { failure } from '../../contracts/failures'
import { notOurs } from '../owner'
import type { CallOptions, ChangeOptions, ManagedPostgres, Owner, SnapshotDescription, Started } from '../port'
import type { Rds } from './client'
import { snapshotDescription } from './describe'
import { errorName } from './failures'
import { unlessGone } from './gone'
import { NO_RECORD } from './instances'
import { ownersTags } from './tags'

export async function describeSnapshot(rds: Rds, name: string, options: CallOptions): Promise<SnapshotDescription | null> {
  return rds.call('DescribeDBSnapshots', options, async (client) => {
    try {
      const found = await client.describeDBSnapshots({ DBSnapshotIdentifier: name }, { abortSignal: options.signal })
      const raw = found.DBSnapshots?.[0]
      return raw === undefined ? null : snapshotDescription(raw)
    } catch (error) {
      if (errorName(error).startsWith('DBSnapshotNotFound')) return null
      throw error
    }
  })
}

export async function listSnapshots(rds: Rds, instanceId: string, options: CallOptions): Promise<SnapshotDescription[]> {
  return rds.call('DescribeDBSnapshots', options, async (client) => {
    const found: SnapshotDescription[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeDBSnapshots(
        { DbiResourceId: instanceId, SnapshotType: 'manual', ...(Marker === undefined ? {} : { Marker }) },
        { abortSignal: options.signal },
      )
      found.push(...(page.DBSnapshots ?? []).map(snapshotDescription))
      Marker = page.Marker
    } while (Marker)
    // The filter narrows the look-up, the description decides.
    return found.filter((snapshot) => snapshot.instanceId === instanceId)
  })
}

function assertOwner(snapshot: SnapshotDescription, owner: Pick<Owner, 'operation' | 'step'>): void {
  const same = snapshot.owner?.operation === owner.operation && snapshot.owner.step === owner.step
  if (!same) throw notOurs(`Snapshot ${snapshot.name}`, owner)
}

export async function startSnapshot(
  rds: Rds,
  input: Parameters<ManagedPostgres['startSnapshot']>[0],
  options: ChangeOptions,
): Promise<SnapshotDescription & Started> {
  // Describe first: a repeat after an unknown outcome must find the one that was made, not make the API refuse.
  const existing = await describeSnapshot(rds, input.snapshot, options)
  if (existing === null) {
    await rds.change('CreateDBSnapshot', options, async (client) => {
      try {
        await client.createDBSnapshot({
          DBInstanceIdentifier: input.instance,
          DBSnapshotIdentifier: input.snapshot,
          Tags: ownersTags(input.owner),
        })
      } catch (error) {
        // The SDK's own retry after a lost response meets what its first try made.
        if (!errorName(error).startsWith('DBSnapshotAlreadyExists')) throw error
      }
    })
  }
  const made = existing ?? (await describeSnapshot(rds, input.snapshot, options))
  if (made === null) throw failure('NOT_READY_YET', `Snapshot ${input.snapshot} is not listed yet.`)
  assertOwner(made, input.owner)
  return { ...made, ...NO_RECORD }
}

export async function removeSnapshot(
  rds: Rds,
  { snapshot: name, instanceId, owner }: Parameters<ManagedPostgres['startSnapshotRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const snapshot = await describeSnapshot(rds, name, options)
  if (snapshot === null || snapshot.state === 'deleting') return NO_RECORD
  assertOwner(snapshot, owner)
  if (snapshot.instanceId !== instanceId) {
    throw failure(
      'RESOURCE_NOT_OURS',
      `Snapshot ${name} was taken of another instance (${snapshot.instanceId} instead of ${instanceId}); it was left alone.`,
      { resource: name, found: snapshot.instanceId, expected: instanceId },
    )
  }
  await rds.change('DeleteDBSnapshot', options, async (client) => {
    try {
      await client.deleteDBSnapshot({ DBSnapshotIdentifier: name })
    } catch (error) {
      if (errorName(error).startsWith('DBSnapshotNotFound')) return
      await unlessGone(error, async () => (await describeSnapshot(rds, name, options)) !== null)
    }
  })
  return NO_RECORD
}
