/** What each task of an instance is given, and what several of them do. */
import { newFolderName, type ServerSpec } from '../postgres/servers'
import type { Durations } from '../profile'
import { type GcpCloud, primaryOf, specOf } from './cloud'
import type { SqlInstance, Task } from './state'

export interface Work {
  readonly cloud: GcpCloud
  readonly instance: SqlInstance
  readonly signal: AbortSignal
}

export type TaskOf<Kind extends Task['kind']> = Extract<Task, { kind: Kind }>

export function lasts({ cloud, instance, signal }: Work, state: keyof Durations): Promise<void> {
  return cloud.pace.lasts(state, instance.name, signal)
}

/** A new folder for a new attempt, written down first, so that the sweep after a crash knows which one counts. */
export async function beginAnew(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  const before = instance.folder
  instance.folder = newFolderName()
  await cloud.save()
  await cloud.servers.remove(before, { replicaOf: primaryOf(cloud, instance) })
}

/** Before whatever else is to be done for it, but after what is under way. */
export function expectRecovery(instance: SqlInstance): void {
  if (instance.tasks.some(({ kind }) => kind === 'recover')) return
  instance.tasks.splice(1, 0, { kind: 'recover', operation: null })
}

/** Nobody writes into data that could still be made again. */
export function closed(cloud: GcpCloud, instance: SqlInstance): ServerSpec {
  return { ...specOf(cloud, instance), networks: [] }
}
