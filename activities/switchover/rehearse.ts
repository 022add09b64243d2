/** What comes behind the fence, timed as far as it can be while others write: how long a session takes to be opened and an answer to come, what a barrier waits for, and reading sequences. */
import { performance } from 'node:perf_hooks'
import type { Session } from '../../postgres/connect/session'
import { awaitBarrier, takeBarrier } from '../../postgres/replicate/barrier'
import { planSequences, readSequences } from '../../postgres/replicate/watch/sequences'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { inKeyholeOf } from '../replication/keyhole'
import { opener, raisedOn } from '../replication/sides'
import type { SwitchoverActivities } from './contract'
import { notCarriedSince, sinceThePlan } from './look'
import { assertNotMoved, assertNotTakenBack } from './moved'
import { nearEnough } from './near'
import { insideBoth, type Pair, pairOf } from './pair'
import { changedSince, knownOf } from './stamps'
import { confirmedAsBefore } from './synced'

type Rehearsed = Awaited<ReturnType<SwitchoverActivities['rehearseCrossing']>>
type Input = Parameters<SwitchoverActivities['rehearseCrossing']>[0]

export async function rehearseCrossing(deps: ActivityDeps, input: Input): Promise<Rehearsed> {
  const { operation } = input
  const pair = await pairOf(deps, input)
  await assertNotMoved(deps, operation)
  await assertNotTakenBack(deps, operation)
  const known = await knownOf(deps, input)
  const lacking = await notCarriedSince(deps, pair)
  if (lacking.length > 0) throw changedSince('Nobody was shut out', lacking)
  const { source, standby } = pair.places
  const tokens = {
    source: await raisedOn(deps, source, input.epochs.source),
    standby: await raisedOn(deps, standby, input.epochs.standby),
  }
  const openMs = Math.max(await openingMs(opener(deps, source, 'admin')), await openingMs(opener(deps, standby, 'admin')))
  return inKeyholeOf(deps, source, input.fenceEpoch, ({ session: keyhole }) =>
    insideBoth(deps, pair, tokens, async (on) => {
      await nearEnough(deps, { operation, pair, keyhole, on, tokens })
      const since = await sinceThePlan(on, pair, known)
      if (since.length > 0) throw changedSince('Nobody was shut out', since)
      const { signal } = currentAct()
      const { slot, subscription } = pair.forward
      assertMayAct()
      const barrierMs = await timed(async () => {
        const barrier = await takeBarrier(on.source, { operation, token: tokens.source, signal })
        await awaitBarrier({
          ...{ source: keyhole, standby: on.standby, slot, subscription, barrier },
          ...{ deadlineMs: pair.request.drainMsMax, signal },
        })
      })
      assertMayAct()
      await confirmedAsBefore(deps, { operation, standby: { admin: on.standby, token: tokens.standby }, forward: pair.forward })
      await Promise.all([planSequences(on.source), planSequences(on.standby)])
      const sequencesMs = await timed(() => Promise.all([readSequences(on.source), readSequences(on.standby)]))
      const wayMs = Math.max(await answerMs(on.source), await answerMs(on.standby))
      return foretold({ openMs, wayMs, barrierMs, sequencesMs }, pair)
    }),
  )
}

interface Timed {
  /** A session, from the first way to the first answer in it. */
  readonly openMs: number
  /** A way there and back. */
  readonly wayMs: number
  /** From a marker to the standby's word that it has it, as others go on writing. */
  readonly barrierMs: number
  readonly sequencesMs: number
}

/** The record of each of the steps in between, in Temporal and in the ledger. */
const RECORDS_MS = 300

/** How often the crossing opens a session and waits for an answer, one after the other. docs/decisions/0028. */
function foretold({ openMs, wayMs, barrierMs, sequencesMs }: Timed, { request, oneWay }: Pair): Rehearsed {
  const parts = {
    fence: openMs + 8 * wayMs,
    drain: barrierMs,
    sequences: sequencesMs + 2 * wayMs,
    compare: request.compareMsMax,
    wayBack: oneWay ? openMs + 6 * wayMs : openMs + 8 * wayMs,
    lead: openMs + 14 * wayMs + RECORDS_MS,
  }
  const rounded = Object.fromEntries(Object.entries(parts).map(([part, ms]) => [part, Math.round(ms)])) as Rehearsed['parts']
  const predictedOutageMs = Object.values(rounded).reduce((sum, ms) => sum + ms, 0)
  const shown = [
    `about ${seconds(predictedOutageMs)} without a writer`,
    `fence and its proof ${seconds(parts.fence)}`,
    `what the standby lacks ${seconds(parts.drain)}`,
    `sequences ${seconds(parts.sequences)}`,
    ...(parts.compare === 0 ? [] : [`comparing ${seconds(parts.compare)} at most`]),
    `${oneWay ? 'last proof' : 'way back'} ${seconds(parts.wayBack)}`,
    `leading applications over ${seconds(parts.lead)}`,
  ]
  return { summary: `${shown[0]}: ${shown.slice(1).join(', ')}`, predictedOutageMs, parts: rounded }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`

const SAMPLES = 5

/** The middle one of some. */
async function answerMs(session: Session): Promise<number> {
  return median(() => timed(() => session.query('SELECT 1')))
}

async function openingMs(open: () => Promise<Session>): Promise<number> {
  return median(() => timed(async () => (await open()).close()))
}

async function median(sample: () => Promise<number>): Promise<number> {
  const taken: number[] = []
  for (let n = 0; n < SAMPLES; n += 1) taken.push(await sample())
  return taken.sort((a, b) => a - b)[Math.floor(SAMPLES / 2)] ?? 0
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
