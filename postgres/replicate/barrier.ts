/** The barrier: what was acknowledged on the source, of the tables that are followed, is on the standby. Behind a proven fence nobody writes any more but who
 *  takes it; so its position is the last, and what the standby has confirmed up to it is all there is. That every table is followed which is published
 *  is asked beforehand (marker.ts).
 *
 *  What is asked is the slot: `confirmed_flush_lsn`, what the standby has applied and has on its disk. The sender's own view (`sent - replay` of
 *  pg_stat_replication) is never asked: of a walsender that stands still it reads nothing while rows are missing. And the position that counts is the
 *  flushed one, after a commit that waited for the disk: `pg_current_wal_lsn()` was seen behind commits that had been acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { type Marker, seesMarker, type WriteMarkerInput, writeMarker } from './marker'

/** Plain JSON. */
export interface Barrier {
  /** Of the source's log. Whatever was acknowledged before it was taken is at or before it. */
  readonly lsn: string
  readonly marker: Marker
}

/** `session`: inside the source's database, as a guest of its fence. Each call takes another one. Throws FENCED_OFF. */
export async function takeBarrier(session: Session, input: WriteMarkerInput): Promise<Barrier> {
  const { marker, lsn } = await writeMarker(session, input)
  return { lsn, marker }
}

export interface AwaitInput {
  /** To any database of the source's server. */
  readonly source: Session
  /** In the standby's database. */
  readonly standby: Session
  readonly slot: string
  readonly subscription: string
  readonly barrier: Barrier
  /** What `applyErrors` said before the fence was raised; without it, what it says when the wait begins. */
  readonly errorsBefore?: number | undefined
  /** For how long it is waited, in all. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

export interface Passed {
  /** What the slot had confirmed when it was passed. */
  readonly confirmedLsn: string
  readonly waitedMs: number
}

/** How often the standby has failed to apply what it was sent, since its statistics were reset. */
export async function applyErrors(standby: Session, subscription: string, signal?: AbortSignal): Promise<number> {
  const [seen] = await standby.query<WorkerSeen>(WORKER, [subscription], { signal })
  return seen?.errors ?? 0
}

const POLL_MS = 10
/** A worker that fails says so in the statistics while it ends, and its sender may be gone a moment before that. */
const REASON_MS = 1_000

/** Resolves once the standby has confirmed the barrier and shows its marker. Reads only. Throws BARRIER_NOT_PASSED: at once where it never will be, as
 *  far as can be seen, else at the deadline; CONNECTION_LOST; the signal's reason. */
export async function awaitBarrier(input: AwaitInput): Promise<Passed> {
  const { signal, deadlineMs } = input
  const over = new AbortController()
  const stop = () => over.abort(signal?.reason)
  signal?.throwIfAborted()
  signal?.addEventListener('abort', stop, { once: true })
  // a server that stands still answers no question either: those end with it
  const timer = setTimeout(() => over.abort(), deadlineMs)
  const wait = new Wait(input, over.signal)
  try {
    return await wait.passed()
  } catch (error) {
    signal?.throwIfAborted()
    if (over.signal.aborted) throw wait.late()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

interface SlotSeen {
  readonly pid: number | null
  readonly status: string | null
  readonly confirmed: string | null
  /** Bytes up to the barrier; none, or fewer than none, when it is confirmed. */
  readonly lacking: number | null
}

interface WorkerSeen {
  readonly enabled: boolean
  /** Those of applying, since the statistics were reset. */
  readonly errors: number
  readonly copying: number
}

class Wait {
  readonly #input: AwaitInput
  readonly #signal: AbortSignal
  #lacking: number | null = null
  #errorsBefore: number | null

  constructor(input: AwaitInput, signal: AbortSignal) {
    this.#input = input
    this.#signal = signal
    this.#errorsBefore = input.errorsBefore ?? null
  }

  async passed(): Promise<Passed> {
    const began = performance.now()
    for (;;) {
      // at once, since one of both is far
      const [seen, worker] = await Promise.all([this.#slot(), this.#worker()])
      this.#lacking = seen.lacking
      if (seen.confirmed !== null && seen.lacking !== null && seen.lacking <= 0) {
        await this.#prove(worker)
        return { confirmedLsn: seen.confirmed, waitedMs: Math.round(performance.now() - began) }
      }
      this.#refuseFailed(worker)
      if (seen.pid === null) throw await this.#senderGone()
      await sleep(POLL_MS, undefined, { signal: this.#signal })
    }
  }

  late(): Failure {
    return this.#notPassed(`not within the ${this.#input.deadlineMs / 1000} s that it was given`)
  }

  async #slot(): Promise<SlotSeen> {
    const { source, slot, barrier } = this.#input
    const [seen] = await source.query<SlotSeen>(SLOT, [slot, barrier.lsn], { signal: this.#signal })
    if (seen === undefined) throw this.#notPassed(`slot ${slot} is gone: the standby has to be seeded anew`)
    if (seen.status === 'lost')
      throw this.#notPassed(`slot ${slot} has lost log that the standby needs: it has to be seeded anew`)
    return seen
  }

  async #worker(): Promise<WorkerSeen & { readonly marked: boolean }> {
    const { standby, subscription, barrier } = this.#input
    const asked = [subscription, barrier.marker.value]
    const [seen] = await standby.query<WorkerSeen & { marked: boolean }>(MARKED, asked, { signal: this.#signal })
    if (seen === undefined) throw this.#notPassed(`there is no subscription ${subscription} on the standby`)
    return seen
  }

  #refuseFailed({ enabled, errors }: WorkerSeen): void {
    this.#errorsBefore ??= errors
    const since = errors - this.#errorsBefore
    // the end of its connection counts as an error of applying too
    if (since > 0)
      throw this.#notPassed(
        `the standby's worker has failed since, ${since === 1 ? 'once' : `${since} times`}: over what it was sent, or because its connection ended; its server's log says which`,
      )
    if (!enabled) throw this.#notPassed(`subscription ${this.#input.subscription} is disabled`)
  }

  /** Behind a fence it does not come back; elsewhere another attempt finds it. */
  async #senderGone(): Promise<Failure> {
    for (const until = performance.now() + REASON_MS; performance.now() < until; ) {
      this.#refuseFailed(await this.#worker())
      await sleep(POLL_MS, undefined, { signal: this.#signal })
    }
    return this.#notPassed(`nobody reads slot ${this.#input.slot} any more, and nobody has come back`)
  }

  /** A position can be moved by hand, or belong to a slot that another one reads: the row is what was written. It may have come, and the last copy have ended, since the standby was asked. */
  async #prove({ copying, marked }: WorkerSeen & { readonly marked: boolean }): Promise<void> {
    const { standby, slot, subscription, barrier } = this.#input
    const left = copying === 0 ? 0 : (await this.#worker()).copying
    if (left > 0) throw this.#notPassed(`${left} tables of ${subscription} are still copied for the first time`)
    if (marked || (await seesMarker(standby, barrier.marker, this.#signal))) return
    throw this.#notPassed(
      `slot ${slot} says that it was confirmed, and the standby does not show its marker: somebody else reads that slot, or it was moved by hand, or capstan.standby_marker is not published`,
    )
  }

  #notPassed(why: string): Failure {
    const { barrier, slot } = this.#input
    const lacks = this.#lacking === null || this.#lacking <= 0 ? '' : ` It lacks ${this.#lacking} bytes of the source's log.`
    return failure('BARRIER_NOT_PASSED', `The standby has not passed the barrier at ${barrier.lsn}: ${why}.${lacks}`, {
      slot,
      lsn: barrier.lsn,
      lacking: this.#lacking,
    })
  }
}

const SLOT = `
  SELECT s.active_pid AS pid, s.wal_status AS status, s.confirmed_flush_lsn::text AS confirmed,
         pg_catalog.pg_wal_lsn_diff($2::pg_catalog.pg_lsn, s.confirmed_flush_lsn)::bigint AS lacking
    FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1`

const workerWith = (more: string): string => `
  SELECT s.subenabled AS enabled, coalesce(t.apply_error_count, 0) AS errors,
         (SELECT count(*) FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') AS copying${more}
    FROM pg_catalog.pg_subscription s LEFT JOIN pg_catalog.pg_stat_subscription_stats t ON t.subid = s.oid
   WHERE s.subname = $1 AND s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())`

const WORKER = workerWith('')
const MARKED = workerWith(', EXISTS (SELECT FROM capstan.standby_marker m WHERE m.value = $2) AS marked')
