/** Snapshots that somebody asked for, of RDS instances and of Aurora clusters. Those that RDS takes by itself are its own and not looked at. */
import type { RDS, Tag } from '@aws-sdk/client-rds'
import { failure } from '../../contracts/failures'
import { notOurs } from '../owner'
import type { CallOptions, ChangeOptions, ManagedPostgres, Owner, SnapshotDescription, Started } from '../port'
import type { Rds } from './client'
import { snapshotDescription } from './describe'
import { errorName } from './failures'
import { unlessGone } from './gone'
import { NO_RECORD } from './instances'
import { ownersTags } from './tags'

export interface SnapshotPage {
  readonly found: readonly SnapshotDescription[]
  readonly marker: string | undefined
}

/** What differs between snapshots of instances and of clusters. */
export interface SnapshotKind {
  /** In the names of the calls, and of RDS's errors. */
  readonly word: 'DBSnapshot' | 'DBClusterSnapshot'
  named(client: RDS, name: string, options: CallOptions): Promise<SnapshotPage>
  pageOf(client: RDS, input: { instanceId: string; marker: string | undefined }, options: CallOptions): Promise<SnapshotPage>
  create(client: RDS, input: { instance: string; snapshot: string; Tags: Tag[] }): Promise<unknown>
  remove(client: RDS, name: string): Promise<unknown>
}

export const OF_INSTANCES: SnapshotKind = {
  word: 'DBSnapshot',
  async named(client, name, options) {
    const { DBSnapshots = [] } = await client.describeDBSnapshots({ DBSnapshotIdentifier: name }, { abortSignal: options.signal })
    return { found: DBSnapshots.map(snapshotDescription), marker: undefined }
  },
  async pageOf(client, { instanceId, marker }, options) {
    const { DBSnapshots = [], Marker } = await client.describeDBSnapshots(
      { DbiResourceId: instanceId, SnapshotType: 'manual', ...(marker !== undefined && { Marker: marker }) },
      { abortSignal: options.signal },
    )
    return { found: DBSnapshots.map(snapshotDescription), marker: Marker }
  },
  create: (client, { instance, snapshot, Tags }) =>
    client.createDBSnapshot({ DBInstanceIdentifier: instance, DBSnapshotIdentifier: snapshot, Tags }),
  remove: (client, name) => client.deleteDBSnapshot({ DBSnapshotIdentifier: name }),
}

type Snapshots = Pick<ManagedPostgres, 'describeSnapshot' | 'listSnapshots' | 'startSnapshot' | 'startSnapshotRemoval'>

export function snapshotMethods(rds: Rds, kind: SnapshotKind): Snapshots {
  return {
    describeSnapshot: ({ name }, options) => describeSnapshot(rds, kind, name, options),
    listSnapshots: ({ instanceId }, options) => listSnapshots(rds, kind, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(rds, kind, input, options),
    startSnapshotRemoval: (input, options) => removeSnapshot(rds, kind, input, options),
  }
}

export async function describeSnapshot(
  rds: Rds,
  kind: SnapshotKind,
  name: string,
  options: CallOptions,
): Promise<SnapshotDescription | null> {
  return rds.call(`Describe${kind.word}s`, options, async (client) => {
    try {
      return (await kind.named(client, name, options)).found[0] ?? null
    } catch (error) {
      if (errorName(error).startsWith(`${kind.word}NotFound`)) return null
      throw error
    }
  })
}

async function listSnapshots(
  rds: Rds,
  kind: SnapshotKind,
  instanceId: string,
  options: CallOptions,
): Promise<SnapshotDescription[]> {
  return rds.call(`Describe${kind.word}s`, options, async (client) => {
    const found: SnapshotDescription[] = []
    let marker: string | undefined
    do {
      const page = await kind.pageOf(client, { instanceId, marker }, options)
      found.push(...page.found)
      marker = page.marker
    } while (marker)
    // The filter narrows the look-up, the description decides.
    return found.filter((snapshot) => snapshot.instanceId === instanceId)
  })
}

function assertOwner(snapshot: SnapshotDescription, owner: Pick<Owner, 'operation' | 'step'>): void {
  const same = snapshot.owner?.operation === owner.operation && snapshot.owner.step === owner.step
  if (!same) throw notOurs(`Snapshot ${snapshot.name}`, owner)
}

async function startSnapshot(
  rds: Rds,
  kind: SnapshotKind,
  input: Parameters<ManagedPostgres['startSnapshot']>[0],
  options: ChangeOptions,
): Promise<SnapshotDescription & Started> {
  // Describe first: a repeat after an unknown outcome must find the one that was made, not make the API refuse.
  const existing = await describeSnapshot(rds, kind, input.snapshot, options)
  if (existing === null) {
    await rds.change(`Create${kind.word}`, options, async (client) => {
      try {
        await kind.create(client, { instance: input.instance, snapshot: input.snapshot, Tags: ownersTags(input.owner) })
      } catch (error) {
        // The SDK's own retry after a lost response meets what its first try made.
        if (!errorName(error).startsWith(`${kind.word}AlreadyExists`)) throw error
      }
    })
  }
  const made = existing ?? (await describeSnapshot(rds, kind, input.snapshot, options))
  if (made === null) throw failure('NOT_READY_YET', `Snapshot ${input.snapshot} is not listed yet.`)
  assertOwner(made, input.owner)
  return { ...made, ...NO_RECORD }
}

async function removeSnapshot(
  rds: Rds,
  kind: SnapshotKind,
  { snapshot: name, instanceId, owner }: Parameters<ManagedPostgres['startSnapshotRemoval']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const snapshot = await describeSnapshot(rds, kind, name, options)
  if (snapshot === null || snapshot.state === 'deleting') return NO_RECORD
  assertOwner(snapshot, owner)
  if (snapshot.instanceId !== instanceId) {
    throw failure(
      'RESOURCE_NOT_OURS',
      `Snapshot ${name} was taken of another instance (${snapshot.instanceId} instead of ${instanceId}); it was left alone.`,
      { resource: name, found: snapshot.instanceId, expected: instanceId },
    )
  }
  await rds.change(`Delete${kind.word}`, options, async (client) => {
    try {
      await kind.remove(client, name)
    } catch (error) {
      if (errorName(error).startsWith(`${kind.word}NotFound`)) return
      await unlessGone(error, async () => (await describeSnapshot(rds, kind, name, options)) !== null)
    }
  })
  return NO_RECORD
}
