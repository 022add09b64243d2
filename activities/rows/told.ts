/** What is told of rows that came back: counts, keys as a comparison names them, and no other value. Pure. */
import type { LeftSummary, RecoveredSummary } from '../../contracts/recover-rows'
import type { RowsNow } from '../../postgres/row-recovery/look-again'
import type { RowRecoveryResult } from '../../postgres/row-recovery/recovered'
import type { LeftRows } from '../../postgres/row-recovery/settle'

/** PostgreSQL's messages of these name constraints and columns; what others say, or a trigger raises, may hold a row's values. */
const NAMES_ONLY = /\(SQLSTATE 23\w{3}\)$/

/** For what is kept outside the database. */
export function withoutValues(result: RowRecoveryResult): RowRecoveryResult {
  const told = (why: string | null): string | null => {
    if (why === null || !why.includes('SQLSTATE') || NAMES_ONLY.test(why)) return why
    return `PostgreSQL or a trigger said no (${why.slice(why.lastIndexOf('SQLSTATE '))}`
  }
  const tables = result.tables.map((table) => ({ ...table, sample: table.sample.map((row) => ({ ...row, why: told(row.why) })) }))
  return { ...result, tables }
}

const total = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((sum, one) => sum + of(one), 0)

export function recoveredSummary({ tables }: RowRecoveryResult, now: readonly RowsNow[]): RecoveredSummary {
  const outcomes = (name: keyof (typeof tables)[number]['outcomes']) => total(tables, (table) => table.outcomes[name])
  return {
    brought: outcomes('brought'),
    altered: outcomes('altered'),
    reappeared: outcomes('reappeared'),
    refused: outcomes('refused'),
    orphan: outcomes('orphan'),
    same: total(now, ({ same }) => same),
    changedSince: total(now, ({ changedSince }) => changedSince),
    goneSince: total(now, ({ goneSince }) => goneSince),
  }
}

export function leftSummary({ state, tables }: LeftRows): LeftSummary {
  if (state === 'nothing') return { state, summary: 'No row came back, and nothing is left.' }
  const said = tables.map(({ table, staging, outcomes, open }) => {
    const back = (outcomes.brought + outcomes.altered).toLocaleString('en-US')
    const rest = open === 0 ? '' : `, ${open.toLocaleString('en-US')} are not tried yet`
    const keys = staging === null ? '' : ` (keys and outcomes: ${staging})`
    return `${back} rows of ${table} are back and stay${rest}${keys}`
  })
  const further = state === 'staged' ? ' The same asked for once more goes on with what is staged.' : ''
  return { state, summary: `${said.join('; ')}.${further}` }
}
