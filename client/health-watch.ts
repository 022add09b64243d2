/** Looks after an operation's workflow every few seconds, in the background, so that what is shown stays live while Temporal is slow to
 *  answer. What ends the watching is a failure; what somebody who watches should know is a note. */
import { Failure, failure } from '../contracts/failures'
import { FINAL_STATUSES, type OperationId } from '../contracts/operation'
import type { Ledger } from '../ledger/ledger'
import type { TemporalLink } from './temporal-link'
import { checkWorkflow, type WorkflowHealth } from './workflow-health'

/** How soon what goes wrong is named, and how long it is waited for. */
export interface Vigilance {
  readonly lookEveryMs: number
  /** Failed workflow tasks in a row before it counts as parked: the first may fail on a worker that is just being replaced by
   *  the next version. The server waits several seconds before the third. */
  readonly attemptsTolerated: number
  /** How long the ledger, or Temporal while nothing happens, may stay away. */
  readonly patienceMs: number
  /** How long a task may lie there before a worker is missed. */
  readonly unclaimedMs: number
}

export const VIGILANCE: Vigilance = { lookEveryMs: 2_000, attemptsTolerated: 2, patienceMs: 5 * 60_000, unclaimedMs: 10_000 }

/** One of a kind at a time. `text` may change while the trouble lasts. */
export interface Note {
  readonly kind: 'ledger-away' | 'temporal-away' | 'worker-missed' | 'retrying'
  readonly text: string
}

/** Looks in a row before a workflow that Temporal does not know counts as never started. */
const MISSING_TOLERATED = 2
/** Looks in a row before somebody is told that Temporal does not answer. */
const UNANSWERED_TOLERATED = 2

export interface Watched {
  readonly ledger: Ledger
  readonly temporal: TemporalLink
  readonly operation: OperationId
  readonly vigilance: Vigilance
}

export class HealthWatch {
  readonly #watched: Watched
  #checkedAt = 0
  #checking: Promise<void> | null = null
  #missing = 0
  #unanswered = 0
  #suspicion: Failure | null = null
  #away: { readonly since: number; readonly why: Failure } | null = null
  #unclaimed: { readonly key: string; readonly since: number } | null = null
  #notes: readonly Note[] = []

  constructor(watched: Watched) {
    this.#watched = watched
  }

  get notes(): readonly Note[] {
    return this.#notes
  }

  /** @param unchangedSince when the record changed last; a record that moves proves that Temporal is there for others.
   *  Fails with DEFECT, OPERATION_NOT_STARTED or TEMPORAL_UNREACHABLE. */
  assertAlive(unchangedSince: number): void {
    if (this.#suspicion !== null) throw this.#suspicion
    const { patienceMs, lookEveryMs } = this.#watched.vigilance
    const stillSince = this.#away === null ? null : Math.max(this.#away.since, unchangedSince)
    if (this.#away !== null && stillSince !== null && Date.now() - stillSince > patienceMs) throw this.#gone(this.#away.why)
    if (this.#checking !== null || Date.now() - this.#checkedAt < lookEveryMs) return
    this.#checking = this.#check().finally(() => {
      this.#checking = null
      this.#checkedAt = Date.now()
    })
  }

  /** Resolves when nothing is being asked any more. */
  async settle(): Promise<void> {
    await this.#checking
  }

  async #check(): Promise<void> {
    const { temporal, operation, vigilance } = this.#watched
    try {
      const health = await temporal.use((door) => checkWorkflow(door, operation, vigilance.attemptsTolerated))
      this.#unanswered = 0
      this.#away = null
      if (health.state === 'running') this.#notes = this.#notesOf(health)
      else await this.#suspect(health)
    } catch (error) {
      // A Temporal that does not answer now says nothing about the operation: the ledger is still read.
      this.#unanswered += 1
      const why = error instanceof Failure ? error : failure('DEFECT', String(error))
      this.#away ??= { since: Date.now(), why }
      if (this.#unanswered >= UNANSWERED_TOLERATED) {
        this.#notes = [{ kind: 'temporal-away', text: `${why.message} Trying again; the operation goes on once it answers.` }]
      }
    }
  }

  #notesOf({ retries, unclaimed }: WorkflowHealth & { readonly state: 'running' }): Note[] {
    const notes = retries.map(
      ({ activity, attempt, reason }): Note => ({
        kind: 'retrying',
        text: `attempt ${attempt} of ${activity}; the last one: ${reason}`,
      }),
    )
    if (unclaimed === null) this.#unclaimed = null
    else if (this.#unclaimed?.key !== unclaimed.key) this.#unclaimed = { key: unclaimed.key, since: Date.now() }
    if (unclaimed === null || this.#unclaimed === null) return notes
    if (Date.now() - this.#unclaimed.since < this.#watched.vigilance.unclaimedMs) return notes
    const text = `no worker has taken up ${unclaimed.what} for a while: check that one runs`
    return [...notes, { kind: 'worker-missed', text }]
  }

  async #suspect(health: Exclude<WorkflowHealth, { state: 'running' }>): Promise<void> {
    const { ledger, operation } = this.#watched
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

  #gone(why: Failure): Failure {
    const { operation, vigilance } = this.#watched
    const message =
      `${why.message} Nothing of ${operation} was recorded for ${Math.round(vigilance.patienceMs / 1000)} s either. It goes on once ` +
      `Temporal is back: look again with "capstan ops watch ${operation}".`
    return failure(why.code === 'DEFECT' ? 'DEFECT' : 'TEMPORAL_UNREACHABLE', message, { operation })
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
    `nobody is at work on it any more. Look at what it left, then close its record with "capstan ops abort ${operation} --close-record".`
  return failure('DEFECT', message, { operation, temporal: health.status })
}
