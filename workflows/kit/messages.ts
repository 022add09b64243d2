/** What people may say to a running operation. Validators are synchronous (an async one would hang its caller) and refuse with
 *  a code of the closed table; a refused update leaves no trace in the history. */
import { ApplicationFailure, defineUpdate, setHandler } from '@temporalio/workflow'
import { type AbortInput, type ApproveInput, type RejectInput, type ResolveInput, UPDATES } from '../../contracts/messages'
import type { Sha256 } from '../../contracts/operation'

function refuse(code: string, message: string): never {
  throw ApplicationFailure.nonRetryable(message, code)
}

function needsText(field: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') refuse('OPTION_INVALID', `${field} is empty; it has to be a text.`)
}

type Decision =
  | { readonly approved: true; readonly by: string }
  | { readonly approved: false; readonly by: string; readonly reason: string }

export class Messages {
  private awaited: Sha256 | null = null
  private decided: Decision | null = null
  private abortedBy: AbortInput | null = null
  private closing = false
  private noReturn: string | null = null
  private ends: ((by: AbortInput) => void) | null = null
  private stuckStep: string | null = null
  private resolved: ResolveInput['decision'] | null = null

  constructor(
    private readonly requestedBy: string,
    private readonly cancel: () => void,
  ) {
    this.handleDecisions()
    this.handleAbort()
    this.handleResolve()
  }

  /** Opens the question; the answer is null until somebody gives it. */
  ask(planDigest: Sha256): void {
    this.awaited = planDigest
    this.decided = null
  }
  decision(): Decision | null {
    return this.decided
  }
  takeDecision(): Decision {
    const decision = this.decided
    if (decision === null) throw new Error('no decision was made')
    this.awaited = null
    this.decided = null
    return decision
  }
  /** From here on nothing can be aborted: the operation is being closed. */
  close(): void {
    this.closing = true
  }
  /** There is only forward: an abort is refused. `why`: what cannot be taken back. */
  refuseAborts(why: string): void {
    this.noReturn = why
  }
  /** Where nothing is done any more but to look: an abort ends that, and nothing else. Null: it is over. */
  letEnd(ends: ((by: AbortInput) => void) | null): void {
    this.ends = ends
  }
  aborted(): AbortInput | null {
    return this.abortedBy
  }
  expectResolution(step: string): void {
    this.stuckStep = step
    this.resolved = null
  }
  resolution(step: string): ResolveInput['decision'] | null {
    return this.stuckStep === step ? this.resolved : null
  }
  takeResolution(step: string): ResolveInput['decision'] {
    const decision = this.resolution(step)
    if (decision === null) throw new Error(`no resolution for ${step}`)
    this.stuckStep = null
    this.resolved = null
    return decision
  }

  private assertWaiting(): void {
    if (this.awaited === null || this.decided !== null || this.abortedBy !== null) {
      refuse('OPERATION_NOT_WAITING', 'This operation is not waiting for an approval now.')
    }
  }

  private handleDecisions(): void {
    setHandler(
      defineUpdate<void, [ApproveInput]>(UPDATES.approve),
      ({ by }) => {
        this.decided = { approved: true, by }
      },
      {
        validator: ({ by, planDigest }) => {
          needsText('by', by)
          this.assertWaiting()
          if (planDigest !== this.awaited) {
            refuse(
              'PLAN_DRIFTED',
              `The approval names plan ${planDigest}, but the operation waits for plan ${this.awaited}: read that one.`,
            )
          }
          if (by === this.requestedBy) {
            refuse('APPROVAL_REFUSED', `${by} asked for this operation; an approval has to come from somebody else.`)
          }
        },
      },
    )
    setHandler(
      defineUpdate<void, [RejectInput]>(UPDATES.reject),
      ({ by, reason }) => {
        this.decided = { approved: false, by, reason }
      },
      {
        validator: ({ by }) => {
          needsText('by', by)
          this.assertWaiting()
        },
      },
    )
  }

  private handleAbort(): void {
    setHandler(
      defineUpdate<void, [AbortInput]>(UPDATES.abort),
      (input) => {
        if (this.ends !== null) {
          this.ends(input)
          return
        }
        this.abortedBy ??= input
        this.cancel()
      },
      {
        validator: ({ by }) => {
          needsText('by', by)
          if (this.ends !== null) return
          if (this.closing) refuse('OPERATION_CLOSED', 'This operation is already being closed; there is nothing left to abort.')
          if (this.noReturn !== null) {
            const message = `This operation has passed its point of no return (${this.noReturn}): it can only go forward, and an abort would take nothing back.`
            refuse('NO_WAY_BACK', message)
          }
        },
      },
    )
  }

  private handleResolve(): void {
    setHandler(
      defineUpdate<void, [ResolveInput]>(UPDATES.resolve),
      ({ decision }) => {
        this.resolved = decision
      },
      {
        validator: ({ by, step, decision }) => {
          needsText('by', by)
          if (this.stuckStep === null) refuse('OPERATION_NOT_WAITING', 'Nothing of this operation waits for an operator.')
          if (step !== this.stuckStep) refuse('OPTION_INVALID', `step is ${step}; what waits is ${this.stuckStep}.`)
          if (!['retry', 'skip', 'done'].includes(decision)) {
            refuse('OPTION_INVALID', `decision is ${decision}; it has to be retry, skip or done.`)
          }
        },
      },
    )
  }
}
