/** Exit codes of the command line: scripts and CI depend on them. Those of failures are in contracts/failures.ts. */
import { FAILURE_KINDS, FAILURES, type FailureCode, isFailureCode } from '../contracts/failures'
import type { OperationDocument } from '../contracts/operation'
import { whyNot } from './standing'

export const EXIT = {
  success: 0,
  /** A check said no. */
  finding: 1,
  badInput: FAILURE_KINDS.invalid.exit,
  /** Rejected or aborted by a person. */
  stopped: FAILURE_KINDS.aborted.exit,
  /** Still waiting for an approval when the waiting ran out. */
  awaitingApproval: 8,
  defect: FAILURE_KINDS.defect.exit,
  /** 128 + SIGINT, as shells have it: this program was left, the operation goes on. */
  detached: 130,
} as const

export function exitOfFailure(code: FailureCode): number {
  return FAILURE_KINDS[FAILURES[code]].exit
}

/** The code for how an operation stands: its end, or what it waits for. An operation that goes on is no error. */
export function exitOfOperation(document: OperationDocument): number {
  const why = whyNot(document)
  if (why !== null) return isFailureCode(why.code) ? exitOfFailure(why.code) : EXIT.defect
  switch (document.status) {
    case 'awaiting-approval':
      return EXIT.awaitingApproval
    case 'failed':
      // Without a failure it is a verdict that ended it.
      return document.verdict === null ? EXIT.defect : EXIT.finding
    default:
      return document.verdict === 'fail' ? EXIT.finding : EXIT.success
  }
}
