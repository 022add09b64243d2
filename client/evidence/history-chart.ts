/** The runs of a database's verifications side by side, oldest first: verdict, kind of point, RPO and RTO against the objectives that each was held
 *  against. SVG whose widths are per cent and whose heights are pixels, so that its words stay readable on a telephone and on paper. Nothing is told by
 *  colour alone: verdicts and misses are signs, what proving took is hollow. */
import type { VerificationRun } from '../../ledger/verifications'
import { chosenDuration } from '../quantities'
import type { Scale } from './bars'
import { labelledTicks, scaleOfRuns } from './history-scale'
import { pointLetter, runSentence, signOf } from './history-words'
import { each, type Html, html } from './html'

/** Fewer runs are no wider than if there were as many. */
const SLOTS_MIN = 12
const VERDICT_Y = 14
const POINT_Y = 31
/** Above a panel: its marks. */
const HEADROOM = 36
/** The least that is seen. */
const BAR_HEIGHT_MIN = 2

interface Panel {
  readonly name: string
  readonly top: number
  readonly bottom: number
  readonly scale: Scale | null
  readonly measured: (run: VerificationRun) => Measured | null
  readonly objectiveMs: (run: VerificationRun) => number | null
}

interface Measured {
  readonly totalMs: number
  /** Of it, until the copy answered: drawn solid. */
  readonly solidMs: number
}

export interface ChartOptions {
  /** What it is a picture of. */
  readonly label: string
  /** In words, for who does not see it. */
  readonly description: string
  /** Under the newest run. */
  readonly newest: string
  /** One of many on a page. */
  readonly little?: boolean
}

/** `runs`: oldest first, at least one. */
export function historyChart(
  runs: readonly VerificationRun[],
  { label, description, newest, little = false }: ChartOptions,
): Html {
  const panels = panelsOf(runs, little)
  const height = (panels.at(-1)?.bottom ?? 0) + 24
  const slots = Math.max(runs.length, SLOTS_MIN)
  const slot = 100 / slots
  return html`<div class="history">
<svg class="scale" width="66" height="${height}" aria-hidden="true"><text x="0" y="${VERDICT_Y}">Verdict</text><text x="0" y="${POINT_Y}">Point</text>${each(panels, scaleText)}</svg>
<svg class="runs" width="100%" height="${height}" role="img" aria-label="${label}"><title>${label}</title><desc>${description}</desc>${each(panels, gridOf)}${each(
    runs,
    (run, at) => html`<g><title>${runSentence(run)}</title>${columnOf(run, { x: at * slot, slot, panels })}</g>`,
  )}${each(panels, (panel) => objectivesOf(panel, runs, slot))}${instanceChanges(runs, slot, height)}<text class="end" x="${percent(runs.length * slot)}" y="${height - 6}">${newest}</text></svg>
</div>`
}

function panelsOf(runs: readonly VerificationRun[], little = false): Panel[] {
  const rpo = panelOf(runs, {
    ...{ name: 'RPO', above: POINT_Y, height: little ? 30 : 60 },
    measured: ({ verification }) => {
      const rpoMs = verification?.rpoMs ?? null
      return rpoMs === null ? null : { totalMs: rpoMs, solidMs: rpoMs }
    },
    objectiveMs: ({ objectives }) => objectives?.rpoMs ?? null,
  })
  const rto = panelOf(runs, {
    ...{ name: 'RTO', above: rpo.bottom, height: little ? 60 : 120 },
    measured: ({ verification }) => {
      const rto = verification?.rto ?? null
      return rto === null ? null : { totalMs: rto.totalMs, solidMs: rto.provisionMs }
    },
    objectiveMs: ({ objectives }) => objectives?.rtoMs ?? null,
  })
  return [rpo, rto]
}

type PanelPlan = Pick<Panel, 'name' | 'measured' | 'objectiveMs'> & { readonly above: number; readonly height: number }

function panelOf(runs: readonly VerificationRun[], { above, height, ...plan }: PanelPlan): Panel {
  const scale = scaleOfRuns(
    runs.flatMap((run) => plan.measured(run)?.totalMs ?? []),
    runs.flatMap((run) => plan.objectiveMs(run) ?? []),
  )
  const top = above + HEADROOM
  return { ...plan, top, bottom: top + height, scale }
}

function yOf({ top, bottom }: Panel, ms: number, { endMs }: Scale): number {
  return rounded(bottom - (Math.min(ms, endMs) / endMs) * (bottom - top))
}

function scaleText(panel: Panel): Html {
  const { name, top, bottom, scale } = panel
  const ticks = scale === null ? [] : labelledTicks(scale, bottom - top)
  return html`<text class="name" x="0" y="${top - 17}">${name}</text>${ticks.map((ms) => scale !== null && html`<text class="end" x="100%" y="${yOf(panel, ms, scale) + 4}">${ms === 0 ? '0' : chosenDuration(ms)}</text>`)}`
}

function gridOf(panel: Panel): Html {
  const { scale, bottom, top } = panel
  const ys = scale === null ? [bottom] : labelledTicks(scale, bottom - top).map((ms) => yOf(panel, ms, scale))
  return html`${ys.map((y) => html`<line class="tick" x1="0%" x2="100%" y1="${y}" y2="${y}"/>`)}`
}

function columnOf(run: VerificationRun, { x, slot, panels }: { x: number; slot: number; panels: readonly Panel[] }): Html {
  const middle = percent(x + slot / 2)
  const { sign, tone } = signOf(run)
  return html`<rect class="whole" x="${percent(x)}" y="0" width="${percent(slot)}" height="${panels.at(-1)?.bottom ?? 0}"/><text class="sign ${tone}" x="${middle}" y="${VERDICT_Y}">${sign}</text><text class="sign" x="${middle}" y="${POINT_Y}">${pointLetter(run)}</text>${each(panels, (panel) => barOf(panel, run, { x, slot }))}`
}

function barOf(panel: Panel, run: VerificationRun, { x, slot }: { x: number; slot: number }): Html {
  const { top, bottom, scale } = panel
  const middle = percent(x + slot / 2)
  const measured = panel.measured(run)
  if (measured === null || scale === null) return html`<circle class="none" cx="${middle}" cy="${bottom - 6}" r="2.5"/>`
  const { totalMs, solidMs } = measured
  const objectiveMs = panel.objectiveMs(run)
  const end = Math.min(yOf(panel, totalMs, scale), bottom - BAR_HEIGHT_MIN)
  const parted = Math.max(yOf(panel, solidMs, scale), end)
  const [left, width] = [percent(x + slot * 0.22), percent(slot * 0.56)]
  const over = objectiveMs !== null && totalMs > objectiveMs
  const tone = over ? 'failed' : 'done'
  const piece = (kind: string, from: number, to: number): Html | false =>
    to > from && html`<rect class="${kind}" x="${left}" y="${from}" width="${width}" height="${rounded(to - from)}"/>`
  return html`${piece(tone, parted, bottom)}${piece(`hollow ${tone}`, end, parted)}${over && html`<text class="sign bad" x="${middle}" y="${top - 17}">!</text>`}${
    totalMs > scale.endMs && html`<text class="sign" x="${middle}" y="${top - 4}">↑</text>`
  }`
}

/** A line over each stretch of runs that were held against the same one. */
function objectivesOf(panel: Panel, runs: readonly VerificationRun[], slot: number): Html {
  const { scale, objectiveMs } = panel
  if (scale === null) return html``
  const stretches: { ms: number; from: number; to: number }[] = []
  for (const [at, run] of runs.entries()) {
    const ms = objectiveMs(run)
    if (ms === null || ms > scale.endMs) continue
    const last = stretches.at(-1)
    if (last !== undefined && last.ms === ms && last.to === at) last.to = at + 1
    else stretches.push({ ms, from: at, to: at + 1 })
  }
  return each(stretches, ({ ms, from, to }) => {
    const y = yOf(panel, ms, scale)
    return html`<line class="limit" x1="${percent(from * slot)}" x2="${percent(to * slot)}" y1="${y}" y2="${y}"/>`
  })
}

/** Where another instance of that name begins. */
function instanceChanges(runs: readonly VerificationRun[], slot: number, height: number): Html {
  let known: string | null = null
  const starts: number[] = []
  for (const [at, { instanceId }] of runs.entries()) {
    if (instanceId === null) continue
    if (known !== null && instanceId !== known) starts.push(at)
    known = instanceId
  }
  return each(starts, (at) => {
    const x = percent(at * slot)
    return html`<line class="other" x1="${x}" x2="${x}" y1="0" y2="${height - 24}"/>`
  })
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

function percent(value: number): string {
  return `${Math.round(value * 1000) / 1000}%`
}

/** Those of `runs` whose bar ends above the picture, or whose objective lies there: to be said in words. */
export function cutOff(runs: readonly VerificationRun[]): { runs: VerificationRun[]; objectives: string[] } {
  const panels = panelsOf(runs)
  const beyond = ({ measured, scale }: Panel, run: VerificationRun): boolean =>
    (measured(run)?.totalMs ?? 0) > (scale?.endMs ?? 0)
  const objectives = panels.flatMap(({ name, objectiveMs, scale }) =>
    runs.flatMap((run) => {
      const ms = objectiveMs(run)
      return ms !== null && ms > (scale?.endMs ?? 0) ? [`${name} ${chosenDuration(ms)}`] : []
    }),
  )
  return { runs: runs.filter((run) => panels.some((panel) => beyond(panel, run))), objectives: [...new Set(objectives)] }
}
