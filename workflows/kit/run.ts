/** One way to write a runbook. A run keeps the saga's law: an undo is registered before its act, undos run in reverse order
 *  in a scope that nothing cancels, a failed undo waits for a person and never hides the first failure. An abort is a
 *  cancellation that the run turns into undos. A defect (an error that is no Temporal failure) is rethrown untouched, so that
 *  the run parks until its code is mended. */
import { type CancellationScope, CancelledFailure, condition } from '@temporalio/workflow'
import type { OperationId, StepDetail, StepName } from '../../contracts/operation'
import { failureRecord, isDefect } from './failures'
import type { Messages } from './messages'
import type { OperationRecord } from './record'

export interface StepAct<T> {
  readonly do: () => Promise<T>
  /** Idempotent, and safe if its act never happened. */
  readonly undo?: () => Promise<unknown>
  /** What the record says of the result. */
  readonly detail?: (result: T) => StepDetail
}

interface Undo {
  readonly id: string
  readonly run: () => Promise<unknown>
}

export class Run {
  private readonly undos: Undo[] = []
  /** Once the operation is being closed, an abort that was accepted before stops nothing any more. */
  private closing = false

  constructor(
    readonly operation: OperationId,
    readonly record: OperationRecord,
    readonly messages: Messages,
    private readonly scope: CancellationScope,
  ) {}

  async step<T>({ id, title }: StepName, act: StepAct<T>): Promise<T> {
    if (act.undo !== undefined) this.undos.push({ id, run: act.undo })
    await this.record.begin(id, title)
    try {
      const result = await act.do()
      // With WAIT_CANCELLATION_COMPLETED an act may end well although an abort was accepted meanwhile.
      this.throwIfAborted()
      await this.record.update(id, 'done', act.detail?.(result) ?? {})
      return result
    } catch (error) {
      if (isDefect(error)) throw error
      const aborted = this.aborting()
      const summary = aborted ? 'stopped by the abort' : failureRecord(error).message
      await this.record.update(id, aborted ? 'cancelled' : 'failed', { summary })
      throw error
    }
  }

  /** The step's effect was taken back by a step of its own: there is nothing left to undo. */
  settle({ id }: StepName): void {
    const at = this.undos.findIndex((undo) => undo.id === id)
    if (at >= 0) this.undos.splice(at, 1)
  }

  /** Runs the undos, last first. To be called inside a non-cancellable scope. */
  async compensate(): Promise<void> {
    for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) await this.undoOne(undo)
  }

  private async undoOne(undo: Undo): Promise<void> {
    for (;;) {
      await this.record.update(undo.id, 'undoing', {})
      try {
        await undo.run()
        return await this.record.update(undo.id, 'undone', {})
      } catch (error) {
        if (isDefect(error)) throw error
        await this.record.update(undo.id, 'undo-failed', { undoFailure: failureRecord(error).message })
      }
      const resolved = await this.askOperator(undo.id)
      if (resolved === 'retry') continue
      return this.record.update(undo.id, resolved === 'done' ? 'undone' : 'undo-skipped', { resolved })
    }
  }

  private async askOperator(step: string) {
    const before = this.record.currentStatus
    this.messages.expectResolution(step)
    await this.record.setStatus('needs-operator')
    await condition(() => this.messages.resolution(step) !== null)
    const decision = this.messages.takeResolution(step)
    await this.record.setStatus(before)
    return decision
  }

  beginClosing(): void {
    this.closing = true
    this.messages.close()
  }

  throwIfAborted(): void {
    if (this.aborting()) throw new CancelledFailure('aborted')
  }

  private aborting(): boolean {
    return this.scope.consideredCancelled && !this.closing
  }
}
