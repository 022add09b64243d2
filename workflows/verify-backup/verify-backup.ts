/** Verifies a backup of a database by restoring it: an inert copy is made of it, held against the proof ladder rung by rung, and removed whatever
 *  happened. A backup that cannot be restored is a verdict and no failure of the operation. It never waits for an approval: it changes nothing of
 *  production but the heartbeats that it may be asked to write. */
import { isCancellation } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, OperationResult, StepName, Verdict } from '../../contracts/operation'
import { type RestorePoint, shownSnapshot } from '../../contracts/restore-point'
import type { StepRef } from '../../contracts/step-ref'
import {
  type PlannedPoint,
  type Rung,
  VERIFY_BACKUP_STEPS as STEPS,
  type VerificationPlanSummary,
  type VerifyBackupInput,
  verificationLock,
} from '../../contracts/verify-backup'
import { failureRecord, isDefect } from '../kit/failures'
import { type Outcome, runOperation } from '../kit/operation'
import { verifyBackupActivities } from './activities'
import { climb, rungDetail } from './climb'
import { type Climbed, judge } from './judge'
import { TimeLimit } from './time-limit'
import type { Verifying } from './verifying'

export async function verifyBackup(input: VerifyBackupInput): Promise<OperationResult> {
  const act = verifyBackupActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : verificationLock(input.lockScope)
  return runOperation({ ...input, lockScope }, (run) =>
    verifyUnderLock({ run, input, act, ref, limit: new TimeLimit(input.withinMs) }),
  )
}

async function verifyUnderLock(verifying: Verifying): Promise<Outcome> {
  const { run, input } = verifying
  const plan = await planned(verifying)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }

  const point = await markedPoint(verifying, plan)
  const { rung: exists, rpoMs } = await lookAtBackup(verifying, plan, point)
  const restored = exists.outcome === 'fail' ? null : await climb(verifying, plan, point)
  const { verdict, findings } = await record(verifying, point, {
    plan,
    ladder: [exists, ...(restored?.ladder ?? [])],
    rpoMs,
    rto: restored?.rto ?? null,
    controls: restored?.controls ?? [],
  })
  if (restored !== null) {
    run.conclude()
    await run.takeBack(STEPS.removeCopy, STEPS.copy)
  }
  return { status: verdict === 'pass' ? 'succeeded' : 'failed', verdict, findings }
}

async function planned({ run, input, act, ref, limit }: Verifying): Promise<VerificationPlanSummary> {
  const { wanted, withinMs, wasDormant } = input
  const plan = await run.step(STEPS.plan, {
    do: () => act.asking.planVerification({ ...ref(STEPS.plan), wanted, withinMs, wasDormant, copyStep: STEPS.copy.id }),
    detail: ({ point, turn, rungs, digest }) => ({
      summary: `${shownPoint(point)}${turn === null ? '' : ` (${turn})`}, ${rungs.filter(({ promised }) => promised).length} rungs promised`,
      planDigest: digest,
    }),
  })
  limit.shorten(plan.withinMs ?? input.withinMs)
  await run.record.setStatus('running', { planDigest: plan.digest })
  return plan
}

async function markedPoint(verifying: Verifying, { point, instanceId }: VerificationPlanSummary): Promise<RestorePoint> {
  const { run, input, act, ref, limit } = verifying
  if (point.kind !== 'now') {
    if (input.wanted.kind === 'by-turns') await leaveHeartbeats(verifying, instanceId)
    return point.kind === 'snapshot' ? { kind: 'snapshot', snapshot: point.snapshot } : point
  }
  return run.step(STEPS.beat, {
    do: () =>
      limit.within(async () => {
        const source = await act.asking.describeSource({ ...ref(STEPS.beat), instanceId })
        await readAround(verifying, source, 'before')
        const { at } = await act.source.markMoment({ ...ref(STEPS.beat), source })
        await readAround(verifying, source, 'after')
        await act.backup.awaitWindow({ ...ref(STEPS.beat), at })
        return { kind: 'moment' as const, at }
      }),
    detail: ({ at }) => ({ summary: `${at}, with a heartbeat before it and one after it`, at }),
  })
}

/** Without it L4 proves nothing; the other rungs may. */
async function readAround({ act, ref }: Verifying, target: InstanceAddress, which: 'before' | 'after'): Promise<void> {
  const snapshotStep = STEPS.copy.id
  await act.manifest.takeManifest({ ...ref(STEPS.beat), target, snapshotStep, which }).catch((error: unknown) => {
    if (isDefect(error) || isCancellation(error)) throw error
  })
}

/** Each run by the clock leaves some, so that whatever moment a later one draws lies between two. One that cannot is no worse a verification. */
async function leaveHeartbeats({ run, act, ref, limit }: Verifying, instanceId: string): Promise<void> {
  await run.step(STEPS.beat, {
    do: () =>
      limit.within(async () => {
        try {
          const source = await act.asking.describeSource({ ...ref(STEPS.beat), instanceId })
          const { at } = await act.source.markMoment({ ...ref(STEPS.beat), source })
          return `around ${at}, for later verifications`
        } catch (error) {
          if (isDefect(error) || isCancellation(error)) throw error
          return `none could be left: ${failureRecord(error).message}`
        }
      }),
    detail: (summary) => ({ summary }),
  })
}

async function lookAtBackup({ run, act, ref, limit }: Verifying, { instanceId }: VerificationPlanSummary, point: RestorePoint) {
  return run.step(STEPS.exists, {
    do: () =>
      limit.within(() => act.backup.checkExists({ ...ref(STEPS.exists), point, instanceId, now: new Date().toISOString() })),
    detail: ({ rung, rpoMs }) => ({ ...rungDetail(rung), rpoMs }),
  })
}

async function record(
  { run, input, act, ref }: Verifying,
  point: RestorePoint,
  climbed: Climbed,
): Promise<{ verdict: Verdict; findings: readonly Finding[] }> {
  const { plan, rpoMs, rto, controls } = climbed
  const { ladder, proven, verdict, blind, missed, lacking } = judge(climbed)
  const judgedAt = new Date().toISOString()
  const { operation, database } = input
  const { instance, instanceId, objectives } = plan
  const restored: PlannedPoint = point.kind === 'snapshot' ? plan.point : point
  const about = { version: 1 as const, operation, database, instance, instanceId, point: restored }
  await run.step(STEPS.judge, {
    do: () =>
      act.recording.recordVerification({
        ...ref(STEPS.judge),
        verification: { ...about, ladder, controls, rpoMs, rto, objectives, proven, verdict, judgedAt },
      }),
    detail: () => ({ summary: shownVerdict(ladder, verdict, lacking), findings: [...blind, ...missed], proven, verdict }),
  })
  return { verdict, findings: [...ladder.flatMap(({ findings }) => findings), ...blind, ...missed] }
}

function shownVerdict(ladder: readonly Rung[], verdict: Verdict, lacking: string | null): string {
  const passed = ladder.filter(({ outcome }) => outcome === 'pass').length
  return `${verdict}: ${passed} of ${ladder.length} rungs passed${lacking === null ? '' : `; ${lacking}`}`
}

function shownPoint(point: PlannedPoint): string {
  switch (point.kind) {
    case 'snapshot':
      return shownSnapshot(point)
    case 'moment':
      return `the moment ${point.at}`
    case 'now':
      return 'a moment of this operation'
  }
}
