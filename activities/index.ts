/** Activities by task queue: a worker serves any subset of the queues, and holds only what those need. */
import type { TaskQueue } from '../contracts/messages'
import { createCheckActivities } from './checks/checks'
import type { ActivityDeps } from './deps'
import { createInstanceActivities } from './instance/instance'
import { createLedgerActivities } from './ledger/ledger'
import { createLockActivities } from './lock/lock'
import { createSchemaActivities } from './schema/schema'
import { createSnapshotActivities } from './snapshot/snapshot'

export function createActivities(queue: TaskQueue, deps: ActivityDeps): object {
  switch (queue) {
    case 'control':
      return { ...createLockActivities(deps), ...createLedgerActivities(deps) }
    case 'postgres':
      return { ...createSchemaActivities(deps), ...createCheckActivities(deps) }
    case 'aws':
    case 'azure':
    case 'gcp':
      return { ...createSnapshotActivities(deps), ...createInstanceActivities(deps) }
  }
}
