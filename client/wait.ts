/** Follows an operation until it is over, needs a person, or has waited for an approval long enough. Reads the ledger, which holds
 *  the record; asks Temporal now and then whether anybody is still at work on it. Outlasts either being away for a while. Changes
 *  nothing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson } from '../contracts/canonical-json'
import { Failure, failure } from '../contracts/failures'
import { FINAL_STATUSES, type OperationDocument, type OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import { findOperation } from './find-operation'
import { HealthWatch, type Note, type Vigilance } from './health-watch'
import type { TemporalLink } from './temporal-link'

export interface WaitOptions {
  readonly ledger: Ledger
  /** Null: no Temporal is known; then a parked workflow goes unnoticed. */
  readonly temporal: TemporalLink | null
  readonly operation: OperationId
  /** How long it may stay `awaiting-approval` while this waits. Everything else takes as long as it takes. */
  readonly approvalTimeoutMs: number
  /** Called with the first document and with each that differs from the one before. */
  readonly onChange: (document: OperationDocument) => void
  /** Called with all that stands in the way now, whenever that changes; empty: nothing does any more. */
  readonly onNotes: (notes: readonly Note[]) => void
  /** Stops the waiting; the operation goes on. */
  readonly signal: AbortSignal
  readonly vigilance: Vigilance
}

export interface WaitResult {
  readonly end: 'final' | 'needs-operator' | 'awaiting-approval' | 'detached'
  readonly document: OperationDocument
}

const POLL_MS = 200
/** A ledger that is back within this was not missed. */
const LEDGER_MISSED_MS = 1_500

/** Fails with OPERATION_UNKNOWN; DEFECT when the workflow is parked or gone; LEDGER_UNREACHABLE or TEMPORAL_UNREACHABLE when patience ran out. */
export async function waitForOperation(options: WaitOptions): Promise<WaitResult> {
  const { ledger, temporal, operation, vigilance, signal } = options
  const health = temporal === null ? null : new HealthWatch({ ledger, temporal, operation, vigilance })
  const notes = new Notes(options.onNotes)
  let document = await findOperation(ledger, operation)
  options.onChange(document)
  let shown = canonicalJson(document)
  let changedAt = Date.now()
  let waitingSince: number | null = null
  try {
    for (;;) {
      if (FINAL_STATUSES.includes(document.status)) return { end: 'final', document }
      if (document.status === 'needs-operator') return { end: 'needs-operator', document }
      if (signal.aborted) return { end: 'detached', document }
      waitingSince = document.status === 'awaiting-approval' ? (waitingSince ?? Date.now()) : null
      if (waitingSince !== null && Date.now() - waitingSince >= options.approvalTimeoutMs) {
        return { end: 'awaiting-approval', document }
      }
      health?.assertAlive(changedAt)
      notes.tell(health?.notes ?? [])
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
      const read = await readPatiently(options, notes)
      if (read === null) return { end: 'detached', document }
      document = read
      const text = canonicalJson(document)
      if (text === shown) continue
      shown = text
      changedAt = Date.now()
      options.onChange(document)
    }
  } finally {
    notes.tell([])
    await health?.settle()
  }
}

/** Null: the waiting was stopped meanwhile. */
async function readPatiently(
  { ledger, operation, signal, vigilance }: WaitOptions,
  notes: Notes,
): Promise<OperationDocument | null> {
  const since = Date.now()
  for (;;) {
    try {
      return await findOperation(ledger, operation)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'transient') throw error
      if (signal.aborted) return null
      const awayMs = Date.now() - since
      if (awayMs > vigilance.patienceMs) {
        const message = `${error.message} The operation goes on without being watched: look again with "capstan ops watch ${operation}".`
        throw failure(error.code, message, { ...error.facts, operation })
      }
      if (awayMs > LEDGER_MISSED_MS) notes.tell([{ kind: 'ledger-away', text: `${error.message} Trying again.` }])
      await sleep(POLL_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** Tells only what changed. */
class Notes {
  #told = '[]'

  constructor(private readonly onNotes: WaitOptions['onNotes']) {}

  tell(notes: readonly Note[]): void {
    const text = JSON.stringify(notes)
    if (text === this.#told) return
    this.#told = text
    this.onNotes(notes)
  }
}
