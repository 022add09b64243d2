/** What each task of an instance is given, and how long it lasts. */
import type { Durations } from '../profile'
import type { GcpCloud } from './cloud'
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
