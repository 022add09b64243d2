/** Amazon RDS for PostgreSQL behind the port, over the vendor's own SDK. Region, credentials and endpoint come from the SDK's own chain. */
import type { RDSClientConfig } from '@aws-sdk/client-rds'
import type { Capabilities } from '../capabilities'
import type { ManagedPostgres } from '../port'
import { lazyRds } from './client'
import { restoreWindow, startInertRestore, startRestoreToTime } from './copies'
import { instanceDescription } from './describe'
import {
  allInstances,
  findInstance,
  resetPassword,
  setNetworkRules,
  startCreate,
  startRemoval,
  startRestart,
  startScale,
} from './instances'
import { removeOwnedInstances } from './removal'
import { describeSnapshot, listSnapshots, removeSnapshot, startSnapshot } from './snapshots'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'new-instance',
  restoreToTime: true,
  inertCopy: { fromSnapshot: 'before-first-start', toTime: 'before-first-start' },
  copyOfAnotherClass: { fromSnapshot: true, toTime: true },
  snapshotOwner: 'tags',
  snapshotsOutliveInstance: true,
  networkRules: 'security-groups',
  deletionProtection: true,
  masterName: null,
  operationRecords: false,
}

export function createRds(config: RDSClientConfig): ManagedPostgres {
  const rds = lazyRds(config)
  return {
    capabilities: CAPABILITIES,
    async describeInstance({ name }, options) {
      const raw = await findInstance(rds, name, options)
      return raw === null ? null : instanceDescription(raw)
    },
    listInstances: async (options) => (await allInstances(rds, options)).map(instanceDescription),
    restoreWindow: ({ name }, options) => restoreWindow(rds, name, options),
    async describeOperation() {
      throw new Error('RDS keeps no record of operations: none of its answers names one')
    },
    describeSnapshot: ({ name }, options) => describeSnapshot(rds, name, options),
    listSnapshots: ({ instanceId }, options) => listSnapshots(rds, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(rds, input, options),
    startSnapshotRemoval: (input, options) => removeSnapshot(rds, input, options),
    startInertRestore: (input, options) => startInertRestore(rds, input, options),
    startRestoreToTime: (input, options) => startRestoreToTime(rds, input, options),
    startCreate: (input, options) => startCreate(rds, input, options),
    startScale: (input, options) => startScale(rds, input, options),
    startRestart: ({ instance }, options) => startRestart(rds, instance, options),
    startPasswordReset: (input, options) => resetPassword(rds, input, options),
    setNetworkRules: (input, options) => setNetworkRules(rds, input, options),
    startRemoval: (input, options) => startRemoval(rds, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(rds, operation, options),
  }
}
