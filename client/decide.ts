/** What people say to a running operation: approve, reject, abort, resolve. Each is an Update that the workflow judges before it
 *  accepts it, so the caller hears a refusal at once. */
import { failure } from '../contracts/failures'
import { type AbortInput, type ApproveInput, type RejectInput, type ResolveInput, UPDATES } from '../contracts/messages'
import { FINAL_STATUSES, type OperationDocument, type OperationId, type Sha256 } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { isNotFound, type TemporalDoor, temporalFailure } from './temporal'

export interface Doors {
  readonly ledger: Ledger
  readonly temporal: TemporalDoor
}

/** A worker that is there answers in a tenth of a second; one that was just killed is replaced within a few. */
const ANSWER_TIMEOUT_MS = 10_000
/** After this an abort goes the other way: the server itself records a cancellation, no worker needed. */
const ABORT_TIMEOUT_MS = 3_000

/** The operation as the ledger holds it. Fails with OPERATION_UNKNOWN. */
export async function findOperation(ledger: Ledger, id: OperationId): Promise<OperationDocument> {
  const document = await ledger.getOperation(id)
  if (document !== null) return document
  throw failure('OPERATION_UNKNOWN', `The ledger holds no operation ${id}; "capstan ops list" shows those it holds.`, {
    operation: id,
  })
}

/** `planDigest` null: the digest that the ledger shows. Fails with OPERATION_NOT_WAITING, APPROVAL_REFUSED or PLAN_DRIFTED. */
export async function approve(
  doors: Doors,
  decision: { operation: OperationId; by: string; planDigest: Sha256 | null },
): Promise<ApproveInput> {
  const document = await findOperation(doors.ledger, decision.operation)
  assertOpen(document)
  const planDigest = decision.planDigest ?? document.planDigest
  if (planDigest === null || document.status !== 'awaiting-approval') {
    const message = `Operation ${document.id} is ${document.status}; it is not waiting for an approval now.`
    throw failure('OPERATION_NOT_WAITING', message, { operation: document.id, status: document.status })
  }
  const input: ApproveInput = { by: decision.by, planDigest }
  await update(doors, document.id, UPDATES.approve, input)
  return input
}

export async function reject(doors: Doors, decision: RejectInput & { operation: OperationId }): Promise<void> {
  assertOpen(await findOperation(doors.ledger, decision.operation))
  const input: RejectInput = { by: decision.by, reason: decision.reason }
  await update(doors, decision.operation, UPDATES.reject, input)
}

export async function resolve(doors: Doors, decision: ResolveInput & { operation: OperationId }): Promise<void> {
  assertOpen(await findOperation(doors.ledger, decision.operation))
  const input: ResolveInput = { by: decision.by, step: decision.step, decision: decision.decision }
  await update(doors, decision.operation, UPDATES.resolve, input)
}

/** Resolves once the abort is recorded; the undoing takes its time. `accepted`: by the workflow. `requested`: left for it at the
 *  server, because no worker answered. `closed`: it was recorded but never started, so there was nothing to undo. */
export async function abort(
  doors: Doors,
  decision: AbortInput & { operation: OperationId },
): Promise<{ how: 'accepted' | 'requested' | 'closed' }> {
  const document = await findOperation(doors.ledger, decision.operation)
  assertOpen(document)
  const input: AbortInput = { by: decision.by, reason: decision.reason }
  if (await neverStarted(doors, document)) {
    await closeNeverStarted(doors.ledger, document, input)
    return { how: 'closed' }
  }
  try {
    await update(doors, document.id, UPDATES.abort, input, ABORT_TIMEOUT_MS)
    return { how: 'accepted' }
  } catch (error) {
    if (!isUnanswered(error)) throw error
  }
  try {
    await doors.temporal.within(ANSWER_TIMEOUT_MS, () => doors.temporal.handle(document.id).cancel())
  } catch (error) {
    throw isNotFound(error) ? await whyGone(doors.ledger, document.id) : error
  }
  return { how: 'requested' }
}

/** Whoever started it was gone between recording it and starting its workflow. One that has begun a step is another matter. */
async function neverStarted({ temporal }: Doors, document: OperationDocument): Promise<boolean> {
  if (document.steps.length > 0) return false
  try {
    await temporal.within(ANSWER_TIMEOUT_MS, () => temporal.handle(document.id).describe())
    return false
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

async function closeNeverStarted(ledger: Ledger, { id }: OperationDocument, { by, reason }: AbortInput): Promise<void> {
  const message = `It was recorded but never started; closed by ${by}${reason === '' ? '' : `: ${reason}`}.`
  const finishedAt = new Date().toISOString()
  await ledger.setStatus({ operation: id, status: 'aborted', failure: { code: 'OPERATION_ABORTED', message }, finishedAt })
}

async function update(
  doors: Doors,
  operation: OperationId,
  name: string,
  input: object,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<void> {
  const { temporal } = doors
  const { WorkflowUpdateRPCTimeoutOrCancelledError } = await import('@temporalio/client')
  try {
    await temporal.client.connection.withDeadline(Date.now() + timeoutMs, () =>
      temporal.handle(operation).executeUpdate(name, { args: [input] }),
    )
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw unanswered(operation, name, timeoutMs)
    if (isNotFound(error)) throw await whyGone(doors.ledger, operation)
    throw temporalFailure(error, temporal.target)
  }
}

function unanswered(operation: OperationId, name: string, timeoutMs: number): Error {
  const message =
    `No worker answered the ${name} within ${timeoutMs / 1000} s, so it may or may not have been heard; ` +
    `check that a worker runs, then look with "capstan ops show ${operation}".`
  return failure('NOT_READY_YET', message, { operation, update: name, timeoutMs })
}

function isUnanswered(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'NOT_READY_YET'
}

function assertOpen(document: OperationDocument): void {
  if (FINAL_STATUSES.includes(document.status)) throw closed(document)
}

function closed(document: OperationDocument): Error {
  const message = `Operation ${document.id} is over: it ended ${document.status}.`
  return failure('OPERATION_CLOSED', message, { operation: document.id, status: document.status })
}

/** Temporal runs no such workflow, though the ledger knows the operation. */
async function whyGone(ledger: Ledger, operation: OperationId): Promise<Error> {
  const document = await findOperation(ledger, operation)
  if (FINAL_STATUSES.includes(document.status)) return closed(document)
  const message = `Temporal runs no workflow ${operation}, though the ledger says ${document.status}; nothing is left to talk to.`
  return failure('DEFECT', message, { operation, status: document.status })
}
