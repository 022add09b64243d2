/** The record of an operation's steps. Late writers lose: an attempt of the recording itself that was thought dead may still
 *  arrive, and must not turn a finished step back into a running one. Attempts only grow. */
import { sql } from 'kysely'
import { canonicalJson } from '../contracts/canonical-json'
import { failure } from '../contracts/failures'
import type { OperationId, StepDetail, StepRecord, StepState } from '../contracts/operation'
import type { LedgerDatabase } from './connect'
import { isFinal } from './operations'

export interface StepUpdate {
  readonly operation: OperationId
  /** Order among the operation's steps. */
  readonly sequence: number
  readonly step: StepRecord
}

export async function recordStep(db: LedgerDatabase, { operation, sequence, step }: StepUpdate): Promise<void> {
  const content = {
    sequence,
    title: step.title,
    state: step.state,
    started_at: step.startedAt,
    finished_at: step.finishedAt,
  }
  await db.transaction().execute(async (tx) => {
    const row = { operation, id: step.id, attempts: step.attempts, detail: canonicalJson(step.detail), ...content }
    if ((await lockStep(tx, operation, step.id)) === null) {
      await refuseNewStepOfClosed(tx, operation, step.id)
      const inserted = await tx
        .insertInto('steps')
        .values(row)
        .onConflict((conflict) => conflict.columns(['operation', 'id']).doNothing())
        .executeTakeFirst()
      if (inserted.numInsertedOrUpdatedRows === 1n) return
    }
    const held = await lockStep(tx, operation, step.id)
    if (held === null || isLate(step, held)) return
    // What was noted while it ran stays as long as it runs; what a step says at its end is all that it has to say.
    const detail = step.state === 'running' && held.state === 'running' ? { ...held.detail, ...step.detail } : step.detail
    await tx
      .updateTable('steps')
      .set({ ...content, attempts: sql<number>`greatest(attempts, ${step.attempts})`, detail: canonicalJson(detail) })
      .where('operation', '=', operation)
      .where('id', '=', step.id)
      .execute()
  })
}

/** A workflow that comes to life after its operation was closed (its start was given up as failed) is stopped at its first step. */
async function refuseNewStepOfClosed(tx: LedgerDatabase, operation: OperationId, step: string): Promise<void> {
  const row = await tx.selectFrom('operations').select('status').where('id', '=', operation).executeTakeFirst()
  if (row === undefined || !isFinal(row.status)) return
  const message = `Operation ${operation} ended ${row.status}; it cannot begin the step ${step}.`
  throw failure('OPERATION_CLOSED', message, { operation, status: row.status, step })
}

/** Older than what is recorded: an earlier round of the step, or its start after its end. */
function isLate(step: StepRecord, held: HeldStep): boolean {
  const startedAt = Date.parse(step.startedAt)
  if (startedAt !== held.startedAt) return startedAt < held.startedAt
  return step.state === 'running' && held.state !== 'running'
}

interface HeldStep {
  readonly state: StepState
  readonly startedAt: number
  readonly detail: StepDetail
}

async function lockStep(tx: LedgerDatabase, operation: OperationId, step: string): Promise<HeldStep | null> {
  const row = await tx
    .selectFrom('steps')
    .select(['state', 'started_at', 'detail'])
    .where('operation', '=', operation)
    .where('id', '=', step)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) return null
  return { state: row.state as StepState, startedAt: row.started_at.getTime(), detail: JSON.parse(row.detail) }
}

export interface AttemptNote {
  readonly operation: OperationId
  readonly step: string
  readonly attempt: number
}

export async function noteAttempt(db: LedgerDatabase, note: AttemptNote): Promise<void> {
  await db
    .updateTable('steps')
    .set({ attempts: sql<number>`greatest(attempts, ${note.attempt})` })
    .where('operation', '=', note.operation)
    .where('id', '=', note.step)
    .execute()
}

export interface ProgressNote {
  readonly operation: OperationId
  readonly step: string
  readonly detail: StepDetail
}

/** Merges live detail field by field, while the step runs. */
export async function noteProgress(db: LedgerDatabase, note: ProgressNote): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const held = await lockStep(tx, note.operation, note.step)
    if (held?.state !== 'running') return
    await tx
      .updateTable('steps')
      .set({ detail: canonicalJson({ ...held.detail, ...note.detail }) })
      .where('operation', '=', note.operation)
      .where('id', '=', note.step)
      .execute()
  })
}
