/** What schedules asked for, each requester's newest operations: Temporal forgets its runs, the ledger does not. */
import { sql } from 'kysely'
import type { OperationStatus, Verdict } from '../contracts/operation'
import type { ScheduledRun } from '../contracts/schedule'
import type { LedgerDatabase } from './connect'

export interface RunsQuery {
  readonly requesters: readonly string[]
  /** At most so many of each. */
  readonly each: number
}

interface RunRow {
  readonly id: string
  readonly requested_by: string
  readonly status: string
  readonly verdict: string | null
  readonly started_at: Date
  readonly finished_at: Date | null
  readonly waits_for: string | null
}

/** By requester, newest first. */
export async function listScheduledRuns(db: LedgerDatabase, q: RunsQuery): Promise<ReadonlyMap<string, readonly ScheduledRun[]>> {
  const { rows } = await sql<RunRow>`
    SELECT id, requested_by, status, verdict, started_at, finished_at,
      (SELECT detail::jsonb ->> 'waitsFor' FROM ledger.steps
       WHERE operation = newest.id AND steps.id = 'lock' AND state = 'running') AS waits_for
    FROM (
      SELECT *, row_number() OVER (PARTITION BY requested_by ORDER BY started_at DESC, sequence DESC) AS nth
      FROM ledger.operations WHERE requested_by = ANY(${[...q.requesters]})
    ) AS newest
    WHERE nth <= ${q.each} ORDER BY requested_by, nth`.execute(db)
  const runs = new Map<string, ScheduledRun[]>()
  for (const row of rows) runs.set(row.requested_by, [...(runs.get(row.requested_by) ?? []), toRun(row)])
  return runs
}

function toRun({ id, status, verdict, started_at, finished_at, waits_for }: RunRow): ScheduledRun {
  return {
    operation: id,
    status: status as OperationStatus,
    verdict: verdict as Verdict | null,
    startedAt: started_at.toISOString(),
    finishedAt: finished_at?.toISOString() ?? null,
    waitsFor: waits_for,
  }
}
