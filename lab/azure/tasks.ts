/** What the tasks of simulated Azure do, how the promise behind each ends, and what a failure leaves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../duration'
import type { Doom } from '../faults/call-faults'
import type { Durations } from '../profile'
import { createTaskRunner, type Outcome, type TaskRunner } from '../tasks'
import { type AzureCloud, specOf } from './cloud'
import { AzureError } from './errors'
import { endOperation } from './promises'
import { type AzureServer, type Job, type ServerState, serverKey, type Task } from './state'
import {
  backUp,
  configure,
  createDatabase,
  deleteAdministrator,
  deleteBackup,
  deleteDatabase,
  deleteEndpoint,
  deleteFirewallRule,
  setAdministrator,
  setEndpoint,
  setFirewallRule,
} from './work/items'
import { create, recover, remove, restart, restore, start, stop, update } from './work/lifecycle'
import { promote, replicate, switchOver } from './work/roles'
import { lasts, type Perform, type Work } from './work/work'

const PERFORM: { readonly [Kind in Job['kind']]: Perform<Kind> } = {
  create,
  restore,
  replicate,
  promote,
  'switch-over': switchOver,
  update,
  start,
  stop,
  restart,
  delete: remove,
  recover,
  'set-firewall-rule': setFirewallRule,
  'delete-firewall-rule': deleteFirewallRule,
  'create-database': createDatabase,
  'delete-database': deleteDatabase,
  configure,
  'back-up': backUp,
  'delete-backup': deleteBackup,
  'set-administrator': setAdministrator,
  'delete-administrator': deleteAdministrator,
  'set-endpoint': setEndpoint,
  'delete-endpoint': deleteEndpoint,
}

/** What a task lasts at least. */
const DURATION = {
  create: 'createMs',
  restore: 'restoreMs',
  replicate: 'createMs',
  promote: 'modifyMs',
  'switch-over': 'modifyMs',
  update: 'modifyMs',
  start: 'rebootMs',
  stop: 'rebootMs',
  restart: 'rebootMs',
  delete: 'deleteMs',
  recover: 'recoverMs',
  'set-firewall-rule': 'itemMs',
  'delete-firewall-rule': 'itemMs',
  'create-database': 'itemMs',
  'delete-database': 'itemMs',
  configure: 'itemMs',
  'back-up': 'snapshotMs',
  'delete-backup': 'itemMs',
  'set-administrator': 'itemMs',
  'delete-administrator': 'itemMs',
  'set-endpoint': 'itemMs',
  'delete-endpoint': 'itemMs',
} as const satisfies Record<Job['kind'], keyof Durations>

export function createAzureTasks(cloud: () => AzureCloud): TaskRunner<AzureServer> {
  return createTaskRunner<Task, AzureServer>({
    async perform(server, task, signal) {
      const work = { cloud: cloud(), server, signal }
      if (needsServer(task)) await work.cloud.afflictions.thawed(serverKey(server.name), signal)
      const perform = PERFORM[task.kind] as Perform<Job['kind']>
      const outcome = await (task.doom ? failAsOrdered(work, task, task.doom) : perform(work, task))
      return () => {
        outcome()
        endOperation(work.cloud.state, task.operation, null)
      }
    },
    async failed(server, task, error) {
      const now = cloud()
      if (await passes(now, server, task)) return 'again'
      now.log(`${task.kind} of ${server.name} failed: ${error}`)
      if (task.kind === 'switch-over') mendPrimary(now, task.primary)
      if (makes(task.kind)) await now.servers.remove(server.folder, { replicaOf: specOf(now, server).replicaOf })
      return failure(now, server, task, error)
    },
    nameOf: ({ name }) => name,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

/** Whether there must be a running server for it. */
export function needsServer({ kind }: Task): boolean {
  return !makes(kind) && kind !== 'start' && kind !== 'delete'
}

/** Whether it makes a server anew. */
function makes(kind: Job['kind']): boolean {
  return kind === 'create' || kind === 'restore' || kind === 'replicate'
}

/** Before whatever else is to be done for it, but after what is under way. */
export function expectRecovery(server: AzureServer): void {
  if (server.tasks.some(({ kind }) => kind === 'recover')) return
  server.tasks.splice(1, 0, { kind: 'recover', operation: null })
}

/** Whether a task failed only because its server was away: then it is begun again once that is back. */
async function passes(cloud: AzureCloud, server: AzureServer, task: Task): Promise<boolean> {
  if (
    task.doom ||
    !needsServer(task) ||
    task.kind === 'recover' ||
    task.kind === 'switch-over' ||
    task.kind === 'restart' ||
    task.kind === 'stop'
  )
    return false
  if (cloud.afflictions.isFrozen(serverKey(server.name))) return true
  if (!cloud.servers.isDown(server.folder)) return false
  server.tasks = [{ kind: 'recover', operation: null }, ...server.tasks.filter(({ kind }) => kind !== 'recover')]
  await cloud.save()
  return true
}

/** While roles are swapped nobody recovers the primary but who swaps them. */
function mendPrimary(cloud: AzureCloud, key: string): void {
  const primary = cloud.state.servers[key]
  if (!primary || primary.state === 'Stopped' || !cloud.servers.isDown(primary.folder)) return
  expectRecovery(primary)
  cloud.tasks.wake(primary)
}

/** What the failure of a task leaves. Nothing of what was wanted holds, but for a restart that left no server. */
function failure(cloud: AzureCloud, server: AzureServer, task: Task, error: unknown): Outcome {
  return () => {
    const left = stateAfter(cloud, server, task)
    if (left !== null) server.state = left
    endOperation(cloud.state, task.operation, errorOf(task, error))
    if (makes(task.kind) && server.createdAt === null) delete cloud.state.servers[serverKey(server.name)]
    if (task.kind === 'back-up') delete server.backups[task.backup]
    if (!makes(task.kind) && task.kind !== 'recover') return
    // nobody is there any more to do the rest
    for (const { operation } of server.tasks) endOperation(cloud.state, operation, errorOf(task, error))
    server.tasks = []
  }
}

/** Null: the one that it has. */
function stateAfter(cloud: AzureCloud, server: AzureServer, task: Task): ServerState | null {
  switch (task.kind) {
    case 'recover':
      return 'Inaccessible'
    case 'replicate':
      return 'Inaccessible'
    case 'promote':
    case 'switch-over':
    case 'restart':
    case 'update':
      return cloud.servers.isDown(server.folder) ? 'Inaccessible' : 'Ready'
    case 'start':
      return 'Stopped'
    case 'stop':
      return 'Ready'
    case 'delete':
      return task.from
    case 'configure':
      return server.state === 'Updating' ? 'Ready' : null
    default:
      return null
  }
}

/** An error of the provider's own keeps its code; whatever else went wrong is none of the caller's business. */
function errorOf({ operation }: Task, error: unknown): Pick<AzureError, 'code' | 'message'> {
  if (error instanceof AzureError) return { code: error.code, message: error.message }
  return {
    code: 'InternalServerError',
    message: `An unexpected error occured while processing the request. Tracking ID: '${operation}'`,
  }
}

/** The state is shown, nothing is done. */
async function failAsOrdered(work: Work, task: Task, { fault, delayMs }: Doom): Promise<never> {
  await lasts(work, DURATION[task.kind])
  if (delayMs > 0) await sleep(Math.min(delayMs, TIMER_MAX_MS), undefined, { signal: work.signal })
  throw new Error(`ordered by the fault ${fault}`)
}
