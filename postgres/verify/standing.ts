/** Whether the tables of a comparison are still what they were when it was decided how to compare them. */
import type { Catalog, CatalogTable } from './catalog'
import { SIDES, type SideName } from './compared'
import type { Pairing } from './pairing'

export type Catalogs = Readonly<Record<SideName, Catalog>>

/** Tables whose definition changed between two readings of the catalogs, and those of the selection that only the later one has, with what to
 *  say of them. */
export function whatChanged(before: Catalogs, paired: Pairing, after: Catalogs, pairedAfter: Pairing): Map<string, string> {
  const changed = new Map<string, string>()
  for (const side of SIDES) {
    const shapes = new Map(after[side].tables.map((table) => [table.name, shapeOf(table)]))
    const encoded = before[side].encoding === after[side].encoding
    const known = new Map(before[side].tables.map((table) => [table.name, table]))
    for (const { name } of paired.pairs) {
      const was = known.get(name)
      if (was === undefined || !encoded || shapes.get(name) !== shapeOf(was))
        changed.set(name, `Its definition in the ${side} was changed while it was compared: compare it again.`)
    }
  }
  const asked = new Set(namesOf(paired))
  for (const name of namesOf(pairedAfter))
    if (!asked.has(name)) changed.set(name, 'It came while the others were compared: compare it again.')
  return changed
}

const namesOf = ({ pairs, unreadable, structure }: Pairing): string[] => [
  ...pairs.map(({ name }) => name),
  ...unreadable.keys(),
  ...structure.map(({ table }) => table),
]

/** All but its size, which every write changes. */
export const shapeOf = ({ bytes: _, ...shape }: CatalogTable): string => JSON.stringify(shape)
