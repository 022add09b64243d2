/** Where the fleet's copies are: what a cloud lists together, each with one database by which a worker gets there. */
import type { Cloud, DatabaseEntry } from '../contracts/fleet'
import { isTemporaryName } from '../contracts/operation'
import type { PlaceId } from '../contracts/orphans'

export interface Place {
  readonly id: PlaceId
  /** The first of its databases in the fleet file: a worker asks the cloud by its entry. */
  readonly entry: DatabaseEntry
  /** Instances of the file on that cloud that are named as copies are, in lower case: they took over, and are nobody's copies. */
  readonly named: readonly string[]
}

/** Instances of one account and region, apart from clusters of Aurora; on Azure a pair of resource groups, which hold servers of any region. The regions
 *  that a database's snapshots are copied into are places as well, since what is restored of a copy there is there. In the order of the file. */
export function placesOf(databases: readonly DatabaseEntry[]): Place[] {
  const places = new Map<PlaceId, Place>()
  for (const entry of databases.flatMap(everywhere)) {
    const id = placeOf(entry)
    if (!places.has(id)) places.set(id, { id, entry, named: namedAsCopies(databases, entry.cloud) })
  }
  return [...places.values()]
}

/** The entry in its own region, then in the others: what is asked there is of the account, and not of the database. */
function everywhere(entry: DatabaseEntry): DatabaseEntry[] {
  const elsewhere = entry.policy.snapshotCopies ?? []
  return [entry, ...elsewhere.map(({ region }) => ({ ...entry, region }))]
}

/** `aws/123456789012/eu-central-1`, `aws/123456789012/eu-central-1/aurora`, `azure/<subscription>/<group>/<group of copies>`, `gcp/shop/europe-west3`. */
function placeOf(entry: DatabaseEntry): PlaceId {
  const { cloud, account, region } = entry
  switch (entry.cloud) {
    case 'aws':
      return [cloud, account, region, ...(entry.aurora === true ? ['aurora'] : [])].join('/')
    case 'azure': {
      // Resource Manager compares their names without regard to case.
      const groups = [entry.resourceGroup, ...(entry.copiesResourceGroup === undefined ? [] : [entry.copiesResourceGroup])]
      return [cloud, account, ...groups.map((group) => group.toLowerCase())].join('/')
    }
    case 'gcp':
      return [cloud, account, region].join('/')
  }
}

/** Of all its accounts: one too many stays, one too few might go. */
function namedAsCopies(databases: readonly DatabaseEntry[], cloud: Cloud): string[] {
  const names = databases.filter((entry) => entry.cloud === cloud).map(({ instance }) => instance.toLowerCase())
  return [...new Set(names)].filter(isTemporaryName).sort()
}
