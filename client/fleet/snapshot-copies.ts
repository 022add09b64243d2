/** The regions that snapshots are copied into, and why a cloud has none. */
import type { AwsCanary, SnapshotCopyPolicy } from '../../contracts/fleet'
import type { FleetFileDatabase } from '../../contracts/fleet.schema'
import type { PricesOf } from './prices'
import type { FieldPath } from './source'

interface Reader {
  wrong(path: FieldPath, rule: string): void
  unique(values: readonly string[], pathOf: (index: number) => FieldPath): void
}

const NONE = {
  azure:
    'left out: Azure copies no backup of a flexible server; whether backups are kept in the paired region as well is chosen when the server is made',
  gcp: 'left out: Cloud SQL copies no backup; where backups lie is chosen for the instance (its backup location)',
} as const

/** What the SDK signs for the source's region it signs for a host outside of China. */
const IN_CHINA =
  'left out: between the regions of China no snapshot can be copied, since the client of AWS signs the request for another host'

/** `path`: of the list. Nothing where there is none. */
export function toSnapshotCopies(
  file: FleetFileDatabase,
  path: FieldPath,
  { reader, pricesOf }: { reader: Reader; pricesOf: PricesOf },
): { readonly snapshotCopies?: readonly SnapshotCopyPolicy[] } {
  if (file.policy?.snapshotCopies === undefined) return {}
  if (file.cloud !== 'aws') {
    reader.wrong(path, NONE[file.cloud])
    return {}
  }
  if (file.region.startsWith('cn-')) {
    reader.wrong(path, IN_CHINA)
    return {}
  }
  const copies = (file.policy.snapshotCopies ?? []).map(({ region, kmsKey = null, canary }, index): SnapshotCopyPolicy => {
    if (region === file.region) reader.wrong([...path, index, 'region'], `another region than the database’s own, ${file.region}`)
    else if (partitionOf(region) !== partitionOf(file.region)) {
      reader.wrong(
        [...path, index, 'region'],
        `a region that snapshots of ${file.region} can be copied to: ${partitionOf(file.region)}`,
      )
    }
    const home = keyRegion(kmsKey)
    if (home !== null && home !== region) reader.wrong([...path, index, 'kmsKey'], `a key of ${region}: keys are of one region`)
    if (canary === undefined) return { region, key: kmsKey }
    if (file.aurora === true && (canary.instanceClass ?? null) === null)
      reader.wrong([...path, index, 'canary', 'instanceClass'], CLASS_UNKNOWN)
    const prices = pricesOf({ cloud: file.cloud, region })
    return { region, key: kmsKey, canary: toCanary(canary), ...(prices && { prices }) }
  })
  reader.unique(
    copies.map(({ region }) => region),
    (index) => [...path, index, 'region'],
  )
  return { snapshotCopies: copies }
}

type FileCopy = NonNullable<NonNullable<Extract<FleetFileDatabase, { cloud: 'aws' }>['policy']>['snapshotCopies']>[number]

/** Nobody can be asked of what class the instance is: a snapshot of RDS says so by itself, one of Aurora does not. */
const CLASS_UNKNOWN =
  'an instance class such as db.r6g.large or db.serverless/0.5-16, since a snapshot of an Aurora cluster does not say of what class its writer was'

function toCanary({ securityGroups, instanceClass = null, subnetGroup }: NonNullable<FileCopy['canary']>): AwsCanary {
  return { securityGroups, instanceClass, ...(subnetGroup !== undefined && { subnetGroup }) }
}

/** No snapshot leaves its partition. In words. */
function partitionOf(region: string): string {
  if (region.startsWith('us-gov-')) return 'one of GovCloud'
  return region.startsWith('cn-') ? 'one of China' : 'one outside GovCloud and China'
}

/** Of a key that is named by its ARN; null: it is named otherwise. */
function keyRegion(key: string | null): string | null {
  return /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(key ?? '')?.[1] ?? null
}
