/** What the story looks at on the target itself, past everything that reports about it. */
import type { ShopSession } from './shop-database'

export interface TargetState {
  /** Highest version in the history table. */
  readonly version: string | null
  readonly totalType: string
  readonly indexesInvalid: number
  readonly columns: readonly string[]
}

export async function readTarget(shop: ShopSession): Promise<TargetState> {
  const [state] = await shop.query<{ version: string | null; total_type: string; invalid: number; columns: string[] }>(`
    SELECT (SELECT version FROM flyway_schema_history WHERE success AND version IS NOT NULL
             ORDER BY installed_rank DESC LIMIT 1) AS version,
           (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
             WHERE attrelid = 'orders'::regclass AND attname = 'total') AS total_type,
           (SELECT count(*)::int FROM pg_index WHERE NOT indisvalid) AS invalid,
           (SELECT array_agg(format('%s.%s', table_name, column_name) ORDER BY 1) FROM information_schema.columns
             WHERE table_schema = 'public') AS columns`)
  if (state === undefined) throw new Error('a query without FROM has a row')
  return { version: state.version, totalType: state.total_type, indexesInvalid: state.invalid, columns: state.columns }
}

/** What differs, in words; empty when the target was not touched. */
export function changes(before: TargetState, after: TargetState): readonly string[] {
  const found: string[] = []
  if (before.version !== after.version) found.push(`version ${before.version} became ${after.version}`)
  if (before.totalType !== after.totalType) found.push(`orders.total became ${after.totalType}`)
  if (after.indexesInvalid > 0) found.push('an invalid index was left')
  if (before.columns.join() !== after.columns.join()) found.push('columns changed')
  return found
}
