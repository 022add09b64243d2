/** What a verification may take as a whole. Whatever is under way when it is over is cancelled and waited for, and the step fails by name: the
 *  copy then goes by its undo. */
import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow'
import { isDefect } from '../kit/failures'

export const TIMED_OUT = 'VERIFICATION_TIMED_OUT'

export class TimeLimit {
  private readonly startedAt = Date.now()

  constructor(private withinMs: number) {}

  /** To what the plan found that may be paid for. */
  shorten(withinMs: number): void {
    this.withinMs = Math.min(this.withinMs, withinMs)
  }

  async within<T>(act: () => Promise<T>): Promise<T> {
    const around = CancellationScope.current()
    const timeout = Math.max(1, this.startedAt + this.withinMs - Date.now())
    const scope = new CancellationScope({ cancellable: true, timeout })
    try {
      return await scope.run(act)
    } catch (error) {
      // An attempt that is told to end may fail for its own reason first.
      const isOver = isCancellation(error) || (scope.consideredCancelled && !isDefect(error))
      // An abort cancels what is around it, too.
      if (!isOver || around.consideredCancelled) throw error
      const message = `It took longer than the ${Math.round(this.withinMs / 1000)} s that it may; the copy is removed. Allow it more (--within, verification.maxHours, verification.maxCost), or find out what took so long.`
      throw ApplicationFailure.nonRetryable(message, TIMED_OUT)
    }
  }
}
