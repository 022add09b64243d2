/** Snapshots that somebody asked for, of RDS instances and of Aurora clusters. Those that RDS takes by itself are its own and not looked at. */
import type { RDS, Tag } from '@aws-sdk/client-rds'
import { type Failure, failure } from '../../contracts/failures'
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
  copy(client: RDS, input: { source: string; snapshot: string; Tags: Tag[]; KmsKeyId?: string }): Promise<unknown>
  remove(client: RDS, name: string): Promise<unknown>
  /** In its ARN. */
  readonly resource: 'snapshot' | 'cluster-snapshot'
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
  copy: (client, { source, snapshot, ...more }) =>
    client.copyDBSnapshot({ SourceDBSnapshotIdentifier: source, TargetDBSnapshotIdentifier: snapshot, ...more }),
  remove: (client, name) => client.deleteDBSnapshot({ DBSnapshotIdentifier: name }),
  resource: 'snapshot',
}

type Snapshots = Pick<
  ManagedPostgres,
  'describeSnapshot' | 'listSnapshots' | 'startSnapshot' | 'startSnapshotCopy' | 'startSnapshotRemoval'
>

export function snapshotMethods(rds: Rds, kind: SnapshotKind): Snapshots {
  return {
    describeSnapshot: ({ name }, options) => describeSnapshot(rds, kind, name, options),
    listSnapshots: ({ instanceId }, options) => listSnapshots(rds, kind, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(rds, kind, input, options),
    startSnapshotCopy: (input, options) => startSnapshotCopy(rds, kind, input, options),
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
  const { instance, snapshot, owner } = input
  return makeOnce(rds, kind, { action: `Create${kind.word}`, snapshot, owner }, options, (client) =>
    kind.create(client, { instance, snapshot, Tags: ownersTags(owner) }),
  )
}

/** The client is of the region where the copy is to be. The SDK signs what the source's region is told, by the ARN. The source's tags are not taken
 *  along: they are of the step that took it. */
async function startSnapshotCopy(
  rds: Rds,
  kind: SnapshotKind,
  { source, snapshot, key, owner }: Parameters<ManagedPostgres['startSnapshotCopy']>[0],
  options: ChangeOptions,
): Promise<SnapshotDescription & Started> {
  // A key of the source's region is none here: RDS wants one to be named.
  const KmsKeyId = key ?? (source.encrypted ? DEFAULT_KEY : undefined)
  const arn = `arn:${partitionOf(source.region)}:rds:${source.region}:${source.account}:${kind.resource}:${source.name}`
  const request = { source: arn, snapshot, Tags: ownersTags(owner), ...(KmsKeyId !== undefined && { KmsKeyId }) }
  return makeOnce(rds, kind, { action: `Copy${kind.word}`, snapshot, owner }, options, async (client) => {
    try {
      await kind.copy(client, request)
    } catch (error) {
      throw isQueueFull(error) ? tooManyAtOnce(error) : error
    }
  })
}

/** A region lets so many copies come from others at once. The same error, with other words, says that no more snapshots may be kept there. */
function isQueueFull(error: unknown): error is Error {
  return error instanceof Error && errorName(error).startsWith('SnapshotQuotaExceeded') && /across regions/i.test(error.message)
}

function tooManyAtOnce(error: Error): Failure {
  const message = `Other snapshots are being copied into this region, as many as RDS copies at once (${error.message}).`
  return failure('CLOUD_BUSY', message, { cloud: 'aws', error: error.name }, { cause: error })
}

/** The name that every region has for the key that AWS manages for RDS. */
const DEFAULT_KEY = 'alias/aws/rds'

/** Not China's: what the SDK signs for a source there is for a host outside of it, so that a fleet file has no copies there. */
function partitionOf(region: string): string {
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

async function makeOnce(
  rds: Rds,
  kind: SnapshotKind,
  { action, snapshot, owner }: { action: string; snapshot: string; owner: Owner },
  options: ChangeOptions,
  make: (client: RDS) => Promise<unknown>,
): Promise<SnapshotDescription & Started> {
  // Describe first: a repeat after an unknown outcome must find the one that was made, not make the API refuse.
  const existing = await describeSnapshot(rds, kind, snapshot, options)
  if (existing === null) {
    await rds.change(action, options, async (client) => {
      try {
        await make(client)
      } catch (error) {
        // The SDK's own retry after a lost response meets what its first try made.
        if (!errorName(error).startsWith(`${kind.word}AlreadyExists`)) throw error
      }
    })
  }
  const made = existing ?? (await describeSnapshot(rds, kind, snapshot, options))
  if (made === null) throw failure('NOT_READY_YET', `Snapshot ${snapshot} is not listed yet.`)
  assertOwner(made, owner)
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
