/** What the tasks of simulated Cloud SQL do, and what their failure leaves: an operation that is done, with its error. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import type { Doom } from '../faults/call-faults'
import { newFolderName } from '../postgres/servers'
import type { Durations } from '../profile'
import { createTaskRunner, type Outcome, type TaskRunner } from '../tasks'
import { backUpFirst, failBackup, loseArchive, performBackUp } from './backing-up'
import { performClone } from './cloning'
import { type GcpCloud, primaryOf, specOf } from './cloud'
import { createDatabase, createUser, deleteUser, dropDatabase, updateUser, within } from './inside'
import { endOperation, noteFailure, startOperation } from './operation-life'
import {
  failPromote,
  keepOwnReplicas,
  performCreateReplica,
  performPromote,
  performRejoin,
  performSwitchOver,
  performTakeOver,
} from './replicating'
import type { BackupRecord, SqlInstance, Task } from './state'
import { performUpdate } from './updating'
import { atLeast, beginAnew, closed, lasts, type TaskOf, type Work } from './work'

export function createInstanceTasks(cloud: () => GcpCloud): TaskRunner<SqlInstance> {
  return createTaskRunner<Task, SqlInstance>({
    async perform(instance, task, signal) {
      const work = { cloud: cloud(), instance, signal }
      await startOperation(work.cloud, task.operation, () => lasts(work, 'lagMs'))
      await becomesAble(work, task)
      const outcome = await (task.doom ? failAsOrdered(work, task, task.doom) : perform[task.kind](work, task as never))
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

/** Before whatever else is to be done for it, but after what is under way. */
export function expectRecovery(instance: SqlInstance): void {
  if (instance.tasks.some(({ kind }) => kind === 'recover')) return
  instance.tasks.splice(1, 0, { kind: 'recover', operation: null })
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
  delete: 'deleteMs',
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
  restore,
  clone: performClone,
  'create-replica': performCreateReplica,
  promote: performPromote,
  'switch-over': performSwitchOver,
  'take-over': performTakeOver,
  rejoin: performRejoin,
  delete: remove,
  'create-user': (work, task) => inside(work, task, (client) => createUser(client, task)),
  'update-user': (work, task) => inside(work, task, (client) => updateUser(client, task)),
  'delete-user': (work, task) => inside(work, task, (client) => deleteUser(client, task.user)),
  'create-database': (work, task) => inside(work, task, (client) => createDatabase(client, task.database)),
  // nothing about it can change
  'update-database': (work, task) => inside(work, task, async () => {}),
  'delete-database': (work, task) => inside(work, task, (client) => dropDatabase(client, task.database)),
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

async function settle(work: Work): Promise<Outcome> {
  const { cloud, instance } = work
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
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, instance)), lasts(work, 'recoverMs'))
  await cloud.servers.configure(specOf(cloud, instance))
  await keepOwnReplicas(cloud, instance)
  return () => {}
}

/** Overwrites the instance: the backup's data with the instance's own settings. */
async function restore(work: Work, task: TaskOf<'restore'>): Promise<Outcome> {
  const { cloud, instance, signal } = work
  const backup = cloud.state.backups[task.backup]
  if (!backup) throw new Error(`The backup ${task.backup} is gone.`)
  if (task.before !== '') await cloud.servers.halt(task.before)
  const attempt = instance.folder
  instance.folder = newFolderName()
  if (instance.madeAt !== null) instance.state = 'MAINTENANCE'
  await cloud.save()
  if (attempt !== task.before) await cloud.servers.remove(attempt)
  await atLeast(cloud.servers.restore(closed(cloud, instance), backup.folder, signal), lasts(work, 'restoreMs'))
  return () => {
    instance.madeAt ??= new Date().toISOString()
    instance.tasks.unshift({ kind: 'settle', operation: task.operation })
    loseArchive(cloud, task.before)
    discard(cloud, task.before)
  }
}

/** Of data that no record speaks of any more: should it fail, the next lab sweeps them up. */
function discard(cloud: GcpCloud, folder: string): void {
  void cloud.servers.remove(folder).catch((error) => cloud.log(`${folder}: ${error}`))
}

async function remove(work: Work, task: TaskOf<'delete'>): Promise<Outcome> {
  const { cloud, instance } = work
  const final = task.finalBackup === null ? undefined : cloud.state.backups[task.finalBackup]
  if (final && final.state !== 'SUCCESSFUL') await backUpLast(work, final)
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(instance.folder, { replicaOf: primaryOf(cloud, instance) })
  return () => {
    const primary = cloud.state.instances[instance.master ?? '']
    if (primary) {
      primary.settingsVersion += 1
      if (primary.drReplica === instance.name) primary.drReplica = null
    }
    delete cloud.state.instances[instance.name]
    loseArchive(cloud, instance.folder)
    forgetBackups(cloud, instance)
  }
}

/** A stopped instance is started for it, closed to everybody. */
async function backUpLast(work: Work, final: BackupRecord): Promise<void> {
  const { cloud, instance } = work
  await cloud.servers.ensureRunning(closed(cloud, instance))
  const taken = await performBackUp(work, { kind: 'back-up', operation: null, backup: final.uid })
  taken()
  await cloud.save()
}

/** Backups go with their instance unless they were to be kept; final ones always stay. */
function forgetBackups(cloud: GcpCloud, instance: SqlInstance): void {
  for (const backup of Object.values(cloud.state.backups)) {
    if (backup.instance !== instance.name || backup.instanceCreatedAt !== instance.createdAt) continue
    backup.instanceDeletedAt ??= new Date().toISOString()
    if (backup.type === 'FINAL' || instance.settings.retainBackupsOnDelete === true) continue
    delete cloud.state.backups[backup.uid]
    void cloud.servers.removeSnapshot(backup.folder).catch((error) => cloud.log(`backup ${backup.uid}: ${error}`))
  }
}

async function inside(work: Work, task: Task, use: Parameters<typeof within<void>>[2]): Promise<Outcome> {
  await atLeast(within(work.cloud, work.instance, use), lasts(work, DURATION[task.kind]))
  return () => {}
}

const LOOK_EVERY_MS = 30
const ATTEMPTS_MAX = 3
const NEEDS_NO_SERVER = new Set<Task['kind']>(['create', 'restore', 'recover', 'delete', 'update'])

/** Waits while faults keep its server from doing anything. */
async function becomesAble({ cloud, instance, signal }: Work, task: Task): Promise<void> {
  if (
    task.kind === 'create' ||
    task.kind === 'clone' ||
    task.kind === 'create-replica' ||
    (task.kind === 'delete' && task.finalBackup === null)
  )
    return
  await cloud.afflictions.thawed(instance.name, signal)
  if (NEEDS_NO_SERVER.has(task.kind)) return
  while (cloud.afflictions.isFull(instance.name)) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

/** Whether a task failed only because its server was away: then it is begun again once that is back. */
async function passes(cloud: GcpCloud, instance: SqlInstance, task: Task): Promise<boolean> {
  if (
    task.doom ||
    ['create', 'restore', 'clone', 'create-replica', 'promote', 'switch-over', 'rejoin', 'recover', 'delete'].includes(task.kind)
  )
    return false
  if (cloud.afflictions.isFrozen(instance.name)) return true
  if (!cloud.servers.isDown(instance.folder) || instance.settings.activationPolicy === 'NEVER') return false
  // a server that does not come back must not keep its task waiting for ever
  task.attempts = (task.attempts ?? 0) + 1
  if (task.attempts > ATTEMPTS_MAX) return false
  instance.tasks = [{ kind: 'recover', operation: null }, ...instance.tasks.filter(({ kind }) => kind !== 'recover')]
  await cloud.save()
  return true
}

async function failAsOrdered(work: Work, task: Task, { fault, delayMs }: Doom): Promise<never> {
  await lasts(work, DURATION[task.kind])
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal: work.signal })
  throw new Error(`ordered by the fault ${fault}`)
}

/** A creation leaves an instance that has failed, a restore or deletion that cannot be done one that is as it was before. */
function afterFailure(cloud: GcpCloud, instance: SqlInstance, task: Task): void {
  if (task.kind === 'create' || task.kind === 'settle' || task.kind === 'clone' || task.kind === 'create-replica')
    instance.state = 'FAILED'
  if (task.kind === 'delete') instance.state = instance.madeAt === null ? 'FAILED' : 'RUNNABLE'
  if (task.kind === 'rejoin') instance.state = 'FAILED'
  if (task.kind === 'promote') failPromote(cloud, instance)
  if (task.kind === 'back-up') failBackup(cloud, task.backup)
  if (task.kind === 'delete' && task.finalBackup !== null) failBackup(cloud, task.finalBackup)
  if (task.kind !== 'restore') return
  if (instance.madeAt === null) {
    instance.state = 'FAILED'
    return
  }
  // the data that were to be replaced are still there
  const attempt = instance.folder
  instance.folder = task.before
  instance.state = 'RUNNABLE'
  instance.tasks.unshift({ kind: 'recover', operation: task.operation })
  if (attempt !== task.before) discard(cloud, attempt)
}

function messageOf(task: Task, error: unknown): string {
  if (task.doom) return 'An internal error has occurred.'
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'An internal error has occurred.'
}
