/** What became of each staged row, once no round brings anything back any more. */
import { outputText } from '../verify/catalog'
import { shownKey, TOLD_MAX } from '../verify/found'
import { OUTCOMES, type Outcome, type TableRecovered, type ToldRow } from './recovered'
import type { RecoveryRun } from './run'
import { OF_A_PIECE, overStaged } from './staged-pieces'
import { stagingOf } from './staging'
import type { FitTable } from './survey'

/** Who has no outcome yet has no parent, and is marked so. Safe to repeat. */
export async function tellOutcomes(run: RecoveryRun, { pair }: FitTable): Promise<TableRecovered> {
  const staging = stagingOf(run.plan, pair.name)
  const key = (pair.key?.columns ?? []).map(({ target: { column } }) => column)
  const pieces = overStaged(run, staging, async (session, bounds) => {
    await session.query(
      `UPDATE ${staging} SET capstan_outcome = 'orphan' WHERE capstan_outcome IS NULL AND ${OF_A_PIECE}`,
      bounds,
    )
    const counts = await session.query<{ outcome: Outcome; rows: number }>(
      `SELECT capstan_outcome AS outcome, count(*) AS rows FROM ${staging} WHERE ${OF_A_PIECE} GROUP BY 1`,
      bounds,
    )
    const told = await session.query<ToldRow>(
      `SELECT t.capstan_outcome AS outcome, ARRAY[${key.map(outputText).join(', ')}]::text[] AS key, t.capstan_why AS why
         FROM ${staging} AS t WHERE t.capstan_outcome <> 'brought' AND ${OF_A_PIECE} ORDER BY t.capstan_outcome, t.capstan_n LIMIT ${TOLD_MAX}`,
      bounds,
    )
    return { counts, told }
  })
  const outcomes: Record<Outcome, number> = { brought: 0, altered: 0, reappeared: 0, refused: 0, orphan: 0 }
  let sample: ToldRow[] = []
  for await (const { counts, told } of pieces) {
    for (const { outcome, rows } of counts) outcomes[outcome] += rows
    sample = [...sample, ...told].sort(byOutcome).slice(0, TOLD_MAX)
  }
  return {
    table: pair.name,
    key: key.map(({ name }) => name),
    rows: OUTCOMES.reduce((sum, outcome) => sum + outcomes[outcome], 0),
    outcomes,
    sample: sample.map((row) => ({ ...row, key: shownKey(row.key, pair, false) })),
  }
}

/** Within one they stay in their order. */
const byOutcome = (a: ToldRow, b: ToldRow): number => (a.outcome < b.outcome ? -1 : a.outcome > b.outcome ? 1 : 0)
