/** What comes last: the new writer is looked at for as long as was asked for. Nothing is changed, and nothing is taken back; a person may end it. The time that was looked is this
 *  workflow's, so that it goes on through the death of a worker. */
import { isCancellation, sleep } from '@temporalio/workflow'
import { samePlace } from '../../contracts/endpoint'
import type { Finding } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import { type Observed, SWITCHOVER_STEPS as STEPS, type Switching, type SwitchoverInput } from '../../contracts/switchover'
import { failureRecord, isDefect } from '../kit/failures'
import type { Run } from '../kit/run'
import type { switchoverActivities } from './activities'

/** So long one activity looks, which keeps what it saw by itself: a day of it is some 7,000 events of a history that the server ends at 51,200. */
const SLICE_MS = 150_000
/** After one that failed; twice as long each time, and no longer than one looks. */
const PAUSE_MS = 10_000

interface Observing {
  readonly run: Run
  readonly act: ReturnType<typeof switchoverActivities>
  readonly input: SwitchoverInput
  readonly on: Switching
  /** Where the endpoint led before; null: nobody could say. */
  readonly ledBefore: boolean
}

/** What was seen of it, and how long it was looked at. */
interface Looked {
  seen: Observed | null
  findings: readonly Finding[]
  /** By rule, the newest of each. */
  readonly besides: Map<string, Finding>
}

/** Resolves to what was found. */
export async function observe({ run, act, input, on, ledBefore }: Observing): Promise<readonly Finding[]> {
  const { observeMs } = input
  // of a switchover that was asked for before there was this step
  if (observeMs === undefined) return []
  if (observeMs === 0) {
    const summary = 'nobody asked for it'
    await run.forward(STEPS.observe, { do: async () => summary, detail: (told) => ({ summary: told }) })
    return []
  }
  const looked: Looked = { seen: null, findings: [], besides: new Map() }
  await run.forward(STEPS.observe, {
    do: async () => {
      const beganMs = Date.now()
      const ended = await run.untilEnded(() => lookFor(observeMs, looked, { act, on, ledBefore }))
      if (looked.seen === null && !looked.besides.has('not-looked'))
        besides(looked, 'not-looked', 'It was ended before anything was seen.')
      return { by: ended?.by ?? null, reason: ended?.reason ?? null, ms: Date.now() - beganMs }
    },
    detail: (end) => ({
      summary: told(looked, end),
      findings: allOf(looked),
      observed: looked.seen,
      endedBy: end.by,
      endedFor: end.reason,
    }),
  })
  return adviced(allOf(looked), input)
}

async function lookFor(
  observeMs: number,
  looked: Looked,
  { act, on, ledBefore }: Pick<Observing, 'act' | 'on' | 'ledBefore'>,
): Promise<void> {
  const { operation, step, bundle, sides } = on
  const ref: StepRef = { operation, step, bundle }
  const beganMs = Date.now()
  let pauseMs = PAUSE_MS
  for (let leftMs = observeMs; leftMs > 0; leftMs = observeMs - (Date.now() - beganMs)) {
    const [seen, led] = await Promise.allSettled([
      act.observing.observeWriter({ ...on, seen: looked.seen, forMs: Math.min(leftMs, SLICE_MS) }),
      ledBefore ? act.observingTraffic.whereTo({ ...ref, onlyLook: true }) : Promise.resolve(null),
    ])
    // first: of one that was ended meanwhile as well
    if (seen.status === 'fulfilled') Object.assign(looked, seen.value)
    for (const one of [seen, led])
      if (one.status === 'rejected' && (isDefect(one.reason) || isCancellation(one.reason))) throw one.reason
    if (seen.status === 'fulfilled') pauseMs = PAUSE_MS
    else besides(looked, 'not-looked', `For a while nobody looked: ${failureRecord(seen.reason).message}`)
    if (led.status === 'rejected')
      besides(looked, 'endpoint', `Where the endpoint leads was not to be had: ${failureRecord(led.reason).message}`)
    else if (led.value !== null && (led.value.at === null || !samePlace(led.value.at, sides.standby)))
      besides(looked, 'endpoint', `The endpoint did not lead to the new writer all the time: ${led.value.summary}.`)
    if (seen.status === 'fulfilled') continue
    await sleep(Math.max(1, Math.min(pauseMs, observeMs - (Date.now() - beganMs))))
    pauseMs = Math.min(2 * pauseMs, SLICE_MS)
  }
}

function besides({ besides: all }: Looked, rule: string, message: string): void {
  all.set(rule, { rule: `observe:${rule}`, message })
}

const allOf = ({ findings, besides: more }: Looked): Finding[] => [...findings, ...more.values()]

/** One finding more, which says what to do about the others. */
function adviced(findings: readonly Finding[], { database, standby, oneWay }: SwitchoverInput): readonly Finding[] {
  if (findings.length === 0) return findings
  const message =
    oneWay === true
      ? `There is no way back: what is wrong with ${standby} has to be mended there. ${once(database)}`
      : `"capstan switchover ${standby} --to ${database}" moves writing back; "capstan standby remove ${standby} --to ${database}" gives the old writer up. ${once(database)}`
  return [...findings, { rule: 'observe:then', message }]
}

const once = (database: string): string =>
  `Once ${database} is of no use any more, "capstan standby old ${database}" says what speaks against removing its instance.`

function told(looked: Looked, { by, ms }: { readonly by: string | null; readonly ms: number }): string {
  const { seen } = looked
  const found = allOf(looked)
  const since = (of: 'commits' | 'rollbacks' | 'deadlocks') =>
    seen?.writer == null ? 0 : seen.writer.now[of] - seen.writer.since[of]
  const lag = seen?.follows?.lagMsMax
  return [
    `looked for ${Math.round(ms / 1_000)} s${by === null ? '' : `, then ended by ${by}`}`,
    ...(seen === null
      ? []
      : [
          `at most ${seen.sessionsMax} sessions of applications, ${since('commits')} commits, ${since('rollbacks')} rolled back, ${since('deadlocks')} deadlocks`,
        ]),
    ...(lag == null ? [] : [`the old writer at most ${lag} ms late`]),
    ...(found.length === 0 ? ['nothing was found'] : found.map(({ message }) => message)),
  ].join('; ')
}
