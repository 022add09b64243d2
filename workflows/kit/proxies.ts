/** Activity proxies as every runbook uses them. Every number carries its reason; acts on a target have no attempt limits, since a retry that
 *  gives up would leave the world half-changed with nobody at work on it. */
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow'
import { ActivityCancellationType } from '@temporalio/workflow'

/** An abort must wait until the act has ended: the default lets the undo run while its act still goes on. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED

/** A first retry soon, because most transient failures pass within a second; then a patient pace. */
const retry = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' } as const

/** One call to a cloud, the lock or the ledger. Two minutes: a vendor SDK's own retries of slow calls fit in. */
export function quickAct(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { taskQueue, cancellationType, retry, startToCloseTimeout: '2 minutes', heartbeatTimeout: heartbeatTimeoutMs }
}

/** Work on a database: as long as the statement takes. Liveness is the heartbeat's matter, not this limit's. */
export function longAct(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { taskQueue, cancellationType, retry, startToCloseTimeout: '7 days', heartbeatTimeout: heartbeatTimeoutMs }
}

/** Before anything was changed the requester is told soon what is out of reach, instead of waiting for it for ever. */
export function askFirst(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...retry, maximumAttempts: 6 } }
}

/** Work on the canary: the target is untouched, so giving up is safe, and going on for ever would only cost. About a quarter of an hour of
 *  transient failures; a worker that dies counts as one. */
export function canaryAct(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...retry, maximumAttempts: 100 } }
}

/** An undo parks for a person after about ten minutes of transient failures; a refusal or defect parks it at once. Counted in attempts and
 *  not by the clock: hours in which no worker ran are no failures. */
export function undoAct(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { ...quickAct(taskQueue, heartbeatTimeoutMs), retry: { ...retry, maximumAttempts: 66 } }
}

/** As `undoAct`, for a removal that the cloud takes its time for: about an hour of polls. */
export function undoWait(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { ...quickAct(taskQueue, heartbeatTimeoutMs), retry: { ...retry, maximumAttempts: 380 } }
}

/** Writes of the record: a few milliseconds, idempotent, without an entry of their own in the task queue. */
export const RECORD: LocalActivityOptions = {
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '5s' },
  localRetryThreshold: '5 seconds',
}
