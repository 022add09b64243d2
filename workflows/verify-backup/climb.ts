/** From the backup to the top of the ladder: the inert copy, and what each rung finds on it. */
import { isCancellation } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationId, StepDetail, StepName } from '../../contracts/operation'
import type { RestorePoint } from '../../contracts/restore-point'
import {
  type AroundPoint,
  type Rung,
  type RungId,
  VERIFY_BACKUP_STEPS as STEPS,
  type VerificationPlanSummary,
} from '../../contracts/verify-backup'
import { failureRecord, isDefect } from '../kit/failures'
import { challenge } from './challenge'
import type { Climbed } from './judge'
import type { Verifying } from './verifying'

type Restored = Pick<Climbed, 'ladder' | 'rto' | 'controls'>

/** Where no copy came of it, or it does not answer, nothing further is asked. */
export async function climb(verifying: Verifying, plan: VerificationPlanSummary, point: RestorePoint): Promise<Restored> {
  const { act, ref } = verifying
  const startedAt = Date.now()
  const copied = await restoreCopy(verifying, plan, point)
  if ('rung' in copied) return { ladder: [copied.rung], rto: null, controls: [] }
  const { copy } = copied
  const engineVersion = plan.engineVersion
  const answers = await rung(verifying, STEPS.answers, () =>
    act.proof.checkAnswers({ ...ref(STEPS.answers), copy, engineVersion }),
  )
  const answeredAt = Date.now()
  const ladder = [answers]
  const around = aroundPoint(verifying, plan, point)
  if (answers.outcome === 'pass') {
    if (point.kind === 'moment') {
      const { at } = point
      ladder.push(
        await rung(verifying, STEPS.reached, () =>
          act.proof.checkReached({ ...ref(STEPS.reached), copy, at, instanceId: plan.instanceId }),
        ),
      )
    }
    ladder.push(await rung(verifying, STEPS.intact, () => act.proof.checkIntact({ ...ref(STEPS.intact), copy })))
    ladder.push(
      await rung(verifying, STEPS.content, async () => {
        await readUnchangedSince(verifying, plan)
        return act.proof.checkContent({ ...ref(STEPS.content), copy, around })
      }),
    )
    ladder.push(await rung(verifying, STEPS.use, () => act.proof.checkUse({ ...ref(STEPS.use), copy })))
  }
  const endedAt = Date.now()
  const rto = { provisionMs: answeredAt - startedAt, verifyMs: endedAt - answeredAt, totalMs: endedAt - startedAt }
  const { instanceId } = plan
  return { ladder, rto, controls: await challenge(verifying, ladder, { copy, instanceId, point, around }) }
}

/** Which manifests tell of the point; null: none do. */
function aroundPoint({ input }: Verifying, plan: VerificationPlanSummary, point: RestorePoint): AroundPoint | null {
  const { takenBy } = plan
  const since = sinceOf(plan)
  if (point.kind === 'snapshot') return takenBy === null ? null : { before: takenBy, after: takenBy, at: null }
  const { operation } = input
  const { at } = point
  if (plan.point.kind === 'now') return { before: operation, after: operation, at }
  return since === null ? null : { before: since, after: operation, at }
}

/** A plan that was made by an earlier release has no word of it. */
function sinceOf({ since }: VerificationPlanSummary): OperationId | null {
  return since ?? null
}

/** For a moment that is over: the database as it is now. Rows from before the moment that stand unchanged today stood unchanged at it. */
async function readUnchangedSince({ act, ref }: Verifying, plan: VerificationPlanSummary): Promise<void> {
  const { instanceId } = plan
  const since = sinceOf(plan)
  if (since === null) return
  const target = await act.asking.describeSource({ ...ref(STEPS.content), instanceId })
  await act.manifest.takeManifestSince({ ...ref(STEPS.content), target, since })
}

/** Of a copy that is there: whether the copy, the way to it or what was done to it is at fault, nobody knows. */
const UNUSABLE: Readonly<Record<string, string>> = {
  DATABASE_UNREACHABLE: 'the copy could not be reached',
  RESOURCE_FAILED: 'the copy could not be taken over',
  DATABASE_REFUSED: 'the copy could not be asked whether it is inert',
}

/** The copy, or the rung of a backup of which none came. */
async function restoreCopy(
  { run, act, ref, limit }: Verifying,
  { inertCopy, instanceId }: VerificationPlanSummary,
  point: RestorePoint,
): Promise<{ copy: InstanceAddress } | { rung: Rung }> {
  const startedAt = Date.now()
  let isMade = false
  const restore = async () => {
    const { instance } = await act.instance.startCopy({ ...ref(STEPS.copy), point, expiresAt: null })
    await act.instance.awaitInstance({ ...ref(STEPS.copy), instance })
    isMade = true
    await act.instance.startTakeover({ ...ref(STEPS.copy), instance })
    const copy = await act.instance.awaitInstance({ ...ref(STEPS.copy), instance })
    await act.copySchema.proveInert({ ...ref(STEPS.copy), canary: copy })
    return { copy }
  }
  const withoutCopy = (error: unknown): { rung: Rung } => {
    if (isDefect(error) || isCancellation(error)) throw error
    const { code, message } = failureRecord(error)
    const about = { id: 'answers' as const, durationMs: Date.now() - startedAt }
    const failed = (rule: string, said: string, summary: string): { rung: Rung } => ({
      rung: { ...about, outcome: 'fail', findings: [{ rule, message: `${said}: ${message}` }], summary },
    })
    if (code === 'DATABASE_UNKNOWN')
      return failed('answers:no-database', 'The database is not in the backup', 'without the database')
    if (code === 'RESOURCE_FAILED' && !isMade)
      return failed('answers:unrestorable', 'The backup could not be restored', 'no copy came of it')
    // Anything else stopped the verification, and says nothing of the backup.
    const why = isMade ? UNUSABLE[code] : undefined
    if (why === undefined) throw error
    return { rung: { ...about, outcome: 'not-proven', findings: [], summary: `${why}: ${message}` } }
  }
  const restoreInert = async () => {
    if (inertCopy === 'after-start') {
      const target = await act.asking.describeSource({ ...ref(STEPS.copy), instanceId })
      await act.copySchema.proveDormant({ ...ref(STEPS.copy), target })
    }
    return restore().catch(withoutCopy)
  }
  return run.step(STEPS.copy, {
    do: () => limit.within(restoreInert),
    undo: async () => {
      await act.undoing.startCanaryRemoval(ref(STEPS.copy))
      await act.undoWaiting.awaitCanaryRemoval(ref(STEPS.copy))
    },
    detail: (made) => ('rung' in made ? rungDetail(made.rung) : { summary: made.copy.instance, instance: made.copy.instance }),
  })
}

/** A rung that could not be looked at proves nothing, and keeps nobody from the next one. */
async function rung(
  { run, limit }: Verifying,
  step: StepName & { readonly id: RungId },
  look: () => Promise<Rung>,
): Promise<Rung> {
  const startedAt = Date.now()
  const unproven = (error: unknown): Rung => {
    if (isDefect(error) || isCancellation(error)) throw error
    const { code, message } = failureRecord(error)
    const summary = `could not be looked at: ${code} ${message}`
    return { id: step.id, outcome: 'not-proven', findings: [], summary, durationMs: Date.now() - startedAt }
  }
  return run.step(step, { do: () => limit.within(() => look().catch(unproven)), detail: rungDetail })
}

export function rungDetail({ outcome, findings, summary }: Rung): StepDetail {
  return { summary: outcome === 'not-proven' ? `not proven: ${summary}` : summary, outcome, findings }
}
