/** A stopped instance is started again when it was stopped for too long: RDS does not let it miss its maintenance. */
import type { AwsCloud } from './cloud'
import { note } from './events'
import type { DbInstance } from './state'

export class Restarts {
  readonly #timers = new Map<DbInstance, NodeJS.Timeout>()

  constructor(private readonly cloud: () => AwsCloud) {}

  /** For one that is not stopped nothing happens. */
  plan(instance: DbInstance): void {
    clearTimeout(this.#timers.get(instance))
    this.#timers.delete(instance)
    const { restartsAt } = instance
    if (restartsAt === undefined) return
    const timer = setTimeout(() => void this.#begin(instance, restartsAt), Math.max(0, Date.parse(restartsAt) - Date.now()))
    timer.unref()
    this.#timers.set(instance, timer)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  async #begin(instance: DbInstance, restartsAt: string): Promise<void> {
    this.#timers.delete(instance)
    const { state, tasks, save } = this.cloud()
    // it may have been started, stopped again or removed meanwhile
    const known = Object.values(state.instances).includes(instance)
    if (!known || instance.status !== 'stopped' || instance.restartsAt !== restartsAt) return
    note(state, 'db-instance', instance, 'startedOverdue')
    instance.status = 'starting'
    instance.tasks.push({ kind: 'start' })
    await save()
    tasks.wake(instance)
  }
}
