/** Brings back what a plan says, and nothing else. Safe to repeat after any interruption: what was staged goes on from its marks, and a plan that
 *  was carried out answers with what came of it. It does not ask for approval. All of it in one, or its parts one by one: stage, write, finish. */
import { failure } from '../../contracts/failures'
import { pairTables } from '../verify/pairing'
import { Side } from '../verify/side'
import { bringAllBack } from './bring-back'
import { readEntry, readStanding, underWay } from './journal'
import { readLiveTable, withoutGenerated } from './live-table'
import { countNow, type RowsNow } from './look-again'
import { type RunOptions, withRun } from './open-run'
import { tellOutcomes } from './outcomes'
import { type RecoveryDoors, withSides } from './plan'
import type { RowRecoveryPlan, RowRecoveryResult } from './recovered'
import { fenced, type RecoveryRun } from './run'
import { stage, stagingOf } from './staging'
import { changed, refuseChanged } from './still-as-planned'
import { type FitTable, fitTables } from './survey'

export type ApplyRecoveryOptions = RunOptions & RecoveryDoors

/** Throws PLAN_DRIFTED when a table is not what it was, or, where the plan kept no keys, other rows are missing than it says, TRIGGERS_WOULD_FIRE, ROWS_UNRECOVERABLE for a publication, MIGRATION_LOCK_HELD, LOCK_BUSY,
 *  FENCED_OFF, CREDENTIALS_REJECTED, DATABASE_REFUSED, CONNECTION_LOST, what planning throws, or the signal's reason. What is in the way once
 *  mended, the same call goes on. */
export async function applyRowRecovery(options: ApplyRecoveryOptions): Promise<RowRecoveryResult> {
  const { plan } = options
  refuseTriggers(plan)
  if (plan.tables.every(({ rows }) => rows === 0)) return nothing(plan)
  return withRun(options, (run) => carryOut(run, options))
}

/** Fixes the set, and writes no row of it. Safe to repeat, and once the plan was carried out. Throws as `applyRowRecovery`. */
export async function stageRowRecovery(options: ApplyRecoveryOptions): Promise<void> {
  refuseTriggers(options.plan)
  await withRun(options, async (run) => {
    await ensureStaged(run, options)
  })
}

/** Writes what is staged; the copy may be gone. Safe to repeat, and once the plan was carried out. Throws as `applyRowRecovery`. */
export async function writeStagedRows(options: RunOptions): Promise<void> {
  await withRun(options, async (run) => {
    const { plan } = options
    const entry = await readEntry(run.work, plan.digest)
    if (entry?.state === 'done') return
    if (entry?.state !== 'staged') throw gone(plan)
    await bringAllBack(run, await liveTables(plan, options))
  })
}

/** Looks at each row that came back once more, tells `remember` how they stand, and only then drops what was staged. Safe to repeat: a plan that was
 *  carried out is not looked at again. Throws as `applyRowRecovery`. */
export async function finishRowRecovery(
  options: RunOptions & { readonly remember: (now: readonly RowsNow[]) => Promise<void> },
): Promise<RowRecoveryResult> {
  return withRun(options, async (run) => {
    const { plan } = options
    const entry = await readEntry(run.work, plan.digest)
    if (entry?.state === 'done' && entry.result !== null) return entry.result
    if (entry?.state !== 'staged') throw gone(plan)
    const tables = await liveTables(plan, options)
    const now: RowsNow[] = []
    for (const table of tables) now.push(await countNow(run, table))
    await options.remember(now)
    return finish(run, tables)
  })
}

const gone = ({ digest }: RowRecoveryPlan): Error =>
  failure(
    'PLAN_DRIFTED',
    `The rows of plan ${digest.slice(0, 12)}… are not staged any more: somebody gave them up. What came back before stays; plan again.`,
    { digest },
  )

function refuseTriggers({ tables, request }: RowRecoveryPlan): void {
  const armed = tables.find(({ rows, triggers }) => rows > 0 && triggers.length > 0)
  if (armed === undefined || request.fireTriggers) return
  throw failure(
    'TRIGGERS_WOULD_FIRE',
    `Rows that come back to ${armed.table} would fire ${armed.triggers.join(', ')}: plan with --fire-triggers if that is meant, or disable them while nobody else writes.`,
    { table: armed.table, triggers: armed.triggers.join(', ') },
  )
}

async function carryOut(run: RecoveryRun, doors: RecoveryDoors): Promise<RowRecoveryResult> {
  const done = await ensureStaged(run, doors)
  if (done !== null) return done
  const tables = await liveTables(run.plan, doors)
  await bringAllBack(run, tables)
  return finish(run, tables)
}

/** Resolves to what came of the plan where it was carried out already; null: its rows are staged. */
async function ensureStaged(run: RecoveryRun, doors: RecoveryDoors): Promise<RowRecoveryResult | null> {
  const { plan, work } = run
  const entry = await readEntry(work, plan.digest)
  if (entry?.state === 'done' && entry.result !== null) return entry.result
  if (entry?.state === 'staged') return null
  const { underWay: other, previous } = await readStanding(work, plan.request)
  if (other !== null) throw underWay(other, other.request.tables.join(', '))
  await withSides(doors, async (sides) => stage(run, { sides, previous, tables: await fitTables(sides, selectionOf(plan)) }))
  return null
}

const selectionOf = ({ request: { tables } }: RowRecoveryPlan) => ({ tables, schemas: [], exclude: [] })

/** In the plan's order. The copy may be gone by now: the live database knows its tables itself. They may have changed since their rows were staged:
 *  throws TRIGGERS_WOULD_FIRE or PLAN_DRIFTED for what the plan does not say. */
async function liveTables(plan: RowRecoveryPlan, { live, signal }: Pick<RunOptions, 'live' | 'signal'>): Promise<FitTable[]> {
  const side = await Side.open({ name: 'target', connect: live, mode: 'live', jobs: 1, signal })
  try {
    const catalog = await side.catalog()
    const { pairs } = pairTables(catalog, catalog, selectionOf(plan))
    const tables: FitTable[] = []
    for (const planned of plan.tables) {
      const { table, columns, key } = planned
      const pair = pairs.find(({ name }) => name === table)
      if (pair === undefined) throw changed(table, 'it is gone, or may not be read')
      const live = await readLiveTable(side, pair.target)
      await refuseChanged(side, { planned, pair, live, staging: stagingOf(plan, table) })
      const { columns: all } = withoutGenerated(pair, live)
      const keyed = key.flatMap((name) => all.filter((column) => column.name === name))
      const of = { columns: keyed, ordered: false, shown: pair.key?.shown ?? false }
      tables.push({ pair: { ...pair, columns: all.filter(({ name }) => columns.includes(name)), key: of }, live })
    }
    return tables
  } finally {
    await side.close()
  }
}

async function finish(run: RecoveryRun, tables: readonly FitTable[]): Promise<RowRecoveryResult> {
  const { plan } = run
  const told = []
  for (const table of tables) told.push(await tellOutcomes(run, table))
  const result: RowRecoveryResult = { version: 1, digest: plan.digest, tables: told }
  return fenced(run, async (session) => {
    await session.query(`UPDATE capstan.row_recovery SET state = 'done', result = $2, changed_at = now() WHERE digest = $1`, [
      plan.digest,
      JSON.stringify(result),
    ])
    for (const { pair } of tables) await session.execute(`DROP TABLE ${stagingOf(plan, pair.name)}`)
    return result
  })
}

function nothing({ digest, tables }: RowRecoveryPlan): RowRecoveryResult {
  const outcomes = { brought: 0, altered: 0, reappeared: 0, refused: 0, orphan: 0 }
  return { version: 1, digest, tables: tables.map(({ table, key }) => ({ table, key, rows: 0, outcomes, sample: [] })) }
}
