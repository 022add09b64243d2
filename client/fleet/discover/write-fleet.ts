/** A fleet file out of what was found. What the cloud knows is written down; where a person has to decide stands something that says so and does
 *  no harm: a reference to a variable that nobody set, a security group that there is not, a network that
 *  nobody is in, no migrations. */
import { Document, isMap, isScalar, isSeq, type Scalar, type YAMLMap } from 'yaml'
import type { FoundInstance } from '../../../clouds/discovery/found'
import { printable } from '../../../postgres/printable'
import { counted } from '../../quantities'
import type { LeftOut, Proposal, SortedOut } from './sort-out'

const UNDECIDED = 'undecided'
/** Of those that are kept for documentation (RFC 5737): nobody is there. */
const NOBODY = '192.0.2.1/32'
const ENVIRONMENT = /^[a-z][a-z0-9-]*$/
const ENVIRONMENT_TAGS = ['environment', 'env', 'stage']
const IDENTIFIER_BYTES_MAX = 63

/** `asked`: what was asked, for people. */
export function writeFleet({ databases, leftOut }: SortedOut, asked: string): string {
  const document = new Document({ version: 1, databases: databases.map(entryOf) })
  document.commentBefore = headOf(databases.length, asked)
  const list = document.get('databases')
  if (isSeq(list)) {
    for (const [index, item] of list.items.entries()) {
      const proposal = databases[index]
      if (isMap(item) && proposal !== undefined) explain(item, proposal)
    }
  }
  if (leftOut.length > 0) document.comment = ['', ' Left out:', ...leftOut.map(leftOutLine)].join('\n')
  return document.toString({ lineWidth: 0 })
}

function headOf(count: number, asked: string): string {
  return [
    ` ${counted(count, 'database')} found in ${text(asked)}.`,
    ' What says "decide" is a placeholder: nothing can be done to a database before a person has decided.',
    ' `capstan fleet check` says what is wrong with this file, with line and column.',
  ].join('\n')
}

export function leftOutLine({ instance, why }: LeftOut): string {
  return ` ${whereIs(instance)} is ${text(why)}`
}

/** As `shop (eu-central-1)`. */
export function whereIs({ name, region, resourceGroup }: FoundInstance): string {
  return text(`${name} (${resourceGroup === null ? region : `${resourceGroup}, ${region}`})`)
}

function entryOf({ name, instance }: Proposal): Record<string, unknown> {
  const labels = labelsOf(instance.tags)
  const variable = name.toUpperCase().replace(/-/g, '_')
  return {
    name,
    cloud: instance.cloud,
    account: instance.cloud === 'azure' ? instance.account.toLowerCase() : instance.account,
    ...(instance.resourceGroup !== null && { resourceGroup: instance.resourceGroup }),
    region: instance.region,
    instance: instance.name,
    ...(instance.cluster && { aurora: true }),
    database: identifier(instance.database) ?? 'postgres',
    environment: environmentOf(instance.tags) ?? UNDECIDED,
    ...(Object.keys(labels).length > 0 && { labels }),
    connections: {
      admin: { user: identifier(instance.master) ?? 'postgres', secret: `env:${variable}_ADMIN_PASSWORD` },
      migrator: { user: 'migrator', secret: `env:${variable}_MIGRATOR_PASSWORD` },
    },
    canary: instance.cloud === 'aws' ? { securityGroups: [`sg-${UNDECIDED}`] } : { networks: [NOBODY] },
  }
}

/** Comments: facts before the entry, and beside what a person has to decide. */
function explain(entry: YAMLMap, { name, instance, standbys }: Proposal): void {
  const renamed =
    name === instance.name ? [] : [` Called ${name} here, since ${text(instance.name)} is not unique or not a legal name.`]
  const followers = standbys.map((standby) => ` Standby: ${whereIs(standby)}, a read replica${through(standby, instance)}.`)
  entry.commentBefore = [` ${factsOf(instance)}`, ...renamed, ...followers].join('\n')
  entry.spaceBefore = true
  beside(entry, ['database'], identifier(instance.database) === null && 'decide: which database of the instance')
  beside(entry, ['environment'], environmentOf(instance.tags) === null && 'decide')
  beside(entry, ['connections', 'admin', 'user'], identifier(instance.master) === null && 'decide: the master')
  beside(entry, ['connections', 'admin', 'secret'], 'decide: where the password is, env: or file:')
  beside(entry, ['connections', 'migrator', 'user'], 'decide: the role that owns what migrations change')
  beside(entry, ['connections', 'migrator', 'secret'], 'decide')
  beside(entry, ['canary', 'securityGroups', 0], 'decide: a security group that lets only the control plane in')
  beside(entry, ['canary', 'networks', 0], 'decide: networks that only the control plane is in')
  const apart =
    instance.cloud === 'azure'
      ? [' copiesResourceGroup: copies # decide: a resource group that holds copies and nothing else']
      : []
  entry.comment = [...apart, ` migrations: migrations/${name} # decide: their folder, once there is one`].join('\n')
}

function through({ replicaOf }: FoundInstance, { id }: FoundInstance): string {
  return replicaOf === id ? '' : ` through ${text(replicaOf ?? '')}`
}

function beside(entry: YAMLMap, path: readonly (string | number)[], comment: string | false): void {
  const node: unknown = entry.getIn(path, true)
  if (comment !== false && isScalar(node)) (node as Scalar).comment = ` ${comment}`
}

function factsOf(instance: FoundInstance): string {
  const { engineVersion, instanceClass, endpoint, cloudState, deletionProtected, backupDays, backupsKept } = instance
  const backups =
    backupDays === 0
      ? 'NO BACKUPS'
      : backupDays !== null
        ? `backups kept for ${counted(backupDays, 'day')}`
        : backupsKept !== null
          ? `${counted(backupsKept, 'backup')} kept`
          : 'backups taken'
  return text(
    [
      `PostgreSQL ${engineVersion} on ${instanceClass}, ${cloudState}`,
      endpoint === null ? 'no endpoint yet' : `${endpoint.host}:${endpoint.port}`,
      backups,
      // Azure has locks instead, which are another API's.
      ...(deletionProtected || instance.cloud === 'azure' ? [] : ['not protected from deletion']),
    ].join('; '),
  )
}

/** `aws:…` are AWS's own. */
function labelsOf(tags: FoundInstance['tags']): Record<string, string> {
  const mine = Object.entries(tags).filter(([name]) => !name.startsWith('aws:') && name !== '<<')
  return Object.fromEntries(mine.map(([name, value]) => [text(name), text(value)]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)))
}

function environmentOf(tags: FoundInstance['tags']): string | null {
  for (const wanted of ENVIRONMENT_TAGS) {
    const found = Object.entries(tags)
      .find(([name]) => name.toLowerCase() === wanted)?.[1]
      .toLowerCase()
    if (found !== undefined && ENVIRONMENT.test(found)) return found
  }
  return null
}

/** Null for what a fleet file could not hold. */
function identifier(name: string | null): string | null {
  if (name === null || name.trim() === '' || name !== printable(name)) return null
  return Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX && !name.includes('://') ? name : null
}

/** A cloud's text in a comment or a label: on one line, and nothing that a terminal would obey. */
function text(words: string): string {
  return printable(words)
}
