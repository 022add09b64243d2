/** After a run that was given up: what was only staged is taken back, and of what came back it is told how much, and where its keys are. No row that
 *  came back is touched: an application may have built on it since. */
import { controlTables } from '../migrate/control-schema'
import { readEntry } from './journal'
import { type RunOptions, withRun } from './open-run'
import { OUTCOMES, type Outcome, type RowRecoveryPlan } from './recovered'
import { fenced, pinPath, type RecoveryRun } from './run'
import { OF_A_PIECE, overStaged } from './staged-pieces'
import { dropLeftOvers, stagingOf } from './staging'

export interface LeftRows {
  /** `staged`: a run for the same request goes on with them. `done`: it had ended before. */
  readonly state: 'nothing' | 'staged' | 'done'
  readonly tables: readonly LeftTable[]
}

interface LeftTable {
  readonly table: string
  /** Where each row and its outcome stand; null: dropped. */
  readonly staging: string | null
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** Not tried yet. */
  readonly open: number
}

export const NOTHING_LEFT: LeftRows = { state: 'nothing', tables: [] }
const NONE = { brought: 0, altered: 0, reappeared: 0, refused: 0, orphan: 0 } as const satisfies Record<Outcome, number>

export interface SettleOptions extends RunOptions {
  /** An earlier run staged these rows: they are not this one's to drop. */
  readonly adopted: boolean
}

/** Safe to repeat, and when nothing was begun. Throws MIGRATION_LOCK_HELD, FENCED_OFF, CONTROL_SCHEMA_FOREIGN, DATABASE_REFUSED or CONNECTION_LOST. */
export async function settleRowRecovery({ adopted, ...options }: SettleOptions): Promise<LeftRows> {
  // what is published already has gone on already
  return withRun({ ...options, published: true }, async (run) => {
    const { plan } = run
    const entry = await readEntry(run.work, plan.digest)
    if (entry === null) return NOTHING_LEFT
    if (entry.state === 'done') {
      const tables = entry.result?.tables ?? []
      return { state: 'done', tables: tables.map(({ table, outcomes }) => ({ table, staging: null, outcomes, open: 0 })) }
    }
    if (entry.state === 'staging') {
      await dropLeftOvers(run)
      return NOTHING_LEFT
    }
    const tables: LeftTable[] = []
    for (const { table } of plan.tables) tables.push(await countLeft(run, table))
    const tried = tables.some(({ outcomes }) => OUTCOMES.some((outcome) => outcomes[outcome] > 0))
    if (adopted || tried) return { state: 'staged', tables }
    await takeBack(run)
    return NOTHING_LEFT
  })
}

/** As the live database has it; null: nothing of it is there. Without our tables nothing was ever staged, and they are not made to find that out.
 *  Throws CONTROL_SCHEMA_FOREIGN. */
export async function readRecordedPlan({ live }: Pick<RunOptions, 'live'>, digest: string): Promise<RowRecoveryPlan | null> {
  const session = await live()
  try {
    await pinPath(session)
    if (!(await controlTables(session)).has('row_recovery')) return null
    return (await readEntry(session, digest))?.plan ?? null
  } finally {
    await session.close()
  }
}

async function countLeft(run: RecoveryRun, table: string): Promise<LeftTable> {
  const staging = stagingOf(run.plan, table)
  const outcomes: Record<Outcome, number> = { ...NONE }
  let open = 0
  const pieces = overStaged(run, staging, (session, bounds) =>
    session.query<{ outcome: Outcome | null; rows: number }>(
      `SELECT capstan_outcome AS outcome, count(*) AS rows FROM ${staging} WHERE ${OF_A_PIECE} GROUP BY 1`,
      bounds,
    ),
  )
  for await (const counts of pieces) {
    for (const { outcome, rows } of counts) {
      if (outcome === null) open += rows
      else outcomes[outcome] += rows
    }
  }
  return { table, staging, outcomes, open }
}

/** Not one of them was tried. */
async function takeBack(run: RecoveryRun): Promise<void> {
  const { plan } = run
  await fenced(run, async (session) => {
    await session.query('DELETE FROM capstan.row_recovery WHERE digest = $1', [plan.digest])
    for (const { table } of plan.tables) await session.execute(`DROP TABLE IF EXISTS ${stagingOf(plan, table)}`)
  })
}
