/** What is left behind and how to prove the page: resources, documents this page has no picture of, digests, and the document itself. */
import { canonicalJson } from '../../contracts/canonical-json'
import { OLD_INSTANCE } from '../../contracts/old-instance'
import type { Sha256 } from '../../contracts/operation'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import { instant } from '../quantities'
import { each, type Html, html } from './html'
import { paperOf } from './papers'

export function resourcesOf(evidence: EvidenceDocument): Html | null {
  // Evidence that was sealed by an earlier release may name what was there before.
  const resources = evidence.resources.filter(({ kind }) => kind !== OLD_INSTANCE)
  if (resources.length === 0) return null
  return html`<section>
<h2>Made in the cloud</h2>
<div class="wide"><table class="resources">
<thead><tr><th scope="col">Kind</th><th scope="col">Name</th><th scope="col">Made</th><th scope="col">Until</th></tr></thead>
<tbody>${each(
    resources,
    ({ kind, cloud, name, createdAt, expiresAt, removedAt }) =>
      html`<tr><td>${kind}, ${cloud}</td><td><code>${name}</code></td><td>${instant(createdAt)}</td><td>${
        removedAt !== null
          ? `removed ${instant(removedAt)}`
          : expiresAt !== null
            ? `kept until ${instant(expiresAt)}`
            : html`<span class="bad">not removed when this was written</span>`
      }</td></tr>`,
  )}</tbody>
</table></div>
</section>`
}

const PICTURED = new Set([
  ...['plan', 'rehearsal', 'checks-canary', 'apply', 'checks-target', 'bake', 'checks-copy', 'verification'],
  'verification-cost',
])

/** For kinds of operations that have papers of their own. */
export function otherDocuments({ documents }: EvidenceDocument): Html | null {
  const others = Object.entries(documents).filter(([name]) => !PICTURED.has(name))
  if (others.length === 0) return null
  return html`<section>
<h2>Further documents</h2>
${each(others, ([name, document]) => html`<h3>${name}</h3>${paperOf(document)}`)}
</section>`
}

/** `withHistory`: the page has something besides that no digest covers. */
export function digestsOf(evidence: EvidenceDocument, digest: Sha256, withHistory: boolean): Html {
  const { operation, documents, request } = evidence
  const { plan, rehearsal } = documents
  const rows: [string, string | null | undefined, string][] = [
    ['Evidence', digest, 'this document, as canonical JSON'],
    ['Plan', plan?.digest ?? operation.planDigest, 'what was shown, and what an approval binds to'],
    ['Bundle', request?.bundle ?? plan?.bundle, 'the migration files and the fleet entry that were used'],
    ['Schema before', plan?.fingerprint, 'of the target, when it was planned'],
    ['Schema after', rehearsal?.schema.fingerprint, 'of the migrated canary; the target has to equal it'],
  ]
  const file = `${operation.id}.evidence.json`
  return html`<section>
<h2>Digests</h2>
<div class="wide"><table class="digests">
<thead><tr><th scope="col">Of</th><th scope="col">SHA-256</th><th scope="col">What it covers</th></tr></thead>
<tbody>${each(
    rows.filter(([, value]) => value != null),
    ([name, value, what]) => html`<tr><th scope="row">${name}</th><td><code>${value ?? ''}</code></td><td>${what}</td></tr>`,
  )}</tbody>
</table></div>
<h3>To verify it by hand</h3>
<p>Everything on this page${withHistory && ', but for its history,'} was drawn from one document, which it carries: <a class="save" download="${file}" href="data:application/json;base64,${base64Of(evidence)}">save ${file}</a>. The ledger holds the same one. Its digest is taken over the file as it is, so any SHA-256 tool will do:</p>
<pre>sha256sum ${file}
${digest}  ${file}</pre>
<p>The ledger's own copy, to compare: <code>capstan ops evidence ${operation.id} --out ${file}</code></p>
</section>`
}

function base64Of(evidence: EvidenceDocument): string {
  return Buffer.from(canonicalJson(evidence), 'utf8').toString('base64')
}
