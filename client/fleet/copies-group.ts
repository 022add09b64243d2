/** A resource group for copies holds nothing else: whoever removes copies may remove whatever is in it. */
import type { DatabaseEntry } from '../../contracts/fleet'
import { isTemporaryName } from '../../contracts/operation'
import { type FleetProblem, showPath, wrongValue } from './problems'
import type { FieldPath, FleetSource } from './source'

/** One problem for each database whose copies would be among databases, or whose server would be taken for a copy. */
export function mixedWithCopies(entries: readonly DatabaseEntry[], source: FleetSource): FleetProblem[] {
  return entries.flatMap((entry, index) => {
    if (entry.cloud !== 'azure' || entry.copiesResourceGroup === undefined) return []
    const wrong = (field: string, rule: string): FleetProblem[] => [wrongValue(source, ['databases', index, field], rule)]
    const holding = entries.findIndex((other) => sameGroup(other, entry.account, entry.copiesResourceGroup))
    if (holding >= 0) {
      const path: FieldPath = ['databases', holding, 'resourceGroup']
      const { line } = source.placeOf(path)
      return wrong('copiesResourceGroup', `one that holds copies alone; ${showPath(path)} on line ${line} is the same`)
    }
    if (!isTemporaryName(entry.instance)) return []
    return wrong('instance', 'one that is not named as copies are (cap-…): it would be looked for in copiesResourceGroup')
  })
}

/** Resource Manager compares their names without regard to case. */
function sameGroup(entry: DatabaseEntry, account: string, group: string | undefined): boolean {
  return entry.cloud === 'azure' && entry.account === account && entry.resourceGroup.toLowerCase() === group?.toLowerCase()
}
