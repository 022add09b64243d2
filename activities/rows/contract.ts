import type { LockRef } from '../../contracts/lock'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Sha256 } from '../../contracts/operation'
import type { LeftSummary, RecoveredSummary, RowsRequest, SurveySummary } from '../../contracts/recover-rows'
import type { StepRef } from '../../contracts/step-ref'

type Wanted = Pick<RowsRequest, 'tables' | 'schemas' | 'where' | 'fireTriggers' | 'published'>

/** `source`: the live instance. */
interface Planned {
  readonly source: InstanceAddress
  readonly epoch: number
  readonly planDigest: Sha256
  readonly published: boolean
}

export interface RowsActivities {
  /** Whether rows can come back to these tables, asked of the live database alone; written into the ledger. Changes nothing. */
  examineTables(
    input: StepRef & { source: InstanceAddress; wanted: Wanted },
  ): Promise<{ summary: string; tables: readonly string[] }>
  /** What the copy has and the live database lacks; written into the ledger, keys and counts, no other value. The copy keeps all of the keys. Changes
   *  nothing else. Safe to repeat. */
  surveyRows(
    input: StepRef & { source: InstanceAddress; copy: InstanceAddress; wanted: Wanted; lock: LockRef },
  ): Promise<SurveySummary>
  /** Copies the planned rows beside their tables, and proves them there. PLAN_DRIFTED where the tables are not the same by now. Safe to repeat. */
  stageRows(input: StepRef & Planned & { copy: InstanceAddress }): Promise<void>
  /** Writes what is staged, each row once. Resumes after a kill. */
  writeRows(input: StepRef & Planned): Promise<void>
  /** Looks at each row that came back once more, and drops what was staged. Safe to repeat. */
  verifyRows(input: StepRef & Planned): Promise<RecoveredSummary>
  /** After a failure or an abort: shuts out whatever attempt may still be running, takes back what was only staged, and tells what came back, which
   *  stays. `adopted`: an earlier run staged the rows, so that they stay too. Safe to repeat, and when nothing was begun. */
  settleRows(input: StepRef & Planned & { adopted: boolean }): Promise<LeftSummary>
}
