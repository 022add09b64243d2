/** What a task waits for before it begins, and when it is begun again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GcpCloud } from './cloud'
import type { SqlInstance, Task } from './state'
import type { Work } from './work'

type Kinds = ReadonlySet<Task['kind']>

const LOOK_EVERY_MS = 30
const ATTEMPTS_MAX = 3
/** The server is not there yet. */
const MAKES: Kinds = new Set(['create', 'clone', 'create-replica'])
/** A full disk hinders none of these. */
const NEEDS_NO_ROOM: Kinds = new Set(['restore', 'recover', 'keep-replicas', 'delete', 'update', 'change-ssl-certs'])
/** Begun again by nobody: what they leave when they fail is put right otherwise. */
const TRIED_ONCE: Kinds = new Set([...MAKES, 'restore', 'promote', 'switch-over', 'rejoin', 'recover', 'delete'])

/** Waits while faults keep its server from doing anything. */
export async function becomesAble({ cloud, instance, signal }: Work, task: Task): Promise<void> {
  if (MAKES.has(task.kind) || task.kind === 'keep-replicas' || (task.kind === 'delete' && task.finalBackup === null)) return
  await cloud.afflictions.thawed(instance.name, signal)
  if (NEEDS_NO_ROOM.has(task.kind)) return
  while (cloud.afflictions.isFull(instance.name)) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

/** Whether a task failed only because its server was away: then it is begun again once that is back. */
export async function passes(cloud: GcpCloud, instance: SqlInstance, task: Task): Promise<boolean> {
  if (task.doom || TRIED_ONCE.has(task.kind)) return false
  if (cloud.afflictions.isFrozen(instance.name)) return true
  if (!cloud.servers.isDown(instance.folder) || instance.settings.activationPolicy === 'NEVER') return false
  // a server that does not come back must not keep its task waiting for ever
  task.attempts = (task.attempts ?? 0) + 1
  if (task.attempts > ATTEMPTS_MAX) return false
  instance.tasks = [{ kind: 'recover', operation: null }, ...instance.tasks.filter(({ kind }) => kind !== 'recover')]
  await cloud.save()
  return true
}
