/** What said no, and all that was checked: on the canary, on a restored copy, on the target, and for as long as the target was watched. */
import type { Finding } from '../../contracts/operation'
import type { CheckResult, EvidenceDocument } from '../../ledger/evidence-document'
import { findingsOf, placeOf } from '../findings'
import { counted, duration, grouped } from '../quantities'
import { each, type Html, html } from './html'

export function findingsSection({ operation }: EvidenceDocument): Html | null {
  const findings = findingsOf(operation)
  if (findings.length === 0) return null
  return html`<section>
<h2>Findings</h2>
<p class="lead">${counted(findings.length, 'finding')}: what was measured, and what is allowed.</p>
<ul class="findings">${each(findings, findingItem)}</ul>
</section>`
}

function findingItem(finding: Finding): Html {
  const place = placeOf(finding)
  return html`<li><p>${place !== '' && html`<code>${place}</code> `}${finding.message}</p>${
    finding.sql !== undefined && html`<code class="sql">${finding.sql}</code>`
  }<small>rule ${finding.rule}</small></li>`
}

const ROUNDS = [
  ['checks-canary', 'On the canary'],
  ['checks-copy', 'On the restored copy'],
  ['checks-target', 'On the target'],
  ['bake', 'Last look at the target'],
] as const

export function checksSection({ documents }: EvidenceDocument): Html | null {
  const rounds = ROUNDS.flatMap(([name, title]) => {
    const results = documents[name]?.results
    return results === undefined ? [] : [{ title, results: new Map(results.map((result) => [keyOf(result), result])) }]
  })
  const checks = new Map(rounds.flatMap(({ results }) => [...results]))
  if (checks.size === 0) return null
  const held = rounds.reduce((sum, { results }) => sum + [...results.values()].filter(({ ok }) => ok).length, 0)
  const total = rounds.reduce((sum, { results }) => sum + results.size, 0)
  return html`<section>
<h2>Checks</h2>
<p class="lead">${grouped(held)} of ${counted(total, 'check')} held. Only counts left the database.</p>
<div class="wide"><table class="checks">
<thead><tr><th scope="col">Check</th>${each(rounds, ({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${each(
    [...checks.values()],
    (check) =>
      html`<tr><th scope="row">${check.title}<small>${check.kind === check.id ? check.kind : `${check.kind} ${check.id}`}</small></th>${each(rounds, ({ results }) => cell(results.get(keyOf(check))))}</tr>`,
  )}</tbody>
</table></div>
</section>`
}

function keyOf({ kind, id }: CheckResult): string {
  return `${kind} ${id}`
}

function cell(result: CheckResult | undefined): Html {
  if (result === undefined) return html`<td class="still">–</td>`
  const { ok, measured, allowed, message, durationMs } = result
  const found = measured === null ? (ok ? 'equal' : 'no') : counted(measured, 'row')
  return html`<td><span class="${ok ? 'good' : 'bad'}">${ok ? '✓' : '✗'} ${found}</span><small>${ok ? `${allowed}${durationMs > 0 ? `, ${duration(durationMs)}` : ''}` : message}</small></td>`
}
