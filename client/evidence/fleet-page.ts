/** The report of the fleet's verifications as a page: which backups are proven, which are not, and the last runs of each database. It is drawn from the
 *  ledger as it stands; no digest covers it, and each run's evidence has one of its own. */
import type { IsoInstant } from '../../contracts/operation'
import type { VerificationRun } from '../../ledger/verifications'
import { counted, duration, instant } from '../quantities'
import type { VerificationStanding } from '../verification-report'
import { framed } from './frame'
import { type Figure, figureTiles } from './header'
import { cutOffWords, describeRuns, signKey, timeCell } from './history'
import { historyChart } from './history-chart'
import { heldAgainst, pointWords, SIGNS } from './history-words'
import { each, type Html, html } from './html'

export interface FleetDatabase {
  readonly standing: VerificationStanding
  /** Newest first. */
  readonly runs: readonly VerificationRun[]
}

export function fleetPage(databases: readonly FleetDatabase[], at: IsoInstant): string {
  const standings = databases.map(({ standing }) => standing)
  const alerting = standings.filter(({ alerts }) => alerts.length > 0)
  const word = alerting.length === 0 ? 'NO ALERT' : counted(alertsOf(standings).length, 'ALERT').replace('ALERTs', 'ALERTS')
  return framed(
    `${word} · verified backups`,
    html`<header>
<p class="brand">Capstan · verified backups</p>
<div class="title"><h1>Backups of the fleet</h1><p class="seal ${alerting.length === 0 ? 'good' : 'bad'}">${word}</p></div>
<p class="id">${counted(databases.length, 'database')}, as the ledger stood at <strong>${instant(at)}</strong></p>
</header>
${figureTiles(figuresOf(standings))}
${alertsSection(standings)}
${tableOf(standings)}
<section>
<h2>The last runs</h2>
<p class="lead">Of each database, oldest on the left, each held against the objectives of then.</p>
${signKey(databases.flatMap(({ runs }) => runs))}
${each(databases, runsOf)}
</section>
<footer>Times are UTC. No digest covers this page: it is drawn from the ledger. Each run has evidence with a digest: <code>capstan ops evidence RUN</code></footer>`,
  )
}

function alertsOf(standings: readonly VerificationStanding[]) {
  return standings.flatMap(({ database, alerts }) => alerts.map(({ code, message }) => ({ database, code, message })))
}

function figuresOf(standings: readonly VerificationStanding[]): Figure[] {
  const never = standings.filter(({ provenAt }) => provenAt === null).length
  const old = standings.filter(({ stale, provenAt }) => stale && provenAt !== null).length
  const alerting = standings.filter(({ alerts }) => alerts.length > 0).length
  const of = `of ${counted(standings.length, 'database')}`
  return [
    { name: 'Proven, not too old', value: String(standings.length - never - old), note: of, over: false },
    { name: 'Proof too old', value: String(old), note: old > 0 ? '' : of, over: old > 0 },
    { name: 'Never proven', value: String(never), note: never > 0 ? '' : of, over: never > 0 },
    { name: 'With an alert', value: String(alerting), note: alerting > 0 ? '' : of, over: alerting > 0 },
  ]
}

function alertsSection(standings: readonly VerificationStanding[]): Html | null {
  const alerts = alertsOf(standings)
  if (alerts.length === 0) return null
  return html`<section>
<h2>Alerts</h2>
<ul class="findings">${each(alerts, ({ database, code, message }) => html`<li><p><code>${database}</code> ${message}</p><small>${code}</small></li>`)}</ul>
</section>`
}

function tableOf(standings: readonly VerificationStanding[]): Html {
  return html`<section>
<h2>What is proven</h2>
<div class="wide"><table class="past">
<thead><tr><th scope="col">Database</th><th scope="col">Proven</th><th scope="col">Objective</th><th scope="col">Last verdict</th><th scope="col">of</th><th scope="col" class="number">RPO</th><th scope="col" class="number">RTO</th></tr></thead>
<tbody>${each(standings, rowOf)}</tbody>
</table></div>
</section>`
}

function rowOf({ database, environment, provenAt, ageMs, objectives, stale, last, provenPoint }: VerificationStanding): Html {
  const { verifyEveryHours, rpoMs, rtoMs } = objectives
  const proven = ageMs === null ? 'never' : `${duration(ageMs)} ago`
  const [sign, tone] = provenAt === null || stale ? (['✗', 'bad'] as const) : (['✓', 'good'] as const)
  const verdict = last === null ? null : SIGNS[last.verdict]
  return html`<tr><th scope="row">${database}<small>${environment}</small></th><td><span class="${tone}">${sign} ${proven}${stale && ageMs !== null && ', too old'}</span>${provenPoint !== null && html`<small>${pointWords({ point: provenPoint })}</small>`}</td><td>${verifyEveryHours === null ? 'none' : `every ${duration(verifyEveryHours * HOUR_MS)}`}</td><td>${verdict === null ? '–' : html`<span class="${verdict.tone}">${verdict.sign} ${verdict.word}</span>`}</td><td>${last === null ? '–' : html`${pointWords(last)}<small><code>${last.operation}</code></small>`}</td>${timeCell(heldAgainst(last?.rpoMs ?? null, rpoMs))}${timeCell(heldAgainst(last?.rto?.totalMs ?? null, rtoMs))}</tr>`
}

const HOUR_MS = 3_600_000

function runsOf({ standing: { database }, runs }: FleetDatabase): Html {
  if (runs.length === 0) return html`<h3>${database}</h3><p class="lead">No verification was ever begun.</p>`
  const oldestFirst = runs.toReversed()
  const label = `The last ${counted(runs.length, 'verification')} of ${database}`
  return html`<h3>${database}</h3>
<figure>${historyChart(oldestFirst, { label, description: describeRuns(oldestFirst), newest: 'newest', little: true })}<figcaption class="key">${cutOffWords(oldestFirst)}</figcaption></figure>`
}
