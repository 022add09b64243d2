/** What the tasks of simulated RDS do, and what their failure leaves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import type { Doom } from '../faults/call-faults'
import { newFolderName } from '../postgres/servers'
import type { Durations } from '../profile'
import { createTaskRunner, type Outcome, type TaskRunner } from '../tasks'
import { type AwsCloud, keyOf, specOf } from './cloud'
import { findGroup, groupValues } from './parameters'
import { type DbInstance, type DbSnapshot, type InstanceStatus, key, type Task } from './state'

export function createAwsTasks(cloud: () => AwsCloud): TaskRunner<DbInstance> {
  return createTaskRunner<Task, DbInstance>({
    async perform(instance, task, signal) {
      const work = { cloud: cloud(), instance, signal }
      if (needsServer(task)) await becomesAble(work, task)
      const status = await (task.doom ? failAsOrdered(work, task, task.doom) : perform[task.kind](work, task as never))
      return reaches(instance, task, status)
    },
    async failed(instance, task, error) {
      if (await passes(cloud(), instance, task)) return 'again'
      cloud().log(`${task.kind} of ${instance.id} failed: ${error}`)
      return reaches(instance, task, fail(cloud(), instance, task))
    },
    nameOf: ({ id }) => id,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

function reaches(instance: DbInstance, task: Task, status: InstanceStatus): Outcome {
  return () => {
    if (instance.status !== 'deleting' || task.kind === 'delete') instance.status = status
    if (status === 'available') instance.availableAt = new Date().toISOString()
  }
}

function needsServer(task: Task): boolean {
  return task.kind !== 'delete' || task.finalSnapshot !== null
}

/** Waits while faults keep its server from doing anything. */
async function becomesAble({ cloud, instance, signal }: Work, task: Task): Promise<void> {
  const target = keyOf(instance)
  await cloud.afflictions.thawed(target, signal)
  // its recovery, or its removal, is what a full disk has to be met with
  if (task.kind === 'recover' || task.kind === 'delete') return
  while (cloud.afflictions.isFull(target)) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

const LOOK_EVERY_MS = 30

interface Work {
  cloud: AwsCloud
  instance: DbInstance
  signal: AbortSignal
}

/** Before whatever else is to be done for it, but after what is under way. */
export function expectRecovery(instance: DbInstance): void {
  if (!instance.tasks.some(({ kind }) => kind === 'recover')) instance.tasks.splice(1, 0, { kind: 'recover' })
}

/** Whether a task failed only because its server was away: then it is begun again once that is back. */
async function passes(cloud: AwsCloud, instance: DbInstance, task: Task): Promise<boolean> {
  if (task.doom || (task.kind !== 'modify' && task.kind !== 'settle')) return false
  if (cloud.afflictions.isFrozen(keyOf(instance))) return true
  if (!cloud.servers.isDown(instance.folder)) return false
  instance.tasks = [{ kind: 'recover' }, ...instance.tasks.filter(({ kind }) => kind !== 'recover')]
  await cloud.save()
  return true
}

/** Each resolves with the state that its end brings. */
const perform: { [Kind in Task['kind']]: (work: Work, task: Extract<Task, { kind: Kind }>) => Promise<InstanceStatus> } = {
  create,
  restore,
  settle,
  modify,
  reboot,
  recover,
  'back-up': backUp,
  delete: remove,
}

async function create(work: Work, task: Extract<Task, { kind: 'create' }>): Promise<InstanceStatus> {
  const { cloud, instance } = work
  await beginAnew(cloud, instance)
  const database = instance.databaseName ?? 'postgres'
  await atLeast(
    cloud.servers.create(specOf(cloud, instance), { name: instance.masterUsername, verifier: task.verifier, database }),
    lasts(work, 'createMs'),
  )
  return made(instance)
}

async function restore(work: Work, task: Extract<Task, { kind: 'restore' }>): Promise<InstanceStatus> {
  const { cloud, instance, signal } = work
  const snapshot = cloud.state.snapshots[task.snapshot]
  if (!snapshot) throw new Error(`The snapshot ${task.snapshot} is gone.`)
  await beginAnew(cloud, instance)
  await atLeast(cloud.servers.restore(specOf(cloud, instance), snapshot.folder, signal), lasts(work, 'restoreMs'))
  return made(instance)
}

/** A new folder for a new attempt, written down first, so that the sweep after a crash knows which one counts. */
async function beginAnew(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  const before = instance.folder
  instance.folder = newFolderName()
  takeGroupValues(cloud, instance)
  await cloud.save()
  await cloud.servers.remove(before)
}

/** Creating → backing-up (the first automated backup, when it keeps any) → available. */
function made(instance: DbInstance): InstanceStatus {
  instance.createdAt = new Date().toISOString()
  instance.tasks.splice(1, 0, { kind: 'settle' })
  return instance.backupRetentionDays > 0 ? 'backing-up' : 'creating'
}

async function settle(work: Work): Promise<InstanceStatus> {
  const { cloud, instance } = work
  if (instance.status === 'backing-up') await lasts(work, 'firstBackupMs')
  // security groups may have changed while the server was being made
  await cloud.servers.configure(specOf(cloud, instance))
  return 'available'
}

function lasts(
  { cloud, instance, signal }: Work,
  state: keyof Durations,
  who = key(instance.region, instance.id),
): Promise<void> {
  return cloud.pace.lasts(state, who, signal)
}

/** Work that fails is not waited out. */
async function atLeast<Result>(work: Promise<Result>, time: Promise<void>): Promise<Result> {
  const [result] = await Promise.all([work, time])
  return result
}

const STUCK = new Set<InstanceStatus>(['failed', 'incompatible-restore', 'incompatible-parameters'])

async function modify(work: Work): Promise<InstanceStatus> {
  const { cloud, instance } = work
  // there is no server to tell; what was changed counts from its next start
  if (STUCK.has(instance.status)) return instance.status
  await lasts(work, 'lagMs')
  const { masterVerifier } = instance.pending
  const visible = instance.applyNow
  if (masterVerifier !== undefined) {
    await show(cloud, instance, 'resetting-master-credentials')
    await lasts(work, 'passwordMs')
    await cloud.servers.setPassword(specOf(cloud, instance), instance.masterUsername, masterVerifier)
    // a newer one that was asked for meanwhile has a task of its own
    if (instance.pending.masterVerifier === masterVerifier) delete instance.pending.masterVerifier
  }
  if (visible) {
    await show(cloud, instance, 'modifying')
    await lasts(work, 'modifyMs')
    applyPending(instance)
  }
  await cloud.servers.configure(specOf(cloud, instance))
  if (instance.parameterStatus === 'applying') instance.parameterStatus = 'pending-reboot'
  return 'available'
}

async function reboot(work: Work): Promise<InstanceStatus> {
  const { cloud, instance } = work
  takeGroupValues(cloud, instance)
  await cloud.save()
  await atLeast(cloud.servers.restart(specOf(cloud, instance)), lasts(work, 'rebootMs'))
  // network rules may have changed while it was away
  await cloud.servers.configure(specOf(cloud, instance))
  instance.parameterStatus = 'in-sync'
  return 'available'
}

async function recover(work: Work): Promise<InstanceStatus> {
  const { cloud, instance } = work
  // a server that has no room for its log does not start; growing the storage, or the fault's end, asks for the recovery again
  if (cloud.afflictions.isFull(keyOf(instance))) return 'storage-full'
  await show(cloud, instance, 'rebooting')
  await atLeast(cloud.servers.ensureRunning(specOf(cloud, instance)), lasts(work, 'recoverMs'))
  await cloud.servers.configure(specOf(cloud, instance))
  return 'available'
}

async function backUp(work: Work, task: Extract<Task, { kind: 'back-up' }>): Promise<InstanceStatus> {
  const { cloud, instance } = work
  const snapshot = cloud.state.snapshots[task.snapshot]
  if (snapshot?.status === 'creating') {
    await show(cloud, instance, 'backing-up')
    await takeSnapshot(work, snapshot)
  }
  return 'available'
}

async function takeSnapshot(work: Work, snapshot: DbSnapshot): Promise<void> {
  const { cloud, instance, signal } = work
  const taken = cloud.servers.snapshot(specOf(cloud, instance), snapshot.folder, signal)
  const backup = await atLeast(taken, lasts(work, 'snapshotMs', key(snapshot.region, snapshot.id)))
  Object.assign(snapshot, { status: 'available', createdAt: backup.startedAt })
}

async function remove(work: Work, task: Extract<Task, { kind: 'delete' }>): Promise<InstanceStatus> {
  const { cloud, instance } = work
  const final = task.finalSnapshot === null ? undefined : cloud.state.snapshots[task.finalSnapshot]
  if (final?.status === 'creating') {
    await takeSnapshot(work, final)
    await cloud.save()
  }
  await lasts(work, 'deleteMs')
  await cloud.servers.remove(instance.folder)
  delete cloud.state.instances[key(instance.region, instance.id)]
  return 'deleting'
}

/** What a task lasts at least. */
const DURATION = {
  create: 'createMs',
  restore: 'restoreMs',
  settle: 'firstBackupMs',
  modify: 'modifyMs',
  reboot: 'rebootMs',
  recover: 'recoverMs',
  'back-up': 'snapshotMs',
  delete: 'deleteMs',
} as const satisfies Record<Task['kind'], keyof Durations>

/** The state is shown, nothing is done. A reboot that ends badly leaves no server running, and a change nothing pending. */
async function failAsOrdered(work: Work, task: Task, { fault, delayMs }: Doom): Promise<never> {
  const { cloud, instance, signal } = work
  const shown = { 'back-up': 'backing-up', modify: 'modifying' } as const
  if (task.kind === 'back-up' || task.kind === 'modify') await show(cloud, instance, shown[task.kind])
  if (task.kind === 'reboot') await cloud.servers.halt(instance.folder)
  await lasts(work, DURATION[task.kind])
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal })
  throw new Error(`ordered by the fault ${fault}`)
}

/** @returns the state that the failure of a task leaves its instance in. */
function fail(cloud: AwsCloud, instance: DbInstance, task: Task): InstanceStatus {
  if (task.doom && task.kind === 'modify') {
    instance.pending = {}
    instance.applyNow = false
    if (instance.parameterStatus === 'applying') instance.parameterStatus = 'pending-reboot'
  }
  const snapshot = task.kind === 'back-up' ? task.snapshot : task.kind === 'delete' ? task.finalSnapshot : null
  const record = snapshot === null ? undefined : cloud.state.snapshots[snapshot]
  if (record?.status === 'creating') record.status = 'failed'
  const status = {
    create: 'failed',
    settle: 'failed',
    restore: 'incompatible-restore',
    modify: 'available',
    reboot: 'incompatible-parameters',
    recover: 'incompatible-parameters',
    'back-up': 'available',
    delete: 'failed',
  } as const satisfies Record<Task['kind'], InstanceStatus>
  return status[task.kind]
}

/** Never hides that an instance is being deleted: that may be asked for while something else is under way. */
async function show(cloud: AwsCloud, instance: DbInstance, status: InstanceStatus): Promise<void> {
  if (instance.status !== 'deleting') instance.status = status
  await cloud.save()
}

/** What its group says now becomes what the server runs with. */
function takeGroupValues(cloud: AwsCloud, instance: DbInstance): void {
  const group = findGroup(cloud.state, instance.region, instance.parameterGroup)
  instance.running = { group: group.name, parameters: groupValues(group) }
}

function applyPending(instance: DbInstance): void {
  const { instanceClass, storageGib, backupRetentionDays, multiAz, ...rest } = instance.pending
  instance.instanceClass = instanceClass ?? instance.instanceClass
  instance.storageGib = storageGib ?? instance.storageGib
  instance.backupRetentionDays = backupRetentionDays ?? instance.backupRetentionDays
  instance.multiAz = multiAz ?? instance.multiAz
  instance.pending = rest
  instance.applyNow = false
}
