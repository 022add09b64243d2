/** The proof ladder of a verified backup: what each rung found, and how long a recovery took, held against the objectives. */
import { shownMoney } from '../../contracts/money'
import { shownSnapshot } from '../../contracts/restore-point'
import {
  type NegativeControl,
  type ReckonedCost,
  rungLevel,
  VERIFY_BACKUP_STEPS,
  type Verification,
} from '../../contracts/verify-backup'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import { chosenDuration, counted, duration, instant } from '../quantities'
import { each, type Html, html } from './html'

const TITLES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(VERIFY_BACKUP_STEPS).map(({ id, title }) => [id, title]),
)

const OUTCOMES = {
  pass: ['good', '✓ proven'],
  fail: ['bad', '✗ no'],
  'not-proven': ['still', '– not proven'],
} as const

export function ladderSection({ documents: { verification } }: EvidenceDocument): Html | null {
  if (verification === undefined) return null
  const { ladder } = verification
  const passed = ladder.filter(({ outcome }) => outcome === 'pass').length
  return html`<section>
<h2>The proof ladder</h2>
<p class="lead">Restored from ${restoredFrom(verification)}. ${counted(passed, 'rung')} of ${ladder.length} proven; ${verification.proven ? 'all that was promised' : 'not all that was promised'}.</p>
<div class="wide"><table>
<thead><tr><th scope="col">Rung</th><th scope="col">Outcome</th><th scope="col">What was found</th><th scope="col" class="number">Took</th></tr></thead>
<tbody>${each(ladder, ({ id, outcome, promised, summary, findings, durationMs }) => {
    const [tone, word] = OUTCOMES[outcome]
    return html`<tr><th scope="row">${rungLevel(id)} ${TITLES[id] ?? id}<small>${promised ? 'promised' : 'not promised'}</small></th><td class="outcome ${tone}">${word}</td><td>${summary}${findings.length > 0 && html`<small class="bad">${counted(findings.length, 'finding')}, above</small>`}</td><td class="number">${duration(durationMs)}</td></tr>`
  })}</tbody>
</table></div>
${controlsOf(verification)}
</section>`
}

const CONTROLS = {
  noticed: ['good', '✓'],
  missed: ['bad', '✗'],
  'not-made': ['still', '–'],
  failed: ['bad', '?'],
} as const satisfies Record<NegativeControl['outcome'], readonly [string, string]>

function controlsOf({ controls = [] }: Verification): Html | null {
  if (controls.length === 0) return null
  return html`<h3>Damage done on purpose, to the copy</h3>
<ul class="controls">${each(controls, ({ outcome, summary }) => html`<li><span class="${CONTROLS[outcome][0]}">${CONTROLS[outcome][1]}</span> ${summary}</li>`)}</ul>`
}

function restoredFrom({ point }: Verification): string {
  if (point.kind === 'snapshot') return shownSnapshot(point)
  return point.kind === 'moment' ? `the log, to ${instant(point.at)}` : 'nothing'
}

export interface RecoveryFigure {
  readonly name: string
  readonly value: string
  readonly note: string
  readonly over: boolean
}

/** Empty where nothing was verified and no copy cost anything. */
export function recoveryFigures({ documents }: EvidenceDocument): RecoveryFigure[] {
  const { verification, 'verification-cost': cost } = documents
  return [...(verification === undefined ? [] : measured(verification)), ...(cost === undefined ? [] : [costFigure(cost)])]
}

function costFigure({ micros, currency, capMicros, goesOn }: ReckonedCost): RecoveryFigure {
  const limit = capMicros === null ? '' : ` of ${shownMoney(capMicros, currency)} allowed,`
  const note = `${limit} by the declared prices${goesOn ? '; the copy is there still' : ''}`.trimStart()
  return { name: 'Cost, reckoned', value: shownMoney(micros, currency), note, over: capMicros !== null && micros > capMicros }
}

function measured({ rpoMs, rto, objectives }: Verification): RecoveryFigure[] {
  return [
    figure('Would be lost (RPO)', rpoMs, objectives.rpoMs),
    figure('Recovery took (RTO)', rto?.totalMs ?? null, objectives.rtoMs),
    figure('of it until it answered', rto?.provisionMs ?? null, null),
    figure('of it proving', rto?.verifyMs ?? null, null),
  ].flatMap((one) => one ?? [])
}

function figure(name: string, took: number | null, allowed: number | null): RecoveryFigure | null {
  if (took === null) return null
  const note = allowed === null ? '' : `of ${chosenDuration(allowed)} allowed`
  return { name, value: duration(took), note, over: allowed !== null && took > allowed }
}
