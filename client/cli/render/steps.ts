/** An operation's steps as lines: a tree that is repainted on a terminal, single lines elsewhere. */
import type { Finding, OperationDocument, StepRecord, StepState } from '../../../contracts/operation'
import { placeOf } from '../../findings'
import { duration } from '../../quantities'
import type { Paint, Style } from '../io'
import { cutTo, oneLine } from './quoted'

const MARKS = {
  running: ['▶', 'cyan'],
  done: ['✔', 'green'],
  failed: ['✘', 'red'],
  cancelled: ['◼', 'yellow'],
  undoing: ['↺', 'yellow'],
  undone: ['↺', 'yellow'],
  'undo-failed': ['⚠', 'red'],
  'undo-skipped': ['⚠', 'yellow'],
} as const satisfies Record<StepState, readonly [string, Style]>

/** What a state adds to the line; the others speak through their marks. */
const WORDS: Partial<Record<StepState, string>> = {
  cancelled: 'cancelled',
  undoing: 'undoing',
  undone: 'undone',
  'undo-failed': 'could not be undone',
  'undo-skipped': 'left as it is',
}

export interface StepView {
  readonly paint: Paint
  readonly columns: number
  /** Instant in milliseconds to count running steps' time up to. */
  readonly now: number
  /** Lines are printed once and not repainted. */
  readonly standing: boolean
}

export function stepTree(document: OperationDocument, view: StepView): string[] {
  const titleWidth = Math.min(44, Math.max(0, ...document.steps.map((step) => step.title.length)))
  return [heading(document, view), ...document.steps.flatMap((step) => stepLines(step, view, titleWidth))]
}

function heading(document: OperationDocument, view: StepView): string {
  const elapsed = Date.parse(document.finishedAt ?? '') || view.now
  const time = duration(elapsed - Date.parse(document.startedAt))
  const text = `${document.kind} ${document.databases.join(', ')} · ${document.id} · ${document.status} · ${time}`
  return view.paint('bold', cutTo(text, view.columns))
}

/** A step and, below it, what its checks found. */
export function stepLines(step: StepRecord, view: StepView, titleWidth = 0): string[] {
  const [mark, style] = MARKS[step.state]
  const { pointOfNoReturn } = step.detail
  const passed = typeof pointOfNoReturn === 'string' && step.state !== 'cancelled'
  const finished = step.finishedAt === null ? view.now : Date.parse(step.finishedAt)
  // Where nothing is repainted the time so far would stand for ever.
  const timed = step.finishedAt !== null || !view.standing
  const time = (timed ? duration(finished - Date.parse(step.startedAt)) : '').padStart(8)
  const notes = [
    WORDS[step.state],
    step.attempts > 1 ? `attempt ${step.attempts}` : undefined,
    typeof step.detail.summary === 'string' ? step.detail.summary : undefined,
  ].filter((note) => note !== undefined && note !== '')
  const left = `${oneLine(step.title).padEnd(titleWidth)}  ${time}`
  const notesWidth = view.columns - left.length - 8
  const right = notes.length === 0 || notesWidth < 10 ? '' : `   ${view.paint('dim', cutTo(notes.join(' · '), notesWidth))}`
  return [
    ...(passed ? [`  ${view.paint('yellow', cutTo(`⚑ point of no return: ${pointOfNoReturn}`, view.columns - 2))}`] : []),
    `  ${view.paint(style, mark)} ${left}${right}`.trimEnd(),
    ...(step.detail.findings ?? []).flatMap((finding) => findingLines(finding, view)),
  ]
}

/** `V7__total.sql:3  ALTER TABLE …`, and what was measured. */
export function findingLines(finding: Finding, view: Pick<StepView, 'paint' | 'columns'>): string[] {
  const place = placeOf(finding)
  const lines = [`      ${view.paint('red', cutTo(finding.message, view.columns - 6))}`]
  if (place !== '' || finding.sql !== undefined) {
    const sql = finding.sql === undefined ? '' : cutTo(finding.sql, Math.max(20, view.columns - place.length - 8))
    lines.unshift(`      ${view.paint('bold', oneLine(place))}${place !== '' && sql !== '' ? '  ' : ''}${sql}`)
  }
  return lines
}
