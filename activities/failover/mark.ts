/** Whether a source bears the mark that writing has moved away from it, for whoever is about to open its standby. Written in the source itself by whatever moved
 *  writing while it could be reached, which a ledger may not know. Reads only, for a moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import type { MovedAway } from '../../postgres/fence/moved-away'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { markOn } from '../replication/old-writer'
import type { Place } from '../replication/sides'
import { refuseOldWriter } from './fence-inside'
import { failoverPair } from './pair'

/** A source that takes us in and then stands still says nothing, and holds up whoever is to be served without it. */
const MARK_MS = 5_000

/** Null: it bears none, or is out of reach. */
export function askForMark(deps: ActivityDeps, source: Place): Promise<MovedAway | null | 'late'> {
  return inTimeOrLate((late) => markOn(deps, source, late), MARK_MS)
}

export function silentMark({ entry: { name } }: Place): string {
  return `${name} did not say within ${MARK_MS / 1000} s whether it bears the mark that writing has moved away from it: only the ledger was asked.`
}

export async function refuseMarked(
  deps: ActivityDeps,
  input: StepRef & { readonly sides: StandbySides },
): Promise<{ silent: string | null }> {
  const { source } = (await failoverPair(deps, input)).places
  const mark = await askForMark(deps, source)
  if (mark === 'late') return { silent: silentMark(source) }
  refuseOldWriter(source, mark, input.operation)
  return { silent: null }
}

/** What is late is cut off by the signal: one that stands still would hold a connection for each plan. */
export async function inTimeOrLate<T>(ask: (late: AbortSignal) => Promise<T>, limitMs: number): Promise<T | 'late'> {
  const answered = new AbortController()
  const late = new AbortController()
  const signal = AbortSignal.any([answered.signal, currentAct().signal])
  const asking = ask(late.signal)
  asking.catch(() => undefined)
  let inTime = false
  try {
    const told = await Promise.race([asking, sleep(limitMs, 'late' as const, { signal, ref: false })])
    inTime = told !== 'late'
    return told
  } finally {
    answered.abort()
    if (!inTime) late.abort()
  }
}
