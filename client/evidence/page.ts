/** Evidence as one HTML file: for whoever has to be shown what was done, with no program but a browser. It loads nothing, runs nothing, and is
 *  the same page each time for the same evidence and history. Its policy forbids what it does not need, should a hostile name ever get through. */
import { createHash } from 'node:crypto'
import type { Sha256 } from '../../contracts/operation'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import type { VerificationRun } from '../../ledger/verifications'
import { checksSection, findingsSection } from './checks'
import { figuresOf, figureTiles, headerOf, sealOf } from './header'
import { historySection } from './history'
import { Html, html } from './html'
import { ladderSection } from './ladder'
import { locksOf } from './locks'
import { statementsOf } from './statements'
import { STYLE } from './style'
import { timelineOf } from './timeline'
import { digestsOf, otherDocuments, resourcesOf } from './traces'

const STYLE_HASH = createHash('sha256').update(STYLE, 'utf8').digest('base64')
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`

/** `digest`: of the evidence's canonical JSON, as the ledger has it. `history`: of a verification, the runs up to it, newest first. */
export function evidencePage(evidence: EvidenceDocument, digest: Sha256, history: readonly VerificationRun[] = []): string {
  const { operation } = evidence
  const { word } = sealOf(evidence)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${word} · ${operation.id} · evidence</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${headerOf(evidence)}
${figureTiles(figuresOf(evidence))}
${findingsSection(evidence)}
${ladderSection(evidence)}
${historySection(history, operation.databases.join(', '))}
${timelineOf(evidence)}
${locksOf(evidence)}
${checksSection(evidence)}
${statementsOf(evidence)}
${resourcesOf(evidence)}
${otherDocuments(evidence)}
${digestsOf(evidence, digest, history.length > 0)}
<footer>Times are UTC. Evidence sha256 <code>${digest}</code></footer>
</main>
</body>
</html>
`
  return page.text
}
