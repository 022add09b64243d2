/** The read replicas that a database of the fleet file declares: whether each entry can be one, as far as the file tells. Whether its cloud has it as one is asked
 *  in the plan. */
import { type DatabaseEntry, lockScope } from '../../contracts/fleet'
import { type FleetProblem, showPath, wrongValue } from './problems'
import type { FieldPath, FleetSource } from './source'
import { unknownRule } from './standbys'

/** One problem for each declaration that names no database which could be a replica. */
export function misplacedReplicas(entries: readonly DatabaseEntry[], source: FleetSource): FleetProblem[] {
  const seen = new Map<string, FieldPath>()
  return entries.flatMap((primary, at) =>
    (primary.replicas ?? []).flatMap((name, index) => {
      const path: FieldPath = ['databases', at, 'replicas', index]
      const replica = entries.find((entry) => entry.name === name)
      if (replica === undefined) return [wrongValue(source, path, unknownRule(name, entries, primary))]
      const rule = ruleAgainst(primary, replica)
      if (rule !== null) return [wrongValue(source, path, rule)]
      const first = seen.get(name)
      seen.set(name, path)
      if (first === undefined) return []
      const { line } = source.placeOf(first)
      return [wrongValue(source, path, `another, since ${showPath(first)} on line ${line} declares that one`)]
    }),
  )
}

/** What it would have to be; null: it may be a replica. */
function ruleAgainst(primary: DatabaseEntry, replica: DatabaseEntry): string | null {
  if (primary === replica || lockScope(primary) === lockScope(replica)) return 'a database in another instance'
  if (primary.cloud === 'aws' && primary.aurora !== true)
    return 'none: RDS promotes a replica beside a writer that goes on. Declare a standby, or make it a global database of Aurora'
  if (replica.cloud !== primary.cloud || replica.account !== primary.account)
    return `a database in the same cloud and account (${primary.cloud} ${primary.account}): in another one declare it as a standby`
  if (replica.cloud === 'aws' && (replica.aurora !== true || replica.region === primary.region))
    return 'a secondary cluster of the same global database of Aurora, in another region, with `aurora: true`'
  if (primary.cloud === 'azure' && replica.cloud === 'azure' && !sameGroup(primary.resourceGroup, replica.resourceGroup))
    return `a database of the same resource group, ${primary.resourceGroup}`
  if (replica.database !== primary.database) return `an entry for the same database, ${primary.database}: a replica has no other`
  if (replica.replicas !== undefined) return 'one without replicas of its own: a pair is declared once, at its first writer'
  if (replica.endpoint !== undefined)
    return 'one without an endpoint: the one that applications write through is the pair’s, declared at its first writer'
  if (replica.standbys !== undefined || primary.standbys?.some(({ database }) => database === replica.name))
    return 'one that is neither a standby nor has one: its slots go with the role of the writer'
  return null
}

function sameGroup(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
