/** Cloud SQL for PostgreSQL behind the port, over the vendor's own SDK. The adapter sees one project and region. */
import type { Capabilities } from '../capabilities'
import type { ManagedPostgres } from '../port'
import { findBackup, listSnapshots, removeSnapshot, startSnapshot } from './backups'
import { type CloudSqlConfig, lazyCloudSql } from './client'
import { restoreWindow, startInertRestore, startRestoreToTime } from './copies'
import { operationDescription } from './describe'
import {
  describe,
  findInstance,
  listInstances,
  MASTER,
  resetPassword,
  setNetworkRules,
  startCreate,
  startRemoval,
  startRestart,
  startScale,
} from './instances'
import { removeOwnedInstances } from './removal'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'in-place',
  restoreToTime: true,
  inertCopy: { fromSnapshot: 'before-first-start', toTime: 'after-start' },
  copyOfAnotherClass: { fromSnapshot: true, toTime: false },
  snapshotOwner: 'tags',
  snapshotsOutliveInstance: true,
  networkRules: 'networks',
  deletionProtection: true,
  masterName: MASTER,
  operationRecords: true,
}

export function createCloudSql(config: CloudSqlConfig): ManagedPostgres {
  const sql = lazyCloudSql(config)
  return {
    capabilities: CAPABILITIES,
    async describeInstance({ name }, options) {
      const found = await findInstance(sql, name, options)
      return found === null ? null : describe(sql, found, options)
    },
    listInstances: (options) => listInstances(sql, options),
    restoreWindow: ({ name }, options) => restoreWindow(sql, name, options),
    describeOperation: ({ operation }, options) =>
      sql.ask('operations.get', options, async ({ operations }) => {
        const [found] = await operations.get({ project: config.project, operation })
        return operationDescription(found)
      }),
    async describeSnapshot(input, options) {
      return (await findBackup(sql, input, options))?.description ?? null
    },
    listSnapshots: ({ instanceId }, options) => listSnapshots(sql, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(sql, input, options),
    startSnapshotRemoval: (input, options) => removeSnapshot(sql, input, options),
    startInertRestore: (input, options) => startInertRestore(sql, input, options),
    startRestoreToTime: (input, options) => startRestoreToTime(sql, input, options),
    startCreate: (input, options) => startCreate(sql, input, options),
    startScale: (input, options) => startScale(sql, input, options),
    startRestart: ({ instance }, options) => startRestart(sql, instance, options),
    startPasswordReset: (input, options) => resetPassword(sql, input, options),
    setNetworkRules: (input, options) => setNetworkRules(sql, input, options),
    startRemoval: (input, options) => startRemoval(sql, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(sql, operation, options),
  }
}
