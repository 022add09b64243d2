/** The verifications of the same database up to this one. Drawn from the ledger and no part of the evidence, which was sealed when its run ended and
 *  tells of that run alone: the page says so. */
import type { OperationId, Verdict } from '../../contracts/operation'
import type { VerificationRun } from '../../ledger/verifications'
import { counted, duration, instant } from '../quantities'
import { cutOff, historyChart } from './history-chart'
import { type Held, heldAgainst, pointWords, signOf } from './history-words'
import { each, type Html, html } from './html'

/** As many as are drawn. */
export const HISTORY_RUNS_MAX = 30

/** `runs`: newest first, the page's own one at the head. Null where there are none: nothing was verified. */
export function historySection(runs: readonly VerificationRun[], database: string): Html | null {
  const own = runs[0]
  if (own === undefined) return null
  const oldestFirst = runs.toReversed()
  const label = `The last ${counted(runs.length, 'verification')} of ${database}`
  return html`<section>
<h2>History</h2>
<p class="lead">${runs.length === 1 ? 'The first verification of this database that the ledger holds.' : `The last ${counted(runs.length, 'verification')} of this database, the newest on the right: ${tally(runs)}.`} <strong>Not part of the evidence:</strong> its digest covers this run alone. Drawn from the ledger when this page was made; each run's own evidence has a digest of its own: <code>capstan ops evidence RUN</code>.</p>
<figure>${historyChart(oldestFirst, { label, description: describeRuns(oldestFirst), newest: 'this run' })}
<figcaption class="key">${signKey(oldestFirst)}${cutOffWords(oldestFirst)}</figcaption></figure>
${runsTable(runs, own.operation)}
</section>`
}

function tally(runs: readonly VerificationRun[]): string {
  const of = (verdict: Verdict): number => runs.filter(({ verification }) => verification?.verdict === verdict).length
  const counts = [
    [of('pass'), 'passed'],
    [of('fail'), 'failed'],
    [of('inconclusive'), 'inconclusive'],
    [runs.filter(({ verification }) => verification === null).length, 'without a verdict'],
  ] as const
  return counts.flatMap(([count, words]) => (count === 0 ? [] : [`${count} ${words}`])).join(', ')
}

/** In words, for who does not see the picture. */
export function describeRuns(runs: readonly VerificationRun[]): string {
  const range = (name: string, all: readonly number[]): string =>
    all.length === 0 ? `no ${name} was measured` : `${name} from ${duration(Math.min(...all))} to ${duration(Math.max(...all))}`
  const rpos = runs.flatMap(({ verification }) => verification?.rpoMs ?? [])
  const rtos = runs.flatMap(({ verification }) => verification?.rto?.totalMs ?? [])
  const [first, last] = [runs[0], runs.at(-1)]
  const when = first === undefined || last === undefined ? '' : `${instant(first.startedAt)} to ${instant(last.startedAt)}: `
  return `${when}${tally(runs)}; ${range('RPO', rpos)}; ${range('RTO', rtos)}.`
}

/** What the signs of the picture mean. */
export function signKey(runs: readonly VerificationRun[]): Html {
  const others = new Set(runs.flatMap(({ instanceId }) => instanceId ?? [])).size > 1
  return html`<div class="key"><p><span class="good">✓</span> pass · <span class="bad">✗</span> fail · ? inconclusive · – no verdict · S snapshot · M moment · ○ not measured · <span class="bad">!</span> over its objective${others && ' · dotted line: another instance from there on'}</p>
<p>RTO: <span class="entry"><span class="swatch done"></span>until the copy answered</span> (with the replay of its log, which no cloud tells apart), <span class="entry"><span class="swatch hollow"></span>proving it</span>. <span class="entry"><span class="swatch limit"></span>the objective of then</span></p></div>`
}

/** What does not fit into the picture. */
export function cutOffWords(runs: readonly VerificationRun[]): Html | null {
  const { runs: cut, objectives } = cutOff(runs)
  if (cut.length === 0 && objectives.length === 0) return null
  return html`<p>${cut.length > 0 && html`↑ cut off at the top: ${cut.map((run, at) => html`${at > 0 && ', '}${instant(run.startedAt)} (${cutWords(run)})`)}. `}${objectives.length > 0 && `Above the picture: the objective ${objectives.join(', ')}.`}</p>`
}

function cutWords({ verification }: VerificationRun): string {
  const { rpoMs = null, rto = null } = verification ?? {}
  return [rpoMs === null ? '' : `RPO ${duration(rpoMs)}`, rto === null ? '' : `RTO ${duration(rto.totalMs)}`]
    .filter((words) => words !== '')
    .join(', ')
}

function runsTable(runs: readonly VerificationRun[], own: OperationId): Html {
  return html`<div class="wide"><table class="past">
<thead><tr><th scope="col">Run</th><th scope="col">Verdict</th><th scope="col">Restored</th><th scope="col" class="number">RPO</th><th scope="col" class="number">RTO</th><th scope="col" class="number">until it answered</th><th scope="col" class="number">proving</th></tr></thead>
<tbody>${each(runs, (run) => {
    const { operation, startedAt, verification, objectives } = run
    const { sign, word, tone } = signOf(run)
    const { rpoMs = null, rto = null } = verification ?? {}
    return html`<tr><th scope="row">${instant(startedAt)}<small><code>${operation}</code>${operation === own && ', this run'}</small></th><td><span class="${tone}">${sign} ${word}</span>${underVerdict(run)}</td><td>${pointWords(run)}</td>${timeCell(heldAgainst(rpoMs, objectives?.rpoMs ?? null))}${timeCell(heldAgainst(rto?.totalMs ?? null, objectives?.rtoMs ?? null))}<td class="number">${rto === null ? '–' : duration(rto.provisionMs)}</td><td class="number">${rto === null ? '–' : duration(rto.verifyMs)}</td></tr>`
  })}</tbody>
</table></div>`
}

function underVerdict({ verification, failure }: VerificationRun): Html | null {
  if (verification === null) return failure === null ? null : html`<small>${failure.code}</small>`
  return verification.proven && verification.verdict === 'fail' ? html`<small>proven, but an objective was missed</small>` : null
}

/** A time against what was allowed for it. */
export function timeCell(held: Held | null): Html {
  if (held === null) return html`<td class="number still">–</td>`
  const { value, note, over } = held
  return html`<td class="number">${over ? html`<span class="bad">! ${value}</span>` : value}${note !== '' && html`<small>${note}</small>`}</td>`
}
