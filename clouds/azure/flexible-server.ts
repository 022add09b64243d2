/** Azure Database for PostgreSQL flexible server behind the port, over the vendor's own SDK. The adapter sees one resource
 *  group, and that of the copies where they have one of their own. */
import type { Capabilities } from '../capabilities'
import { cannotOverwrite } from '../owner'
import type { ManagedPostgres } from '../port'
import { describeSnapshot, listSnapshots, removeSnapshot, startSnapshot, startSnapshotCopy } from './backups'
import { type AzureConfig, lazyAzure } from './client'
import { applyConfiguration, describeConfiguration, endInertness } from './configuration'
import { alignConfigurations } from './configurations'
import { restoreWindow, startCopy } from './copies'
import { serverDescription } from './describe'
import { exchangeObstacles, startExchange } from './exchange'
import { accessOf, alignFirewall, networkExposure } from './firewall'
import { startPromotion, startReplica } from './replicas'
import {
  allServers,
  findServer,
  removeOwnedInstances,
  requireVery,
  resetPassword,
  setTags,
  startCreate,
  startRemoval,
  startRestart,
  startScale,
  startStart,
  startStop,
} from './servers'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'moment',
  restoreToTime: true,
  newestMomentTold: false,
  inertCopy: { fromSnapshot: 'after-start', toTime: 'after-start' },
  copyOfAnotherClass: { fromSnapshot: false, toTime: false },
  snapshotOwner: 'name',
  snapshotListed: 'when-complete',
  restoreOfDeleted: 'never',
  overwrite: false,
  snapshotCopies: false,
  networkRules: 'networks',
  staticParameters: 'wait-for-restart',
  deletionProtection: false,
  storage: 'sized',
  replicas: true,
  promotionAwaitsSource: true,
  roleExchange: 'promotion to primary server',
  failover: 'forced promotion to primary server',
  masterName: null,
  operationRecords: true,
}

/** `location`: where new servers are made, as `eastus`. Backups belong to their server and are where it is. */
export function createFlexibleServer(config: AzureConfig & { readonly location: string }): ManagedPostgres {
  const azure = lazyAzure(config)
  return {
    capabilities: CAPABILITIES,
    blueGreen: null,
    async describeInstance({ name }, options) {
      const raw = await findServer(azure, name, options)
      return raw === null ? null : serverDescription(raw, config.port)
    },
    async listInstances(options) {
      return (await allServers(azure, options)).map((raw) => serverDescription(raw, config.port))
    },
    networkExposure: ({ name }, options) => networkExposure(azure, name, options),
    accessOf: ({ name }, options) => accessOf(azure, { name, port: config.port }, options),
    restoreWindow: ({ name }, options) => restoreWindow(azure, name, options),
    describeOperation: ({ operation }, options) => azure.describeOperation(operation, options),
    describeSnapshot: (input, options) => describeSnapshot(azure, input, options),
    listSnapshots: ({ instanceId }, options) => listSnapshots(azure, instanceId, options),
    startSnapshot: (input, options) => startSnapshot(azure, input, options),
    startSnapshotCopy: (input) => startSnapshotCopy(input),
    startSnapshotRemoval: (input, options) => removeSnapshot(azure, input, options),
    startInertRestore: (input, options) => startCopy(azure, input, options),
    startRestoreToTime: (input, options) => startCopy(azure, input, options),
    ...cannotOverwrite('Azure'),
    startReplica: (input, options) => startReplica(azure, input, options),
    startPromotion: (input, options) => startPromotion(azure, input, options),
    exchangeObstacles: (input, options) => exchangeObstacles(azure, input, options),
    startExchange: (input, options) => startExchange(azure, input, options),
    startCreate: (input, options) => startCreate(azure, config.location, input, options),
    startScale: (input, options) => startScale(azure, input, options),
    startRestart: ({ instance }, options) => startRestart(azure, instance, options),
    startStop: ({ instance }, options) => startStop(azure, instance, options),
    startStart: ({ instance }, options) => startStart(azure, instance, options),
    async setParameters({ instance, parameters }, options) {
      await requireVery(azure, instance, options)
      return alignConfigurations(azure, { server: instance.name, parameters }, options)
    },
    startPasswordReset: (input, options) => resetPassword(azure, input, options),
    async setNetworkRules({ instance, networkRules, names = {} }, options) {
      const { state } = await requireVery(azure, instance, options)
      const aligned = await alignFirewall(azure, { server: instance.name, networks: networkRules, names }, options)
      // A server is Updating while a rule is added or removed.
      return { done: aligned && state === 'Ready' }
    },
    setTags: (input, options) => setTags(azure, input, options),
    describeConfiguration: ({ name }, options) => describeConfiguration(azure, name, options),
    applyConfiguration: (input, options) => applyConfiguration(azure, input, options),
    endInertness: (input, options) => endInertness(azure, input, options),
    startRemoval: (input, options) => startRemoval(azure, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(azure, operation, options),
  }
}
