/** What the checks of an operation found, over all its steps. */
import type { Finding, OperationDocument } from '../contracts/operation'

/** `V7__total.sql:3`; empty when the finding is about no file. */
export function placeOf(finding: Finding): string {
  if (finding.script === undefined) return ''
  return finding.line === undefined ? finding.script : `${finding.script}:${finding.line}`
}

/** Each once, though several steps may tell it. */
export function findingsOf(document: OperationDocument): Finding[] {
  const seen = new Map<string, Finding>()
  for (const finding of document.steps.flatMap((step) => step.detail.findings ?? [])) {
    seen.set(`${finding.rule} ${placeOf(finding)} ${finding.message}`, finding)
  }
  return [...seen.values()]
}
