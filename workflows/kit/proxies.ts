/** Activity proxies as every runbook uses them. Every number carries its reason; acts on a target have no attempt limits, since a retry that
 *  gives up would leave the world half-changed with nobody at work on it. */
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow'
import { ActivityCancellationType } from '@temporalio/workflow'
import type { FailureCode } from '../../contracts/failures'

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

/** A look on behalf of somebody who waits: a queue that nobody serves is told soon, and so is what stays out of reach. Looking into all
 *  databases of an instance may take minutes. */
export function lookAct(
  taskQueue: string,
  { heartbeatTimeoutMs, unclaimedTimeoutMs }: { heartbeatTimeoutMs: number; unclaimedTimeoutMs: number },
): ActivityOptions {
  return {
    taskQueue,
    cancellationType,
    retry: { ...retry, maximumAttempts: 3 },
    scheduleToStartTimeout: unclaimedTimeoutMs,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: heartbeatTimeoutMs,
  }
}

/** Of the endpoint, whose worker may be another one than that of all the rest, and gone with its cloud: while nobody is served its queue is not waited for
 *  without end. Half a minute: a worker that is started anew is there by then. */
export function claimedSoon(options: ActivityOptions): ActivityOptions {
  return { ...options, scheduleToStartTimeout: '30 seconds' }
}

/** As `claimedSoon`, where nothing is taken back any more: a person is asked, who has a worker started, or moves it by hand. */
export function claimedOrAsked(options: ActivityOptions): ActivityOptions {
  return { ...options, scheduleToStartTimeout: '1 minute' }
}

/** Reading that an operation can do without: it is waited for as long as it works, and given up soon where nobody does it, where the database is
 *  out of reach, or where workers keep dying of it. */
export function optionalAct(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return {
    taskQueue,
    cancellationType,
    retry: { ...retry, maximumAttempts: 3 },
    scheduleToStartTimeout: '1 minute',
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: heartbeatTimeoutMs,
  }
}

/** Before anything was changed the requester is told soon what is out of reach, instead of waiting for it for ever. */
export function askFirst(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...retry, maximumAttempts: 6 } }
}

/** Work on a standby, while production goes on without it: what it waits for its slot holds back. Some minutes of one that is started anew, and a queue that
 *  nobody serves is not waited for. */
export function standbyAct(options: ActivityOptions): ActivityOptions {
  return { ...options, scheduleToStartTimeout: '1 minute', retry: { ...retry, maximumAttempts: 20 } }
}

/** Past the point of no return, what keeps people from being served and may hang on a machine that is none of ours: after half a minute of one that
 *  says no at once, or a few minutes of a silent one, a person is asked, who may repair it, and have it tried again. */
export function forwardAct(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...retry, maximumAttempts: 8 } }
}

/** A look at a place that may be silent, on behalf of somebody who waits a minute: it is asked twice. */
export function lookTwice(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...retry, maximumAttempts: 2 } }
}

/** Work on the canary: the target is untouched, so giving up is safe, and going on for ever would only cost. About a quarter of an hour of
 *  transient failures; a worker that dies counts as one. */
export function canaryAct(options: ActivityOptions): ActivityOptions {
  return { ...options, retry: { ...retry, maximumAttempts: 100 } }
}

/** Work in another region, without which the operation goes on: ten minutes of a region that says at once that it is out of reach, up to half an hour
 *  of one that is silent for twenty seconds each time, and never more than an hour. That one is by the clock, hours without a worker included: the
 *  lock of the instance is held meanwhile, and all that is lost is a copy, which the verdict says. */
export function regionAct(options: ActivityOptions): ActivityOptions {
  return { ...options, scheduleToCloseTimeout: '1 hour', retry: { ...retry, maximumAttempts: 50 } }
}

/** What another region takes its time for: a copy of much data may take hours, and one that is not there after a day is not waited for any longer.
 *  For one that answers: a region's silence ends it, and whoever waits asks by `regionAct` whether that is over. */
export function regionWait(options: ActivityOptions): ActivityOptions {
  const nonRetryableErrorTypes = [...OUT_OF_REACH]
  return { ...options, scheduleToCloseTimeout: '1 day', retry: { ...retry, maximumAttempts: 8_640, nonRetryableErrorTypes } }
}

/** What a region says that answers nobody, or not us. */
export const OUT_OF_REACH: readonly FailureCode[] = ['CLOUD_UNREACHABLE', 'CLOUD_THROTTLED']

/** An undo parks for a person after about ten minutes of transient failures; a refusal or defect parks it at once. Counted in attempts and
 *  not by the clock: hours in which no worker ran are no failures. */
export function undoAct(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { ...quickAct(taskQueue, heartbeatTimeoutMs), retry: { ...retry, maximumAttempts: 66 } }
}

/** As `undoAct`, for a removal that the cloud takes its time for: about an hour of polls. */
export function undoWait(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { ...quickAct(taskQueue, heartbeatTimeoutMs), retry: { ...retry, maximumAttempts: 380 } }
}

/** As `undoWait`, in another region: as with `regionWait` its silence ends it, and whoever undoes asks by `regionAct` whether that is over. */
export function regionUndo(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  const nonRetryableErrorTypes = [...OUT_OF_REACH]
  return { ...quickAct(taskQueue, heartbeatTimeoutMs), retry: { ...retry, maximumAttempts: 380, nonRetryableErrorTypes } }
}

/** As `undoAct`, for an undo that works on a database: as long as its statements take. */
export function undoLong(taskQueue: string, heartbeatTimeoutMs: number): ActivityOptions {
  return { ...longAct(taskQueue, heartbeatTimeoutMs), retry: { ...retry, maximumAttempts: 66 } }
}

/** Writes of the record: a few milliseconds, idempotent, without an entry of their own in the task queue. */
export const RECORD: LocalActivityOptions = {
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '5s' },
  localRetryThreshold: '5 seconds',
}
