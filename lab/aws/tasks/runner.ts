/** Runs the tasks of simulated RDS's instances: waits while faults keep a server from doing anything, lets what was doomed fail, and
 *  says which state the end of each task brings, good or bad. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import type { Doom } from '../../faults/call-faults'
import type { Durations } from '../../profile'
import { createTaskRunner, type Outcome, type TaskRunner } from '../../tasks'
import { dropSnapshot } from '../backups'
import { type AwsCloud, keyOf } from '../cloud'
import { note } from '../events'
import { clusterOf } from '../following'
import { inTurn } from '../hand-over'
import type { DbInstance, InstanceStatus, Task } from '../state'
import { backUp, remove } from './back-up'
import { create, restore, restoreToTime, settle } from './create'
import { join } from './join'
import { forgetPending, modify } from './modify'
import { reboot, recover, start, stop } from './reboot'
import { promote, replicate } from './replicate'
import { lasts, type Performer, show, type Work } from './work'

const PERFORM: { [Kind in Task['kind']]: Performer<Kind> } = {
  create,
  restore,
  'restore-to-time': restoreToTime,
  replicate,
  join,
  promote,
  settle,
  modify,
  reboot,
  recover,
  'back-up': backUp,
  stop,
  start,
  delete: remove,
}

/** What a task lasts at least. */
const DURATION = {
  create: 'createMs',
  restore: 'restoreMs',
  'restore-to-time': 'restoreMs',
  replicate: 'restoreMs',
  join: 'createMs',
  promote: 'modifyMs',
  settle: 'firstBackupMs',
  modify: 'modifyMs',
  reboot: 'rebootMs',
  recover: 'recoverMs',
  'back-up': 'snapshotMs',
  stop: 'rebootMs',
  start: 'rebootMs',
  delete: 'deleteMs',
} as const satisfies Record<Task['kind'], keyof Durations>

/** The state that the failure of a task leaves its instance in. */
const FAILED = {
  create: 'failed',
  settle: 'failed',
  restore: 'incompatible-restore',
  'restore-to-time': 'incompatible-restore',
  replicate: 'failed',
  join: 'failed',
  promote: 'available',
  modify: 'available',
  reboot: 'incompatible-parameters',
  recover: 'incompatible-parameters',
  'back-up': 'available',
  stop: 'available',
  start: 'incompatible-parameters',
  delete: 'failed',
} as const satisfies Record<Task['kind'], InstanceStatus>

const LOOK_EVERY_MS = 30

export function createAwsTasks(cloud: () => AwsCloud): TaskRunner<DbInstance> {
  return createTaskRunner<Task, DbInstance>({
    async perform(instance, task, signal) {
      const work = { cloud: cloud(), instance, signal }
      if (needsServer(task)) await becomesAble(work, task)
      const perform = PERFORM[task.kind] as (work: Work, task: Task) => Promise<InstanceStatus>
      const act = (): Promise<InstanceStatus> => (task.doom ? failAsOrdered(work, task, task.doom) : perform(work, task))
      const cluster = clusterOf(cloud().state, instance)
      const status = await (cluster && task.kind !== 'join' && task.kind !== 'delete'
        ? inTurn(cloud().state, cluster, act)
        : act())
      return reaches(instance, task, status)
    },
    async failed(instance, task, error) {
      if (await passes(cloud(), instance, task)) return 'again'
      cloud().log(`${task.kind} of ${instance.id} failed: ${error}`)
      const status = fail(cloud(), instance, task)
      // what it left of a backup
      await cloud().sweepDoomed()
      return reaches(instance, task, status)
    },
    nameOf: ({ id }) => id,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

/** Before whatever else is to be done for it, but after what is under way. A stopped one has nothing to recover, and one that is being
 *  switched over is started by that. */
export function expectRecovery(instance: DbInstance): void {
  if (instance.switching) return
  if (['stopping', 'stopped', 'starting'].includes(instance.status)) return
  if (!instance.tasks.some(({ kind }) => kind === 'recover')) instance.tasks.splice(1, 0, { kind: 'recover' })
}

/** One whose server is away, and is recovered next, is not shown as available in between. */
function reaches(instance: DbInstance, task: Task, status: InstanceStatus): Outcome {
  return () => {
    const reached = status === 'available' && instance.tasks[0]?.kind === 'recover' ? 'rebooting' : status
    if (instance.status !== 'deleting' || task.kind === 'delete') instance.status = reached
    if (reached === 'available') instance.availableAt = new Date().toISOString()
  }
}

function needsServer(task: Task): boolean {
  return task.kind !== 'delete' || task.finalSnapshot !== null
}

/** Waits while its switchover or faults keep its server from doing anything. */
async function becomesAble({ cloud, instance, signal }: Work, task: Task): Promise<void> {
  // its server is the switchover's to start and stop; it may have another name afterwards
  while (instance.switching) await sleep(LOOK_EVERY_MS, undefined, { signal })
  const target = keyOf(instance)
  await cloud.afflictions.thawed(target, signal)
  // its recovery, or its removal, is what a full disk has to be met with
  if (task.kind === 'recover' || task.kind === 'delete') return
  while (cloud.afflictions.isFull(target)) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

/** Whether a task failed only because its server was away: then it is begun again once that is back. */
async function passes(cloud: AwsCloud, instance: DbInstance, task: Task): Promise<boolean> {
  if (task.doom || !['modify', 'settle', 'promote'].includes(task.kind)) return false
  if (cloud.afflictions.isFrozen(keyOf(instance))) return true
  if (!cloud.servers.isDown(instance.folder)) return false
  instance.tasks = [{ kind: 'recover' }, ...instance.tasks.filter(({ kind }) => kind !== 'recover')]
  await cloud.save()
  return true
}

/** The state is shown, nothing is done. A reboot that ends badly leaves no server running, and a change nothing pending. */
async function failAsOrdered(work: Work, task: Task, { fault, delayMs }: Doom): Promise<never> {
  const { cloud, instance, signal } = work
  const shown = { 'back-up': 'backing-up', modify: 'modifying', start: 'starting' } as const
  if (task.kind === 'back-up' || task.kind === 'modify' || task.kind === 'start') await show(work, shown[task.kind])
  if (task.kind === 'reboot') await cloud.servers.halt(instance.folder)
  await lasts(work, DURATION[task.kind])
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal })
  throw new Error(`ordered by the fault ${fault}`)
}

function fail({ state }: AwsCloud, instance: DbInstance, task: Task): InstanceStatus {
  if (task.doom && task.kind === 'modify') forgetPending(instance)
  const name = task.kind === 'delete' ? task.finalSnapshot : 'snapshot' in task ? task.snapshot : null
  const snapshot = name === null || task.kind === 'restore' ? undefined : state.snapshots[name]
  if (snapshot?.status === 'creating') {
    snapshot.status = 'failed'
    note(state, 'db-snapshot', snapshot, 'snapshotFailed')
    // nobody asked for it, and nobody would delete it
    if (snapshot.type === 'automated') dropSnapshot(state, snapshot)
  }
  const status = FAILED[task.kind]
  if (status !== 'available') note(state, 'db-instance', instance, 'incompatible', status, REASONS[task.kind] ?? '')
  return status
}

const REASONS: Partial<Record<Task['kind'], string>> = {
  reboot: 'The database engine did not start with the parameters of its group.',
  recover: 'The database engine did not start with the parameters of its group.',
  start: 'The database engine did not start with the parameters of its group.',
  restore: 'The snapshot could not be restored.',
  'restore-to-time': 'The backup could not be restored.',
  replicate: 'The read replica could not be created.',
  join: 'It could not become a member of its cluster.',
}
