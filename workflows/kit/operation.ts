/** The life that every operation has: running → verdict → undos if it did not end well → evidence → lock released → closed.
 *  A finding ends it `failed` with verdict `fail` and returns; a failure ends it `failed` and is rethrown. */
import { ApplicationFailure, CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow'
import type { LedgerActivities } from '../../activities/ledger/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import {
  type FailureRecord,
  type Finding,
  OPERATION_STEPS,
  type OperationId,
  type OperationResult,
  type OperationStatus,
  type Verdict,
} from '../../contracts/operation'
import { failureRecord, isDefect } from './failures'
import { type Epochs, type LockSpec, releaseLocks, takeLocks } from './locks'
import { Messages } from './messages'
import { quickAct } from './proxies'
import { OperationRecord } from './record'
import { Run } from './run'

export interface OperationSpec extends LockSpec {
  readonly operation: OperationId
  readonly requestedBy: string
}

/** How a runbook ended by itself. */
export interface Outcome {
  readonly status: 'planned' | 'succeeded' | 'failed' | 'rejected'
  readonly verdict: Verdict | null
  readonly findings: readonly Finding[]
}

interface Ending {
  readonly status: OperationStatus
  readonly verdict: Verdict | null
  readonly findings: readonly Finding[]
  readonly failure: FailureRecord | null
}

export async function runOperation(
  spec: OperationSpec,
  runbook: (run: Run, lock: Epochs) => Promise<Outcome>,
): Promise<OperationResult> {
  const scope = new CancellationScope({ cancellable: true })
  const record = new OperationRecord(spec.operation)
  const messages = new Messages(spec.requestedBy, () => scope.cancel())
  const run = new Run(spec.operation, record, messages, scope)
  let ending: Ending
  try {
    const outcome = await scope.run(async () => runbook(run, await takeLocks(run, spec)))
    // An abort that was accepted while the last step was being recorded is still an abort.
    run.throwIfAborted()
    ending = { ...outcome, failure: null }
  } catch (error) {
    if (isDefect(error)) throw error
    ending = await afterFailure(run, error, run.isAborting())
  }
  run.beginClosing()
  return close(run, spec, ending)
}

async function afterFailure(run: Run, error: unknown, aborted: boolean): Promise<Ending> {
  return CancellationScope.nonCancellable(async () => {
    run.record.beginClosing()
    await run.compensate()
    if (!aborted && !isCancellation(error)) {
      return { status: 'failed', verdict: null, findings: [], failure: failureRecord(error) }
    }
    const abort = run.messages.aborted()
    const message = abort === null ? 'Cancelled.' : `Aborted by ${abort.by}${abort.reason === '' ? '' : `: ${abort.reason}`}.`
    return { status: 'aborted', verdict: null, findings: [], failure: { code: 'OPERATION_ABORTED', message } }
  })
}

/** The status becomes final last: whoever sees it may start the next operation, so its locks must be free by then. Each part takes place
 *  whatever became of the one before; a lock that could not be released is superseded once this workflow has ended. */
async function close(run: Run, spec: OperationSpec, ending: Ending): Promise<OperationResult> {
  const { status, verdict, findings, failure } = ending
  await CancellationScope.nonCancellable(async () => {
    run.record.beginClosing()
    const act = quickAct(TASK_QUEUES.control, spec.heartbeatTimeoutMs)
    const { writeEvidence } = proxyActivities<LedgerActivities>(act)
    await unlessDefect(
      run.step(OPERATION_STEPS.evidence, {
        do: () =>
          writeEvidence({ operation: run.operation, step: 'evidence', at: new Date().toISOString(), status, verdict, failure }),
        detail: ({ digest }) => ({ summary: `sha256 ${digest.slice(0, 12)}` }),
      }),
    )
    await unlessDefect(releaseLocks(run, spec))
    await run.record.setStatus(status, { verdict, failure, final: true })
  })
  if (failure !== null) throw ApplicationFailure.nonRetryable(failure.message, failure.code)
  return { status, verdict, findings }
}

/** The step has recorded its failure; the closing goes on. */
async function unlessDefect(step: Promise<unknown>): Promise<void> {
  try {
    await step
  } catch (error) {
    if (isDefect(error)) throw error
  }
}
