/** Why an operation stands as it does, in the closed table's words: also where its record holds no failure because nothing failed. */
import type { FailureCode } from '../contracts/failures'
import type { FailureRecord, OperationDocument, StepRecord } from '../contracts/operation'

/** Steps whose undo waits for an operator. */
export function stuckSteps(document: OperationDocument): StepRecord[] {
  return document.status === 'needs-operator' ? document.steps.filter(({ state }) => state === 'undo-failed') : []
}

/** Null: it goes on, ended well, or ended with findings. */
export function whyNot(document: OperationDocument): FailureRecord | null {
  if (document.failure !== null) return document.failure
  switch (document.status) {
    case 'rejected':
      return record('OPERATION_REJECTED', summaryOf(document, 'approve') ?? 'Its plan was rejected.')
    case 'aborted':
      return record('OPERATION_ABORTED', 'It was aborted.')
    case 'needs-operator':
      return record('UNDO_INCOMPLETE', stuckSteps(document).map(undoFailure).join(' ') || 'An undo could not finish.')
    default:
      return null
  }
}

function record(code: FailureCode, message: string): FailureRecord {
  return { code, message }
}

function summaryOf(document: OperationDocument, step: string): string | null {
  const summary = document.steps.find(({ id }) => id === step)?.detail.summary
  return summary === undefined ? null : `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
}

function undoFailure({ title, detail }: StepRecord): string {
  const why = typeof detail.undoFailure === 'string' ? `: ${detail.undoFailure}` : '.'
  return `“${title}” could not be undone${why}`
}
