/** Carries out what operations promised: one resource does one thing at a time, in order, and each thing is written down before it
 *  begins, so that the next lab finishes what a crash cut short. Every task is safe to begin again. What the tasks are is the cloud's. What fails beyond
 *  that, such as the writing down on a full disk, is tried again after a pause. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface TaskRules<Resource, Task> {
  /** @returns what its end changes: done in one breath with the task's removal, since a resource that was seen as ready must never be
   *  made again by a lab that finds the task still there. */
  perform(resource: Resource, task: Task, signal: AbortSignal): Promise<Outcome>
  /** What its failure changes; `again`: it is begun once more, or what now comes before it is; so it is, after a pause, when this rejects. */
  failed(resource: Resource, task: Task, error: unknown): Promise<Outcome | 'again'>
  nameOf(resource: Resource): string
  save(): Promise<void>
  log(line: string): void
}

/** Changes the state, synchronously. */
export type Outcome = () => void

export interface TaskRunner<Resource> {
  /** Runs what the resource's list holds, unless that is under way already. */
  wake(resource: Resource): void
  /** Stops beginning tasks, breaks off the ones under way, and resolves when none runs. They stay written down. */
  close(): Promise<void>
}

const PAUSE_MS = 1_000

export function createTaskRunner<Task, Resource extends { tasks: Task[] }>(
  rules: TaskRules<Resource, Task>,
): TaskRunner<Resource> {
  const running = new Map<Resource, Promise<void>>()
  const closing = new AbortController()

  async function drain(resource: Resource): Promise<void> {
    for (;;) {
      const task = resource.tasks[0]
      if (task === undefined || closing.signal.aborted) return
      let outcome: Outcome | 'again'
      try {
        outcome = await rules.perform(resource, task, closing.signal)
      } catch (error) {
        if (closing.signal.aborted) return
        outcome = await rules.failed(resource, task, error)
      }
      if (outcome !== 'again') {
        resource.tasks.shift()
        outcome()
      }
      await rules.save()
    }
  }

  async function drainPatiently(resource: Resource): Promise<void> {
    for (let failed = false; ; ) {
      try {
        // what changed before the failure may not be written down
        if (failed) await rules.save()
        failed = false
        return await drain(resource)
      } catch (error) {
        failed = true
        rules.log(`${rules.nameOf(resource)}: ${error}`)
      }
      await sleep(PAUSE_MS, undefined, { signal: closing.signal }).catch(() => {})
      if (closing.signal.aborted) return
    }
  }

  return {
    wake(resource) {
      if (running.has(resource) || closing.signal.aborted) return
      const work = drainPatiently(resource).then(() => {
        running.delete(resource)
        if (resource.tasks.length > 0) this.wake(resource)
      })
      running.set(resource, work)
    },
    async close() {
      closing.abort(new Error('The lab is closing.'))
      await Promise.all(running.values())
    },
  }
}
