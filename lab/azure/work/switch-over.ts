/** Two servers swap their roles. Whatever fails, at no time do both write, and at the end the records say who does: what has happened is
 *  asked of the data, never concluded from an error. Safe to begin again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { limitedTo } from '../../limit'
import { newFolderName } from '../../postgres/servers'
import { specOf } from '../cloud'
import { swapEndpoints } from '../endpoints'
import { replicasOf } from '../replication'
import { type AzureServer, type Job, serverKey } from '../state'
import { backUpSoon, keepSlots } from './lifecycle'
import { requireReplaying } from './roles'
import { becomeReady, lasts, type Perform, type Work } from './work'

type SwitchOver = Extract<Job, { kind: 'switch-over' }>

/** Who follows the new primary by the end; of the others, those who were told. Everybody else is made anew. */
interface Followers {
  before: boolean
  told: readonly AzureServer[]
}

const LOOK_EVERY_MS = 30
const QUIET_TIMEOUT_MS = 10 * 60_000
const SWAP_TIMEOUT_MS = 3 * 60_000
const COPY_TIMEOUT_MS = 30 * 60_000
const ANSWER_TIMEOUT_MS = 60_000
/** After the promotion there is no way back: for so long what is left to do is tried again. */
const REST_TIMEOUT_MS = 60_000
const PAUSE_MS = 500

/** The replica writes, and its primary follows it. Planned, no commit is lost; by force, what was not received is. */
export const switchOver: Perform<'switch-over'> = async (work, task) => {
  const { cloud, server } = work
  const before = cloud.state.servers[task.primary]
  if (!before) throw new Error(`The server ${task.primary} is gone.`)
  await lasts(work, 'modifyMs')
  await cloud.servers.ensureRunning(specOf(cloud, server))
  await requireReplaying(work)
  const follow = task.planned ? await handOver(work, before, task) : await seize(work, before, task)
  for (const { folder } of Object.values(before.backups)) {
    // swept away by the next lab: no record speaks of it any more
    await cloud.servers.removeSnapshot(folder).catch((error) => cloud.log(`a backup of ${before.name} stays: ${error}`))
  }
  return () => swapRecords(work, before, follow)
}

function swapRecords(work: Work, before: AzureServer, follow: Followers): void {
  const { cloud, server } = work
  const key = serverKey(server.name)
  const others = replicasOf(cloud.state, before).filter((other) => other !== server)
  server.replicaOf = null
  // who follows has no backups and no standby of its own
  Object.assign(before, { replicaOf: key, backups: {}, state: 'Ready', readyAt: new Date().toISOString() })
  before.highAvailability = { mode: 'Disabled', standbyZone: null }
  swapEndpoints(cloud.state, before, server)
  if (!follow.before) followAnew(work, before)
  else if (cloud.servers.isDown(before.folder)) {
    // nobody else recovered it meanwhile
    before.tasks.push({ kind: 'recover', operation: null })
    cloud.tasks.wake(before)
  }
  for (const other of others) {
    other.replicaOf = key
    if (!follow.told.includes(other)) followAnew(work, other)
    // one that came back meanwhile was still told of the old primary
    else cloud.servers.configure(specOf(cloud, other)).catch((error) => cloud.log(`${other.name}: ${error}`))
  }
  becomeReady(work)
  backUpSoon(work)
}

/** One that is stopped, when it is started. */
function followAnew({ cloud, server }: Work, replica: AzureServer): void {
  if (replica.state === 'Stopped') {
    replica.outdated = true
    return
  }
  replica.state = 'Updating'
  replica.tasks.push({ kind: 'replicate', source: serverKey(server.name), operation: null })
  cloud.tasks.wake(replica)
}

/** @throws Error when it came to nothing, and the primary writes as before. */
async function handOver(work: Work, before: AzureServer, task: SwitchOver): Promise<Followers> {
  const { cloud, server, signal } = work
  if (task.takenBack) throw await takeBack(work, before, new Error('The lab ended while it was taken back.'))
  await quiet(work, before)
  await cloud.afflictions.thawed(task.primary, signal)
  const swap = (): Promise<void> => {
    const limited = limitedTo(SWAP_TIMEOUT_MS, signal)
    return cloud.servers.switchOver(specOf(cloud, before), specOf(cloud, server), limited)
  }
  let swapped = true
  try {
    await holdLog(work, othersOf(work, before))
    await swap()
  } catch (error) {
    signal.throwIfAborted()
    cloud.log(`the switchover to ${server.name} stumbled: ${error}`)
    if (await writes(work, before)) {
      await holdLog(work, [])
      throw error
    }
    if (!(await tookOver(work))) {
      await holdLog(work, [])
      task.takenBack = true
      await cloud.save()
      throw await takeBack(work, before, error)
    }
    swapped = await finished(work, swap)
  }
  return { before: swapped, told: await tellOthers(work, before) }
}

/** What the lab itself does with it, such as a backup. */
async function quiet({ signal }: Work, before: AzureServer): Promise<void> {
  const deadline = Date.now() + QUIET_TIMEOUT_MS
  while (before.tasks.length > 0) {
    if (Date.now() > deadline) throw new Error(`The server ${before.name} was busy for too long.`)
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** It is stopped and marked as a follower, and nobody took over: it has everything, so it becomes the writer again. */
async function takeBack({ cloud }: Work, before: AzureServer, error: unknown): Promise<unknown> {
  await cloud.servers.ensureRunning(specOf(cloud, before))
  await cloud.servers.promote(specOf(cloud, before))
  return error
}

async function writes({ cloud, signal }: Work, server: AzureServer): Promise<boolean> {
  await cloud.afflictions.thawed(serverKey(server.name), signal)
  if (cloud.servers.isDown(server.folder)) return false
  return cloud.servers.isInRecovery(specOf(cloud, server)).then(
    (follows) => !follows,
    () => false,
  )
}

/** Whether the replica has become a writer. @throws Error when it does not answer: then nobody may write in its place. */
async function tookOver({ cloud, server, signal }: Work): Promise<boolean> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS
  for (;;) {
    await cloud.afflictions.thawed(serverKey(server.name), signal)
    try {
      await cloud.servers.ensureRunning(specOf(cloud, server))
      if (!(await cloud.servers.isInRecovery(specOf(cloud, server)))) return true
      // a promotion that was asked for may still be coming: a restart forgets it
      await cloud.servers.restart(specOf(cloud, server))
      return !(await cloud.servers.isInRecovery(specOf(cloud, server)))
    } catch (error) {
      signal.throwIfAborted()
      if (Date.now() > deadline) throw error
    }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

/** Ends the old primary, promotes at once, and makes the old primary anew as a replica: it may have written what nobody else has. */
async function seize(work: Work, before: AzureServer, task: SwitchOver): Promise<Followers> {
  const { cloud, server, signal } = work
  // written down first: from now on nobody starts it again
  task.seized = true
  await cloud.save()
  await cloud.servers.halt(before.folder)
  try {
    await cloud.servers.promote(specOf(cloud, server))
  } catch (error) {
    signal.throwIfAborted()
    if (!(await tookOver(work).catch((silent) => giveUp(work, task, silent)))) throw error
  }
  const made = await finished(work, async () => {
    const old = before.folder
    before.folder = newFolderName()
    before.archive = before.folder
    await cloud.save()
    await cloud.servers.remove(old, { replicaOf: specOf(cloud, server) })
    const limited = limitedTo(COPY_TIMEOUT_MS, signal)
    await cloud.servers.createReplica({ ...specOf(cloud, before), replicaOf: undefined }, specOf(cloud, server), limited)
  })
  // they may have received more than the new primary: then they cannot follow it as they are
  return { before: made, told: [] }
}

/** It may have been promoted before it fell silent: what it has is lost, and the old primary writes again. */
async function giveUp({ cloud, server, signal }: Work, task: SwitchOver, error: unknown): Promise<false> {
  signal.throwIfAborted()
  cloud.log(`${server.name} does not answer: ${error}`)
  await cloud.servers.halt(server.folder)
  server.tasks.push({ kind: 'replicate', source: task.primary, operation: null })
  return false
}

/** The other replicas that can be told whom to follow. One that is away may need log by then that is nowhere any more. */
function othersOf({ cloud, server }: Work, before: AzureServer): AzureServer[] {
  return replicasOf(cloud.state, before).filter(
    (other) => other !== server && !cloud.servers.isDown(other.folder) && !cloud.afflictions.isFrozen(serverKey(other.name)),
  )
}

/** The replica keeps its log for these from now on, and for nobody else: a promotion throws away what is kept for nobody. */
async function holdLog({ cloud, server }: Work, others: readonly AzureServer[]): Promise<void> {
  await keepSlots(
    cloud,
    server,
    others.map(({ folder }) => folder),
  ).catch((error) => cloud.log(`slots of ${server.name}: ${error}`))
}

async function tellOthers(work: Work, before: AzureServer): Promise<AzureServer[]> {
  const { cloud, server } = work
  const { folder, address } = specOf(cloud, server)
  const told: AzureServer[] = []
  await finished(work, async () => {
    for (const other of othersOf(work, before)) {
      if (told.includes(other)) continue
      await cloud.servers.follow({ ...specOf(cloud, other), replicaOf: { folder, address } })
      told.push(other)
    }
  })
  return told
}

/** Whether it ended well after all. */
async function finished({ cloud, server, signal }: Work, rest: () => Promise<void>): Promise<boolean> {
  const deadline = Date.now() + REST_TIMEOUT_MS
  for (;;) {
    try {
      await rest()
      return true
    } catch (error) {
      signal.throwIfAborted()
      cloud.log(`after the promotion of ${server.name}: ${error}`)
      if (Date.now() > deadline) return false
    }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}
