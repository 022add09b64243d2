/** One way to write a runbook. A run keeps the saga's law: an undo is registered before its act, undos run in reverse order
 *  in a scope that nothing cancels, a failed undo waits for a person and never hides the first failure. An abort is a
 *  cancellation that the run turns into undos. A defect (an error that is no Temporal failure) is rethrown untouched, so that
 *  the run parks until its code is mended. */
import { CancellationScope, CancelledFailure, condition, isCancellation } from '@temporalio/workflow'
import type { AbortInput, ResolveInput } from '../../contracts/messages'
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
  /** After a failure or an abort: what became of the act, for the record. Nothing cancels it; its own failure is left out. */
  readonly survey?: () => Promise<StepDetail>
}

interface Undo {
  readonly id: string
  readonly run: () => Promise<unknown>
}

export class Run {
  private readonly undos: Undo[] = []
  /** Once the operation is being closed, an abort that was accepted before stops nothing any more. */
  private closing = false
  /** Nothing is taken back any more, and nothing stops what is still to do. */
  private noReturn = false

  constructor(
    readonly operation: OperationId,
    readonly record: OperationRecord,
    readonly messages: Messages,
    private readonly scope: CancellationScope,
  ) {}

  async step<T>({ id, title }: StepName, act: StepAct<T>): Promise<T> {
    if (this.noReturn && !this.closing) throw new Error(`step ${id} comes after the point of no return: it has to go forward`)
    if (act.undo !== undefined) this.undos.push({ id, run: act.undo })
    await this.record.begin(id, title)
    let result: T
    try {
      result = await act.do()
    } catch (error) {
      if (isDefect(error)) throw error
      await this.recordFailure(id, error, act.survey)
      throw error
    }
    await this.record.update(id, 'done', act.detail?.(result) ?? {})
    // With WAIT_CANCELLATION_COMPLETED an act may end well although an abort was accepted meanwhile: it is done, and the run ends.
    this.throwIfAborted()
    return result
  }

  /** Begins the step whose act cannot be taken back. From here on there is only forward: undos that were registered are dropped, an abort is
   *  refused, a cancellation is not heard, and what fails waits for a person. `why` is for the record. */
  async pointOfNoReturn({ id, title }: StepName, why: string): Promise<void> {
    await this.record.begin(id, title, { pointOfNoReturn: why })
    if (this.isAborting()) {
      const aborted = new CancelledFailure('aborted')
      await this.recordFailure(id, aborted, undefined)
      throw aborted
    }
    this.undos.length = 0
    this.noReturn = true
    this.messages.refuseAborts(why)
    this.record.beginClosing()
  }

  /** A step after the point of no return. One that fails waits for a person to have it tried again, left out, or done by hand; null: not done here.
   *  `needed`: why it cannot be left out; whoever says so is asked again. */
  async forward<T>(
    { id, title }: StepName,
    act: Pick<StepAct<T>, 'do' | 'detail'> & { readonly needed?: string | undefined },
  ): Promise<T | null> {
    if (!this.noReturn) throw new Error(`step ${id} goes forward before the point of no return`)
    return CancellationScope.nonCancellable(async () => {
      if (!this.record.has(id)) await this.record.begin(id, title)
      for (;;) {
        try {
          const result = await act.do()
          await this.record.update(id, 'done', { ...act.detail?.(result), waits: false })
          return result
        } catch (error) {
          if (isDefect(error)) throw error
          const said = failureRecord(error).message
          await this.record.update(id, 'failed', { summary: said, undoFailure: said, waits: true })
        }
        const resolved = await this.askForward(id, act.needed)
        if (resolved === 'retry') await this.record.update(id, 'running', { waits: false })
        else {
          const summary = resolved === 'done' ? 'done by hand' : 'left out'
          await this.record.update(id, resolved === 'done' ? 'done' : 'undo-skipped', { summary, waits: false })
          return null
        }
      }
    })
  }

  /** Past the point of no return, where nothing is changed any more: an abort ends `look`, which is cancelled, and takes nothing back. Resolves to whoever did so; null: it
   *  came to its end. */
  async untilEnded(look: () => Promise<void>): Promise<AbortInput | null> {
    const scope = new CancellationScope()
    const ended: { by: AbortInput | null } = { by: null }
    this.messages.letEnd((by) => {
      ended.by ??= by
      scope.cancel()
    })
    try {
      await scope.run(look)
    } catch (error) {
      if (ended.by === null || !isCancellation(error)) throw error
    } finally {
      this.messages.letEnd(null)
    }
    return ended.by
  }

  /** Takes the effect of an earlier step back as a step of its own. Like any undo it parks instead of failing: cleaning up never decides
   *  how an operation ends. */
  async takeBack({ id, title }: StepName, of: StepName): Promise<void> {
    const undo = this.undos.find((registered) => registered.id === of.id)
    if (undo === undefined) throw new Error(`step ${of.id} has nothing to take back`)
    await CancellationScope.nonCancellable(async () => {
      await this.record.begin(id, title)
      this.undos.splice(this.undos.indexOf(undo), 1)
      const resolved = await this.undoUntilResolved(id, undo)
      await this.record.update(id, resolved === 'skip' ? 'undo-skipped' : 'done', {})
    })
  }

  /** What an earlier step made stays from here on, whatever happens: later steps rely on it. */
  keep({ id }: StepName): void {
    const at = this.undos.findIndex((undo) => undo.id === id)
    if (at < 0) throw new Error(`step ${id} has nothing to keep`)
    this.undos.splice(at, 1)
  }

  /** Runs the undos, last first. To be called inside a non-cancellable scope. */
  async compensate(): Promise<void> {
    for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) {
      await this.record.update(undo.id, 'undoing', {})
      const resolved = await this.undoUntilResolved(undo.id, undo)
      await this.record.update(undo.id, resolved === 'skip' ? 'undo-skipped' : 'undone', {})
    }
  }

  /** How the operation ends is settled and only cleaning up is left: an abort is refused from here on. */
  conclude(): void {
    this.throwIfAborted()
    this.beginClosing()
    this.record.beginClosing()
  }

  beginClosing(): void {
    this.closing = true
    this.messages.close()
  }

  throwIfAborted(): void {
    if (this.isAborting()) throw new CancelledFailure('aborted')
  }

  isAborting(): boolean {
    return this.scope.consideredCancelled && !this.closing && !this.noReturn
  }

  private async recordFailure(id: string, error: unknown, survey: StepAct<unknown>['survey']): Promise<void> {
    const aborted = this.isAborting()
    const found = survey === undefined ? {} : await CancellationScope.nonCancellable(() => survey().catch(surveyFailed))
    const why = aborted ? 'stopped by the abort' : failureRecord(error).message
    const summary = found.summary === undefined ? why : `${why} ${found.summary}`
    await this.record.update(id, aborted ? 'cancelled' : 'failed', { ...found, summary })
  }

  /** `retry` is answered inside; what is returned is how the undo ended. */
  private async undoUntilResolved(step: string, undo: Undo): Promise<'done' | 'skip'> {
    for (;;) {
      try {
        await undo.run()
        return 'done'
      } catch (error) {
        if (isDefect(error)) throw error
        await this.record.update(step, 'undo-failed', { undoFailure: failureRecord(error).message })
      }
      const resolved = await this.askOperator(step)
      if (resolved !== 'retry') return resolved
      await this.record.update(step, 'undoing', {})
    }
  }

  private async askForward(id: string, needed: string | undefined): Promise<ResolveInput['decision']> {
    for (;;) {
      const resolved = await this.askOperator(id)
      if (resolved !== 'skip' || needed === undefined) return resolved
      const said = `It cannot be left out: ${needed}.`
      await this.record.update(id, 'failed', { summary: said, undoFailure: said, waits: true })
    }
  }

  private async askOperator(step: string): Promise<ResolveInput['decision']> {
    const before = this.record.currentStatus
    this.messages.expectResolution(step)
    await this.record.setStatus('needs-operator')
    await condition(() => this.messages.resolution(step) !== null)
    const decision = this.messages.takeResolution(step)
    await this.record.setStatus(before)
    return decision
  }
}

function surveyFailed(error: unknown): StepDetail {
  if (isDefect(error)) throw error
  return { summary: `What it left could not be found out: ${failureRecord(error).message}` }
}
