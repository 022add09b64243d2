/** Carries out what replicas are for: they are made, promoted, exchanged with their primary, and made anew of what took over. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../tasks'
import { backUpFirst, loseArchive } from './backing-up'
import { type GcpCloud, newOperation, primaryOf, replicasOf, specOf } from './cloud'
import type { SqlInstance } from './state'
import { atLeast, beginAnew, closed, lasts, type TaskOf, type Work } from './work'

const LOOK_EVERY_MS = 30

export async function performCreateReplica(work: Work, task: TaskOf<'create-replica'>): Promise<Outcome> {
  const { cloud, instance } = work
  const primary = await followFrom(work)
  return () => {
    instance.madeAt = new Date().toISOString()
    instance.tasks.unshift({ kind: 'settle', operation: task.operation })
    // in life as well: whoever knows the older version is told that it is stale
    primary.settingsVersion += 1
    cloud.tasks.wake(instance)
  }
}

/** New data for a replica, from whom it follows. */
async function followFrom(work: Work): Promise<SqlInstance> {
  const { cloud, instance, signal } = work
  const primary = cloud.state.instances[instance.master ?? '']
  if (!primary) throw new Error(`The primary of ${instance.name} is gone.`)
  await beginAnew(cloud, instance)
  await atLeast(cloud.servers.createReplica(closed(cloud, instance), specOf(cloud, primary), signal), lasts(work, 'restoreMs'))
  return primary
}

/** Its own replicas go on following it. Whoever is failed over from writes nothing any more before somebody else does. */
export async function performPromote(work: Work, task: TaskOf<'promote'>): Promise<Outcome> {
  const { cloud, instance } = work
  const primary = cloud.state.instances[instance.master ?? '']
  if (task.failover && primary) {
    primary.replaced = true
    await cloud.save()
    await cloud.servers.crash(primary.folder)
  }
  await atLeast(cloud.servers.promote(specOf(cloud, instance)), lasts(work, 'modifyMs'))
  return () => {
    instance.master = null
    if (!primary) return
    primary.settingsVersion += 1
    if (primary.drReplica === instance.name) primary.drReplica = null
    if (task.failover) replacePrimary(cloud, primary, instance, task)
  }
}

/** Nothing has taken over: the primary goes on. Changes the state, and leaves it to the caller to write it down. */
export function failPromote(cloud: GcpCloud, instance: SqlInstance): void {
  const primary = cloud.state.instances[instance.master ?? '']
  if (!primary?.replaced) return
  primary.replaced = false
  primary.tasks.push({ kind: 'recover', operation: null })
  cloud.tasks.wake(primary)
}

/** The promoted one has the backups from now on; its old primary loses its data, and begins anew when it is able to. */
function replacePrimary(cloud: GcpCloud, primary: SqlInstance, promoted: SqlInstance, task: TaskOf<'promote'>): void {
  const others = replicasOf(cloud, primary)
  exchangeRoles(cloud, primary, promoted)
  promoted.tasks.unshift({ kind: 'take-over', operation: task.operation })
  rejoin(cloud, primary, promoted, 'RECONFIGURE_OLD_PRIMARY')
  // any of them may have replayed what the promoted one never saw
  for (const other of others) rejoin(cloud, other, promoted, 'RECREATE_REPLICA')
}

function rejoin(cloud: GcpCloud, instance: SqlInstance, writer: SqlInstance, type: string): void {
  const operation = newOperation(cloud, { type, instance: instance.name })
  instance.master = writer.name
  instance.tasks.push({ kind: 'rejoin', operation: operation.name })
  cloud.tasks.wake(instance)
}

export async function performRejoin(work: Work): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const primary = cloud.state.instances[instance.master ?? '']
  // whoever took over may still be taking its first backup
  while (primary?.tasks.some(({ kind }) => kind === 'take-over')) await sleep(LOOK_EVERY_MS, undefined, { signal })
  await followFrom(work)
  await cloud.servers.configure(specOf(cloud, instance))
  return () => {
    instance.replaced = false
  }
}

export async function performSwitchOver(work: Work, task: TaskOf<'switch-over'>): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const { servers, state } = cloud
  const primary = state.instances[task.from]
  if (!primary) throw new Error(`The instance ${task.from} is gone.`)
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(task.timeoutMs)])
  try {
    await atLeast(servers.switchOver(specOf(cloud, primary), specOf(cloud, instance), bounded), lasts(work, 'modifyMs'))
  } catch (error) {
    // once it writes there is no way back, whatever is missing still
    if (signal.aborted || (await servers.isInRecovery(specOf(cloud, instance)).catch(() => true))) throw error
    cloud.log(`The switchover from ${primary.name} to ${instance.name} is not complete: ${error}`)
  }
  const others = replicasOf(cloud, primary).filter((replica) => replica !== instance)
  const writer = specOf(cloud, instance)
  for (const other of others) {
    await servers
      .follow({ ...specOf(cloud, other), replicaOf: writer })
      .catch((error) => cloud.log(`${other.name} does not follow ${instance.name}: ${error}`))
  }
  return () => {
    exchangeRoles(cloud, primary, instance)
    for (const other of others) other.master = instance.name
    instance.tasks.unshift({ kind: 'take-over', operation: task.operation })
  }
}

/** Whoever writes has backups; whoever follows has none. Changes the state, and leaves it to the caller to write it down. */
function exchangeRoles(cloud: GcpCloud, primary: SqlInstance, replica: SqlInstance): void {
  const configuration = primary.settings.backupConfiguration
  primary.settings.backupConfiguration = replica.settings.backupConfiguration
  replica.settings.backupConfiguration = configuration
  primary.master = replica.name
  replica.master = null
  replica.drReplica = primary.name
  primary.drReplica = null
  for (const { settings } of [primary, replica])
    settings.replicationType = settings === primary.settings ? 'ASYNCHRONOUS' : 'SYNCHRONOUS'
  primary.settingsVersion += 1
  replica.settingsVersion += 1
  loseArchive(cloud, primary.folder)
}

/** Its log is archived from its next start on; from then on it can be recovered. */
export async function performTakeOver(work: Work): Promise<Outcome> {
  const { cloud, instance } = work
  const spec = specOf(cloud, instance)
  if (spec.archive === undefined) await cloud.servers.configure(spec)
  else await cloud.servers.restart(spec)
  await backUpFirst(work, instance.settings)
  // whoever follows it now writes no log of its own any more
  for (const replica of replicasOf(cloud, instance)) {
    await cloud.servers.configure(specOf(cloud, replica))
    await cloud.servers.removeArchive(replica.folder)
  }
  return () => {}
}

/** A primary that is there again keeps the log of its replicas alone. */
export async function keepOwnReplicas(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  if (primaryOf(cloud, instance) !== undefined) return
  const folders = replicasOf(cloud, instance).map(({ folder }) => folder)
  await cloud.servers.keepReplicas(specOf(cloud, instance), folders)
}
