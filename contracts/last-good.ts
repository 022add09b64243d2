/** When did it happen: which moment to look at next, so that the last good one is found with the fewest restores. Pure: whoever restores and asks the
 *  predicate tells what was seen. It takes for granted that what was good went bad once, and says so where that is not what was seen. */
import type { IsoInstant } from './operation'

export interface Look {
  readonly at: IsoInstant
  /** What the predicate said of a copy as of that moment. */
  readonly good: boolean
}

export interface SoughtMoment {
  /** The window in which copies can be had. */
  readonly earliest: IsoInstant
  readonly latest: IsoInstant
  /** How near the two moments have to be. At least 1. */
  readonly resolutionMs: number
  readonly looks: readonly Look[]
}

/** `look`: at this moment next; at most `looksLeft` more, this one included. The last three are findings: there is no such moment. */
export type SoughtAnswer =
  | { readonly kind: 'look'; readonly at: IsoInstant; readonly looksLeft: number }
  | { readonly kind: 'found'; readonly lastGood: IsoInstant; readonly firstBad: IsoInstant }
  | { readonly kind: 'never-good'; readonly at: IsoInstant }
  | { readonly kind: 'still-good'; readonly at: IsoInstant }
  | { readonly kind: 'not-monotone'; readonly bad: IsoInstant; readonly goodAgain: IsoInstant }

/** The earliest moment first, then the latest, then halves. */
export function seekLastGood({ earliest, latest, resolutionMs, looks }: SoughtMoment): SoughtAnswer {
  const timesOf = (good: boolean): number[] => looks.filter((look) => look.good === good).map(({ at }) => Date.parse(at))
  const [goods, bads] = [timesOf(true), timesOf(false)]
  const [lastGood, firstBad] = [Math.max(...goods), Math.min(...bads)]
  if (goods.length > 0 && bads.length > 0 && firstBad <= lastGood)
    return { kind: 'not-monotone', bad: iso(firstBad), goodAgain: iso(Math.min(...goods.filter((at) => at >= firstBad))) }
  const [start, end] = [Date.parse(earliest), Date.parse(latest)]
  const halvings = (from: number, to: number): number => Math.max(0, Math.ceil(Math.log2((to - from) / resolutionMs)))
  if (goods.length === 0) {
    if (firstBad <= start) return { kind: 'never-good', at: iso(firstBad) }
    const rest = bads.length > 0 ? halvings(start, firstBad) : 1 + halvings(start, end)
    return { kind: 'look', at: iso(start), looksLeft: 1 + rest }
  }
  if (bads.length === 0) {
    if (lastGood >= end) return { kind: 'still-good', at: iso(lastGood) }
    return { kind: 'look', at: iso(end), looksLeft: 1 + halvings(lastGood, end) }
  }
  const apart = firstBad - lastGood
  if (apart <= resolutionMs) return { kind: 'found', lastGood: iso(lastGood), firstBad: iso(firstBad) }
  // whole steps from a good moment: clouds restore to whole seconds
  const at = lastGood + Math.max(1, Math.round(apart / 2 / resolutionMs)) * resolutionMs
  return { kind: 'look', at: iso(at), looksLeft: halvings(lastGood, firstBad) }
}

const iso = (ms: number): IsoInstant => new Date(ms).toISOString()
