/** That the newest comparison has found rows which differ, in one sentence for people. Pure: doors and activities tell it alike. */
import type { DifferingTable, StandbyRecord } from './standby'

const TABLES_SHOWN = 3

/** Null: it has not. */
export function rowsDiffering({
  source,
  target,
  compared,
}: Pick<StandbyRecord, 'source' | 'target' | 'compared'>): string | null {
  const last = compared?.last ?? null
  if (last === null || last.verdict !== 'different') return null
  const { differing, tablesDiffering, endedAt } = last
  const more = tablesDiffering - TABLES_SHOWN
  const tables = differing.slice(0, TABLES_SHOWN).map(differingTable).join('; ')
  const table = tablesDiffering === 1 ? ` --table ${differing[0]?.table ?? ''}` : ''
  return `${target} does not hold the rows that ${source} does, compared at ${endedAt}: ${tables}${more > 0 ? `; and ${more} more tables` : ''}. Find out who wrote there, then capstan standby reseed ${source} --to ${target}${table}.`
}

export function differingTable({ table, onlyInSource, onlyInStandby, changed, exact }: DifferingTable): string {
  const counts = `${onlyInSource} rows are in the source alone, ${onlyInStandby} in the standby alone, ${changed} differ`
  return `${table}: ${exact ? '' : 'at least '}${counts}`
}
