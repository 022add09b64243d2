/** Overwrites an instance with a snapshot of its own. It is fenced before its fresh backup is taken, so that the backup holds every commit that was
 *  ever acknowledged: the way back. What fails before the cloud is told to overwrite is taken back; past that there is only forward. */
import type { Finding, OperationResult, StepName } from '../../contracts/operation'
import { type OverwriteInput, OVERWRITE_STEPS as STEPS } from '../../contracts/overwrite'
import type { StepRef } from '../../contracts/step-ref'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import { overwriteActivities } from './activities'
import { goForward } from './forward'
import type { Overwriting, Planned } from './overwriting'
import { closeNetworks, fence, takeFreshBackup, verifyFreshBackup } from './prepare'

export async function overwrite(input: OverwriteInput): Promise<OperationResult> {
  const act = overwriteActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run, { epoch }) => overwriteUnderLock({ run, input, act, ref, epoch }))
}

async function overwriteUnderLock(overwriting: Overwriting): Promise<Outcome> {
  const { input } = overwriting
  const planned = await plan(overwriting)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  if (!(await approved(overwriting, planned))) return { status: 'rejected', verdict: null, findings: [] }

  await fence(overwriting, planned)
  const snapshot = await takeFreshBackup(overwriting, planned)
  const backup = await verifyFreshBackup(overwriting, snapshot)
  await closeNetworks(overwriting, planned)
  const left: Finding[] = []
  await goForward({ ...overwriting, left }, planned, backup)
  return { status: 'succeeded', verdict: left.length === 0 ? 'pass' : 'fail', findings: left }
}

async function plan({ run, input, act, ref, epoch }: Overwriting): Promise<Planned> {
  const step = STEPS.plan
  const { snapshot, keepHours } = input
  const planned = await run.step(step, {
    do: async () => {
      const asked = { ...ref(step), snapshot, keepHours }
      const { source } = await act.asking.planOverwriting(asked)
      const backup = { target: source, snapshotStep: STEPS.backup.id, retentionHours: keepHours }
      await act.planningBackup.planSnapshot({ ...ref(step), ...backup })
      const lock = input.mode === 'plan' ? null : { scope: input.lockScope, epoch }
      const fencing = await act.fence.planFence({ ...ref(step), target: source, scope: 'instance', copy: false, lock })
      const summary = await act.asking.writeOverwritePlan({ ...asked, fence: fencing })
      return { ...summary, fenceEpoch: fencing.epoch }
    },
    detail: ({ source, digest }) => ({
      summary: `snapshot ${snapshot} over ${source.instance}, after a fresh backup that is kept ${keepHours} h`,
      planDigest: digest,
    }),
  })
  await run.record.setStatus('running', { planDigest: planned.digest })
  return planned
}

/** Always asked for, whatever the environment: what was committed since the snapshot leaves the instance. It binds to the plan, which names that moment. */
async function approved({ run }: Overwriting, { digest }: Planned): Promise<boolean> {
  const asked = { step: STEPS.approve, planned: digest, digestOf: () => digest, planAgain: async () => digest, drifted: '' }
  return !(await awaitApproval(run, asked)).rejected
}
