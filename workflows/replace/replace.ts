/** A restored copy takes its instance's place: set up as that was, verified, approved for what is lost by it, and only then, behind a fence around the
 *  old one, let act and led to. Whatever fails before the point of no return is taken back; past it there is only forward. The old instance stays, fenced: it
 *  has what was lost. */
import type { Finding, OperationResult, StepName } from '../../contracts/operation'
import { type ReplaceInput, REPLACE_STEPS as STEPS } from '../../contracts/replace'
import type { StepRef } from '../../contracts/step-ref'
import { type Outcome, runOperation } from '../kit/operation'
import { replaceActivities } from './activities'
import { approved } from './approval'
import { admit, fenceOld, lastLook, letAct, takeOver } from './cut-over'
import { planReplacement } from './plan'
import { makeReplacement, report, setUp, verify } from './prepare'
import type { Replacing } from './replacing'

export async function replace(input: ReplaceInput): Promise<OperationResult> {
  const act = replaceActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : input.lockScope
  return runOperation({ ...input, lockScope }, (run, { epoch }) => replaceUnderLock({ run, input, act, ref, epoch }))
}

async function replaceUnderLock(replacing: Replacing): Promise<Outcome> {
  const { run, input } = replacing
  const planned = await planReplacement(replacing)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }

  const copy = await setUp(replacing, await makeReplacement(replacing, planned))
  const findings = await verify(replacing, planned, copy)
  if (findings.length > 0) return giveUp(replacing, { status: 'failed', verdict: 'fail', findings })

  const pair = { old: planned.source, copy }
  const { question, acts } = await report(replacing, planned, pair)
  if (!(await approved(run, question))) return giveUp(replacing, { status: 'rejected', verdict: null, findings: [] })

  await lastLook(replacing, planned, pair)
  await fenceOld(replacing, planned, pair)
  const left: Finding[] = []
  const cutOver = await letAct({ ...replacing, pair, passed: false, left }, planned, acts)
  await admit(cutOver, planned)
  await takeOver(cutOver, planned)
  return { status: 'succeeded', verdict: left.length === 0 ? 'pass' : 'fail', findings: left }
}

/** The copy goes, as a step of its own: that nobody wanted it is no failure. */
async function giveUp({ run }: Replacing, outcome: Outcome): Promise<Outcome> {
  run.conclude()
  await run.takeBack(STEPS.removeCopy, STEPS.copy)
  return outcome
}
