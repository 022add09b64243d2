/** What is done to instances at a time of its own, without being asked: a stopped one is started when it was stopped for too long, since
 *  RDS does not let it miss its maintenance; and once a day, in its window, an automated backup is taken. */
import { addAutomatedSnapshot } from './backups'
import type { AwsCloud } from './cloud'
import { note } from './events'
import type { DbInstance } from './state'

/** An instance that is busy when its backup is due is asked again after so long. */
const AGAIN_MS = 30_000

export class Schedule {
  readonly #timers = new Map<DbInstance, NodeJS.Timeout>()

  constructor(private readonly cloud: () => AwsCloud) {}

  /** Anew, after something changed that it depends on. */
  plan(instance: DbInstance, leastMs = 0): void {
    clearTimeout(this.#timers.get(instance))
    this.#timers.delete(instance)
    const due =
      instance.status === 'stopped' ? instance.restartsAt : instance.archive === null ? undefined : instance.nextBackupAt
    if (due === undefined) return
    const timer = setTimeout(() => void this.#act(instance), Math.max(leastMs, Date.parse(due) - Date.now()))
    timer.unref()
    this.#timers.set(instance, timer)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  async #act(instance: DbInstance): Promise<void> {
    this.#timers.delete(instance)
    const { state, tasks, save } = this.cloud()
    if (!Object.values(state.instances).includes(instance)) return
    const now = new Date().toISOString()
    if (instance.status === 'stopped' && instance.restartsAt !== undefined && instance.restartsAt <= now) {
      note(state, 'db-instance', instance, 'startedOverdue')
      instance.status = 'starting'
      instance.tasks.push({ kind: 'start' })
    } else if (instance.status === 'available' && instance.archive !== null && (instance.nextBackupAt ?? now) <= now) {
      instance.status = 'backing-up'
      instance.tasks.push({ kind: 'back-up', snapshot: addAutomatedSnapshot(this.cloud(), instance) })
    } else {
      return this.plan(instance, AGAIN_MS)
    }
    await save()
    tasks.wake(instance)
  }
}

/** The next time that a window of the form 03:00-03:30 begins, in UTC, later than `after`. */
export function nextWindow(window: string, after = Date.now()): string {
  const [hour = 0, minute = 0] = window.slice(0, 5).split(':').map(Number)
  const day = new Date(after)
  const today = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), hour, minute)
  return new Date(today > after ? today : today + 86_400_000).toISOString()
}
