/** Schedules: what runs by the clock, what a run is told, and what people are shown of it. There is one schedule for a database and an operation.
 *  Temporal holds it and counts its times; each time it starts `scheduledStart`, which opens the operation like every other door. For each place that
 *  holds copies there is one more, which removes orphans and is no operation. */
import type { DatabaseEntry, Fleet } from './fleet'
import type { IsoInstant, OperationId, OperationInput, OperationStatus, Sha256, Verdict } from './operation'
import { type PlaceId, SWEEP_WORKFLOW, type Sweep } from './orphans'
import { snapshotStarter } from './snapshot'
import type { OperationStarter } from './start'
import { verifyBackupStarter } from './verify-backup'

export const SCHEDULED_START_WORKFLOW = 'scheduledStart'

type Starter = (entry: DatabaseEntry, mode: 'apply') => OperationStarter<OperationInput>

/** Operations that may run by the clock: those whose bundle is the database's fleet entry alone. */
export const SCHEDULED_STARTERS = {
  snapshot: snapshotStarter,
  'verify-backup': (entry, mode) => verifyBackupStarter(entry, mode),
} as const satisfies Record<string, Starter>
export type ScheduledKind = keyof typeof SCHEDULED_STARTERS
export const SCHEDULED_KINDS: readonly ScheduledKind[] = Object.keys(SCHEDULED_STARTERS).filter(isScheduledKind)

export function isScheduledKind(kind: string): kind is ScheduledKind {
  return Object.hasOwn(SCHEDULED_STARTERS, kind)
}

export interface OperationSchedule {
  readonly kind: ScheduledKind
  readonly database: string
}

interface SweepSchedule {
  readonly kind: 'orphans'
  readonly place: PlaceId
}

export type ScheduleName = OperationSchedule | SweepSchedule
export type ScheduleKind = ScheduleName['kind']
export const SCHEDULE_KINDS: readonly ScheduleKind[] = [...SCHEDULED_KINDS, 'orphans']

/** `subject`: the database's name, or the place. */
export function scheduleOf(kind: ScheduleKind, subject: string): ScheduleName {
  return kind === 'orphans' ? { kind, place: subject } : { kind, database: subject }
}

export function subjectOf(name: ScheduleName): string {
  return name.kind === 'orphans' ? name.place : name.database
}

const PREFIX = 'schedule/'

/** `schedule/snapshot/shop`, `schedule/orphans/aws/123456789012/eu-central-1` */
export function scheduleId(name: ScheduleName): string {
  return `${PREFIX}${name.kind}/${subjectOf(name)}`
}

/** Null: it is none of ours. */
export function parseScheduleId(id: string): ScheduleName | null {
  const [kind = '', ...rest] = id.startsWith(PREFIX) ? id.slice(PREFIX.length).split('/') : []
  if (rest.length === 0 || rest.includes('')) return null
  if (kind === 'orphans') return { kind, place: rest.join('/') }
  const [database = '', ...more] = rest
  return isScheduledKind(kind) && more.length === 0 ? { kind, database } : null
}

/** What a schedule of that name starts. */
export function workflowOf({ kind }: ScheduleName): string {
  return kind === 'orphans' ? SWEEP_WORKFLOW : SCHEDULED_START_WORKFLOW
}

/** Who asks for the operations of a schedule: `schedule:snapshot/shop`. */
export function scheduleRequester({ kind, database }: OperationSchedule): string {
  return `schedule:${kind}/${database}`
}

/** When it is to run, as it is asked for. */
export type ScheduleTiming =
  /** Five fields, as `cron` has them. */
  | { readonly by: 'cron'; readonly cron: string; readonly timeZone: string }
  /** At `hh:mm` and every so many whole hours from there, anew each day. */
  | { readonly by: 'clock'; readonly at: string; readonly everyMs: number; readonly timeZone: string }
  /** At a moment that follows from the schedule's name, so that a fleet's are spread. */
  | { readonly by: 'interval'; readonly everyMs: number }

/** When it runs, and under what terms. */
export interface ScheduleTerms {
  readonly timing: ScheduleTiming
  /** Up to so much later, each run anew. */
  readonly jitterMs: number
  /** How late a run that Temporal could not begin in time may still be made up for. */
  readonly catchUpMs: number
  /** How long its operation waits for another that holds the instance's lock. */
  readonly waitForLockMs: number
}

/** A schedule that the fleet file asks for. */
export type DeclaredSchedule = ScheduleName & { readonly terms: ScheduleTerms }

export interface DeclaredFleet extends Fleet {
  readonly schedules: readonly DeclaredSchedule[]
}

/** What each run is told. It stands in the schedule, as it was when the schedule was last added. */
export interface ScheduledStartInput extends OperationSchedule {
  readonly version: 1
  /** Of the fleet entry as it was then. */
  readonly bundle: Sha256
  readonly addedBy: string
  readonly heartbeatTimeoutMs: number
  readonly workflowTaskTimeoutMs: number
  /** How long its operation waits for another that holds the instance's lock. */
  readonly waitForLockMs: number
}

export interface ScheduledStartResult {
  readonly operation: OperationId
  /** False: it had been started already, and was joined. */
  readonly started: boolean
}

/** An operation that a schedule asked for. */
export interface ScheduledRun {
  readonly operation: OperationId
  readonly status: OperationStatus
  readonly verdict: Verdict | null
  readonly startedAt: IsoInstant
  readonly finishedAt: IsoInstant | null
  /** The operation that holds the lock for which it waits. */
  readonly waitsFor: OperationId | null
}

/** Whether the fleet file says of the database, or of the place, what the schedule's runs are told. `unknown`: no fleet file was at hand. */
export type EntryStanding = 'same' | 'changed' | 'gone' | 'unknown'

export type ListedSchedule = ScheduleName & AnyListed

interface AnyListed {
  readonly id: string
  /** In words, out of what Temporal goes by. */
  readonly when: string
  readonly jitterMs: number
  readonly paused: boolean
  /** What was said when it was paused or resumed, and by whom. */
  readonly note: string | null
  /** Soonest first. A paused schedule has them too: when it would run. */
  readonly next: readonly IsoInstant[]
  /** Newest first. */
  readonly runs: readonly ScheduledRun[]
  /** Of orphans: what the newest run came to. Null: none has ended, or it is of operations. */
  readonly sweep: Sweep | null
  readonly entry: EntryStanding
  /** Null in a list of all: Temporal is asked for them one by one. */
  readonly details: ScheduleDetails | null
}

export interface ScheduleDetails {
  readonly addedBy: string
  readonly catchUpMs: number
  readonly waitForLockMs: number
  /** A run has begun and has not ended, taken up by a worker or not. */
  readonly running: boolean
  /** Runs left out because the one before had not ended. */
  readonly skipped: number
  /** Runs left out because Temporal was away for longer than the catch-up window. */
  readonly missed: number
  /** Null: the newest run is none but its operation's. */
  readonly trouble: RunTrouble | null
}

/** Why the newest run opened no operation, or did not see its end. */
export interface RunTrouble {
  /** When the run was due. */
  readonly at: IsoInstant
  readonly state: 'retrying' | 'failed' | 'timed-out' | 'terminated' | 'cancelled'
  readonly code: string | null
  readonly message: string
}
