/** What each task of an instance is given, and what several of them do. */
import { newFolderName, type ServerSpec } from '../postgres/servers'
import type { Durations } from '../profile'
import { type GcpCloud, specOf } from './cloud'
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

/** Work that fails is not waited out. */
export async function atLeast<Result>(work: Promise<Result>, time: Promise<void>): Promise<Result> {
  const [result] = await Promise.all([work, time])
  return result
}

/** A new folder for a new attempt, written down first, so that the sweep after a crash knows which one counts. */
export async function beginAnew(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  const before = instance.folder
  instance.folder = newFolderName()
  await cloud.save()
  await cloud.servers.remove(before)
}

/** Nobody writes into data that could still be made again. */
export function closed(cloud: GcpCloud, instance: SqlInstance): ServerSpec {
  return { ...specOf(cloud, instance), networks: [] }
}
