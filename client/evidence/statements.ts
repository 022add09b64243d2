/** Every statement of the plan, with what it cost on the canary and whether its script was applied to the target. */
import type { EvidenceDocument, StatementRecord } from '../../ledger/evidence-document'
import { bytes, counted, duration, grouped } from '../quantities'
import { each, type Html, html } from './html'

interface Script {
  readonly name: string
  readonly description: string | null
  readonly statements: readonly Row[]
}

interface Row {
  readonly line: number
  readonly kind: string
  readonly sql: string
  readonly transactional: boolean | null
  /** Null: it was not rehearsed. */
  readonly record: StatementRecord | null
}

export function statementsOf(evidence: EvidenceDocument): Html | null {
  const { documents } = evidence
  const scripts = scriptsOf(evidence)
  if (scripts.length === 0) return null
  const total = scripts.reduce((sum, { statements }) => sum + statements.length, 0)
  const { rehearsal } = documents
  const cost =
    rehearsal === undefined
      ? 'None was run: the operation ended before the rehearsal.'
      : `On the canary they took ${duration(rehearsal.durationMs)} and wrote ${bytes(rehearsal.walBytes)} of write-ahead log.`
  return html`<section>
<h2>Statements</h2>
<p class="lead">${counted(total, 'statement')} of ${counted(scripts.length, 'script')}, constants left out. ${cost}</p>
<div class="wide"><table class="statements">
<thead><tr><th scope="col">Line</th><th scope="col">Statement</th><th scope="col" class="number">Took</th><th scope="col" class="number">WAL</th><th scope="col">Rewrote</th></tr></thead>
${each(scripts, (script) => scriptBody(script, evidence))}
</table></div>
${repairs(documents.apply)}
</section>`
}

/** The plan's, in its order; what was rehearsed beyond it (there should be nothing) comes last. */
function scriptsOf({ documents: { plan, rehearsal } }: EvidenceDocument): Script[] {
  const records = new Map((rehearsal?.records ?? []).map((record) => [`${record.index} ${record.script}`, record]))
  const planned = (plan?.pending ?? []).map(
    ({ script, description, statements }): Script => ({
      name: script,
      description,
      statements: statements.map(({ index, line, kind, sql, transactional }) => {
        const key = `${index} ${script}`
        const record = records.get(key) ?? null
        records.delete(key)
        return { line, kind, sql, transactional, record }
      }),
    }),
  )
  const unplanned = [...records.values()].map(
    (record): Script => ({
      name: record.script,
      description: 'not in the plan',
      statements: [{ ...record, transactional: null, record }],
    }),
  )
  return [...planned, ...unplanned]
}

function scriptBody({ name, description, statements }: Script, { documents, request }: EvidenceDocument): Html {
  const applied = documents.apply?.applied.includes(name) ?? false
  const limits = request?.policy.limits
  return html`<tbody>
<tr class="script"><th scope="rowgroup" colspan="5"><code>${name}</code>${description !== null && html` <span>${description}</span>`}<em class="${applied ? 'good' : 'still'}">${applied ? 'applied' : 'not applied'}</em></th></tr>
${each(statements, ({ line, kind, sql, transactional, record }) => {
  const rewrites = record?.rewrites ?? []
  const slow = record !== null && limits?.statementMsMax != null && record.durationMs > limits.statementMsMax
  return html`<tr>
<td class="number">${line}</td>
<td><span class="kind">${kind}</span>${transactional === false && html` <span class="kind">outside a transaction</span>`}<code class="sql">${sql}</code></td>
<td class="number ${slow && 'bad'}">${record === null ? '–' : duration(record.durationMs)}</td>
<td class="number">${record === null ? '–' : bytes(record.walBytes)}</td>
<td>${each(rewrites, ({ relation, rows }) => {
    const over = limits?.rewriteRowsMax != null && rows > limits.rewriteRowsMax
    return html`<span class="${over ? 'bad' : 'still'}">${grouped(rows)} rows of <code>${relation}</code></span>`
  })}${rewrites.length === 0 && '–'}</td>
</tr>`
})}
</tbody>`
}

function repairs(apply: EvidenceDocument['documents']['apply']): Html {
  const { healedIndexes = [], invalidIndexes = [] } = apply ?? {}
  return html`${
    healedIndexes.length > 0 &&
    html`<p>Left invalid by an interruption on the target, dropped and built again: ${healedIndexes.map((name) => html`<code>${name}</code> `)}</p>`
  }${
    invalidIndexes.length > 0 &&
    html`<p class="bad">Left invalid on the target, to be built again by the next run: ${invalidIndexes.map((name) => html`<code>${name}</code> `)}</p>`
  }`
}
