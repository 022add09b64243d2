/** Whether a live table is still what a plan says of it. Rows that were staged may wait for long until somebody goes on, and meanwhile nothing kept
 *  the table as it was. */
import { failure } from '../../contracts/failures'
import type { TablePair } from '../verify/pairing'
import type { Side } from '../verify/side'
import type { LiveTable } from './live-table'
import type { TablePlan } from './recovered'

interface PlannedTable {
  readonly planned: TablePlan
  /** The live table beside itself. */
  readonly pair: TablePair
  readonly live: LiveTable
  /** The quoted name of what its rows are staged in, which has the columns' types of that time. */
  readonly staging: string
}

/** Throws PLAN_DRIFTED when rows could not come back to it as they were staged, TRIGGERS_WOULD_FIRE for one that the plan does not name. */
export async function refuseChanged(side: Side, { planned, pair, live, staging }: PlannedTable): Promise<void> {
  const { table, columns, rows, triggers } = planned
  const why = whyChanged(planned, pair, live) ?? (await whyRetyped(side, pair.target.quoted, staging, columns))
  if (why !== null) throw changed(table, why)
  if (rows > 0) refuseUnforeseen({ table, triggers }, live.triggers)
}

/** Throws TRIGGERS_WOULD_FIRE for one that the plan does not name. */
export function refuseUnforeseen({ table, triggers }: Pick<TablePlan, 'table' | 'triggers'>, now: readonly string[]): void {
  const armed = now.filter((name) => !triggers.includes(name))
  if (armed.length === 0) return
  throw failure(
    'TRIGGERS_WOULD_FIRE',
    `Rows that come back to ${table} would fire ${armed.join(', ')}, which the plan does not say: disable them while nobody else writes, and ask for the same once more, with its --digest.`,
    { table, triggers: armed.join(', ') },
  )
}

export const changed = (table: string, why: string): Error =>
  failure(
    'PLAN_DRIFTED',
    `${table} is not what it was when its rows were staged: ${why}. Undo that, and ask for the same once more, with its --digest.`,
    {
      table,
    },
  )

function whyChanged({ columns, key }: TablePlan, { target }: TablePair, live: LiveTable): string | null {
  const computed = columns.find((name) => live.generated.includes(name))
  if (computed !== undefined) return `its column ${computed} is computed from others`
  const empty = live.required.find((name) => !columns.includes(name))
  if (empty !== undefined) return `its column ${empty} has to be given a value`
  if (live.rules.length > 0) return `the rule ${live.rules[0]} makes something else of an insert`
  const unique = target.keys.some((one) => one.columns.length === key.length && one.columns.every((name) => key.includes(name)))
  return unique ? null : `nothing keeps ${key.join(', ')} unique any more`
}

const RETYPED = `
  SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS was, format_type(l.atttypid, l.atttypmod) AS is
    FROM pg_attribute a
    LEFT JOIN pg_attribute l ON l.attrelid = $2::regclass AND l.attname = a.attname AND l.attnum > 0 AND NOT l.attisdropped
   WHERE a.attrelid = $1::regclass AND a.attname = ANY ($3::text[])
     AND (l.atttypid, l.atttypmod) IS DISTINCT FROM (a.atttypid, a.atttypmod)
   ORDER BY a.attnum LIMIT 1`

async function whyRetyped(side: Side, live: string, staging: string, columns: readonly string[]): Promise<string | null> {
  const [one] = await side.query<{ name: string; was: string; is: string | null }>(RETYPED, [staging, live, columns])
  if (one === undefined) return null
  return one.is === null ? `it has no column ${one.name}` : `its column ${one.name} was ${one.was} and is ${one.is}`
}
