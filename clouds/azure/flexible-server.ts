/** Azure Database for PostgreSQL flexible server behind the port, over the vendor's own SDK. The adapter sees one resource group. */
import type { Capabilities } from '../capabilities'
import type { ManagedPostgres } from '../port'
import { describeSnapshot, listSnapshots, removeSnapshot, startSnapshot } from './backups'
import { type AzureConfig, lazyAzure } from './client'
import { restoreWindow, startCopy } from './copies'
import { serverDescription } from './describe'
import { alignFirewall } from './firewall'
import {
  allServers,
  findServer,
  removeOwnedInstances,
  requireVery,
  resetPassword,
  startCreate,
  startRemoval,
  startRestart,
  startScale,
} from './servers'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'moment',
  restoreToTime: true,
  inertCopy: { fromSnapshot: 'after-start', toTime: 'after-start' },
  copyOfAnotherClass: { fromSnapshot: false, toTime: false },
  snapshotOwner: 'name',
  snapshotsOutliveInstance: false,
  networkRules: 'networks',
  deletionProtection: false,
  masterName: null,
  operationRecords: true,
}

/** `location`: where new servers are made, as `eastus`. */
export function createFlexibleServer(config: AzureConfig & { readonly location: string }): ManagedPostgres {
  const azure = lazyAzure(config)
  return {
    capabilities: CAPABILITIES,
    async describeInstance({ name }, options) {
      const raw = await findServer(azure, name, options)
      return raw === null ? null : serverDescription(raw, config.port)
    },
    async listInstances(options) {
      return (await allServers(azure, options)).map((raw) => serverDescription(raw, config.port))
    },
    restoreWindow: ({ name }, options) => restoreWindow(azure, name, options),
    describeOperation: ({ operation }, options) => azure.describeOperation(operation, options),
    describeSnapshot: (input, options) => describeSnapshot(azure, input, options),
    listSnapshots: ({ instanceId }, options) => listSnapshots(azure, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(azure, input, options),
    startSnapshotRemoval: (input, options) => removeSnapshot(azure, input, options),
    startInertRestore: (input, options) => startCopy(azure, input, options),
    startRestoreToTime: (input, options) => startCopy(azure, input, options),
    startCreate: (input, options) => startCreate(azure, config.location, input, options),
    startScale: (input, options) => startScale(azure, input, options),
    startRestart: ({ instance }, options) => startRestart(azure, instance, options),
    startPasswordReset: (input, options) => resetPassword(azure, input, options),
    async setNetworkRules({ instance, networkRules }, options) {
      const { state } = await requireVery(azure, instance, options)
      const aligned = await alignFirewall(azure, { server: instance.name, networks: networkRules }, options)
      // A server is Updating while a rule is added or removed.
      return { done: aligned && state === 'Ready' }
    },
    startRemoval: (input, options) => startRemoval(azure, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(azure, operation, options),
  }
}
