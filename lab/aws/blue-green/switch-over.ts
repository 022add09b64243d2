/** The switchover of a blue/green deployment. No acknowledged commit is lost and at no moment may two accept writes, whenever the lab
 *  dies: how far it has come is written down before each step that is not to be done by halves (`Switchover.reached`).
 *
 *  1. The guardrails. Nothing is changed if one of them fails.
 *  2. `closed`: customers are shut out of all instances and stay so until the end, also over a restart of the lab.
 *  3. Blue is stopped, cleanly, once green has everything that it ever wrote. Until here whatever fails is taken back.
 *  4. `promoting`: green becomes a writer. Only one that is known to follow still is taken back from here.
 *  5. `exchanged`: names and addresses. Green is opened first; then blue, read-only, and the replicas.
 *
 *  Whether green writes is asked of its data, never concluded from an error. */
import { setTimeout as sleep } from 'node:timers/promises'
import { limitedTo } from '../../limit'
import { addAutomatedSnapshot } from '../backups'
import { type AwsCloud, keyOf, specOf } from '../cloud'
import { note } from '../events'
import { followersOf } from '../following'
import type { DbInstance } from '../state'
import { expectRecovery } from '../tasks/runner'
import { exchange } from './exchange'
import { requireReady } from './guardrails'
import { involvedIn, membersOf, type Pair, pairsOf } from './members'
import type { Deployment, DeploymentStatus, Switchover } from './state'

const LOOK_EVERY_MS = 30
const PAUSE_MS = 500

export interface Work {
  readonly cloud: AwsCloud
  readonly deployment: Deployment
  readonly signal: AbortSignal
}

/** Resolves with what becomes of the deployment. Safe to begin again. Rejects while it is not known who is to write. */
export async function switchOver(work: Work, task: Switchover): Promise<DeploymentStatus> {
  if (task.failure === undefined && task.reached !== 'exchanged') await attempt(work, task)
  if (task.failure !== undefined) return takeBack(work, task.failure)
  await open(work)
  note(work.cloud.state, 'blue-green-deployment', work.deployment, 'switchoverCompleted')
  return 'SWITCHOVER_COMPLETED'
}

/** Ends with names exchanged, or with the reason why it is to be taken back. */
async function attempt(work: Work, task: Switchover): Promise<void> {
  const left = Date.parse(task.deadline) - Date.now()
  const limit = limitedTo(Math.max(0, left), work.signal)
  try {
    await handOver(work, task, limit)
  } catch (error) {
    work.signal.throwIfAborted()
    if (task.reached === 'promoting' || task.reached === 'exchanged') throw error
    // a timer may be a millisecond ahead of the clock
    const late = limit.aborted || Date.now() >= Date.parse(task.deadline)
    task.failure = late ? `The switchover did not complete within ${task.timeoutSeconds} seconds.` : messageOf(error)
    await work.cloud.save()
  }
}

/** Ends with names exchanged and all servers stopped. @throws Error; by `task.reached` it is to be taken back, or tried again. */
async function handOver(work: Work, task: Switchover, limit: AbortSignal): Promise<void> {
  const { cloud, deployment, signal } = work
  const pairs = pairsOf(cloud.state, deployment)
  const [primary] = pairs
  if (task.reached === undefined) {
    await requireReady(cloud, primary, task.timeoutSeconds)
    begin(work, task, pairs)
    await cloud.save()
  }
  if (task.reached === 'closed') {
    await shutOut(work, pairs, limit)
    await cloud.servers.stopBehind(specOf(cloud, primary.blue), specOf(cloud, primary.green), limit)
    limit.throwIfAborted()
    task.reached = 'promoting'
    await cloud.save()
  }
  await promote(work, task, primary)
  // those that follow first: nobody waits for them then
  for (const { folder } of involvedIn(cloud.state, pairs).reverse()) await cloud.servers.halt(folder)
  await cloud.pace.lasts('rebootMs', `${deployment.region}/deployment:${deployment.id}`, signal)
  exchange(cloud, deployment, pairs)
  task.reached = 'exchanged'
  await cloud.save()
}

function begin({ cloud, deployment }: Work, task: Switchover, pairs: readonly [Pair, ...Pair[]]): void {
  const instances = involvedIn(cloud.state, pairs)
  // one that was hit after the call was accepted is looked after by its own tasks
  const busy = instances.find(({ tasks, status }) => tasks.length > 0 || status !== 'modifying')
  if (busy) throw new Error(`The DB instance ${busy.id} is not in available state.`)
  for (const instance of instances) instance.switching = true
  task.reached = 'closed'
  note(cloud.state, 'blue-green-deployment', deployment, 'switchoverStarted')
  for (const { blue, green } of pairs)
    note(cloud.state, 'blue-green-deployment', deployment, 'memberSwitching', blue.id, green.id)
}

/** Nobody but the lab gets into any of the servers, and nobody is left in one. Waits for those that stand still. */
async function shutOut({ cloud }: Work, pairs: readonly [Pair, ...Pair[]], signal: AbortSignal): Promise<void> {
  for (const instance of involvedIn(cloud.state, pairs)) {
    while (cloud.afflictions.isFrozen(keyOf(instance))) await sleep(LOOK_EVERY_MS, undefined, { signal })
    const spec = specOf(cloud, instance)
    await cloud.servers.ensureRunning(spec)
    await cloud.servers.configure(spec)
    await cloud.servers.endSessions(spec)
  }
}

/** Resolves when green writes. After the deadline a green that is known to follow still is left so.
 *  @throws Error with the task no longer `promoting`: blue has everything that green has, and goes on. */
async function promote({ cloud, signal }: Work, task: Switchover, { blue, green }: Pair): Promise<void> {
  for (;;) {
    try {
      await cloud.servers.ensureRunning(specOf(cloud, green))
      await cloud.servers.promote(specOf(cloud, green))
      return
    } catch (error) {
      signal.throwIfAborted()
      cloud.log(`the promotion of ${green.id} stumbled: ${error}`)
    }
    if (Date.now() > Date.parse(task.deadline) && (await followsStill(cloud, green))) {
      task.reached = 'closed'
      throw new Error(`${green.id} does not take over from ${blue.id}.`)
    }
    await sleep(PAUSE_MS, undefined, { signal })
  }
}

/** False also when nobody knows. */
async function followsStill(cloud: AwsCloud, green: DbInstance): Promise<boolean> {
  try {
    const spec = specOf(cloud, green)
    await cloud.servers.ensureRunning(spec)
    // a promotion that was asked for may still be coming: a restart forgets it
    await cloud.servers.restart(spec)
    return await cloud.servers.isInRecovery(spec)
  } catch (error) {
    cloud.log(`${green.id} is not taken back yet: ${error}`)
    return false
  }
}

/** Green first, since that is whom applications wait for. */
async function open(work: Work): Promise<void> {
  const { cloud, deployment } = work
  const pairs = pairsOf(cloud.state, deployment)
  const [{ blue, green }] = pairs
  const instances = involvedIn(cloud.state, pairs)
  await cloud.servers.ensureRunning(specOf(cloud, green))
  await letIn(cloud, green)
  for (const instance of instances) if (instance !== green) await startAgain(cloud, instance)
  for (const instance of [blue, green]) await keepLog(cloud, instance)
  for (const member of membersOf(deployment)) member.status = 'SWITCHOVER_COMPLETED'
  if (!green.tasks.some(({ kind }) => kind === 'back-up')) {
    green.tasks.push({ kind: 'back-up', snapshot: addAutomatedSnapshot(cloud, green) })
  }
  await cloud.save()
  for (const instance of instances) cloud.tasks.wake(instance)
}

/** Nobody but blue has written: it goes on where it was, and green follows it. */
async function takeBack({ cloud, deployment }: Work, reason: string): Promise<DeploymentStatus> {
  const pairs = pairsOf(cloud.state, deployment)
  for (const instance of involvedIn(cloud.state, pairs)) await startAgain(cloud, instance)
  await keepLog(cloud, pairs[0].blue)
  for (const member of membersOf(deployment)) member.status = 'SWITCHOVER_FAILED'
  deployment.details = reason
  for (const { blue, green } of pairs) {
    note(cloud.state, 'blue-green-deployment', deployment, 'memberNotSwitched', blue.id, green.id, reason)
  }
  note(cloud.state, 'blue-green-deployment', deployment, 'switchoverCanceled')
  return 'SWITCHOVER_FAILED'
}

/** One that does not start is recovered, as at any other time. */
async function startAgain(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  const started = await cloud.servers.ensureRunning(specOf(cloud, instance)).then(
    () => true,
    (error) => cloud.log(`${instance.id} does not start after the switchover: ${error}`),
  )
  await letIn(cloud, instance)
  if (started) return
  expectRecovery(instance)
  await cloud.save()
  cloud.tasks.wake(instance)
}

/** One that is being recovered meanwhile has its status from that. */
async function letIn(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  delete instance.switching
  if (instance.status === 'modifying') {
    instance.status = 'available'
    instance.availableAt = new Date().toISOString()
  }
  await cloud.save()
  await cloud.servers.configure(specOf(cloud, instance)).catch((error) => cloud.log(`rules of ${instance.id}: ${error}`))
}

/** For those that follow it now, and nobody else. */
async function keepLog(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  const folders = followersOf(cloud.state, instance).map(({ folder }) => folder)
  await cloud.servers
    .keepReplicas(specOf(cloud, instance), folders)
    .catch((error) => cloud.log(`slots of ${instance.id}: ${error}`))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
