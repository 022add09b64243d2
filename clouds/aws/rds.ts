/** Amazon RDS for PostgreSQL behind the port, over the vendor's own SDK. Region, credentials and endpoint come from the SDK's own chain. */
import type { RDSClientConfig } from '@aws-sdk/client-rds'
import type { Capabilities } from '../capabilities'
import { cannotExchange, cannotOverwrite } from '../owner'
import type { ManagedPostgres } from '../port'
import { blueGreenOf } from './blue-green'
import { lazyRds } from './client'
import { applyConfiguration, describeConfiguration, endInertness } from './configuration'
import { restoreWindow, startInertRestore, startRestoreToTime } from './copies'
import { accessOf, exposureOf, instanceDescription } from './describe'
import {
  allInstances,
  assertNoMember,
  findInstance,
  requireInstance,
  requireVery,
  resetPassword,
  setNetworkRules,
  startCreate,
  startRemoval,
  startRestart,
  startScale,
  startStart,
  startStop,
} from './instances'
import { setParameters } from './parameters'
import { removeOwnedInstances } from './removal'
import { startPromotion, startReplica } from './replicas'
import { OF_INSTANCES, snapshotMethods } from './snapshots'
import { alignTags, tagRecord } from './tags'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'new-instance',
  restoreToTime: true,
  newestMomentTold: true,
  inertCopy: { fromSnapshot: 'before-first-start', toTime: 'before-first-start' },
  copyOfAnotherClass: { fromSnapshot: true, toTime: true },
  snapshotOwner: 'tags',
  snapshotListed: 'at-once',
  restoreOfDeleted: 'as-it-was',
  overwrite: false,
  snapshotCopies: true,
  networkRules: 'security-groups',
  staticParameters: 'wait-for-restart',
  deletionProtection: true,
  storage: 'sized',
  replicas: true,
  promotionAwaitsSource: false,
  roleExchange: null,
  failover: null,
  masterName: null,
  operationRecords: false,
}

export function createRds(config: RDSClientConfig): ManagedPostgres {
  const rds = lazyRds(config)
  return {
    capabilities: CAPABILITIES,
    blueGreen: blueGreenOf(rds),
    async describeInstance({ name }, options) {
      const raw = await findInstance(rds, name, options)
      if (raw === null) return null
      assertNoMember(raw)
      return instanceDescription(raw)
    },
    listInstances: async (options) => (await allInstances(rds, options)).map(instanceDescription),
    networkExposure: async ({ name }, options) => exposureOf(await requireInstance(rds, name, options)),
    async accessOf({ name }, options) {
      const raw = await findInstance(rds, name, options)
      if (raw === null) return null
      assertNoMember(raw)
      return accessOf(raw)
    },
    restoreWindow: ({ name }, options) => restoreWindow(rds, name, options),
    async describeOperation() {
      throw new Error('RDS keeps no record of operations: none of its answers names one')
    },
    ...snapshotMethods(rds, OF_INSTANCES),
    startInertRestore: (input, options) => startInertRestore(rds, input, options),
    startRestoreToTime: (input, options) => startRestoreToTime(rds, input, options),
    ...cannotOverwrite('RDS'),
    ...cannotExchange('RDS'),
    startReplica: (input, options) => startReplica(rds, input, options),
    startPromotion: (input, options) => startPromotion(rds, input, options),
    startCreate: (input, options) => startCreate(rds, input, options),
    startScale: (input, options) => startScale(rds, input, options),
    startRestart: ({ instance }, options) => startRestart(rds, instance, options),
    startStop: ({ instance }, options) => startStop(rds, instance, options),
    startStart: ({ instance }, options) => startStart(rds, instance, options),
    setParameters: (input, options) => setParameters(rds, input, options),
    startPasswordReset: (input, options) => resetPassword(rds, input, options),
    setNetworkRules: (input, options) => setNetworkRules(rds, input, options),
    async setTags({ instance, ...tags }, options) {
      const { DBInstanceArn: arn = '', TagList } = await requireVery(rds, instance, options)
      return alignTags(rds, { arn, tags: tagRecord(TagList) }, tags, options)
    },
    describeConfiguration: ({ name }, options) => describeConfiguration(rds, name, options),
    applyConfiguration: (input, options) => applyConfiguration(rds, input, options),
    endInertness: (input, options) => endInertness(rds, input, options),
    startRemoval: (input, options) => startRemoval(rds, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(rds, operation, options),
  }
}
