/** The one attribute that a snapshot has. This lab is one account: whom else it is shared with is only remembered. */
import type { DBSnapshotAttributesResult } from '../generated/answers'
import type { DbSnapshot } from '../state'

export const RESTORE = 'restore'

export function attributesView({ id, sharedWith }: DbSnapshot): DBSnapshotAttributesResult {
  return {
    DBSnapshotIdentifier: id,
    DBSnapshotAttributes: [{ AttributeName: RESTORE, AttributeValues: sharedWith }],
  }
}
