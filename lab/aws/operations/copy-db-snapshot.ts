/** CopyDBSnapshot: within a region by name or ARN, from another region by ARN, sent to the region where the copy is to be. The URL
 *  that an SDK signs for the source's region is not looked at: this lab is every region. */
import { type Call, type Operation, promised } from '../cloud'
import { AwsError, invalidCombination, invalidValue } from '../errors'
import { note } from '../events'
import { parseSnapshotIdentifier, parseTags } from '../identifiers'
import { ACCOUNT, arn, type DbSnapshot, key } from '../state'
import { snapshotView } from '../views'
import { requireNewSnapshot } from './new-snapshot'

export const copyDbSnapshot: Operation<'CopyDBSnapshot'> = async (call) => {
  const { cloud, query, region } = call
  const id = parseSnapshotIdentifier('TargetDBSnapshotIdentifier', query.required('TargetDBSnapshotIdentifier'))
  const source = findSource(call)
  const added = parseTags(query.records('Tags'))
  const name = requireNewSnapshot(cloud.state, region, id)
  if (source.status !== 'available') {
    throw new AwsError('InvalidDBSnapshotState', `DBSnapshot ${source.id} cannot be copied: it is ${source.status}.`)
  }
  const kmsKeyId = query.text('KmsKeyId') ?? (source.region === region ? source.kmsKeyId : null)
  if (source.encrypted && kmsKeyId === null) {
    throw invalidCombination('An encrypted snapshot is copied to another region with a KmsKeyId of that region.')
  }
  const snapshot: DbSnapshot = {
    ...source,
    region,
    id,
    type: 'manual',
    archive: null,
    status: 'creating',
    encrypted: kmsKeyId !== null,
    kmsKeyId,
    zone: `${region}${source.zone.at(-1)}`,
    createdAt: null,
    source: arn(source.region, 'snapshot', source.id),
    sharedWith: [],
    tags: { ...(query.flag('CopyTags') === true ? source.tags : {}), ...added },
    tasks: [{ kind: 'copy', ...doomOf(call) }],
  }
  cloud.state.snapshots[name] = snapshot
  note(cloud.state, 'db-snapshot', snapshot, 'copyStarted', snapshot.source ?? '')
  await cloud.save()
  cloud.copies.wake(snapshot)
  return { DBSnapshot: snapshotView(cloud, snapshot) }
}

function doomOf(call: Call) {
  const { doom } = promised(call, { kind: 'modify' })
  return doom ? { doom } : {}
}

/** @throws AwsError DBSnapshotNotFound, InvalidParameterValue. */
function findSource({ cloud, query, region }: Call): DbSnapshot {
  const named = query.required('SourceDBSnapshotIdentifier')
  const [, home, account, plain] = /^arn:aws:rds:([a-z0-9-]+):(\d{12}):snapshot:(.+)$/.exec(named) ?? []
  if (named.startsWith('arn:') && account !== ACCOUNT) throw invalidValue(`Invalid DB snapshot identifier: ${named}`)
  const from = query.text('SourceRegion')
  if (from !== undefined && home !== undefined && from !== home) {
    throw invalidCombination(`The source is in ${home}, not in ${from}.`)
  }
  const snapshot = cloud.state.snapshots[key(home ?? region, plain ?? named)]
  if (!snapshot) throw new AwsError('DBSnapshotNotFound', `DBSnapshot ${named} not found.`)
  return snapshot
}
