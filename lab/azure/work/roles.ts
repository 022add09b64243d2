/** Tasks by which servers change who writes and who follows. Each is safe to begin again. */

import { setTimeout as sleep } from 'node:timers/promises'
import { limitedTo } from '../../limit'
import { atLeast } from '../../profile'
import { specOf } from '../cloud'
import { leaveEndpoints } from '../endpoints'
import { AzureError } from '../errors'
import { primaryOf } from '../replication'
import { type AzureServer, serverKey } from '../state'
import { backUpSoon, beginAnew } from './lifecycle'
import { becomeReady, lasts, type Perform, type Work } from './work'

const LOOK_EVERY_MS = 30
const CATCH_UP_TIMEOUT_MS = 2 * 60_000
const COPY_TIMEOUT_MS = 30 * 60_000

/** A server that follows another one. One that followed before is made anew. */
export const replicate: Perform<'replicate'> = async (work, { source }) => {
  const { cloud, server, signal } = work
  const primary = cloud.state.servers[source]
  if (!primary) throw new Error(`There is no server ${source} to follow any more.`)
  server.running = { ...server.configurations }
  await beginAnew(work)
  await cloud.afflictions.thawed(source, signal)
  const limited = limitedTo(COPY_TIMEOUT_MS, signal)
  const made = cloud.servers.createReplica(specOf(cloud, server), specOf(cloud, primary), limited)
  await atLeast(made, lasts(work, 'createMs'))
  return () => {
    server.createdAt ??= new Date().toISOString()
    delete server.outdated
    becomeReady(work, true)
  }
}

/** It follows nobody any more. Planned, it has everything then that its primary had when that was asked last. */
export const promote: Perform<'promote'> = async (work, { planned }) => {
  const { cloud, server } = work
  await lasts(work, 'modifyMs')
  await requireReplaying(work)
  if (planned && (await cloud.servers.isInRecovery(specOf(cloud, server)))) await caughtUp(work)
  await cloud.servers.promote(specOf(cloud, server))
  return () => {
    server.replicaOf = null
    // as in life, it begins without these
    server.authConfig = { entra: 'Disabled', password: 'Enabled', tenantId: null }
    server.administrators = {}
    leaveEndpoints(cloud.state, server)
    void cloud.endpoints.settle()
    becomeReady(work)
    backUpSoon(work)
  }
}

/** PostgreSQL itself promotes nobody who stands still because its primary allows itself more: that takes a restart first.
 *  @throws AzureError OperationNotAllowed. */
export async function requireReplaying({ cloud, server }: Work): Promise<void> {
  const { state } = await cloud.servers.replication(specOf(cloud, server))
  if (state !== 'halted') return
  throw new AzureError(
    'OperationNotAllowed',
    `Server '${server.name}' does not replicate: its parameters, such as max_connections, are below those of its primary server. Raise them and restart it first.`,
  )
}

/** @throws AzureError when there is nobody to catch up with, or it does not. */
async function caughtUp(work: Work): Promise<void> {
  const { cloud, server, signal } = work
  const deadline = Date.now() + CATCH_UP_TIMEOUT_MS
  while (Date.now() < deadline) {
    const primary = primaryOf(cloud.state, server)
    if (!primary || cloud.servers.isDown(primary.folder)) throw needsPrimary(server)
    await cloud.afflictions.thawed(serverKey(primary.name), signal)
    const { state, lagBytes } = await cloud.servers.replication(specOf(cloud, server))
    if (state === 'streaming' && lagBytes === 0) return
    if (state === 'halted') await requireReplaying(work)
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
  throw new AzureError(
    'OperationNotAllowed',
    `Server '${server.name}' did not catch up with its primary server. A forced promotion does not wait for that.`,
  )
}

function needsPrimary({ name }: AzureServer): AzureError {
  return new AzureError(
    'OperationNotAllowed',
    `A planned promotion of '${name}' needs its primary server, which does not run. A forced one does not.`,
  )
}
