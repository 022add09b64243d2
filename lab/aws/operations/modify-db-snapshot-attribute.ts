/** ModifyDBSnapshotAttribute: shares a manual snapshot with accounts, or with everybody unless it is encrypted; or takes that back. */
import { findSnapshot, type Operation } from '../cloud'
import { AwsError, invalidValue } from '../errors'
import { attributesView, RESTORE } from './snapshot-attributes'

const ACCOUNTS_MAX = 20

export const modifyDbSnapshotAttribute: Operation<'ModifyDBSnapshotAttribute'> = async (call) => {
  const { cloud, query } = call
  const snapshot = findSnapshot(call)
  const attribute = query.required('AttributeName')
  if (attribute !== RESTORE) throw invalidValue(`Invalid attribute name: ${attribute}. There is: ${RESTORE}.`)
  const added = query.list('ValuesToAdd') ?? []
  const removed = query.list('ValuesToRemove') ?? []
  for (const value of [...added, ...removed]) {
    if (!/^(all|\d{12})$/.test(value)) throw invalidValue(`Invalid account id: ${value}. It has twelve digits, or is all.`)
  }
  if (snapshot.status !== 'available') {
    throw new AwsError('InvalidDBSnapshotState', `DBSnapshot ${snapshot.id} cannot be shared: it is ${snapshot.status}.`)
  }
  if (snapshot.type === 'automated') {
    throw new AwsError('InvalidDBSnapshotState', 'Only manual snapshots may be shared: copy it first.')
  }
  if (snapshot.encrypted && added.includes('all')) {
    throw invalidValue('An encrypted snapshot cannot be shared with everybody.')
  }
  const shared = [...new Set([...snapshot.sharedWith, ...added])].filter((value) => !removed.includes(value)).sort()
  if (shared.length > ACCOUNTS_MAX) {
    throw new AwsError('SharedSnapshotQuotaExceeded', `A snapshot is shared with at most ${ACCOUNTS_MAX} accounts.`)
  }
  snapshot.sharedWith = shared
  await cloud.save()
  return { DBSnapshotAttributesResult: attributesView(snapshot) }
}
