/** Migrates a database with a canary. The pending migrations run on a restored, inert copy first; only what passed there, within
 *  the policy's limits, is applied to the target, verified and watched. A canary that says no leaves the target untouched. What
 *  was applied is never undone here: the target stays at a recorded version from which a new run goes on. */
import { ApplicationFailure, patched } from '@temporalio/workflow'
import {
  type CheckSummary,
  type InstanceAddress,
  type MigrateInput,
  type PlanSummary,
  MIGRATE_STEPS as STEPS,
} from '../../contracts/migrate'
import { type Finding, type OperationResult, type StepDetail, type StepName, temporaryName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { arrangeRetirement } from '../retire-snapshot/arrange'
import { migrateActivities } from './activities'
import { carryOverLeft, describeFollowers, inStretches } from './standbys'

type Activities = ReturnType<typeof migrateActivities>

/** A plan, and the instance it was made for. */
interface Planned {
  readonly target: InstanceAddress
  readonly plan: PlanSummary
}

interface Migration {
  readonly run: Run
  readonly input: MigrateInput
  readonly act: Activities
  readonly ref: (step: string) => StepRef
}

export async function migrate(input: MigrateInput): Promise<OperationResult> {
  const act = migrateActivities(input)
  const ref = (step: string): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run, { epoch }) => migrateUnderLock({ run, input, act, ref }, epoch))
}

async function migrateUnderLock(migration: Migration, epoch: number): Promise<Outcome> {
  const { input } = migration
  const planned = await plan(migration, epoch)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  if (planned.plan.pendingCount === 0) return concluded(await carryOverLeft(migration, planned))

  const approved = input.policy.approval === 'none' ? planned : await approvedPlan(migration, planned, epoch)
  if (approved === null) return { status: 'rejected', verdict: null, findings: [] }

  const refusals = await rehearseOnCanary(migration, approved)
  if (refusals.length > 0) {
    await removeCanary(migration)
    return failed(refusals)
  }
  const left = await inStretches(migration, approved, (step, upTo) => applyToTarget(migration, approved, { step, upTo }))
  const regrets = await watchTarget(migration, approved.target)
  await removeCanary(migration)
  if (regrets.length > 0) return failed([...regrets, ...left])
  return concluded(left)
}

async function plan(migration: Migration, epoch: number): Promise<Planned> {
  const { run } = migration
  const planned = await run.step(STEPS.plan, {
    do: () => planTarget(migration, STEPS.plan.id, epoch),
    detail: ({ plan: { pendingCount, statementCount, current, target, digest, standbys = [] } }) => ({
      summary:
        pendingCount === 0
          ? `nothing is pending, the target is at version ${current ?? 'none'}${behind(standbys)}`
          : `${count(pendingCount, 'migration')}, ${count(statementCount, 'statement')}, version ${current ?? 'none'} → ${target ?? 'none'}${standbys.length === 0 ? '' : `; ${count(standbys.length, 'standby')}`}`,
      planDigest: digest,
    }),
  })
  await run.record.setStatus('running', { planDigest: planned.plan.digest })
  return planned
}

/** Null: it was rejected. */
async function approvedPlan(migration: Migration, planned: Planned, epoch: number): Promise<Planned | null> {
  const approval = await awaitApproval(migration.run, {
    step: STEPS.approve,
    planned,
    digestOf: ({ plan: { digest } }) => digest,
    planAgain: () => planTarget(migration, STEPS.approve.id, epoch),
    drifted: 'the target has changed',
  })
  return approval.rejected ? null : approval.planned
}

/** Asks the cloud anew each time: an approval may come after days, and the instance of that name may be another by then. */
async function planTarget(migration: Migration, step: string, epoch: number): Promise<Planned> {
  const { act, input, ref } = migration
  const target = await act.asking.describeTarget(ref(step))
  const lock = input.mode === 'plan' ? null : { scope: input.lockScope, epoch }
  // no operation that began before this has any
  const followed = (input.standbys ?? []).length > 0 && patched('carried-over-to-standbys')
  const standbys = followed ? { standbys: await describeFollowers(migration, step) } : {}
  return { target, plan: await act.planning.planMigration({ ...ref(step), target, lock, ...standbys }) }
}

/** Snapshot, inert copy, rehearsal, checks, verdict. The canary stays: the target is compared with it later. */
async function rehearseOnCanary(migration: Migration, { target, plan: planned }: Planned): Promise<readonly Finding[]> {
  const { run, act, ref } = migration
  const canary = await makeCanary(migration, target)
  await run.step(STEPS.rehearse, {
    do: () => act.canarySchema.rehearse({ ...ref('rehearse'), target, canary, epoch: planned.epoch, planDigest: planned.digest }),
    detail: ({ statementCount, durationMs, walBytes }) => ({
      summary: `${count(statementCount, 'statement')} in ${durationMs} ms, ${(walBytes / 1e6).toFixed(1)} MB of write-ahead log`,
    }),
  })
  const checked = await run.step(STEPS.checkCanary, {
    do: () => act.canaryChecks.checkCanary({ ...ref('check-canary'), canary }),
    detail: checkDetail,
  })
  const judgement = await run.step(STEPS.judge, {
    do: () => act.schema.judgeRehearsal(ref('judge')),
    detail: ({ findings, longestWriteBlockMs }) => ({
      summary:
        findings.length > 0 ? count(findings.length, 'finding') : `longest lock that blocks writes ${longestWriteBlockMs} ms`,
      findings,
      longestWriteBlockMs,
    }),
  })
  return [...judgement.findings, ...checked.findings]
}

async function makeCanary({ run, input, act, ref }: Migration, target: InstanceAddress): Promise<InstanceAddress> {
  const snapshot = await run.step(STEPS.snapshot, {
    do: async () => {
      const retentionHours = input.policy.snapshotRetentionHours
      // Its retirement is arranged before it exists: no crash in between can leave a snapshot that nobody will ever remove.
      await arrangeRetirement({ ...input, snapshot: temporaryName(input.operation, 'snapshot'), retentionHours })
      const started = await act.snapshot.startSnapshot({
        ...ref('snapshot'),
        retentionHours,
        startedAt: new Date().toISOString(),
      })
      await act.snapshot.awaitSnapshot({ ...ref('snapshot'), ...started })
      return started.snapshot
    },
    detail: (name) => ({ summary: name, snapshot: name, retentionHours: input.policy.snapshotRetentionHours }),
  })
  return run.step(STEPS.canary, {
    do: async () => {
      // As when it was planned: the copy will be of the target as it was a moment ago.
      if (target.traits?.inertCopy === 'after-start') await act.canarySchema.proveDormant({ ...ref('canary'), target })
      const { instance } = await act.instance.startCanary({ ...ref('canary'), snapshot })
      await act.instance.awaitInstance({ ...ref('canary'), instance })
      await act.instance.startTakeover({ ...ref('canary'), instance })
      const canary = await act.instance.awaitInstance({ ...ref('canary'), instance })
      await act.canarySchema.proveInert({ ...ref('canary'), canary })
      return canary
    },
    undo: async () => {
      await act.undoing.startCanaryRemoval(ref('canary'))
      await act.undoWaiting.awaitCanaryRemoval(ref('canary'))
    },
    detail: ({ instance }) => ({ summary: instance, instance }),
  })
}

/** `upTo`: the last script of this stretch; null: all that is pending. */
async function applyToTarget(
  { run, act, ref }: Migration,
  { target, plan: planned }: Planned,
  { step, upTo }: { readonly step: StepName; readonly upTo: string | null },
): Promise<void> {
  const planDigest = planned.digest
  const stretch = upTo === null ? {} : { upTo }
  let begun = false
  await run.step(step, {
    do: async () => {
      const now = await act.instance.describeTarget(ref(step.id))
      if (now.instanceId !== target.instanceId) {
        const message = `Instance ${now.instance} was replaced since the plan was made; nothing was applied. Start the operation again.`
        throw ApplicationFailure.nonRetryable(message, 'PLAN_DRIFTED')
      }
      begun = true
      return act.schema.applyMigrations({ ...ref(step.id), target: now, epoch: planned.epoch, planDigest, ...stretch })
    },
    detail: ({ applied, current, healedIndexes }) => ({
      summary: `${count(applied.length, 'migration')} applied, now at version ${current ?? 'none'}${healed(healedIndexes)}`,
      applied,
      healedIndexes,
    }),
    survey: async () => {
      if (!begun) return { summary: 'Nothing was applied.', applied: [] }
      const { applied, current, invalidIndexes } = await act.surveying.surveyApply({
        ...ref(step.id),
        target,
        epoch: planned.epoch,
        planDigest,
      })
      const left = invalidIndexes.length === 0 ? '' : ` Invalid: ${invalidIndexes.join(', ')}; the next run builds it again.`
      const summary = `The target is at version ${current ?? 'none'}; applied: ${applied.length === 0 ? 'nothing' : applied.join(', ')}.${left}`
      return { summary, applied, current, invalidIndexes }
    },
  })
}

async function watchTarget({ run, input, act, ref }: Migration, target: InstanceAddress): Promise<readonly Finding[]> {
  const verified = await run.step(STEPS.verify, {
    do: () => act.checks.verifyTarget({ ...ref('verify'), target }),
    detail: checkDetail,
  })
  if (verified.findings.length > 0) return verified.findings
  const seconds = input.policy.bakeSeconds
  const baked = await run.step(STEPS.bake, {
    do: () => act.checks.bake({ ...ref('bake'), target, seconds }),
    detail: (result) => ({ ...checkDetail(result), ...(result.findings.length > 0 ? { choices: CHOICES } : {}) }),
  })
  return baked.findings
}

const CHOICES = [
  'The schema stays as it is. Choose: go forward with a new migration that mends what the finding names;',
  'or, if the data itself is wrong, restore the snapshot that was taken before the migration.',
].join(' ')

/** By the canary's own undo, so that a removal that cannot finish waits for an operator and the verdict stands. */
async function removeCanary({ run }: Migration): Promise<void> {
  run.conclude()
  await run.takeBack(STEPS.removeCanary, STEPS.canary)
}

function checkDetail({ findings, checkCount, summary }: CheckSummary): StepDetail {
  const shown = findings.length > 0 ? `${count(findings.length, 'finding')} among ${summary}` : summary
  return { summary: shown, findings, checkCount }
}

/** `left`: of standbys that did not get what the target has. */
function concluded(left: readonly Finding[]): Outcome {
  return { status: 'succeeded', verdict: left.length === 0 ? 'pass' : 'inconclusive', findings: left }
}

function failed(findings: readonly Finding[]): Outcome {
  return { status: 'failed', verdict: 'fail', findings }
}

function behind(standbys: NonNullable<PlanSummary['standbys']>): string {
  return standbys.map(({ standby, why }) => `; ${standby}: ${why}`).join('')
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function healed(indexes: readonly string[]): string {
  return indexes.length === 0 ? '' : `, invalid index rebuilt: ${indexes.join(', ')}`
}
