/** Bars drawn to scale: SVG with geometry in attributes, for the page's policy allows no style but its own sheet. */
import { chosenDuration } from '../quantities'
import { type Html, html } from './html'

const NICE = [1, 2, 5]
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Steps above a second that people count in. */
const CLOCK = [1, 2, 5, 10, 15, 30]
const CLOCK_STEPS = [
  ...CLOCK.map((n) => n * SECOND),
  ...CLOCK.map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 30, 100, 365, 3650].map((n) => n * DAY),
]
const TICKS_MAX = 5

export interface Scale {
  readonly endMs: number
  readonly ticksMs: readonly number[]
}

/** From 0 to a whole number of ticks that people count in. */
export function scaleTo(longestMs: number): Scale {
  const least = Math.max(longestMs, 1)
  const small = [0.1, 1, 10, 100].flatMap((power) => NICE.map((n) => n * power))
  const step = [...small, ...CLOCK_STEPS].find((candidate) => least / candidate <= TICKS_MAX) ?? least
  const count = Math.ceil(least / step - 1e-9)
  const ticksMs = Array.from({ length: count + 1 }, (_, at) => at * step)
  return { endMs: count * step, ticksMs }
}

/** Width of a drawing in its own units; it is stretched to the column. */
const WIDTH = 1000
/** Below this a bar would not be seen. */
const BAR_WIDTH_MIN = 3

export interface Bar {
  readonly fromMs: number
  readonly lengthMs: number
  readonly tone: 'done' | 'failed' | 'stopped' | 'waits' | 'reads' | 'writes' | 'mild'
  readonly label: string
}

export function bar({ fromMs, lengthMs, tone, label }: Bar, { endMs, ticksMs }: Scale, limitMs: number | null = null): Html {
  const at = (ms: number): number => Math.round((Math.min(Math.max(ms, 0), endMs) / endMs) * WIDTH * 10) / 10
  const width = Math.max(BAR_WIDTH_MIN, Math.round((at(fromMs + lengthMs) - at(fromMs)) * 10) / 10)
  const x = Math.min(at(fromMs), WIDTH - width)
  const line = (ms: number, kind: string): Html => html`<line class="${kind}" x1="${at(ms)}" x2="${at(ms)}" y1="0" y2="24"/>`
  return html`<svg class="bar" viewBox="0 0 ${WIDTH} 24" preserveAspectRatio="none" role="img" aria-label="${label}"><title>${label}</title>${ticksMs.map((tick) => line(tick, 'tick'))}<rect class="${tone}" x="${x}" y="5" width="${width}" height="14"/>${limitMs !== null && limitMs <= endMs && line(limitMs, 'limit')}</svg>`
}

/** Labels above the bars, each at its tick. */
export function axis({ ticksMs }: Scale): Html {
  return html`<div class="axis" aria-hidden="true">${ticksMs.map((tick) => html`<span><i>${tick === 0 ? '0' : chosenDuration(tick)}</i></span>`)}</div>`
}
