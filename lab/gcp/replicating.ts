/** Carries out what replicas are for: they are made, promoted, exchanged with their primary, and made anew of what took over. */

import { setTimeout as sleep } from 'node:timers/promises'
import { limitedTo } from '../limit'
import { atLeast } from '../profile'
import type { Outcome } from '../tasks'
import { backUpFirst, loseArchive } from './backing-up'
import { type GcpCloud, newOperation, replicasOf, specOf } from './cloud'
import { keepOwnReplicas, tendReplicas } from './keeping'
import type { SqlInstance } from './state'
import { unlessPromoted, type Verdict } from './verdict'
import { beginAnew, closed, expectRecovery, lasts, type TaskOf, type Work } from './work'

const LOOK_EVERY_MS = 30
const GIVE_BACK_ATTEMPTS = 3

export async function performCreateReplica(work: Work, task: TaskOf<'create-replica'>): Promise<Outcome> {
  const { cloud, instance } = work
  const primary = await followFrom(work)
  return () => {
    instance.madeAt = new Date().toISOString()
    instance.tasks.unshift({ kind: 'settle', operation: task.operation })
    // in life as well: whoever knows the older version is told that it is stale
    primary.settingsVersion += 1
    tendReplicas(cloud, primary)
    cloud.tasks.wake(instance)
  }
}

/** New data for a replica, from whom it follows. */
async function followFrom(work: Work): Promise<SqlInstance> {
  const { cloud, instance, signal } = work
  const primary = cloud.state.instances[instance.master ?? '']
  if (!primary) throw new Error(`The primary of ${instance.name} is gone.`)
  await beginAnew(cloud, instance)
  // also one whose replication is paused: it begins with everything
  const follower = { ...closed(cloud, instance), paused: false }
  await atLeast(cloud.servers.createReplica(follower, specOf(cloud, primary), signal), lasts(work, 'restoreMs'))
  return primary
}

/** Its own replicas go on following it. Whoever is failed over from writes nothing any more before somebody else does. */
export async function performPromote(work: Work, task: TaskOf<'promote'>): Promise<Outcome> {
  const { cloud, instance } = work
  const primary = cloud.state.instances[instance.master ?? '']
  const left = task.failover ? primary : undefined
  try {
    if (left) await silence(work, left)
    await atLeast(cloud.servers.promote(specOf(cloud, instance)), lasts(work, 'modifyMs'))
  } catch (error) {
    await unlessPromoted(work, error, async (verdict) => left && bringBack(cloud, left, verdict))
    await cloud.servers.promote(specOf(cloud, instance)).catch((again) => cloud.log(`${instance.name}: ${again}`))
  }
  return () => {
    instance.master = null
    // it has nobody to follow any more
    delete instance.settings.databaseReplicationEnabled
    if (!primary) return
    primary.settingsVersion += 1
    if (primary.drReplica === instance.name) primary.drReplica = null
    if (task.failover) replacePrimary(cloud, primary, instance, task)
    else tendReplicas(cloud, primary)
  }
}

/** From now on it writes nothing, and does not come back by itself. */
async function silence({ cloud, signal }: Work, primary: SqlInstance): Promise<void> {
  primary.replaced = true
  await cloud.save()
  // a recovery that is under way may not have seen that; one that waits for a thaw will
  while (primary.tasks.length > 0 && !cloud.afflictions.isFrozen(primary.name)) await sleep(LOOK_EVERY_MS, undefined, { signal })
  await cloud.servers.crash(primary.folder)
  // also one that an earlier lab left running, and nobody has adopted
  await cloud.servers.halt(primary.folder)
}

/** Nobody has taken over for sure: the primary goes on. Otherwise it stays away: two that write would be worse than none. Changes the
 *  state, and leaves it to the caller to write it down. */
function bringBack(cloud: GcpCloud, primary: SqlInstance, verdict: Verdict): void {
  primary.state = verdict === 'follows' ? 'RUNNABLE' : 'FAILED'
  if (verdict !== 'follows') return
  primary.replaced = false
  expectRecovery(primary)
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
    instance.state = 'RUNNABLE'
    if (primary) tendReplicas(cloud, primary)
  }
}

export async function performSwitchOver(work: Work, task: TaskOf<'switch-over'>): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const { servers, state } = cloud
  const primary = state.instances[task.from]
  if (!primary) throw new Error(`The instance ${task.from} is gone.`)
  const bounded = limitedTo(task.timeoutMs, signal)
  if (!task.begun) {
    await isAble(cloud, primary, bounded)
    task.begun = true
    await cloud.save()
  }
  try {
    await atLeast(servers.switchOver(specOf(cloud, primary), specOf(cloud, instance), bounded), lasts(work, 'modifyMs'))
  } catch (error) {
    await unlessPromoted(work, error, (verdict) => giveBack(work, primary, verdict))
  }
  return () => {
    const others = replicasOf(cloud, primary).filter((replica) => replica !== instance)
    exchangeRoles(cloud, primary, instance)
    for (const other of others) other.master = instance.name
    instance.tasks.unshift({ kind: 'take-over', operation: task.operation })
    if (servers.isDown(primary.folder)) recoverFrom(cloud, task)
  }
}

/** Nothing that it does by itself is under way, such as a recovery, and it can hear. */
async function isAble({ afflictions }: GcpCloud, primary: SqlInstance, signal: AbortSignal): Promise<void> {
  while (primary.tasks.length > 0 || afflictions.isFrozen(primary.name)) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

/** Nobody took over for sure: whoever wrote goes on. Otherwise it becomes what its data say. */
async function giveBack({ cloud }: Work, primary: SqlInstance, verdict: Verdict): Promise<void> {
  if (verdict !== 'follows') return
  const writer = specOf(cloud, primary)
  for (let attempt = 1; attempt <= GIVE_BACK_ATTEMPTS; attempt++) {
    try {
      await cloud.servers.ensureRunning(writer)
      // it may have been made a follower already
      return await cloud.servers.promote(writer)
    } catch (error) {
      cloud.log(`${primary.name} does not write again yet: ${error}`)
    }
  }
}

/** What was to hand over its role runs, or comes back. Changes the state, and leaves it to the caller to write it down. */
export function recoverFrom({ state, tasks }: GcpCloud, { from }: TaskOf<'switch-over'>): void {
  const primary = state.instances[from]
  if (!primary) return
  expectRecovery(primary)
  tasks.wake(primary)
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
  await keepOwnReplicas(cloud, instance)
  await backUpFirst(work, instance.settings)
  // whoever follows it now writes no log of its own any more
  for (const replica of replicasOf(cloud, instance)) await cloud.servers.removeArchive(replica.folder)
  return () => {}
}
