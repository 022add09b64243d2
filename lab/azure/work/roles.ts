/** Tasks by which servers change who writes and who follows. Each is safe to begin again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { newFolderName } from '../../postgres/servers'
import { specOf } from '../cloud'
import { leaveEndpoints, swapEndpoints } from '../endpoints'
import { AzureError } from '../errors'
import { primaryOf, replicasOf } from '../replication'
import { type AzureServer, serverKey } from '../state'
import { backUpSoon, beginAnew } from './lifecycle'
import { atLeast, becomeReady, lasts, type Perform, type Work } from './work'

const LOOK_EVERY_MS = 30

/** A server that follows another one. One that followed before is made anew. */
export const replicate: Perform<'replicate'> = async (work, { source }) => {
  const { cloud, server, signal } = work
  const primary = cloud.state.servers[source]
  if (!primary) throw new Error(`There is no server ${source} to follow any more.`)
  await beginAnew(work)
  await cloud.afflictions.thawed(source, signal)
  const made = cloud.servers.createReplica(specOf(cloud, server), specOf(cloud, primary), signal)
  await atLeast(made, lasts(work, 'createMs'))
  return () => {
    server.createdAt ??= new Date().toISOString()
    becomeReady(work, true)
  }
}

/** It follows nobody any more. Planned, it has everything then that its primary had when that was asked last. */
export const promote: Perform<'promote'> = async (work, { planned }) => {
  const { cloud, server } = work
  await lasts(work, 'modifyMs')
  if (planned && (await cloud.servers.isInRecovery(specOf(cloud, server)))) await caughtUp(work)
  await cloud.servers.promote(specOf(cloud, server))
  return () => {
    server.replicaOf = null
    leaveEndpoints(cloud.state, server)
    void cloud.endpoints.settle()
    becomeReady(work)
    backUpSoon(work)
  }
}

/** @throws AzureError when there is nobody to catch up with. */
async function caughtUp({ cloud, server, signal }: Work): Promise<void> {
  for (;;) {
    const primary = primaryOf(cloud.state, server)
    if (!primary || cloud.servers.isDown(primary.folder)) throw needsPrimary(server)
    await cloud.afflictions.thawed(serverKey(primary.name), signal)
    const { state, lagBytes } = await cloud.servers.replication(specOf(cloud, server))
    if (state === 'streaming' && lagBytes === 0) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

function needsPrimary({ name }: AzureServer): AzureError {
  return new AzureError(
    'OperationNotAllowed',
    `A planned promotion of '${name}' needs its primary server, which does not run. A forced one does not.`,
  )
}

/** The replica writes, and its primary follows it. Planned, no commit is lost; by force, what was not received is. */
export const switchOver: Perform<'switch-over'> = async (work, { primary, planned }) => {
  const { cloud, server, signal } = work
  const before = cloud.state.servers[primary]
  if (!before) throw new Error(`The server ${primary} is gone.`)
  await lasts(work, 'modifyMs')
  // what the lab itself does with it, such as a backup
  while (before.tasks.length > 0) await sleep(LOOK_EVERY_MS, undefined, { signal })
  if (planned) {
    await cloud.afflictions.thawed(primary, signal)
    await cloud.servers.switchOver(specOf(cloud, before), specOf(cloud, server), signal)
    await tellOthers(work, before)
  } else await seize(work, before)
  for (const { folder } of Object.values(before.backups)) await cloud.servers.removeSnapshot(folder)
  return () => {
    for (const other of replicasOf(cloud.state, before)) {
      other.replicaOf = serverKey(server.name)
      // it may have received more than the new primary: then it cannot follow it as it is
      if (other !== server && !planned) followAnew(work, other)
    }
    server.replicaOf = null
    const now = new Date().toISOString()
    // who follows has no backups and no standby of its own
    Object.assign(before, { replicaOf: serverKey(server.name), backups: {}, state: 'Ready', readyAt: now })
    before.highAvailability = { mode: 'Disabled', standbyZone: null }
    swapEndpoints(cloud.state, before, server)
    becomeReady(work)
    backUpSoon(work)
  }
}

function followAnew({ cloud, server }: Work, replica: AzureServer): void {
  replica.state = 'Updating'
  replica.tasks.push({ kind: 'replicate', source: serverKey(server.name), operation: null })
  cloud.tasks.wake(replica)
}

/** Promotes at once, and makes the old primary anew as a replica: it may have written what nobody else has. */
async function seize({ cloud, server, signal }: Work, before: AzureServer): Promise<void> {
  await cloud.servers.promote(specOf(cloud, server))
  const old = before.folder
  before.folder = newFolderName()
  before.archive = before.folder
  await cloud.save()
  await cloud.servers.remove(old)
  await cloud.servers.createReplica({ ...specOf(cloud, before), replicaOf: undefined }, specOf(cloud, server), signal)
}

/** Other replicas follow the new primary; one that is down does so from its next start. */
async function tellOthers({ cloud, server }: Work, before: AzureServer): Promise<void> {
  const { folder, address } = specOf(cloud, server)
  for (const other of replicasOf(cloud.state, before)) {
    if (other === server || cloud.servers.isDown(other.folder)) continue
    await cloud.servers.follow({ ...specOf(cloud, other), replicaOf: { folder, address } })
  }
}
