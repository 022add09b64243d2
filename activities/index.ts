/** Activities by task queue: a worker serves any subset of the queues, and holds only what those need. */
import type { TaskQueue } from '../contracts/messages'
import { createBackupActivities } from './backup/backup'
import { createBackupProofActivities } from './backup/prove'
import { createCheckActivities } from './checks/checks'
import type { ActivityDeps } from './deps'
import { createExchangeDataActivities } from './exchange/data'
import { createExchangeActivities } from './exchange/exchange'
import { createFailoverActivities } from './failover/failover'
import { createProbeActivities } from './failover/probe'
import { createSourceCloudActivities } from './failover/source-cloud'
import { createFenceActivities } from './fence/fence'
import { createDatabaseHealthActivities } from './health/examine'
import { createInstanceHealthActivities } from './health/survey'
import { createInstanceActivities } from './instance/instance'
import { createInstanceFenceActivities } from './instance-fence/instance-fence'
import { createKeepFencedActivities } from './instance-fence/keep'
import { createFenceProofActivities } from './instance-fence/proof'
import { createLedgerActivities } from './ledger/ledger'
import { createLockActivities } from './lock/lock'
import { createPredicateActivities } from './moment/predicate'
import { createSearchActivities } from './moment/search'
import { createOldWriterCloudActivities } from './old-writer/at-cloud'
import { createOldWriterDataActivities } from './old-writer/inside'
import { createOrphanActivities } from './orphans/orphans'
import { createSweepActivities } from './orphans/sweeps'
import { createOverwriteActivities } from './overwrite/overwrite'
import { createOverwriteDataActivities } from './overwrite/settle'
import { createManifestActivities } from './proof/manifest'
import { createReplacementDataActivities } from './replacement/data'
import { createReplacementActivities } from './replacement/replacement'
import { createOldWriterActivities } from './replication/old-writer-activities'
import { createStandbyPlaceActivities } from './replication/place'
import { createReplicationActivities } from './replication/replication'
import { createRestoreActivities } from './restore/plan'
import { createRowsActivities } from './rows/rows'
import { createSalvageActivities } from './salvage/salvage'
import { createScheduleActivities } from './schedule/schedule'
import { createSchemaActivities } from './schema/schema'
import { createSnapshotActivities } from './snapshot/snapshot'
import { assertOursStill } from './switchover/ours'
import { createSwitchoverActivities } from './switchover/switchover'
import { createTrafficActivities } from './traffic/traffic'
import { createUpgradeActivities } from './upgrade/cloud'
import { createUpgradeDataActivities } from './upgrade/data'

export function createActivities(queue: TaskQueue, deps: ActivityDeps): object {
  switch (queue) {
    case 'control':
      return together(
        createLockActivities(deps),
        createLedgerActivities(deps),
        createScheduleActivities(deps),
        createSweepActivities(deps),
        createKeepFencedActivities(deps),
      )
    case 'postgres':
      return together(
        createSchemaActivities(deps),
        createCheckActivities(deps),
        createDatabaseHealthActivities(deps),
        createBackupProofActivities(deps),
        createManifestActivities(deps),
        createRowsActivities(deps),
        createPredicateActivities(deps),
        createReplacementDataActivities(deps),
        createOverwriteDataActivities(deps),
        createFenceActivities(deps),
        createTrafficActivities(deps, (stands) => assertOursStill(deps, stands)),
        createReplicationActivities(deps),
        createOldWriterActivities(deps),
        createSwitchoverActivities(deps),
        createFenceProofActivities(deps),
        createFailoverActivities(deps),
        createExchangeDataActivities(deps),
        createUpgradeDataActivities(deps),
        createSalvageActivities(deps),
        createOldWriterDataActivities(deps),
      )
    case 'aws':
    case 'azure':
    case 'gcp':
      return together(
        createSnapshotActivities(deps),
        createInstanceActivities(deps),
        createRestoreActivities(deps),
        createInstanceHealthActivities(deps),
        createBackupActivities(deps),
        createSearchActivities(deps),
        createReplacementActivities(deps),
        createOverwriteActivities(deps),
        createOrphanActivities(deps),
        createStandbyPlaceActivities(deps),
        createInstanceFenceActivities(deps),
        createProbeActivities(deps),
        createSourceCloudActivities(deps),
        createExchangeActivities(deps),
        createUpgradeActivities(deps),
        createTrafficActivities(deps),
        createOldWriterCloudActivities(deps),
      )
  }
}

/** A queue knows an activity by its name alone: two of one name would be one, and the wrong one for somebody. */
function together(...groups: readonly object[]): object {
  const names = groups.flatMap((group) => Object.keys(group))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`Two activities of one queue are named ${twice}.`)
  return Object.assign({}, ...groups)
}
