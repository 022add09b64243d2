/** What people say to a running operation: approve, reject, resolve; abort.ts has the fourth. Each is an Update that the workflow judges before it
 *  accepts it, so the caller hears a refusal at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../contracts/canonical-json'
import { failure } from '../contracts/failures'
import { type ApproveInput, type RejectInput, type ResolveInput, UPDATES } from '../contracts/messages'
import { FINAL_STATUSES, type OperationDocument, type OperationId, type Sha256 } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { findOperation } from './find-operation'
import { shownInput } from './shown-input'
import { stuckSteps } from './standing'
import { isNotFound, type TemporalDoor, temporalFailure } from './temporal'

export interface Doors {
  readonly ledger: Ledger
  readonly temporal: TemporalDoor
}

/** A worker that is there answers in a tenth of a second; one that was just killed is replaced within a few. */
export const ANSWER_TIMEOUT_MS = 10_000

/** `planDigest` null: the digest that the ledger shows. Fails with OPERATION_NOT_WAITING, APPROVAL_REFUSED or PLAN_DRIFTED. */
export async function approve(
  doors: Doors,
  decision: { operation: OperationId; by: string; planDigest: Sha256 | null },
): Promise<ApproveInput> {
  const awaited = awaitedPlan(await findOperation(doors.ledger, decision.operation))
  const input: ApproveInput = { by: decision.by, planDigest: decision.planDigest ?? awaited }
  await update(doors, decision.operation, UPDATES.approve, input)
  return input
}

/** Fails with OPERATION_NOT_WAITING. */
export async function reject(doors: Doors, decision: RejectInput & { operation: OperationId }): Promise<void> {
  awaitedPlan(await findOperation(doors.ledger, decision.operation))
  const input: RejectInput = { by: decision.by, reason: decision.reason }
  await update(doors, decision.operation, UPDATES.reject, input)
}

function awaitedPlan(document: OperationDocument): Sha256 {
  assertOpen(document)
  if (document.status === 'awaiting-approval' && document.planDigest !== null) return document.planDigest
  throw notWaiting(document, `it is not waiting for an approval now: "capstan ops watch ${document.id}" follows it`)
}

export function notWaiting({ id, status }: OperationDocument, why: string): Error {
  return failure('OPERATION_NOT_WAITING', `Operation ${id} is ${status}; ${why}.`, { operation: id, status })
}

/** `step` null: the one that waits, when there is only one. Resolves to that step once the record shows that the decision is being
 *  carried out. Fails with OPERATION_NOT_WAITING, or OPTION_INVALID for a step that does not wait. */
export async function resolve(
  doors: Doors,
  decision: Omit<ResolveInput, 'step'> & { operation: OperationId; step: string | null },
): Promise<{ step: string }> {
  const document = await findOperation(doors.ledger, decision.operation)
  const step = stuckStep(document, decision.step)
  const input: ResolveInput = { by: decision.by, step, decision: decision.decision }
  await update(doors, document.id, UPDATES.resolve, input)
  // Whoever watches it next must not be told once more that it waits.
  await untilItMoves(doors.ledger, document)
  return { step }
}

function stuckStep(document: OperationDocument, step: string | null): string {
  assertOpen(document)
  const stuck = stuckSteps(document).map(({ id }) => id)
  const [only] = stuck
  if (only === undefined)
    throw notWaiting(document, `nothing of it waits for an operator: "capstan ops watch ${document.id}" follows it`)
  if (step === null && stuck.length === 1) return only
  if (step !== null && stuck.includes(step)) return step
  const message = `${step === null ? 'Several steps wait' : `--step is ${shownInput(step)}`}; what waits is ${stuck.join(', ')}: name one with --step.`
  throw failure('OPTION_INVALID', message, { option: 'step', operation: document.id })
}

const MOVES_WITHIN_MS = 3_000

async function untilItMoves(ledger: Ledger, before: OperationDocument): Promise<void> {
  const deadline = Date.now() + MOVES_WITHIN_MS
  while (Date.now() < deadline) {
    const now = await ledger.getOperation(before.id)
    if (now?.status !== 'needs-operator' || canonicalJson(now) !== canonicalJson(before)) return
    await sleep(50)
  }
}

export async function update(
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

export function assertOpen(document: OperationDocument): void {
  if (FINAL_STATUSES.includes(document.status)) throw closed(document)
}

function closed(document: OperationDocument): Error {
  const message = `Operation ${document.id} is over: it ended ${document.status}; "capstan ops show ${document.id}" has its record.`
  return failure('OPERATION_CLOSED', message, { operation: document.id, status: document.status })
}

/** Temporal runs no such workflow, though the ledger knows the operation. */
export async function whyGone(ledger: Ledger, operation: OperationId): Promise<Error> {
  const document = await findOperation(ledger, operation)
  if (FINAL_STATUSES.includes(document.status)) return closed(document)
  const message =
    `Temporal runs no workflow ${operation}, though the ledger says ${document.status}: nobody is left to carry it on or take it back. ` +
    `Look at what it left ("capstan ops show ${operation}"), then close its record with "capstan ops abort ${operation} --close-record".`
  return failure('DEFECT', message, { operation, status: document.status })
}
