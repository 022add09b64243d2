import type { OperationId, OperationInput } from '../../contracts/operation'
import type { ScheduledStartInput } from '../../contracts/schedule'

/** The operation that a run of a schedule stands for. */
export interface OpenedOperation {
  readonly operation: OperationId
  /** How to start its workflow; null: it is over already. */
  readonly start: {
    readonly workflow: string
    readonly summary: string
    readonly input: OperationInput
    /** By name; all of type Keyword. */
    readonly attributes: Readonly<Record<string, string>>
  } | null
}

export interface ScheduleActivities {
  /** Opens the operation's record. `run` is the id of the workflow that the schedule started, which Temporal makes of the schedule's id and the
   *  time that was due: the same run is the same operation, so that it is safe to repeat. Fails with BUNDLE_MISSING or OPERATION_EXISTS. */
  openScheduled(input: ScheduledStartInput & { run: string }): Promise<OpenedOperation>
}
