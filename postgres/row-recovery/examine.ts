/** Whether rows can come back to these tables at all, asked of the live database alone: before a copy is restored, which costs time and money. What
 *  only both sides can tell, the survey asks. */
import { failure } from '../../contracts/failures'
import type { Catalog } from '../verify/catalog'
import { pairTables } from '../verify/pairing'
import { Side } from '../verify/side'
import { readLiveTable, refuseUnfit } from './live-table'
import type { RecoveryDoors } from './plan'
import { refusePublished } from './published'
import type { ExaminedTable } from './recovered'
import { pinPath } from './run'
import { asked, type RecoverySelection, tablesOf, unrecoverable } from './survey'

export interface ExamineOptions extends Pick<RecoveryDoors, 'live' | 'signal'> {
  readonly selection: RecoverySelection
  readonly fireTriggers: boolean
  readonly published: boolean
}

/** Reads. Throws as `connect` does, OPTION_INVALID for a table that is not there, ROWS_UNRECOVERABLE for one that is unfit or a publication,
 *  TRIGGERS_WOULD_FIRE, DATABASE_REFUSED or CONNECTION_LOST. */
export async function examineTables(options: ExamineOptions): Promise<ExaminedTable[]> {
  const { live, selection, signal } = options
  const side = await Side.open({ name: 'target', connect: live, mode: 'live', jobs: 1, signal })
  try {
    const found = await asked(() => examine(side, selection))
    for (const one of found) refuseArmed(one, options)
    if (!options.published) await assertUnpublished(options)
    return found
  } finally {
    await side.close()
  }
}

async function examine(side: Side, selection: RecoverySelection): Promise<ExaminedTable[]> {
  const catalog = await side.catalog()
  const names = [...selection.tables, ...selection.schemas.flatMap((schema) => tablesOf(catalog, schema, 'the database'))]
  refuseUnknown(names, catalog)
  const { pairs, unreadable } = pairTables(catalog, catalog, { tables: names, exclude: selection.exclude })
  for (const [table, why] of unreadable) throw unrecoverable(table, why)
  const examined: ExaminedTable[] = []
  for (const pair of pairs) {
    const live = await readLiveTable(side, pair.target)
    if (pair.key === null) throw unrecoverable(pair.name, NO_KEY)
    refuseUnfit(pair, live)
    examined.push({
      table: pair.name,
      key: (pair.key?.columns ?? []).map(({ name }) => name),
      parents: [...new Set(live.foreignKeys.map(({ parent }) => parent))],
      triggers: live.triggers,
    })
  }
  return examined
}

/** A mistyped name would otherwise be told after an hour's restore. */
function refuseUnknown(names: readonly string[], { tables }: Catalog): void {
  const known = new Set(tables.map(({ name }) => name))
  const unknown = names.find((name) => !known.has(name) && !known.has(`public.${name}`))
  if (unknown === undefined) return
  const message =
    `--rows names ${unknown}, which the database does not have: write schema.table, in quotes where PostgreSQL needs them; ` +
    'a table that was dropped has to be made first, with pg_dump --schema-only of a copy.'
  throw failure('OPTION_INVALID', message, { option: 'rows', table: unknown })
}

const NO_KEY =
  'it has neither a primary key nor a unique index over columns that are never null, so that nothing tells its rows apart; ' +
  'restore a copy ("capstan restore copy") and bring over by hand what is missing'

function refuseArmed({ table, triggers }: ExaminedTable, { fireTriggers }: ExamineOptions): void {
  if (fireTriggers || triggers.length === 0) return
  throw failure(
    'TRIGGERS_WOULD_FIRE',
    `Rows that come back to ${table} would fire ${triggers.join(', ')}: say --fire-triggers if that is meant, or disable them while nobody else writes.`,
    { table, triggers: triggers.join(', ') },
  )
}

async function assertUnpublished({ live }: ExamineOptions): Promise<void> {
  const session = await live()
  try {
    await pinPath(session)
    await refusePublished(session)
  } finally {
    await session.close()
  }
}
