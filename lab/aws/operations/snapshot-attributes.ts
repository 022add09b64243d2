/** The one attribute that a snapshot has. This lab is one account: whom else it is shared with is only remembered. */
import { AwsError, type AwsErrorCode, invalidValue } from '../errors'
import type { DBClusterSnapshotAttributesResult, DBSnapshotAttributesResult } from '../generated/answers'
import type { Query } from '../protocol/query'
import type { DbSnapshot } from '../state'

const RESTORE = 'restore'
const ACCOUNTS_MAX = 20

export function attributesView({ id, sharedWith }: DbSnapshot): DBSnapshotAttributesResult {
  return {
    DBSnapshotIdentifier: id,
    DBSnapshotAttributes: [{ AttributeName: RESTORE, AttributeValues: sharedWith }],
  }
}

export function clusterAttributesView({ id, sharedWith }: DbSnapshot): DBClusterSnapshotAttributesResult {
  return {
    DBClusterSnapshotIdentifier: id,
    DBClusterSnapshotAttributes: [{ AttributeName: RESTORE, AttributeValues: sharedWith }],
  }
}

/** With whom the request wants a manual snapshot to be shared: accounts, or everybody unless it is encrypted. `state`: the code of the
 *  error for one that cannot be shared now. @throws AwsError InvalidParameterValue, SharedSnapshotQuotaExceeded, and that one. */
export function parseSharing(query: Query, snapshot: DbSnapshot, state: AwsErrorCode): string[] {
  const attribute = query.required('AttributeName')
  if (attribute !== RESTORE) throw invalidValue(`Invalid attribute name: ${attribute}. There is: ${RESTORE}.`)
  const added = query.list('ValuesToAdd') ?? []
  const removed = query.list('ValuesToRemove') ?? []
  for (const value of [...added, ...removed]) {
    if (!/^(all|\d{12})$/.test(value)) throw invalidValue(`Invalid account id: ${value}. It has twelve digits, or is all.`)
  }
  if (snapshot.status !== 'available') {
    throw new AwsError(state, `The snapshot ${snapshot.id} cannot be shared: it is ${snapshot.status}.`)
  }
  if (snapshot.type === 'automated') throw new AwsError(state, 'Only manual snapshots may be shared: copy it first.')
  if (snapshot.encrypted && added.includes('all')) {
    throw invalidValue('An encrypted snapshot cannot be shared with everybody.')
  }
  const shared = [...new Set([...snapshot.sharedWith, ...added])].filter((value) => !removed.includes(value)).sort()
  if (shared.length > ACCOUNTS_MAX) {
    throw new AwsError('SharedSnapshotQuotaExceeded', `A snapshot is shared with at most ${ACCOUNTS_MAX} accounts.`)
  }
  return shared
}
