/** What copying a snapshot of an instance and one of a cluster have in common. */
import { type Call, promised } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { note } from '../events'
import { parseTags } from '../identifiers'
import { requireRoomForCopy } from '../quotas'
import { ACCOUNT, type ArnKind, arn, type DbSnapshot } from '../state'

/** Where a source is that is named by its identifier, in the region of the call, or by its ARN, in any region.
 *  @throws AwsError InvalidParameterValue, InvalidParameterCombination. */
export function placeOfSource({ query, region }: Call, named: string, kind: ArnKind): { region: string; id: string } {
  const [, home, account, of, id] = /^arn:aws:rds:([a-z0-9-]+):(\d{12}):([a-z-]+):(.+)$/.exec(named) ?? []
  if (named.startsWith('arn:') && (account !== ACCOUNT || of !== kind)) {
    throw invalidValue(`Invalid DB snapshot identifier: ${named}`)
  }
  const from = query.text('SourceRegion')
  if (from !== undefined && home !== undefined && from !== home) {
    throw invalidCombination(`The source is in ${home}, not in ${from}.`)
  }
  return { region: home ?? region, id: id ?? named }
}

/** Keys are of one region. That one of this region is there and may be used nobody looks at. @throws AwsError KMSKeyNotAccessibleFault. */
function requireKeyOf(region: string, kmsKeyId: string | null): void {
  const [, home] = /^arn:aws:kms:([a-z0-9-]+):/.exec(kmsKeyId ?? '') ?? []
  if (home === undefined || home === region) return
  throw new AwsError(
    'KMSKeyNotAccessibleFault',
    `The specified KMS key [${kmsKeyId}] does not exist, is not enabled or you do not have permissions to access it.`,
  )
}

/** Writes the copy down under its key; its data is the source's, since nobody changes that. */
export async function addCopy(call: Call, source: DbSnapshot, copy: { id: string; name: string }): Promise<DbSnapshot> {
  const { cloud, query, region } = call
  const kmsKeyId = query.text('KmsKeyId') ?? (source.region === region ? source.kmsKeyId : null)
  requireKeyOf(region, kmsKeyId)
  if (source.region !== region) requireRoomForCopy(cloud.state, region)
  if (source.ofCluster && !source.encrypted && kmsKeyId !== null) {
    throw invalidCombination('An unencrypted DB cluster snapshot cannot be encrypted by copying it.')
  }
  if (source.encrypted && kmsKeyId === null) {
    throw invalidCombination('An encrypted snapshot is copied to another region with a KmsKeyId of that region.')
  }
  const added = parseTags(query.records('Tags'))
  const { doom } = promised(call, { kind: 'modify' })
  const snapshot: DbSnapshot = {
    ...source,
    region,
    id: copy.id,
    type: 'manual',
    archive: null,
    status: source.ofCluster ? 'copying' : 'creating',
    encrypted: kmsKeyId !== null,
    kmsKeyId,
    zone: `${region}${source.zone.at(-1)}`,
    createdAt: null,
    source: arn(source.region, source.ofCluster ? 'cluster-snapshot' : 'snapshot', source.id),
    sharedWith: [],
    tags: { ...(query.flag('CopyTags') === true ? source.tags : {}), ...added },
    tasks: [{ kind: 'copy', ...(doom && { doom }) }],
  }
  cloud.state.snapshots[copy.name] = snapshot
  note(cloud.state, source.ofCluster ? 'db-cluster-snapshot' : 'db-snapshot', snapshot, 'copyStarted', snapshot.source ?? '')
  await cloud.save()
  cloud.copies.wake(snapshot)
  return snapshot
}
