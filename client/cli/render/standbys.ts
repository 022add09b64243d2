/** The standbys that there are, as the watch saw them last. */
import { differingTable } from '../../../contracts/rows-differing'
import type { ComparisonTold, StandbyLook, StandbyRecord, StandbyState } from '../../../contracts/standby'
import { bytes, chosenBytes, chosenDuration, counted, duration } from '../../quantities'
import { standbyAlerts } from '../../standby-alerts'
import type { Paint, Style } from '../io'
import { oneLine } from './quoted'
import { table } from './table'

const HEADINGS = ['SOURCE', 'STANDBY', 'STATE', 'SINCE', 'LATE', 'BEHIND', 'HELD BACK', 'LOOKED', 'EQUAL', 'REASON'] as const

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
    ...standbys.flatMap((standby) => toldOf(standby, now).map((message) => `${paint('red', '✘')} ${oneLine(message)}`)),
  ]
}

/** What the table has by itself. */
const IN_TABLE: readonly string[] = ['late', 'broken', 'to-be-seeded', 'unreached', 'waits-for-migration']

/** Whatever somebody has to hear of, and what else the newest look found. */
function toldOf(standby: StandbyRecord, now: number): string[] {
  if (standby.state === 'gone') return []
  const alerts = standbyAlerts(standby, now).filter(({ code }) => !IN_TABLE.includes(code))
  const findings = (standby.look?.findings ?? []).filter(({ rule }) => !IN_TABLE.includes(rule))
  return [...new Set([...alerts, ...findings].map(({ message }) => message))]
}

/** What a comparison that has ended came to. */
export function comparisonToldLines({ verdict, tables, tablesDiffering, differing, left, tablesLeft }: ComparisonTold): string[] {
  const equal = tables - tablesDiffering - tablesLeft
  return [
    `${verdict}: ${equal} of ${counted(tables, 'table')} proven equal`,
    ...differing.map((one) => `  ${oneLine(differingTable(one))}`),
    ...left.map(({ table, why }) => `  ${oneLine(`${table}: ${why}`)}`),
  ]
}

function row(standby: StandbyRecord, now: number): string[] {
  const { source, target, state, since, reason, look, declared } = standby
  return [
    source,
    target,
    state,
    ago(since, now),
    against(look?.lagMs ?? null, duration, chosenDuration(declared.lagMsMax)),
    shownBytes(look?.lagBytes ?? null),
    heldBack(look, declared.retainedBytesMax),
    look === null ? 'never' : `${ago(look.at, now)} ago`,
    foundEqual(standby, now),
    [...(reason === null ? [] : [reason]), ...(look?.unreached ?? []), ...atItsLine(look)].join(' '),
  ]
}

/** When the newest comparison began that found all of its rows equal. */
function foundEqual({ compared }: StandbyRecord, now: number): string {
  if (compared === undefined) return ''
  const { equalAt, last, running } = compared
  const known = last?.verdict === 'different' ? 'rows differ' : equalAt === null ? 'never' : `${ago(equalAt, now)} ago`
  return running === null ? known : `${known} (comparing, ${running.tablesDone} of ${running.tables})`
}

function atItsLine(look: StandbyLook | null): string[] {
  if (look?.waits === undefined) return []
  const { script, deferred } = look.waits
  const empty = deferred === undefined ? '' : `; ${counted(deferred, 'table')} empty until its last line`
  return [`At its line: it waits for ${script}${empty}.`]
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
