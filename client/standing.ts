/** Why an operation stands as it does, in the closed table's words: also where its record holds no failure because nothing failed. */
import type { FailureCode } from '../contracts/failures'
import type { FailureRecord, OperationDocument, StepRecord } from '../contracts/operation'

/** Steps that wait for an operator: their undo, or, past the point of no return, their act. */
export function stuckSteps(document: OperationDocument): StepRecord[] {
  if (document.status !== 'needs-operator') return []
  return document.steps.filter(({ state, detail }) => state === 'undo-failed' || (state === 'failed' && detail.waits === true))
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
      return record('UNDO_INCOMPLETE', stuckSteps(document).map(undoFailure).join(' ') || 'A step could not finish.')
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

function undoFailure({ title, state, detail }: StepRecord): string {
  const why = typeof detail.undoFailure === 'string' ? `: ${detail.undoFailure}` : '.'
  return `“${title}” could not be ${state === 'failed' ? 'done, and there is no way back' : 'undone'}${why}`
}
