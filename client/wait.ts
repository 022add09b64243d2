/** Follows an operation until it is over, needs a person, or has waited for an approval long enough. Reads the ledger, which holds
 *  the record; asks Temporal now and then whether anybody is still at work on it. Changes nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../contracts/canonical-json'
import { Failure, failure } from '../contracts/failures'
import { FINAL_STATUSES, type OperationDocument, type OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { findOperation } from './decide'
import type { TemporalDoor } from './temporal'
import { checkWorkflow, type WorkflowHealth } from './workflow-health'

export interface WaitOptions {
  readonly ledger: Ledger
  /** Null: no Temporal is known; then a parked workflow goes unnoticed. */
  readonly temporal: TemporalDoor | null
  readonly operation: OperationId
  /** How long it may stay `awaiting-approval` while this waits. Everything else takes as long as it takes. */
  readonly approvalTimeoutMs: number
  /** Called with the first document and with each that differs from the one before. */
  readonly onChange: (document: OperationDocument) => void
  /** Stops the waiting; the operation goes on. */
  readonly signal: AbortSignal
  readonly vigilance: Vigilance
}

/** How soon a workflow that nobody is at work on is named. */
export interface Vigilance {
  readonly lookEveryMs: number
  /** Failed workflow tasks in a row before it counts as parked: the first may fail on a worker that is just being replaced by
   *  the next version. The server waits several seconds before the third. */
  readonly attemptsTolerated: number
}

export const VIGILANCE: Vigilance = { lookEveryMs: 2_000, attemptsTolerated: 2 }

export interface WaitResult {
  readonly end: 'final' | 'needs-operator' | 'awaiting-approval' | 'detached'
  readonly document: OperationDocument
}

const POLL_MS = 200
/** Looks in a row before a workflow that Temporal does not know counts as never started. */
const MISSING_TOLERATED = 2
/** A ledger that is restarted is back within this. */
const LEDGER_PATIENCE_MS = 15_000

/** Fails with DEFECT when the workflow is parked or gone, OPERATION_UNKNOWN, or LEDGER_UNREACHABLE after 15 seconds without it. */
export async function waitForOperation(options: WaitOptions): Promise<WaitResult> {
  let shown = ''
  let waitingSince: number | null = null
  const health = new HealthWatch(options)
  for (;;) {
    const document = shown === '' ? await findOperation(options.ledger, options.operation) : await readPatiently(options)
    const text = canonicalJson(document)
    if (text !== shown) options.onChange(document)
    shown = text
    if (FINAL_STATUSES.includes(document.status)) return { end: 'final', document }
    if (document.status === 'needs-operator') return { end: 'needs-operator', document }
    if (options.signal.aborted) return { end: 'detached', document }
    waitingSince = document.status === 'awaiting-approval' ? (waitingSince ?? Date.now()) : null
    if (waitingSince !== null && Date.now() - waitingSince >= options.approvalTimeoutMs)
      return { end: 'awaiting-approval', document }
    await health.assertAlive()
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined)
  }
}

async function readPatiently(options: WaitOptions): Promise<OperationDocument> {
  const since = Date.now()
  for (;;) {
    try {
      return await findOperation(options.ledger, options.operation)
    } catch (error) {
      const passing = error instanceof Failure && error.kind === 'transient'
      if (!passing || options.signal.aborted || Date.now() - since > LEDGER_PATIENCE_MS) throw error
      await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined)
    }
  }
}

/** Looks after the workflow every few seconds, in the background, so that the tree stays live while Temporal is slow to answer. */
class HealthWatch {
  readonly #options: WaitOptions
  #checkedAt = 0
  #checking = false
  #missing = 0
  #suspicion: Failure | null = null

  constructor(options: WaitOptions) {
    this.#options = options
  }

  async assertAlive(): Promise<void> {
    if (this.#suspicion !== null) throw this.#suspicion
    const { temporal, vigilance } = this.#options
    if (temporal === null || this.#checking || Date.now() - this.#checkedAt < vigilance.lookEveryMs) return
    this.#checking = true
    void this.#check(temporal).finally(() => {
      this.#checking = false
      this.#checkedAt = Date.now()
    })
  }

  async #check(temporal: TemporalDoor): Promise<void> {
    const { ledger, operation, vigilance } = this.#options
    // A Temporal that does not answer now says nothing about the operation: the ledger is still read.
    const health = await checkWorkflow(temporal, operation, vigilance.attemptsTolerated).catch(() => null)
    if (health === null || health.state === 'running') return
    if (health.state === 'closed') {
      // It closes after its last record: what was read before may be older than its end.
      const document = await ledger.getOperation(operation).catch(() => null)
      if (document === null || FINAL_STATUSES.includes(document.status)) return
      if (health.status === 'NOT_FOUND' && document.steps.length === 0) {
        // Whoever starts it records it first, so for a moment this is normal.
        this.#missing += 1
        if (this.#missing >= MISSING_TOLERATED) this.#suspicion = unstarted(operation)
        return
      }
    }
    this.#suspicion = named(operation, health)
  }
}

function unstarted(operation: OperationId): Failure {
  const message =
    `Operation ${operation} was recorded but never started: whoever asked for it was interrupted. Nothing was done; close it with ` +
    `"capstan ops abort ${operation}", or start it by repeating the command with --operation ${operation}.`
  return failure('OPERATION_NOT_STARTED', message, { operation })
}

function named(operation: OperationId, health: Exclude<WorkflowHealth, { state: 'running' }>): Failure {
  if (health.state === 'parked') {
    const message =
      `The workflow of ${operation} is parked: its workflow task failed ${health.attempt - 1} times, the last time with ` +
      `"${health.reason}". It goes on by itself once workers with mended code run.`
    return failure('DEFECT', message, { operation, attempt: health.attempt })
  }
  const why = health.reason === null ? '' : ` (${health.reason})`
  const message =
    `Temporal says the workflow of ${operation} is ${health.status}${why}, but the ledger has no end for it: ` +
    'nobody is at work on it any more.'
  return failure('DEFECT', message, { operation, temporal: health.status })
}
