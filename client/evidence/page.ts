/** Evidence as one HTML file: for whoever has to be shown what was done, with no program but a browser. It is the same page each time for
 *  the same evidence and history. */
import type { Sha256 } from '../../contracts/operation'
import type { EvidenceDocument } from '../../ledger/evidence-document'
import type { VerificationRun } from '../../ledger/verifications'
import { checksSection, findingsSection } from './checks'
import { framed } from './frame'
import { figuresOf, figureTiles, headerOf, sealOf } from './header'
import { historySection } from './history'
import { html } from './html'
import { ladderSection } from './ladder'
import { locksOf } from './locks'
import { statementsOf } from './statements'
import { timelineOf } from './timeline'
import { digestsOf, otherDocuments, resourcesOf } from './traces'

/** `digest`: of the evidence's canonical JSON, as the ledger has it. `history`: of a verification, the runs up to it, newest first. */
export function evidencePage(evidence: EvidenceDocument, digest: Sha256, history: readonly VerificationRun[] = []): string {
  const { operation } = evidence
  const { word } = sealOf(evidence)
  return framed(
    `${word} · ${operation.id} · evidence`,
    html`${headerOf(evidence)}
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
<footer>Times are UTC. Evidence sha256 <code>${digest}</code></footer>`,
  )
}
