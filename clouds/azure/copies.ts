/** Copies. Azure restores to a moment only, as a new server, and takes no parameters for it: the copy starts with its source's settings, and
 *  is made inert at once when it can be changed. A call each, as a server takes one change at a time; each looks at what there is. */
import type { Configuration, Server } from '@azure/arm-postgresql-flexible'
import { type Failure, failure } from '../../contracts/failures'
import { assertMine, ownerTags } from '../owner'
import type { CallOptions, ChangeOptions, CopyRequest, ManagedPostgres, Started } from '../port'
import { describeSnapshot } from './backups'
import type { Azure } from './client'
import { alignFirewall } from './firewall'
import { ADOPTED, findServer, requireServer, restart, tagsOf } from './servers'

/** Libraries that start jobs of their own. */
const SCHEDULERS = new Set(['pg_cron', 'pg_partman_bgw'])
const LOOK_AGAIN_MS = 5_000

export type Copy = Parameters<ManagedPostgres['startInertRestore']>[0] | Parameters<ManagedPostgres['startRestoreToTime']>[0]

export async function startCopy(azure: Azure, input: Copy, options: ChangeOptions): Promise<Started> {
  const existing = await findServer(azure, input.instance, options)
  if (existing === null) {
    await assertNotFailed(azure, input.instance, options)
    const { operation } = await startRestore(azure, input, options)
    if (operation !== null) azure.begun.set(input.instance, operation)
    throw again(`Server ${input.instance} is being restored.`)
  }
  assertMine(`Server ${input.instance}`, tagsOf(existing), input.owner)
  if (existing.state === 'Dropping' || existing.state === 'Disabled' || existing.state === 'Inaccessible') {
    throw failure('RESOURCE_FAILED', `Server ${input.instance} is ${existing.state}.`, { resource: input.instance })
  }
  if (existing.state !== 'Ready') throw again(`Server ${input.instance} is ${existing.state}.`)
  azure.begun.delete(input.instance)
  await makeInert(azure, input, options)
  return ADOPTED
}

function again(message: string): Failure {
  return failure('NOT_READY_YET', message, { retryAfterMs: LOOK_AGAIN_MS })
}

/** A restore that failed leaves no server to show it. */
async function assertNotFailed(azure: Azure, instance: string, options: CallOptions): Promise<void> {
  const operation = azure.begun.get(instance)
  if (operation === undefined) return
  const { state, message } = await azure.describeOperation(operation, options)
  if (state === 'running') throw again(`Server ${instance} is being restored.`)
  azure.begun.delete(instance)
  if (state === 'failed') {
    throw failure('RESOURCE_FAILED', `Server ${instance} could not be restored: ${message}`, { resource: instance })
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
    sdk.servers.beginCreateOrUpdate(azure.config.resourceGroup, input.instance, server, request),
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
async function makeInert(azure: Azure, { instance, networkRules }: CopyRequest, options: ChangeOptions): Promise<void> {
  const workers = await configuration(azure, instance, 'max_logical_replication_workers', options)
  if (workers.value !== '0') return configure(azure, instance, { ...workers, value: '0' }, options)
  const preload = await configuration(azure, instance, 'shared_preload_libraries', options)
  const libraries = (preload.value ?? '').split(',').filter((library) => library !== '')
  const kept = libraries.filter((library) => !SCHEDULERS.has(library.trim()))
  if (kept.length < libraries.length) return configure(azure, instance, { ...preload, value: kept.join(',') }, options)
  if (workers.isConfigPendingRestart || preload.isConfigPendingRestart) {
    await restart(azure, instance, options)
    throw again(`Server ${instance} restarts as an inert copy.`)
  }
  if (!(await alignFirewall(azure, { server: instance, networks: networkRules }, options))) {
    throw again(`The firewall rules of server ${instance} are being set.`)
  }
}

async function configuration(azure: Azure, server: string, name: string, options: CallOptions): Promise<Configuration> {
  return azure.ask('Configurations_Get', options, (sdk, request) =>
    sdk.configurations.get(azure.config.resourceGroup, server, name, request),
  )
}

async function configure(azure: Azure, server: string, { name = '', value = '' }: Configuration, options: ChangeOptions) {
  await azure.start('Configurations_Update', options, (sdk, request) =>
    sdk.configurations.beginUpdate(azure.config.resourceGroup, server, name, { value, source: 'user-override' }, request),
  )
  throw again(`Server ${server} is being made inert.`)
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
