/** What the page says with numbers: quantities, and bars drawn to scale. Bars are SVG with geometry in attributes, for the page's policy
 *  allows no style but its own sheet. */
import { type Html, html } from './html'

/** `17 ms`, `0.6 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  if (ms < 1) return `${Number(ms.toFixed(1))} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(Math.round(ms / 1000) / 60)
  if (minutes < 60) return pair(minutes, 'min', Math.round(ms / 1000) % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return pair(hours, 'h', minutes % 60, 'min')
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(much: number, unit: string, rest: number, smaller: string): string {
  return rest === 0 ? `${much} ${unit}` : `${much} ${unit} ${rest} ${smaller}`
}

/** A round number, exactly as somebody chose it: `500 ms`, `2.5 s`, `10 min`. */
export function chosenDuration(ms: number): string {
  if (ms < 1000) return `${Number(ms.toFixed(1))} ms`
  return ms < 60_000 ? `${Number((ms / 1000).toFixed(3))} s` : duration(ms)
}

/** Decimal, as the judge counts write-ahead log. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

/** A limit is written in powers of two, as PostgreSQL's settings are: `1 GiB`. */
export function chosenBytes(count: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  const power = units.findLastIndex((_, at) => count > 0 && count % 1024 ** (at + 1) === 0)
  return power < 0 ? bytes(count) : `${grouped(count / 1024 ** (power + 1))} ${units[power]}`
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `2026-11-23 03:00:00.250 UTC` */
export function instant(iso: string): string {
  return `${iso.replace('T', ' ').replace(/Z$/, '')} UTC`
}

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
