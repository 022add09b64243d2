/** How the rows that came back stand now, each held against what was staged of it. Traffic may have changed or deleted some since: that is its right. */
import { quoteIdentifier } from '../connect/quote'
import { fromTable } from '../verify/catalog'
import { rowHash } from '../verify/row-hash'
import type { RecoveryRun } from './run'
import { OF_A_PIECE, overStaged } from './staged-pieces'
import { stagingOf } from './staging'
import type { FitTable } from './survey'

export interface RowsNow {
  readonly table: string
  /** Rows that were brought back as they were in the copy: these are so still. */
  readonly same: number
  /** Somebody has changed them since. */
  readonly changedSince: number
  /** Somebody has deleted them since. */
  readonly goneSince: number
}

/** Reads. Safe to repeat. */
export async function countNow(run: RecoveryRun, { pair }: FitTable): Promise<RowsNow> {
  const staging = stagingOf(run.plan, pair.name)
  const hash = rowHash(pair.columns.map(({ target }) => target))
  const keys = (pair.key?.columns ?? []).map(({ name }) => quoteIdentifier(name))
  const counts = { same: 0, changedSince: 0, goneSince: 0 }
  const pieces = overStaged(run, staging, async (session, bounds) => {
    const [found] = await session.query<typeof counts>(
      `WITH held AS (
         SELECT (SELECT ${hash} FROM ${staging} AS t WHERE t.capstan_n = s.capstan_n) AS was,
                (SELECT ${hash} FROM ${fromTable(pair.target)} AS t WHERE ${keys.map((key) => `t.${key} = s.${key}`).join(' AND ')}) AS now
           FROM ${staging} AS s WHERE s.capstan_outcome = 'brought' AND ${OF_A_PIECE})
       SELECT count(*) FILTER (WHERE now = was) AS same, count(*) FILTER (WHERE now <> was) AS "changedSince",
              count(*) FILTER (WHERE now IS NULL) AS "goneSince" FROM held`,
      bounds,
    )
    return found ?? counts
  })
  for await (const { same, changedSince, goneSince } of pieces) {
    counts.same += same
    counts.changedSince += changedSince
    counts.goneSince += goneSince
  }
  return { table: pair.name, ...counts }
}
