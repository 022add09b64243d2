/** How every operation is started, whichever door it came through. The bundle and the operation go into the ledger only after
 *  Temporal has answered, and an operation whose start was refused does not stay open. One of which nobody can say whether it was
 *  started does: repeating the command, or an abort, finds out. */
import type { TypedSearchAttributes } from '@temporalio/common'
import type { MigrationBundle } from '../contracts/bundle'
import { Failure } from '../contracts/failures'
import { TASK_QUEUES } from '../contracts/messages'
import {
  FINAL_STATUSES,
  type OperationId,
  type OperationInput,
  type OperationKind,
  type OperationResult,
} from '../contracts/operation'
import { commonInput, type OperationStarter, openingRecord, searchAttributeValues } from '../contracts/start'
import type { Ledger } from '../ledger/ledger'
import { newOperationId, parseOperationId } from './operation-id'
import { isNotFound, type TemporalDoor, temporalFailure } from './temporal'

export interface OperationRequest {
  readonly bundle: MigrationBundle
  readonly mode: 'plan' | 'apply'
  /** The caller's own id: repeating it with the same files joins the operation that it names. Null: a new one. */
  readonly operation: string | null
  readonly requestedBy: string
  readonly heartbeatTimeoutMs: number
  /** How long a worker may take over one decision before another worker gets it. */
  readonly workflowTaskTimeoutMs: number
}

export interface StartedOperation {
  readonly operation: OperationId
  /** False: it was there already and has been joined. */
  readonly started: boolean
}

const START_TIMEOUT_MS = 10_000

/** Fails with OPERATION_EXISTS, TEMPORAL_UNREACHABLE, TEMPORAL_REFUSED or LEDGER_UNREACHABLE. */
export async function startOperation<Input extends OperationInput>(
  { ledger, temporal }: { ledger: Ledger; temporal: TemporalDoor },
  request: OperationRequest,
  starter: OperationStarter<Input>,
): Promise<StartedOperation> {
  const entry = request.bundle.database
  const operation = request.operation === null ? newOperationId(starter.kind, entry.name) : parseOperationId(request.operation)
  const bundle = await ledger.putBundle(request.bundle)
  const { mode, requestedBy, heartbeatTimeoutMs } = request
  const asked = { operation, entry, bundle, mode, requestedBy, heartbeatTimeoutMs }
  const opened = await ledger.openOperation(openingRecord(asked, starter, new Date().toISOString()))
  const held = await ledger.getOperation(operation)
  if (held !== null && FINAL_STATUSES.includes(held.status)) return { operation, started: false }
  const input = starter.inputOf(commonInput({ ...asked, requestedBy: held?.requestedBy ?? requestedBy }))
  try {
    return { operation, started: await startWorkflow(temporal, input, starter, request.workflowTaskTimeoutMs) }
  } catch (error) {
    // One that was there before may well be running, whatever this client was told.
    if (opened && !(error instanceof UnknownOutcome)) await closeUnstarted(ledger, operation, error)
    throw error
  }
}

/** False when the workflow was there already. */
async function startWorkflow<Input extends OperationInput>(
  temporal: TemporalDoor,
  input: Input,
  { kind, workflow, summary }: OperationStarter<Input>,
  workflowTaskTimeout: number,
): Promise<boolean> {
  const { WorkflowExecutionAlreadyStartedError } = await import('@temporalio/client')
  const attributes = await searchAttributes(input, kind)
  try {
    await temporal.within(START_TIMEOUT_MS, () =>
      temporal.client.workflow.start<(input: OperationInput) => Promise<OperationResult>>(workflow, {
        workflowId: input.operation,
        taskQueue: TASK_QUEUES.control,
        args: [input],
        typedSearchAttributes: attributes,
        staticSummary: summary,
        workflowTaskTimeout,
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
      }),
    )
    return true
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false
    if (error instanceof Failure && error.code === 'TEMPORAL_REFUSED') throw error
    // No answer is no refusal: the server may have started it before the connection went away.
    if (await exists(temporal, input.operation)) return true
    throw temporalFailure(error, temporal.target)
  }
}

class UnknownOutcome extends Failure {
  constructor(operation: OperationId, cause: unknown) {
    const message =
      `Temporal stopped answering while ${operation} was being started, so nobody knows whether it runs; once Temporal is back, ` +
      `repeat the command with --operation ${operation}, or "capstan ops abort ${operation}".`
    super('TEMPORAL_UNREACHABLE', message, { operation }, { cause })
  }
}

async function exists(temporal: TemporalDoor, operation: OperationId): Promise<boolean> {
  try {
    await temporal.within(START_TIMEOUT_MS, () => temporal.handle(operation).describe())
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw new UnknownOutcome(operation, error)
  }
}

async function searchAttributes(input: OperationInput, kind: OperationKind): Promise<TypedSearchAttributes> {
  const { defineSearchAttributeKey, TypedSearchAttributes } = await import('@temporalio/common')
  const values = searchAttributeValues(input, kind)
  return new TypedSearchAttributes(
    Object.entries(values).map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })),
  )
}

/** A workflow that was started after all finds its operation closed and ends at its first step. */
async function closeUnstarted(ledger: Ledger, operation: OperationId, error: unknown): Promise<void> {
  const reason = error instanceof Failure ? error : null
  await ledger
    .setStatus({
      operation,
      status: 'failed',
      failure: { code: reason?.code ?? 'DEFECT', message: reason?.message ?? 'The operation could not be started.' },
      finishedAt: new Date().toISOString(),
    })
    // The first failure is the one to tell.
    .catch(() => undefined)
}
