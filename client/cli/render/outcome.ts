/** The last lines about an operation: how it ended or what it waits for, and what to do next. */
import { type OperationDocument, type OperationStatus, pointOfNoReturn } from '../../../contracts/operation'
import { OVERWRITE_STEPS } from '../../../contracts/overwrite'
import { REPLACE_STEPS } from '../../../contracts/replace'
import { findingsOf } from '../../findings'
import { counted, duration } from '../../quantities'
import { stuckSteps, whyNot } from '../../standing'
import type { Paint, Style } from '../io'
import { cutTo } from './quoted'

const ENDS = {
  succeeded: ['✔', 'green'],
  planned: ['✔', 'green'],
  failed: ['✘', 'red'],
  rejected: ['◼', 'yellow'],
  aborted: ['◼', 'yellow'],
  'awaiting-approval': ['◆', 'yellow'],
  'needs-operator': ['⚠', 'red'],
  running: ['▶', 'cyan'],
} as const satisfies Record<OperationStatus, readonly [string, Style]>

export const STATUSES = Object.keys(ENDS) as readonly OperationStatus[]

export interface OutcomeView {
  readonly paint: Paint
  readonly columns: number
  /** Page of the workflow's history, when known. */
  readonly historyUrl: string | null
}

export function outcomeLines(document: OperationDocument, view: OutcomeView): string[] {
  const [mark, style] = ENDS[document.status]
  const lines = [`${view.paint(style, mark)} ${view.paint('bold', document.id)} ${said(document)}`]
  const why = whyNot(document)
  if (why !== null) lines.push(`  ${cutTo(why.message, 4_000)} ${view.paint('dim', `[${why.code}]`)}`)
  for (const hint of nextCommands(document)) lines.push(`  ${hint}`)
  const traces = [
    document.evidence === null ? '' : `evidence sha256 ${document.evidence}`,
    view.historyUrl === null ? '' : `history: ${view.historyUrl}`,
  ].filter((trace) => trace !== '')
  for (const trace of traces) lines.push(`  ${view.paint('dim', cutTo(trace, Math.max(90, view.columns - 2)))}`)
  return lines
}

function said(document: OperationDocument): string {
  const time =
    document.finishedAt === null ? '' : ` after ${duration(Date.parse(document.finishedAt) - Date.parse(document.startedAt))}`
  switch (document.status) {
    case 'succeeded':
      return `succeeded${time}`
    case 'planned':
      return `is planned${time}; nothing was changed`
    case 'failed':
      if (document.verdict === 'inconclusive') return `ended without a proof${time}: not all that was promised could be looked at`
      return `failed${time}${document.failure === null ? `: ${counted(findingsOf(document).length, 'finding')}` : ''}`
    case 'rejected':
      return `was rejected${time}`
    case 'aborted':
      return `was aborted${time}`
    case 'awaiting-approval':
      return `waits for an approval of plan ${document.planDigest ?? 'unknown'}`
    case 'needs-operator':
      return `needs an operator: ${pointOfNoReturn(document) === null ? 'an undo' : 'a step past the point of no return'} could not finish`
    case 'running':
      return 'goes on'
  }
}

/** What a person can do now, each as the very command. */
export function nextCommands(document: OperationDocument): string[] {
  const { id } = document
  switch (document.status) {
    case 'awaiting-approval':
      return [
        `read it:    capstan ops show ${id} --plan --files`,
        `approve it: capstan ops approve ${id}`,
        `reject it:  capstan ops reject ${id} --reason TEXT`,
      ]
    case 'needs-operator':
      return stuckSteps(document).flatMap(({ id: step }) => [
        `try it again: capstan ops resolve ${id} retry --step ${step}`,
        `done by hand: capstan ops resolve ${id} done --step ${step}`,
        `leave it:     capstan ops resolve ${id} skip --step ${step}`,
      ])
    case 'running':
      return [
        `watch it: capstan ops watch ${id}`,
        ...(pointOfNoReturn(document) === null ? [`abort it: capstan ops abort ${id}`] : []),
      ]
    default:
      return document.kind === 'replace' ? fleetFileChange(document) : wayBack(document)
  }
}

/** Until it is made, every operation on the database is refused. */
function fleetFileChange({ steps }: OperationDocument): string[] {
  const detail = steps.find(({ id }) => id === REPLACE_STEPS.handOver.id)?.detail
  return detail?.fleetFile === undefined ? [] : [`do it now: ${detail.summary ?? ''}`]
}

/** Of an instance that was overwritten. */
function wayBack({ kind, status, steps }: OperationDocument): string[] {
  const back = steps.find(({ id }) => id === OVERWRITE_STEPS.overwrite.id)?.detail.wayBack
  return kind === 'overwrite' && status !== 'planned' && typeof back === 'string' ? [`the way back: ${back}`] : []
}
