/** Finds the last moment at which something still held, by restoring inert copies: the ends of the time first, then halves. One copy at a time, each
 *  removed before the next. The instance is not touched. */
import {
  type AnsweredLook,
  type FindMomentInput,
  lookStep,
  type SearchAnswer,
  type SearchPlanSummary,
  FIND_MOMENT_STEPS as STEPS,
  searchLock,
} from '../../contracts/find-moment'
import type { Look } from '../../contracts/last-good'
import { type Finding, type OperationResult, temporaryName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { makeInertCopy } from '../restore/make-copy'
import { arrangeCopyRetirement } from '../retire-copy/arrange'
import { findMomentActivities } from './activities'
import { nextOf } from './next-of'

interface Searching {
  readonly run: Run
  readonly input: FindMomentInput
  readonly act: ReturnType<typeof findMomentActivities>
  readonly ref: (step: string) => StepRef
}

export async function findMoment(input: FindMomentInput): Promise<OperationResult> {
  const act = findMomentActivities(input)
  const ref = (step: string): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const lockScope = input.mode === 'plan' ? null : searchLock(input.lockScope)
  return runOperation({ ...input, lockScope }, (run) => searchUnderLock({ run, input, act, ref }))
}

async function searchUnderLock(searching: Searching): Promise<Outcome> {
  const planned = await plan(searching)
  if (searching.input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  const answer = await look(searching, planned)
  const findings = findingsOf(answer)
  // Nothing is said against what was asked: only that nobody knows.
  if (answer.kind === 'other-role') return { status: 'failed', verdict: 'inconclusive', findings }
  if (findings.length > 0) return { status: 'failed', verdict: 'fail', findings }
  return { status: 'succeeded', verdict: 'pass', findings }
}

async function plan({ run, input, act, ref }: Searching): Promise<SearchPlanSummary> {
  const { holds, from, to, precisionMs, wasDormant } = input
  const on = ref(STEPS.plan.id)
  const planned = await run.step(STEPS.plan, {
    do: async () => {
      const found = await act.searching.planSearch({ ...on, request: { holds, from, to, precisionMs, wasDormant } })
      const { source, afterStart } = found
      if (source !== null) await act.preparing.preparePredicate({ ...on, source, holds })
      if (afterStart && source !== null) await act.asking.proveDormant({ ...on, target: source })
      return found
    },
    detail: ({ restoresMax, digest }) => ({
      summary: `${from} to ${to}, ${restoresMax} restores at most, one after another`,
      planDigest: digest,
    }),
  })
  await run.record.setStatus('running', { planDigest: planned.digest })
  return planned
}

async function look(searching: Searching, planned: SearchPlanSummary): Promise<SearchAnswer> {
  const { run, input, act, ref } = searching
  const on = ref(STEPS.look.id)
  return run.step(STEPS.look, {
    do: async () => {
      // Once for all copies, before the first: it removes whatever the operation has left by its end.
      await arrangeCopyRetirement({ ...input, keepHours: 0, copy: temporaryName(input.operation, STEPS.look.id) })
      const { looks, answer } = await halve(searching, planned)
      await act.recording.recordSearch({ ...on, result: { version: 1, operation: input.operation, looks, answer } })
      return answer
    },
    undo: () => removeCopies(searching, STEPS.look.id),
    detail: (answer) => ({ summary: told(answer), findings: findingsOf(answer), ...answer }),
  })
}

async function halve(
  searching: Searching,
  planned: SearchPlanSummary,
): Promise<{ looks: readonly AnsweredLook[]; answer: SearchAnswer }> {
  const { run, input } = searching
  const { from: earliest, to: latest, precisionMs: resolutionMs } = input
  const looks: AnsweredLook[] = []
  for (;;) {
    const answer = nextOf({ earliest, latest, resolutionMs, looks })
    if (answer.kind !== 'look') return { looks, answer }
    const { at, looksLeft } = answer
    const already = looks.length === 0 ? '' : `; so far ${looks.map(shownLook).join(', ')}`
    const summary = `restoring ${at}, ${looksLeft} left at most${already}`
    await run.record.update(STEPS.look.id, 'running', { summary, looks: [...looks] })
    looks.push({ at, ...(await lookAt(searching, planned, { at, nth: looks.length + 1 })) })
  }
}

const shownLook = ({ at, good }: Look): string => `${at} ${good ? 'held' : 'did not'}`

async function lookAt(
  searching: Searching,
  planned: SearchPlanSummary,
  { at, nth }: { at: string; nth: number },
): Promise<Omit<AnsweredLook, 'at'>> {
  const { run, input, act, ref } = searching
  const on = ref(lookStep(nth))
  const point = { kind: 'moment', at } as const
  const copy = await makeInertCopy({ act, input, point, ref: on, planned, keepHours: null, expiresAt: () => null })
  const answered = await act.predicate.askPredicate({ ...on, copy, holds: input.holds, at })
  await removeCopies(searching, lookStep(nth))
  // an act that ended well although an abort was accepted meanwhile
  run.throwIfAborted()
  return answered
}

/** Whatever the operation has made. */
async function removeCopies({ act, ref }: Searching, step: string): Promise<void> {
  await act.undoing.startCanaryRemoval(ref(step))
  await act.undoWaiting.awaitCanaryRemoval(ref(step))
}

function told(answer: SearchAnswer): string {
  switch (answer.kind) {
    case 'found':
      return `it held at ${answer.lastGood}, and no longer at ${answer.firstBad}`
    case 'never-good':
      return `it did not hold at ${answer.at} already`
    case 'still-good':
      return `it still held at ${answer.at}`
    case 'not-monotone':
      return `it did not hold at ${answer.bad}, and held again at ${answer.goodAgain}`
    case 'other-role':
      return `at ${answer.at} ${answer.role} answered, and ${answer.before} before`
  }
}

/** There is no such moment. */
function findingsOf(answer: SearchAnswer): Finding[] {
  switch (answer.kind) {
    case 'found':
      return []
    case 'never-good':
      return [
        {
          rule: 'moment:never-good',
          message: `It did not hold at ${answer.at} already: look further back, or for something else.`,
        },
      ]
    case 'still-good':
      return [
        {
          rule: 'moment:still-good',
          message: `It still held at ${answer.at}, so that nothing happened until then: look later, or for something else.`,
        },
      ]
    case 'not-monotone':
      return [
        {
          rule: 'moment:not-monotone',
          message: `It did not hold at ${answer.bad} and held again at ${answer.goodAgain}: no single moment parts the two.`,
        },
      ]
    case 'other-role':
      return [
        {
          rule: 'moment:other-role',
          message: `At ${answer.at} ${answer.role} answered, and ${answer.before} before: two roles need not see the same rows, so that nothing follows. Search on one side of the change of the migrator's password.`,
        },
      ]
  }
}
