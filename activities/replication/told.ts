/** What a comparison of a standby with its source comes to, in the ledger's words: names of tables, counts, and why something could not be compared. */
import type { IsoInstant } from '../../contracts/operation'
import type { ComparisonTold, DifferingTable } from '../../contracts/standby'
import type { Comparison } from '../../postgres/verify/compared'

const DIFFERING_MAX = 50
const LEFT_MAX = 20

/** Of a table that is not proven equal: what differs, or else why nothing is known of it. */
export type ToldTable = DifferingTable | { readonly table: string; readonly why: string }

/** Each table once, and those that are equal not at all. A column that one side lacks is no difference of rows: of such a table nothing is said to be equal. */
export function toldOf({ tables, structure }: Comparison): ToldTable[] {
  const lacking = new Map(structure.map(({ table, column, side }) => [table, { column, side }]))
  const told = tables.flatMap(({ table, verdict, differences, note }): ToldTable[] => {
    const { onlyInSource, onlyInTarget: onlyInStandby, changed, exact } = differences
    if (verdict === 'different') return [{ table, onlyInSource, onlyInStandby, changed, exact }]
    if (verdict === 'inconclusive') return [{ table, why: note ?? 'Nothing is known of it.' }]
    return []
  })
  const without = [...lacking].filter(([table]) => !told.some((one) => one.table === table))
  return [
    ...told,
    ...without.map(([table, { column, side }]) => {
      const what = column === null ? 'no such table' : `no column ${column} of it`
      return { table, why: `The ${side === 'target' ? 'standby' : 'source'} has ${what}.` }
    }),
  ]
}

const isDifferent = (told: ToldTable): told is DifferingTable => 'changed' in told

interface All {
  readonly since: IsoInstant
  readonly tables: readonly string[]
  readonly told: readonly ToldTable[]
  /** There was no time for them. */
  readonly left: readonly string[]
}

export function toldOfAll({ since, tables, told, left }: All): ComparisonTold {
  // what is published no more is no part of it by now
  const ofThese = told.filter(({ table }) => tables.includes(table))
  const differing = ofThese.filter(isDifferent)
  const unknown = [
    ...ofThese.flatMap((one) => (isDifferent(one) ? [] : [one])),
    ...left.map((table) => ({ table, why: 'There was no time left for it.' })),
  ]
  const isEqual = tables.length > 0 && unknown.length === 0
  return {
    ...{ startedAt: since, endedAt: new Date().toISOString() },
    verdict: differing.length > 0 ? 'different' : isEqual ? 'equal' : 'inconclusive',
    tables: tables.length,
    ...{ differing: differing.slice(0, DIFFERING_MAX), tablesDiffering: differing.length },
    ...{ left: unknown.slice(0, LEFT_MAX), tablesLeft: unknown.length },
  }
}
