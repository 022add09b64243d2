/** Cloud SQL for PostgreSQL behind the port, over the vendor's own SDK. The adapter sees one project and region. */
import type { Capabilities } from '../capabilities'
import type { ManagedPostgres } from '../port'
import { findBackup, listSnapshots, removeSnapshot, startSnapshot, startSnapshotCopy } from './backups'
import { type CloudSqlConfig, lazyCloudSql } from './client'
import { applyConfiguration, describeConfiguration, endInertness } from './configuration'
import { restoreWindow, startInertRestore, startRestoreToTime } from './copies'
import { exchangeObstacles, startExchange } from './exchange'
import { accessOf, exposureOf } from './exposure'
import {
  describe,
  describeOperation,
  findInstance,
  listInstances,
  MASTER,
  requireInstance,
  resetPassword,
  startCreate,
  startRemoval,
  startRestart,
} from './instances'
import { overwrite, overwriteObstacles } from './overwriting'
import { removeOwnedInstances } from './removal'
import { startPromotion, startReplica } from './replicas'
import { setActivation, setLabels, setNetworkRules, setParameters, startScale } from './settings'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'in-place',
  restoreToTime: true,
  newestMomentTold: true,
  inertCopy: { fromSnapshot: 'before-first-start', toTime: 'after-start' },
  copyOfAnotherClass: { fromSnapshot: true, toTime: false },
  snapshotOwner: 'tags',
  snapshotListed: 'at-once',
  restoreOfDeleted: 'as-it-was',
  overwrite: true,
  snapshotCopies: false,
  networkRules: 'networks',
  staticParameters: 'restart-at-once',
  deletionProtection: true,
  storage: 'sized',
  replicas: true,
  promotionAwaitsSource: false,
  roleExchange: 'Cloud SQL switchover',
  failover: 'Cloud SQL replica failover',
  masterName: MASTER,
  operationRecords: true,
}

export function createCloudSql(config: CloudSqlConfig): ManagedPostgres {
  const sql = lazyCloudSql(config)
  return {
    capabilities: CAPABILITIES,
    blueGreen: null,
    async describeInstance({ name }, options) {
      const found = await findInstance(sql, name, options)
      return found === null ? null : describe(sql, found, options)
    },
    listInstances: (options) => listInstances(sql, options),
    networkExposure: async ({ name }, options) => exposureOf(await requireInstance(sql, name, options)),
    accessOf: ({ name }, options) => accessOf(sql, name, options),
    restoreWindow: ({ name }, options) => restoreWindow(sql, name, options),
    describeOperation: ({ operation }, options) => describeOperation(sql, operation, options),
    async describeSnapshot(input, options) {
      return (await findBackup(sql, input, options))?.description ?? null
    },
    listSnapshots: ({ instanceId }, options) => listSnapshots(sql, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(sql, input, options),
    startSnapshotCopy: (input) => startSnapshotCopy(input),
    startSnapshotRemoval: (input, options) => removeSnapshot(sql, input, options),
    startInertRestore: (input, options) => startInertRestore(sql, input, options),
    startRestoreToTime: (input, options) => startRestoreToTime(sql, input, options),
    overwriteObstacles: (input, options) => overwriteObstacles(sql, input, options),
    overwrite: (input, options) => overwrite(sql, input, options),
    startReplica: (input, options) => startReplica(sql, input, options),
    startPromotion: (input, options) => startPromotion(sql, input, options),
    exchangeObstacles: (input, options) => exchangeObstacles(sql, input, options),
    startExchange: (input, options) => startExchange(sql, input, options),
    startCreate: (input, options) => startCreate(sql, input, options),
    startScale: (input, options) => startScale(sql, input, options),
    startRestart: ({ instance }, options) => startRestart(sql, instance, options),
    startStop: ({ instance }, options) => setActivation(sql, instance, 'NEVER', options),
    startStart: ({ instance }, options) => setActivation(sql, instance, 'ALWAYS', options),
    setParameters: (input, options) => setParameters(sql, input, options),
    startPasswordReset: (input, options) => resetPassword(sql, input, options),
    setNetworkRules: (input, options) => setNetworkRules(sql, input, options),
    setTags: (input, options) => setLabels(sql, input, options),
    describeConfiguration: ({ name }, options) => describeConfiguration(sql, name, options),
    applyConfiguration: (input, options) => applyConfiguration(sql, input, options),
    endInertness: (input, options) => endInertness(sql, input, options),
    startRemoval: (input, options) => startRemoval(sql, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(sql, operation, options),
  }
}
