/** Rows that one database lacks come over from another that nobody writes to: surveyed, approved, staged, written each once, and verified. The set is fixed and
 *  approved before the first of them is written, no row that is there is touched, and what came back stays whatever happens afterwards. */
import { ApplicationFailure } from '@temporalio/workflow'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { RowsActivities } from '../../activities/rows/contract'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding, StepName } from '../../contracts/operation'
import {
  type RecoveredSummary,
  type RecoverRowsInput,
  RECOVER_ROWS_STEPS as STEPS,
  type SurveySummary,
} from '../../contracts/recover-rows'
import type { StepRef } from '../../contracts/step-ref'
import { askAgain, awaitApproval } from '../kit/approval'
import { failureRecord } from '../kit/failures'
import type { Outcome } from '../kit/operation'
import type { Run } from '../kit/run'

export type BringBackInput = Pick<
  RecoverRowsInput,
  'lockScope' | 'tables' | 'schemas' | 'where' | 'fireTriggers' | 'published' | 'approval'
>

/** Each on its queue, with its time-outs. */
export interface BringBackActivities {
  readonly instance: Pick<InstanceActivities, 'describeTarget'>
  readonly surveying: Pick<RowsActivities, 'surveyRows' | 'stageRows'>
  readonly writing: Pick<RowsActivities, 'writeRows' | 'verifyRows'>
  readonly settling: Pick<RowsActivities, 'settleRows'>
}

/** What it takes, whatever the rows come from. */
export interface BringingBack {
  readonly run: Run
  readonly input: BringBackInput
  readonly act: BringBackActivities
  readonly ref: (step: StepName) => StepRef
  readonly lockEpoch: number
}

/** Where rows come back to, and whence. `copy`: nobody but us writes to it. */
export interface Sides {
  readonly source: InstanceAddress
  readonly copy: InstanceAddress
}

export async function bringBack(recovering: BringingBack, sides: Sides): Promise<Outcome> {
  const { input } = recovering
  const { source } = sides
  const surveyed = await survey(recovering, sides)
  if (surveyed.rows === 0) return { status: 'succeeded', verdict: 'pass', findings: [] }

  const approved = asks(input, surveyed) ? await approvedSurvey(recovering, surveyed) : surveyed
  if (approved === null) return { status: 'rejected', verdict: null, findings: [] }

  const staged = await stage(recovering, sides, approved)
  if (staged === null) return { status: 'rejected', verdict: null, findings: [] }

  await write(recovering, source, staged)
  const recovered = await verify(recovering, source, staged)
  const findings = findingsOf(recovered)
  return {
    status: findings.length > 0 ? 'failed' : 'succeeded',
    verdict: findings.length > 0 ? 'fail' : 'pass',
    findings,
  }
}

/** What an earlier run staged may be another copy's, and what is missing again may have been deleted with reason: whoever starts the operation has not
 *  said that either is meant. */
function asks({ approval }: BringBackInput, { underWay, repeats }: SurveySummary): boolean {
  return approval === 'required' || underWay || repeats
}

export const wantedOf = ({ tables, schemas, where, fireTriggers, published }: BringBackInput) => ({
  ...{ tables, schemas, where, fireTriggers, published },
})

async function survey(recovering: BringingBack, sides: Sides): Promise<SurveySummary> {
  const { run } = recovering
  const found = await run.step(STEPS.survey, {
    do: () => surveyBoth(recovering, STEPS.survey, sides),
    detail: ({ rows, changed, tableCount, digest, underWay, repeats }) => ({
      summary: `${count(rows, 'row')} of ${count(tableCount, 'table')} to bring back${changed === 0 ? '' : `, ${changed.toLocaleString('en-US')} that differ stay as they are`}${underWay ? '; an earlier run staged them' : ''}`,
      planDigest: digest,
      ...{ rows, changed, underWay, repeats },
    }),
  })
  await run.record.setStatus('running', { planDigest: found.digest })
  return found
}

function surveyBoth({ input, act, ref, lockEpoch }: BringingBack, step: StepName, sides: Sides): Promise<SurveySummary> {
  const lock = { scope: input.lockScope, epoch: lockEpoch }
  return act.surveying.surveyRows({ ...ref(step), ...sides, wanted: wantedOf(input), lock })
}

/** Null: it was rejected. */
async function approvedSurvey({ run }: BringingBack, planned: SurveySummary): Promise<SurveySummary | null> {
  const approval = await awaitApproval(run, question(planned))
  return approval.rejected ? null : approval.planned
}

/** Its rows are fixed: the copy keeps their keys, and what is missing since is no part of it. Whether the tables are still what it says, the staging looks. */
const question = (planned: SurveySummary) => ({
  step: STEPS.approve,
  planned,
  digestOf: ({ digest }: SurveySummary) => digest,
  planAgain: () => Promise.resolve(planned),
  drifted: 'the tables are not the same',
})

/** Resolves to the survey whose rows are staged; null: it was rejected. Where a table, its triggers or what was brought back before has changed since,
 *  it is surveyed anew, and where somebody approves the very rows, they are asked about anew. Traffic changes none of these. */
async function stage(recovering: BringingBack, sides: Sides, surveyed: SurveySummary): Promise<SurveySummary | null> {
  const { run, input, act, ref } = recovering
  const { source, copy } = sides
  const asked = asks(input, surveyed)
  let now = surveyed
  const on = () => ({ ...ref(STEPS.stage), source, epoch: now.epoch, planDigest: now.digest, published: input.published })
  return run.step(STEPS.stage, {
    do: async () => {
      for (let round = 1; ; round += 1) {
        try {
          await act.surveying.stageRows({ ...on(), copy })
          return now
        } catch (error) {
          const again = (asked || round < ROUNDS_MAX) && failureRecord(error).code === 'PLAN_DRIFTED'
          if (!again) throw error
        }
        const found = await surveyBoth(recovering, STEPS.stage, sides)
        if (asked) {
          // the copy is there still, and what drifted has left nothing staged
          const approval = await askAgain(run, { ...question(found), during: STEPS.stage })
          if (approval.rejected) {
            run.keep(STEPS.stage)
            return null
          }
          now = approval.planned
          continue
        }
        // before it counts: what somebody else staged is not this operation's to take back
        if (asks(input, found)) throw begunElsewhere()
        now = found
        await run.record.setStatus('running', { planDigest: now.digest })
      }
    },
    // What came back stays: it is told, and only what was not written is taken back. Registered until the rows are verified.
    undo: async () => {
      const { summary, state } = await act.settling.settleRows({ ...on(), adopted: now.underWay })
      await run.record.update(STEPS.stage.id, 'undoing', { summary, left: state })
    },
    detail: (staged) =>
      staged === null
        ? { summary: 'nothing: it was rejected' }
        : {
            summary: `${count(staged.rows, 'row')}, held against what the copy says of them`,
            planDigest: staged.digest,
          },
  })
}

/** Somebody began the same by hand meanwhile: whose rows would come back nobody here has said. */
function begunElsewhere(): ApplicationFailure {
  const message =
    'The same was begun or carried out by somebody else meanwhile; no row came back. Look at it, then start the operation again.'
  return ApplicationFailure.nonRetryable(message, 'PLAN_DRIFTED')
}

/** Tables that change so often are not to be written to. */
const ROUNDS_MAX = 5

async function write({ run, input, act, ref }: BringingBack, source: InstanceAddress, surveyed: SurveySummary): Promise<void> {
  const on = { ...ref(STEPS.write), source, epoch: surveyed.epoch, planDigest: surveyed.digest, published: input.published }
  await run.step(STEPS.write, {
    do: async () => {
      const now = await act.instance.describeTarget(ref(STEPS.write))
      if (now.instanceId !== source.instanceId) {
        const message = `Instance ${now.instance} was replaced since the survey; no row came back to it. Start the operation again.`
        throw ApplicationFailure.nonRetryable(message, 'PLAN_DRIFTED')
      }
      await act.writing.writeRows(on)
    },
    detail: () => ({ summary: `${count(surveyed.rows, 'row')} tried, each once` }),
  })
}

async function verify(
  { run, input, act, ref }: BringingBack,
  source: InstanceAddress,
  surveyed: SurveySummary,
): Promise<RecoveredSummary> {
  const on = { ...ref(STEPS.verify), source, epoch: surveyed.epoch, planDigest: surveyed.digest, published: input.published }
  return run.step(STEPS.verify, {
    do: async () => {
      const recovered = await act.writing.verifyRows(on)
      run.keep(STEPS.stage)
      return recovered
    },
    detail: (recovered) => ({ summary: told(recovered), findings: findingsOf(recovered), ...recovered }),
  })
}

function told({ brought, altered, reappeared, refused, orphan, same, changedSince, goneSince }: RecoveredSummary): string {
  const others = [
    ...(altered === 0 ? [] : [`${altered} altered by a trigger`]),
    ...(reappeared === 0 ? [] : [`${reappeared} were there again already`]),
    ...(refused === 0 ? [] : [`${refused} refused`]),
    ...(orphan === 0 ? [] : [`${orphan} without the row they refer to`]),
    ...(changedSince === 0 ? [] : [`${changedSince} changed since`]),
    ...(goneSince === 0 ? [] : [`${goneSince} deleted since`]),
  ]
  const back = `${count(brought + altered, 'row')} back, ${same.toLocaleString('en-US')} of them as in the copy`
  return [back, ...others].join(', ')
}

function findingsOf({ refused, orphan }: RecoveredSummary): Finding[] {
  return [
    ...(refused === 0
      ? []
      : [
          {
            rule: 'rows:refused',
            message: `${count(refused, 'row')} could not come back: another unique value is taken, or PostgreSQL or a trigger said no.`,
          },
        ]),
    ...(orphan === 0
      ? []
      : [{ rule: 'rows:orphan', message: `${count(orphan, 'row')} stayed away: the row that each refers to is not there.` }]),
  ]
}

function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`
}
