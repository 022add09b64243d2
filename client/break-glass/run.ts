/** One run of `capstan break-glass finish` or `revert`, told into the journal before each step and after it. */
import { randomUUID } from 'node:crypto'
import type { BreakGlassDeed, BreakGlassPapers, LedByHand } from '../../contracts/break-glass'
import { failure } from '../../contracts/failures'
import type { StepName } from '../../contracts/operation'
import { finishByHand, takenBack } from '../../postgres/break-glass/finish'
import { notOurs, revertByHand } from '../../postgres/break-glass/revert'
import type { Reach } from '../../postgres/break-glass/sides'
import type { SeenStanding } from '../../postgres/break-glass/standing'
import type { Environment } from '../environment'
import type { LoadedFleet } from '../fleet/read-fleet'
import { leadApplications } from './endpoint'
import { Journal } from './journal'

export interface RunByHand {
  readonly deed: BreakGlassDeed
  readonly papers: BreakGlassPapers
  readonly fleet: LoadedFleet
  readonly reach: Reach
  /** For the program that moves the endpoint: what a worker of its queue is told. */
  readonly env: Environment
  readonly journal: string
  readonly journalKey: Buffer | null
  readonly by: string
  /** As of `revertByHand`. */
  readonly neverFailedOver: () => Promise<string>
  readonly told: (step: StepName, event: 'before' | 'after' | 'failed', said: string) => void
}

export interface RanByHand {
  /** For later, one sentence each; none: it is whole. */
  readonly left: readonly string[]
  readonly endpoint: LedByHand
}

/** Fails as `finishByHand` and `revertByHand` do. */
export async function runByHand({
  deed,
  papers,
  fleet,
  reach,
  env,
  by,
  told,
  neverFailedOver,
  ...to
}: RunByHand): Promise<RanByHand> {
  const journal = await Journal.open(to.journal, papers.operation, to.journalKey)
  const run = randomUUID().slice(0, 8)
  const note = (event: 'begin' | 'before' | 'after' | 'failed' | 'end', step: StepName | null, said: string) =>
    journal.write({ event, deed, by, step: step?.id ?? null, said })
  const stepNote = (event: 'before' | 'after' | 'failed') => async (step: StepName, said?: string) => {
    const sentence = said ?? step.title
    await note(event, step, sentence)
    told(step, event, sentence)
  }
  let endpoint: LedByHand = { moved: false, said: 'it was not come to' }
  const lead = async (isCurrent: () => Promise<boolean>) => {
    endpoint = await leadApplications({ deed, papers, fleet, env, isCurrent })
    return endpoint
  }
  const input = { papers, reach, run, lead, before: stepNote('before'), after: stepNote('after'), failed: stepNote('failed') }
  try {
    await note('begin', null, `${deed} of ${papers.operation}, run ${run}`)
    if (deed === 'finish') {
      if ((await finishByHand(input)).sourceLeft) return { left: [sourceLeft(papers)], endpoint }
    } else if ((await revertByHand({ ...input, neverFailedOver })).standbyLeft) return { left: [standbyLeft(papers)], endpoint }
    await note(
      'end',
      null,
      deed === 'finish' ? `writing is at ${papers.id.target}` : `writing is at ${papers.id.source}, as before`,
    )
    return { left: [], endpoint }
  } finally {
    await journal.close()
  }
}

function standbyLeft({ id, operation }: BreakGlassPapers): string {
  return `${id.target} did not answer, and does not follow yet: run "capstan break-glass revert ${operation}" again once it does, before anything else is done with it.`
}

function sourceLeft({ id, operation, oneWay }: BreakGlassPapers): string {
  const lacks = oneWay === true ? 'on which the slot of the way there may hold log back' : 'which does not follow yet'
  return `${id.target} is written to, and ${id.source} did not answer, ${lacks}: run "capstan break-glass finish ${operation}" again once it does. Where it is gone for good, ${oneWay === true ? `the workflow does not know: "capstan ops resolve ${operation} done" for what was done, and "skip" for the step that leaves the old writer closed; where it is gone, too, "capstan ops abort ${operation} --close-record" and "capstan standby remove ${id.source} --to ${id.target}"` : 'set a new standby up'}.`
}

/** What the executor would refuse as well, before anything is raised. */
export function assertPossible(deed: BreakGlassDeed, papers: BreakGlassPapers, seen: SeenStanding): void {
  const { id, operation, sides, oneWay } = papers
  const { stage, source, standby, unreached } = seen
  if (stage === 'both-open')
    throw failure(
      'FENCE_REFUSED',
      `Applications may come into both ${id.source} and ${id.target}, which no step of ${operation} leaves so: find out who opened what, and which of both was written to, before anything is moved.`,
      { operation },
    )
  // a standby that was opened is the writer: nothing has to be proven of the source any more
  if (source === null && !(deed === 'finish' && standby?.keptOut === false))
    throw failure(
      'DATABASE_UNREACHABLE',
      `The source ${sides.source.instance} cannot be asked (${unreached.source ?? 'its database is not there'}), so nobody can prove that it is closed, and nothing is opened: a second writer is worse than none. Where it is gone for good, that is "capstan failover", not this.`,
      { side: 'source' },
    )
  if (standby === null && deed === 'finish')
    throw failure(
      'DATABASE_UNREACHABLE',
      `The standby ${sides.standby.instance} cannot be asked (${unreached.standby ?? 'its database is not there'}): writing cannot move to it. "capstan break-glass revert ${operation}" opens the source again, where that is safe.`,
      { side: 'standby' },
    )
  if (deed === 'revert' && (stage === 'opened' || stage === 'follows' || stage === 'turned'))
    throw failure(
      'NO_WAY_BACK',
      `Applications were let into ${id.target}, so there is only forward: "capstan break-glass finish ${operation}"${oneWay === true ? '' : `, and then "capstan switchover ${id.target} --to ${id.source}"`}.`,
      { operation, stage },
    )
  if (oneWay === true && standby?.keptOut === true) {
    const against =
      deed === 'finish' ? (standby.ours ? null : takenBack(papers)) : stage === 'open' ? null : notOurs(papers, standby)
    if (against !== null) throw against
  }
  if (deed === 'finish' && oneWay !== true && standby?.keptOut && standby.backSlot === null)
    throw failure(
      'FENCE_REFUSED',
      `${operation} had not made the way back yet, so it had closed nothing: take back what it did ("capstan break-glass revert ${operation}"), and ask for "capstan switchover ${id.source}" anew.`,
      { operation },
    )
}
