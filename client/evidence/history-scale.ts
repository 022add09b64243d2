/** How high a time is drawn among its like. One that took a hundred times as long must not flatten all others, and an objective that is far away
 *  must not either: both are cut off then, and whoever draws says so. */
import { type Scale, scaleTo } from './bars'

/** Above so many times what three quarters of the runs stay within, a bar is cut off. */
const TIMES_USUAL_MAX = 8
/** Of fewer runs nothing says which is the usual one. */
const USUAL_OF_MIN = 3
/** An objective further above the longest bar than this is left out of the picture. */
const TIMES_LONGEST_MAX = 20
const HEADROOM = 1.05

/** Null: there is nothing to draw. */
export function scaleOfRuns(measuredMs: readonly number[], objectivesMs: readonly number[]): Scale | null {
  const longest = longestDrawn(measuredMs)
  const near = objectivesMs.filter((objective) => longest === 0 || objective <= longest * TIMES_LONGEST_MAX)
  const top = near.reduce((most, objective) => Math.max(most, objective * HEADROOM), longest)
  return top === 0 ? null : scaleTo(top)
}

function longestDrawn(measuredMs: readonly number[]): number {
  const sorted = [...measuredMs].sort((a, b) => a - b)
  const usual = sorted[Math.floor((sorted.length - 1) * 0.75)] ?? 0
  const longest = sorted.at(-1) ?? 0
  if (usual === 0 || sorted.length < USUAL_OF_MIN) return longest
  return sorted.findLast((ms) => ms <= usual * TIMES_USUAL_MAX) ?? longest
}

/** Ticks that stand far enough apart in `height` for a line of text each. */
export function labelledTicks({ ticksMs }: Scale, height: number): number[] {
  const every = Math.ceil(((ticksMs.length - 1) * LABEL_HEIGHT) / height)
  return ticksMs.filter((_, at) => at % every === 0)
}

const LABEL_HEIGHT = 24
