/** Copies. Azure restores to a moment only, as a new server, and takes no parameters for it: the copy starts with its source's settings, and
 *  is made inert at once when it can be changed. A call each, as a server takes one change at a time; each looks at what there is. */
import type { Server } from '@azure/arm-postgresql-flexible'
import { type Failure, failure } from '../../contracts/failures'
import { assertMine, ownerTags } from '../owner'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import { describeSnapshot } from './backups'
import type { Azure } from './client'
import { alignConfigurations, configuration } from './configurations'
import { alignFirewall } from './firewall'
import { ADOPTED, findServer, requireServer, restart, tagsOf } from './servers'
import { underWay } from './under-way'

/** Libraries that start jobs, or subscriptions, of their own. pglogical's triggers on changes of the schema fail without it; what is there can be read. */
const ACTING = new Set(['pg_cron', 'pg_partman_bgw', 'pglogical'])
const LOOK_AGAIN_MS = 5_000

export type Copy = Parameters<ManagedPostgres['startInertRestore']>[0] | Parameters<ManagedPostgres['startRestoreToTime']>[0]

export async function startCopy(azure: Azure, input: Copy, options: ChangeOptions): Promise<Started> {
  const existing = await findServer(azure, input.instance, options)
  if (existing === null) {
    await assertNotFailed(azure, input.instance, options)
    underWay(azure, input.instance, await startRestore(azure, input, options))
    throw again(`Server ${input.instance} is being restored.`)
  }
  assertMine(`Server ${input.instance}`, tagsOf(existing), input.owner)
  assertComing(existing)
  azure.begun.delete(input.instance)
  await makeInert(azure, input, options)
  return ADOPTED
}

/** @throws NOT_READY_YET, RESOURCE_FAILED. */
export function assertComing({ name = '', state = '' }: Server): void {
  if (['Dropping', 'Disabled', 'Inaccessible'].includes(state)) {
    throw failure('RESOURCE_FAILED', `Server ${name} is ${state}.`, { resource: name })
  }
  if (state !== 'Ready') throw again(`Server ${name} is ${state}.`)
}

export function again(message: string): Failure {
  return failure('NOT_READY_YET', message, { retryAfterMs: LOOK_AGAIN_MS })
}

/** One whose making failed leaves no server to show it. */
export async function assertNotFailed(azure: Azure, instance: string, options: CallOptions): Promise<void> {
  const operation = azure.begun.get(instance)
  if (operation === undefined) return
  const { state, message } = await azure.describeOperation(operation, options)
  if (state === 'running') throw again(`Server ${instance} is being made.`)
  azure.begun.delete(instance)
  if (state === 'failed') {
    throw failure('RESOURCE_FAILED', `Server ${instance} could not be made: ${message}`, { resource: instance })
  }
}

async function startRestore(azure: Azure, input: Copy, options: ChangeOptions): Promise<Started> {
  const source = await requireServer(azure, input.source, options)
  assertSameClass(source, input)
  const pointInTimeUTC = await momentOf(azure, input, options)
  const server: Server = {
    location: source.location,
    tags: ownerTags(input.owner),
    createMode: 'PointInTimeRestore',
    sourceServerResourceId: source.id ?? '',
    pointInTimeUTC,
    // A server in a virtual network can only be restored into one.
    ...(source.network?.delegatedSubnetResourceId === undefined ? {} : { network: source.network }),
  }
  return azure.start('Servers_CreateOrUpdate', options, (sdk, request) =>
    sdk.servers.beginCreateOrUpdate(azure.groupOf(input.instance), input.instance, server, request),
  )
}

function assertSameClass(source: Server, { instanceClass }: CopyRequest): void {
  if (instanceClass === null || instanceClass === source.sku?.name) return
  throw failure(
    'CLOUD_REFUSED',
    `Azure restores a server with its source's class, ${source.sku?.name}; ${instanceClass} was wanted. Scale it afterwards.`,
    { instanceClass },
  )
}

async function momentOf(azure: Azure, input: Copy, options: CallOptions): Promise<Date> {
  if ('at' in input) return new Date(input.at)
  const snapshot = await describeSnapshot(azure, { instance: input.source, name: input.snapshot }, options)
  if (snapshot?.createdAt) return new Date(snapshot.createdAt)
  throw failure('SNAPSHOT_NOT_FOUND', `Server ${input.source} has no complete backup ${input.snapshot}.`, {
    snapshot: input.snapshot,
  })
}

/** What acts by itself is stopped before anything else. @throws NOT_READY_YET as long as something remains to be done. */
async function makeInert(azure: Azure, { instance: server, networkRules }: CopyRequest, options: ChangeOptions): Promise<void> {
  const { value: preload = '' } = await configuration(azure, server, 'shared_preload_libraries', options)
  const libraries = preload.split(',').map((library) => library.trim())
  const kept = libraries.filter((library) => !ACTING.has(library))
  const parameters = {
    max_logical_replication_workers: '0',
    ...(kept.length < libraries.length && { shared_preload_libraries: kept.join(',') }),
  }
  const { done, restartNeeded } = await alignConfigurations(azure, { server, parameters }, options)
  if (!done) throw again(`Server ${server} is being made inert.`)
  if (restartNeeded) {
    await restart(azure, server, options)
    throw again(`Server ${server} restarts as an inert copy.`)
  }
  if (!(await alignFirewall(azure, { server, networks: networkRules }, options))) {
    throw again(`The firewall rules of server ${server} are being set.`)
  }
}

export async function restoreWindow(
  azure: Azure,
  name: string,
  options: CallOptions,
): Promise<Awaited<ReturnType<ManagedPostgres['restoreWindow']>>> {
  const { backup } = await requireServer(azure, name, options)
  // The newest moment is stated nowhere: now, less up to five minutes in which the log is on its way.
  if (backup?.earliestRestoreDate === undefined) return null
  return { earliest: backup.earliestRestoreDate.toISOString(), latest: new Date().toISOString() }
}
