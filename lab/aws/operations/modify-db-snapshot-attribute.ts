/** ModifyDBSnapshotAttribute: shares a manual snapshot with accounts, or with everybody unless it is encrypted; or takes that back. */
import { findSnapshot, type Operation } from '../cloud'
import { attributesView, parseSharing } from './snapshot-attributes'

export const modifyDbSnapshotAttribute: Operation<'ModifyDBSnapshotAttribute'> = async (call) => {
  const snapshot = findSnapshot(call)
  snapshot.sharedWith = parseSharing(call.query, snapshot, 'InvalidDBSnapshotState')
  await call.cloud.save()
  return { DBSnapshotAttributesResult: attributesView(snapshot) }
}
