/** Brings rows that were lost back into the live database, out of a copy as of a moment before. The set of rows is fixed and approved before the first
 *  of them is written, no row that is there is touched, and what came back stays whatever happens afterwards. */
import { ApplicationFailure } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationResult, StepName } from '../../contracts/operation'
import { type RecoverRowsInput, RECOVER_ROWS_STEPS as STEPS } from '../../contracts/recover-rows'
import type { RestorePlanSummary } from '../../contracts/restore'
import type { StepRef } from '../../contracts/step-ref'
import { type Outcome, runOperation } from '../kit/operation'
import { makeInertCopy } from '../restore/make-copy'
import { recoverRowsActivities } from './activities'
import { type BringingBack, bringBack, wantedOf } from './bring-back'

export async function recoverRows(input: RecoverRowsInput): Promise<OperationResult> {
  const act = recoverRowsActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run, { epoch }) => recoverUnderLock({ run, input, act, ref, lockEpoch: epoch }))
}

async function recoverUnderLock(recovering: Recovering): Promise<Outcome> {
  const { input } = recovering
  const { planned, source } = await plan(recovering)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }

  const copy = await makeCopy(recovering, planned)
  return removed(recovering, await bringBack(recovering, { source, copy }))
}

interface Recovering extends BringingBack {
  readonly input: RecoverRowsInput
  readonly act: ReturnType<typeof recoverRowsActivities>
}

async function plan(recovering: Recovering): Promise<{ planned: RestorePlanSummary; source: InstanceAddress }> {
  const { run, input, act, ref } = recovering
  const { point, wasDormant } = input
  const on = ref(STEPS.plan)
  return run.step(STEPS.plan, {
    do: async () => {
      const planned = await act.planning.planRestore({ ...on, copyStep: STEPS.copy.id, point, keepHours: 0, wasDormant })
      const { source, afterStart } = planned
      if (source === null) throw isDown()
      const { summary } = await act.examining.examineTables({ ...on, source, wanted: wantedOf(input) })
      if (afterStart) await act.asking.proveDormant({ ...on, target: source })
      return { planned, source, summary }
    },
    detail: ({ planned, summary }) => ({
      summary: `${summary}, out of ${planned.point.kind === 'snapshot' ? `snapshot ${planned.point.snapshot}` : `the moment ${planned.point.at}`}`,
      restoreDigest: planned.digest,
    }),
  })
}

function isDown(): ApplicationFailure {
  const message =
    'The instance is not ready, and rows are to be brought back into it: wait until it is, or restore a copy beside it.'
  return ApplicationFailure.nonRetryable(message, 'RESOURCE_FAILED')
}

async function makeCopy({ run, input, act, ref }: Recovering, planned: RestorePlanSummary): Promise<InstanceAddress> {
  const on = ref(STEPS.copy)
  return run.step(STEPS.copy, {
    do: () => makeInertCopy({ act, input, point: input.point, ref: on, planned, keepHours: 0, expiresAt: () => null }),
    undo: async () => {
      await act.undoing.startCanaryRemoval(on)
      await act.undoWaiting.awaitCanaryRemoval(on)
    },
    detail: ({ instance }) => ({ summary: instance, instance }),
  })
}

/** By the copy's own undo, so that a removal that cannot finish waits for an operator and the outcome stands. */
async function removed({ run }: Recovering, outcome: Outcome): Promise<Outcome> {
  run.conclude()
  await run.takeBack(STEPS.removeCopy, STEPS.copy)
  return outcome
}
