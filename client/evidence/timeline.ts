/** The steps over time, to scale: when each began, how long it took, how often it was tried. */

import type { StepRecord, StepState } from '../../contracts/operation'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import { counted, duration } from '../quantities'
import { axis, type Bar, bar, scaleTo } from './bars'
import { each, type Html, html } from './html'

const STATES = {
  running: ['went on', 'waits'],
  done: ['done', 'done'],
  failed: ['failed', 'failed'],
  cancelled: ['cancelled', 'stopped'],
  undoing: ['being undone', 'stopped'],
  undone: ['undone', 'stopped'],
  'undo-failed': ['could not be undone', 'failed'],
  'undo-skipped': ['left as it is', 'stopped'],
} as const satisfies Record<StepState, readonly [string, Bar['tone']]>

export function timelineOf({ operation, at }: EvidenceDocument): Html {
  const began = Date.parse(operation.startedAt)
  const endOf = (step: StepRecord): number => Date.parse(step.finishedAt ?? at)
  const scale = scaleTo(operation.steps.reduce((last, step) => Math.max(last, endOf(step)), Date.parse(at)) - began)
  const row = (step: StepRecord): Html => {
    const [word, stateTone] = STATES[step.state]
    // Time that a person took is no work.
    const tone = step.id === 'approve' && step.state === 'done' ? 'waits' : stateTone
    const lengthMs = endOf(step) - Date.parse(step.startedAt)
    const fromMs = Date.parse(step.startedAt) - began
    const label = `${step.title}: ${word}, ${duration(lengthMs)}, from ${duration(fromMs)} after the start`
    return html`<tr>
<th scope="row">${step.title}${typeof step.detail.summary === 'string' && html`<small>${step.detail.summary}</small>`}</th>
<td class="chart">${bar({ fromMs, lengthMs, tone, label }, scale)}</td>
<td class="number">${duration(lengthMs)}</td>
<td class="word ${tone}">${word}</td>
<td class="number">${step.attempts > 1 ? html`<strong>${step.attempts}</strong>` : '1'}</td>
</tr>`
  }
  const repeated = operation.steps.filter(({ attempts }) => attempts > 1).length
  return html`<section>
<h2>Steps</h2>
<p class="lead">${counted(operation.steps.length, 'step')}, drawn to scale. ${repeated === 0 ? 'Each was done at the first attempt.' : `${counted(repeated, 'step')} took more than one attempt, as waiting for a cloud may, and went on from what was done.`}</p>
<div class="wide"><table class="timeline">
<thead><tr><th scope="col">Step</th><th scope="col" class="chart">${axis(scale)}</th><th scope="col" class="number">Took</th><th scope="col">State</th><th scope="col" class="number">Attempts</th></tr></thead>
<tbody>${each(operation.steps, row)}</tbody>
</table></div>
</section>`
}
