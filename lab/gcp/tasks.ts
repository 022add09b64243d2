/** What the tasks of simulated Cloud SQL do, and what their failure leaves: an operation that is done, with its error. */

import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import type { Doom } from '../faults/call-faults'
import type { Durations } from '../profile'
import { atLeast } from '../profile'
import { createTaskRunner, type Outcome, type TaskRunner } from '../tasks'
import { backUpFirst, failBackup, performBackUp } from './backing-up'
import { performClone } from './cloning'
import { type GcpCloud, specOf } from './cloud'
import { createDatabase, createUser, deleteUser, dropDatabase, updateUser, within } from './inside'
import { isHandingOver, keepOwnReplicas, performKeepReplicas } from './keeping'
import { endOperation, noteFailure, startOperation } from './operation-life'
import { becomesAble, passes } from './patience'
import { performRemove } from './removing'
import {
  performCreateReplica,
  performPromote,
  performRejoin,
  performSwitchOver,
  performTakeOver,
  recoverFrom,
} from './replicating'
import { discard, failRestore, performRestore } from './restoring'
import { performChangeSslCerts } from './ssl-certs'
import type { SqlInstance, Task } from './state'
import { performUpdate } from './updating'
import { beginAnew, closed, lasts, type TaskOf, type Work } from './work'

export function createInstanceTasks(cloud: () => GcpCloud): TaskRunner<SqlInstance> {
  return createTaskRunner<Task, SqlInstance>({
    async perform(instance, task, signal) {
      const work = { cloud: cloud(), instance, signal }
      await startOperation(work.cloud, task.operation, () => lasts(work, 'lagMs'))
      await becomesAble(work, task)
      const outcome = await (task.doom ? failAsOrdered(work, task, task.doom) : performed(work, task.kind, task))
      return () => {
        outcome()
        endWithLastTask(work.cloud, instance, task)
        if (instance.state === 'RUNNABLE') instance.availableAt = new Date().toISOString()
      }
    },
    async failed(instance, task, error) {
      if (await passes(cloud(), instance, task)) return 'again'
      cloud().log(`${task.kind} of ${instance.name} failed: ${error}`)
      return () => {
        afterFailure(cloud(), instance, task)
        noteFailure(cloud(), task.operation, messageOf(task, error))
        endWithLastTask(cloud(), instance, task)
      }
    },
    nameOf: ({ name }) => name,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

/** An operation is done when none of its tasks is left. */
function endWithLastTask(cloud: GcpCloud, instance: SqlInstance, { operation }: Task): void {
  if (!instance.tasks.some((task) => task.operation === operation)) endOperation(cloud, operation)
}

/** What a task lasts at least. */
const DURATION = {
  create: 'createMs',
  settle: 'lagMs',
  update: 'modifyMs',
  restart: 'rebootMs',
  failover: 'recoverMs',
  recover: 'recoverMs',
  'back-up': 'snapshotMs',
  restore: 'restoreMs',
  clone: 'restoreMs',
  'create-replica': 'restoreMs',
  promote: 'modifyMs',
  'switch-over': 'modifyMs',
  'take-over': 'firstBackupMs',
  rejoin: 'restoreMs',
  'keep-replicas': 'itemMs',
  delete: 'deleteMs',
  'change-ssl-certs': 'itemMs',
  'create-user': 'passwordMs',
  'update-user': 'passwordMs',
  'delete-user': 'passwordMs',
  'create-database': 'passwordMs',
  'update-database': 'passwordMs',
  'delete-database': 'passwordMs',
} as const satisfies Record<Task['kind'], keyof Durations>

/** Each resolves with what its end changes. */
const perform: { [Kind in Task['kind']]: (work: Work, task: TaskOf<Kind>) => Promise<Outcome> } = {
  create,
  settle,
  update: performUpdate,
  restart,
  failover,
  recover,
  'back-up': performBackUp,
  restore: performRestore,
  clone: performClone,
  'create-replica': performCreateReplica,
  promote: performPromote,
  'switch-over': performSwitchOver,
  'take-over': performTakeOver,
  rejoin: performRejoin,
  'keep-replicas': performKeepReplicas,
  delete: performRemove,
  'change-ssl-certs': performChangeSslCerts,
  'create-user': (work, task) => inside(work, task, (client) => createUser(client, task)),
  'update-user': (work, task) => inside(work, task, (client) => updateUser(client, task)),
  'delete-user': (work, task) => inside(work, task, (client) => deleteUser(client, task.user)),
  'create-database': (work, task) => inside(work, task, (client) => createDatabase(client, task.database)),
  // nothing about it can change
  'update-database': (work, task) => inside(work, task, async () => {}),
  'delete-database': (work, task) => inside(work, task, (client) => dropDatabase(client, task.database)),
}

/** The task goes to what performs its kind. */
function performed<Kind extends Task['kind']>(work: Work, kind: Kind, task: TaskOf<Kind>): Promise<Outcome> {
  return perform[kind](work, task)
}

async function create(work: Work, task: TaskOf<'create'>): Promise<Outcome> {
  const { cloud, instance } = work
  await beginAnew(cloud, instance)
  const master = { name: 'postgres', verifier: task.verifier ?? '', database: 'postgres' }
  await atLeast(cloud.servers.create(closed(cloud, instance), master), lasts(work, 'createMs'))
  return () => {
    instance.madeAt = new Date().toISOString()
    instance.tasks.unshift({ kind: 'settle', operation: task.operation })
  }
}

async function settle(work: Work, { replaced }: TaskOf<'settle'>): Promise<Outcome> {
  const { cloud, instance } = work
  // only now is it written down that nobody goes back to them
  if (replaced !== undefined && replaced !== '') discard(cloud, replaced)
  await backUpFirst(work, instance.settings)
  if (instance.settings.activationPolicy === 'NEVER') await cloud.servers.halt(instance.folder)
  else await cloud.servers.configure(specOf(cloud, instance))
  return () => {
    instance.state = 'RUNNABLE'
  }
}

async function restart(work: Work): Promise<Outcome> {
  const { cloud, instance } = work
  await atLeast(cloud.servers.restart(specOf(cloud, instance)), lasts(work, 'rebootMs'))
  return () => {}
}

async function failover(work: Work): Promise<Outcome> {
  const { cloud, instance } = work
  const { zone, secondaryZone } = instance
  await cloud.servers.crash(instance.folder)
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, instance)), lasts(work, 'recoverMs'))
  return () => Object.assign(instance, { zone: secondaryZone, secondaryZone: zone })
}

async function recover(work: Work): Promise<Outcome> {
  const { cloud, instance } = work
  // what was stopped meanwhile stays stopped; one without room is started by the end of that
  const { settings, replaced, name } = instance
  if (settings.activationPolicy === 'NEVER' || replaced || cloud.afflictions.isFull(name)) return () => {}
  // a switchover starts it itself, as whatever it is by then
  if (isHandingOver(cloud.state, instance)) return () => {}
  await atLeast(comeBack(work), lasts(work, 'recoverMs'))
  if (instance.replaced) return () => {}
  await cloud.servers.configure(specOf(cloud, instance))
  await keepOwnReplicas(cloud, instance)
  return () => {}
}

/** Somebody may have taken over from it while it started. */
async function comeBack({ cloud, instance }: Work): Promise<void> {
  await cloud.servers.ensureRunning(specOf(cloud, instance))
  if (instance.replaced) await cloud.servers.halt(instance.folder)
}

async function inside(work: Work, task: Task, use: Parameters<typeof within<void>>[2]): Promise<Outcome> {
  await atLeast(within(work.cloud, work.instance, use), lasts(work, DURATION[task.kind]))
  return () => {}
}

async function failAsOrdered(work: Work, task: Task, { fault, delayMs }: Doom): Promise<never> {
  await lasts(work, DURATION[task.kind])
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal: work.signal })
  throw new Error(`ordered by the fault ${fault}`)
}

/** Whoever was to be made, or made anew, has failed; one that was to be changed or deleted is as it was before. */
function afterFailure(cloud: GcpCloud, instance: SqlInstance, task: Task): void {
  if (MAKES.has(task.kind)) instance.state = 'FAILED'
  if (task.kind === 'restore') failRestore(cloud, instance, task)
  if (task.kind === 'switch-over') recoverFrom(cloud, task)
  if (task.kind === 'back-up') failBackup(cloud, task.backup)
  if (task.kind !== 'delete') return
  instance.state = instance.madeAt === null ? 'FAILED' : 'RUNNABLE'
  if (task.finalBackup !== null) failBackup(cloud, task.finalBackup)
}

const MAKES = new Set<Task['kind']>(['create', 'settle', 'clone', 'create-replica', 'rejoin'])

function messageOf(task: Task, error: unknown): string {
  if (task.doom) return 'An internal error has occurred.'
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'An internal error has occurred.'
}
