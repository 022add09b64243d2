/** The standbys that there are, as the watch saw them last. */
import type { StandbyLook, StandbyRecord, StandbyState } from '../../../contracts/standby'
import { bytes, chosenBytes, chosenDuration, duration } from '../../quantities'
import type { Paint, Style } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

const HEADINGS = ['SOURCE', 'STANDBY', 'STATE', 'SINCE', 'LATE', 'BEHIND', 'HELD BACK', 'LOOKED', 'REASON'] as const

/** Those in which somebody is needed. */
const MARKS: Partial<Record<StandbyState, readonly [string, Style]>> = {
  late: ['▲', 'yellow'],
  paused: ['▲', 'yellow'],
  broken: ['✘', 'red'],
  'to-be-seeded': ['✘', 'red'],
}

/** What to type next; the other states need nothing. */
const NEXT: Partial<Record<StandbyState, (of: string) => string>> = {
  paused: (of) => `capstan standby resume ${of}`,
  'to-be-seeded': (of) => `capstan standby reseed ${of}`,
}

export function standbyListLines(standbys: readonly StandbyRecord[], { paint, now }: { paint: Paint; now: number }): string[] {
  if (standbys.length === 0) return ['There is no standby: "capstan replicate" makes one.']
  return [
    ...table(
      HEADINGS,
      standbys.map((standby) => row(standby, now)),
      paint,
    ),
    ...standbys.flatMap(({ source, target, state }) => {
      const [mark, style] = MARKS[state] ?? []
      const next = NEXT[state]?.(`${source} --to ${target}`)
      return mark === undefined || style === undefined || next === undefined
        ? []
        : [`${paint(style, mark)} ${oneLine(source)} to ${oneLine(target)} is ${state}: ${next}`]
    }),
  ]
}

function row({ source, target, state, since, reason, look, declared }: StandbyRecord, now: number): string[] {
  return [
    source,
    target,
    state,
    ago(since, now),
    against(look?.lagMs ?? null, duration, chosenDuration(declared.lagMsMax)),
    shownBytes(look?.lagBytes ?? null),
    heldBack(look, declared.retainedBytesMax),
    look === null ? 'never' : `${ago(look.at, now)} ago`,
    [...(reason === null ? [] : [reason]), ...(look?.unreached ?? []), ...atItsLine(look)].join(' '),
  ]
}

function atItsLine(look: StandbyLook | null): string[] {
  return look?.waits === undefined ? [] : [`At its line: it waits for ${look.waits.script}.`]
}

/** `1.2 GB of 20 GiB`. PostgreSQL's own word where it is not the usual one. */
function heldBack(look: StandbyLook | null, retainedBytesMax: number): string {
  if (look === null || look.source === null) return ''
  const { slot } = look.source
  if (slot === null) return 'no slot'
  const { walStatus } = slot
  const word = walStatus === null || walStatus === 'reserved' || walStatus === 'extended' ? '' : ` (${walStatus})`
  return `${against(slot.retainedBytes, bytes, chosenBytes(retainedBytesMax))}${word}`.trim()
}

function against(measured: number | null, shown: (value: number) => string, allowed: string): string {
  return measured === null ? '' : `${shown(measured)} of ${allowed}`
}

function shownBytes(measured: number | null): string {
  return measured === null ? '' : bytes(measured)
}

function ago(at: string, now: number): string {
  return duration(Math.max(0, now - Date.parse(at)))
}
