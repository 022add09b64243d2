/** Which indexes an interrupted build had left invalid and a later attempt dropped to build again: kept in the target, since the attempt
 *  that healed one may die before anybody hears of it. */
import { quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import { controlTables } from './control-schema'
import { DEFAULT_HISTORY, type HistoryLocation } from './history'
import { fencedTransaction, type RunContext } from './run-context'

/** Call before the index is dropped: a crash in between leaves it invalid, so the next attempt drops it under the same row. */
export async function recordHealing(context: RunContext, script: string, index: string): Promise<void> {
  await fencedTransaction(context, async () => {
    await context.work.query(
      `INSERT INTO capstan.healed_index (history, epoch, script, index_name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      [locationText(context.history), context.token.epoch, script, index],
    )
  })
}

/** `schema.index` of each index healed while these scripts ran, over all attempts, in the order of healing. `epoch`: only by the
 *  operation that has it. Empty where no run has ever been. */
export async function healedIndexes(
  session: Session,
  scripts: readonly string[],
  options: { readonly epoch?: number; readonly history?: HistoryLocation } = {},
): Promise<string[]> {
  if (!(await controlTables(session)).has('healed_index')) return []
  const rows = await session.query<{ index: string }>(
    `SELECT index_name AS index FROM capstan.healed_index
      WHERE history = $1 AND script = ANY ($2::text[]) AND ($3::bigint IS NULL OR epoch = $3)
      GROUP BY index_name ORDER BY min(healed_at), index_name`,
    [locationText(options.history ?? DEFAULT_HISTORY), scripts, options.epoch ?? null],
  )
  return rows.map(({ index }) => index)
}

function locationText({ schema, table }: HistoryLocation): string {
  return quoteQualified(schema, table)
}
