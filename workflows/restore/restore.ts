/** Restores a snapshot or a moment of a database's instance as an inert copy beside it, checks the copy, and leaves it there for a declared time.
 *  The instance itself is not touched. It never waits for an approval: nothing is lost by it, and the copy lets nobody in but the control plane. */
import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationResult } from '../../contracts/operation'
import { type PlannedPoint, type RestoreInput, type RestorePlanSummary, RESTORE_STEPS as STEPS } from '../../contracts/restore'
import { shownSnapshot } from '../../contracts/restore-point'
import type { StepRef } from '../../contracts/step-ref'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { restoreActivities } from './activities'
import { makeInertCopy } from './make-copy'

const HOUR_MS = 3_600_000

interface Restoring {
  readonly run: Run
  readonly input: RestoreInput
  readonly act: ReturnType<typeof restoreActivities>
  readonly ref: (step: string) => StepRef
}

export async function restore(input: RestoreInput): Promise<OperationResult> {
  const act = restoreActivities(input)
  const ref = (step: string): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run) => restoreUnderLock({ run, input, act, ref }))
}

async function restoreUnderLock(restoring: Restoring): Promise<Outcome> {
  const { run, input, act, ref } = restoring
  const planned = await plan(restoring)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }

  const copy = await makeCopy(restoring, planned)
  const { findings } = await run.step(STEPS.check, {
    do: async () => {
      const checked = await act.checks.checkCopy({ ...ref('check'), copy })
      const since = await act.checks.rowsSince({ ...ref('check'), source: planned.source })
      const { findings, checkCount } = checked
      return { findings, checkCount, summary: `${checked.summary}; ${since.summary}` }
    },
    detail: (checked) => checked,
  })
  // A copy that a check said no to is what somebody will want to look at: it stays as long as every other.
  if (findings.length > 0) return { status: 'failed', verdict: 'fail', findings }
  return { status: 'succeeded', verdict: 'pass', findings: [] }
}

async function plan({ run, input, act, ref }: Restoring): Promise<RestorePlanSummary> {
  const { point, keepHours, wasDormant } = input
  const planned = await run.step(STEPS.plan, {
    do: async () => {
      const found = await act.planning.planRestore({ ...ref('plan'), copyStep: STEPS.copy.id, point, keepHours, wasDormant })
      if (found.afterStart && found.source !== null) await act.asking.proveDormant({ ...ref('plan'), target: found.source })
      return found
    },
    detail: (found) => ({
      summary: `${shownPoint(found.point)}, kept ${keepHours} h`,
      planDigest: found.digest,
    }),
  })
  await run.record.setStatus('running', { planDigest: planned.digest })
  return planned
}

async function makeCopy({ run, input, act, ref }: Restoring, planned: RestorePlanSummary): Promise<InstanceAddress> {
  const { keepHours } = input
  return run.step(STEPS.copy, {
    do: () => {
      const expiresAt = () => new Date(Date.now() + keepHours * HOUR_MS).toISOString()
      return makeInertCopy({ act, input, point: input.point, ref: ref('copy'), planned, keepHours, expiresAt })
    },
    undo: async () => {
      await act.undoing.startCanaryRemoval(ref('copy'))
      await act.undoWaiting.awaitCanaryRemoval(ref('copy'))
    },
    detail: ({ instance, host, port }) => ({ summary: `${instance} at ${host}:${port}`, instance, host, port }),
  })
}

function shownPoint(point: PlannedPoint): string {
  return point.kind === 'snapshot' ? shownSnapshot(point) : `the moment ${point.at}`
}
