/** Runs the tasks of Aurora global databases: another cluster leads. Planned, nothing that was acknowledged is lost; as a failover, what the
 *  followers have not heard of yet is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import { createTaskRunner, type TaskRunner } from '../../tasks'
import { type AwsCloud, specOf } from '../cloud'
import { nextWriter } from '../clusters'
import { note } from '../events'
import { clustersOf, leadOf, membersOf, peersOf, writerOf } from '../following'
import type { GlobalCluster, GlobalTask } from '../global-clusters'
import { finishHandOver, giveLead, handOver, inTurn, joinAnew, replaysAgain } from '../hand-over'
import { furthest } from '../progress'
import type { DbCluster, DbInstance } from '../state'

interface GlobalWork {
  cloud: AwsCloud
  global: GlobalCluster
  /** That is to lead. */
  target: DbCluster
  signal: AbortSignal
}

type FailOver = Extract<GlobalTask, { kind: 'fail-over' }>

const LOOK_EVERY_MS = 100

export function createGlobalTasks(cloud: () => AwsCloud): TaskRunner<GlobalCluster> {
  return createTaskRunner<GlobalTask, GlobalCluster>({
    async perform(global, task, signal) {
      const target = clustersOf(cloud().state, global).find(({ resourceId }) => resourceId === task.to)
      if (!target) throw new Error('The cluster that was to lead is gone.')
      const work = { cloud: cloud(), global, target, signal }
      await lasts(work)
      if (task.doom) await failAsOrdered(work, task.doom)
      await (task.kind === 'switch-over' ? switchOver(work) : failOver(work, task))
      return () => atRest(cloud(), global)
    },
    async failed(global, task, error) {
      const { state } = cloud()
      cloud().log(`${task.kind} of ${global.id} failed: ${error}`)
      const target = clustersOf(state, global).find(({ resourceId }) => resourceId === task.to)
      if (target && task.kind === 'switch-over')
        note(state, 'db-cluster', target, 'globalNotSwitchedOver', target.id, target.region)
      return () => atRest(cloud(), global)
    },
    nameOf: ({ id }) => id,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

function atRest({ state }: AwsCloud, global: GlobalCluster): void {
  global.status = 'available'
  for (const cluster of clustersOf(state, global)) {
    if (cluster.status === 'modifying' || cluster.status === 'failing-over') cluster.status = 'available'
  }
}

async function switchOver({ cloud, target, signal }: GlobalWork): Promise<void> {
  const { state } = cloud
  await inTurn(state, target, async () => {
    await finishHandOver(cloud, target, signal)
    const lead = leadOf(state, target)
    // an earlier lab may have come so far
    if (lead !== target) {
      const head = nextWriter(cloud, target)
      if (!head) throw new Error(`${target.id} has no member that could write.`)
      note(state, 'db-cluster', target, 'globalSwitchover', target.id, target.region)
      await handOver(cloud, lead, head, signal)
    }
    note(state, 'db-cluster', target, 'globalSwitchedOver', target.id, target.region)
  })
}

/** The old writer is ended before anybody is promoted, and what its data has that others lack is given up with it. From then on there is
 *  no way back: whoever can write in the other cluster is waited for. */
async function failOver(work: GlobalWork, task: FailOver): Promise<void> {
  const { cloud, target, signal } = work
  const { state, servers } = cloud
  if (!task.deposed) {
    if (!nextWriter(cloud, target)) throw new Error(`${target.id} has no member that could write.`)
    note(state, 'db-cluster', target, 'globalFailover', target.id, target.region)
    task.deposed = true
    await cloud.save()
  }
  while (leadOf(state, target) !== target) {
    const old = writerOf(state, leadOf(state, target))
    // not in turn: whoever waits there for a writer that does not answer waits no longer
    if (old) await servers.depose(old.folder)
    const done = await inTurn(state, target, () => takeLead(work, task).catch((error) => stumbled(work, error)))
    if (!done) await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
  await inTurn(state, target, () => finishHandOver(cloud, target, signal))
  note(state, 'db-cluster', target, 'globalFailedOver', target.id, target.region)
}

function stumbled({ cloud, target, signal }: GlobalWork, error: unknown): false {
  signal.throwIfAborted()
  cloud.log(`the failover to ${target.id} stumbled: ${error}`)
  return false
}

/** False: nobody is there who could, yet. */
async function takeLead(work: GlobalWork, task: FailOver): Promise<boolean> {
  const { cloud, target } = work
  const { state, servers } = cloud
  const lead = leadOf(state, target)
  const head = await headOf(work, task)
  if (!head || servers.isDown(head.folder)) return false
  // written down first: nobody else of them may be promoted by the next lab
  task.head = head.resourceId
  await cloud.save()
  const old = membersOf(state, lead)
  // who writes there now: it may be another one than when the failover began
  for (const member of old) {
    if (member.resourceId === lead.writer || member.resourceId === lead.handingTo) await servers.depose(member.folder)
  }
  const others = peersOf(state, target).filter((one) => one !== head && !old.includes(one))
  // what they lack of the log is held where they will look for it
  await servers.keepReplicas(
    specOf(cloud, head),
    others.map(({ folder }) => folder),
  )
  await replaysAgain(cloud, head)
  await servers.promote({ ...specOf(cloud, head), replicaOf: undefined })
  delete lead.handingTo
  giveLead(cloud, lead, head)
  // their data has parted from what is now, or may have
  for (const member of old) joinAnew(cloud, member)
  await cloud.save()
  await cloud.endpoints.settle()
  return true
}

/** Who was told already, unless there is nothing to be hoped for from it. */
async function headOf({ cloud, target }: GlobalWork, { head }: FailOver): Promise<DbInstance | undefined> {
  const told = membersOf(cloud.state, target).find(({ resourceId }) => resourceId === head)
  return told && told.status !== 'failed' && told.status !== 'deleting' ? told : furthest(cloud, target)
}

function lasts({ cloud, global, signal }: GlobalWork): Promise<void> {
  return cloud.pace.lasts('rebootMs', `global:${global.id}`, signal)
}

async function failAsOrdered({ signal }: GlobalWork, { fault, delayMs }: NonNullable<GlobalTask['doom']>): Promise<never> {
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal })
  throw new Error(`ordered by the fault ${fault}`)
}
