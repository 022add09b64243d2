/** Amazon Aurora PostgreSQL behind the port: an instance of the port is a cluster with its writer, over the same SDK as RDS's instances. */
import type { RDSClientConfig } from '@aws-sdk/client-rds'
import type { Capabilities } from '../../capabilities'
import { cannotOverwrite } from '../../owner'
import type { ManagedPostgres } from '../../port'
import { lazyRds, type Rds } from '../client'
import { exposureOf } from '../describe'
import { snapshotMethods } from '../snapshots'
import { alignMembers, alignTags, tagRecord } from '../tags'
import {
  resetPassword,
  setNetworkRules,
  setParameters,
  startPromotion,
  startReplica,
  startRestart,
  startScale,
  startStart,
  startStop,
} from './changes'
import { allClusters, findCluster, requireCluster, requireVery } from './clusters'
import { applyConfiguration, describeConfiguration, endInertness } from './configuration'
import { restoreWindow, startInertRestore, startRestoreToTime } from './copies'
import { startCreate } from './create'
import { accessOf, clusterDescription } from './describe'
import { describeExchange, exchangeObstacles, type Regions, startExchange } from './exchange'
import { removeOwnedInstances, startRemoval } from './removal'
import { OF_CLUSTERS } from './snapshots'

const CAPABILITIES: Capabilities = {
  restoreFromSnapshot: 'new-instance',
  restoreToTime: true,
  newestMomentTold: true,
  inertCopy: { fromSnapshot: 'before-first-start', toTime: 'before-first-start' },
  copyOfAnotherClass: { fromSnapshot: true, toTime: true },
  snapshotOwner: 'tags',
  snapshotListed: 'at-once',
  restoreOfDeleted: 'class-named',
  overwrite: false,
  snapshotCopies: true,
  networkRules: 'security-groups',
  staticParameters: 'wait-for-restart',
  deletionProtection: true,
  storage: 'grows',
  replicas: false,
  promotionAwaitsSource: false,
  roleExchange: 'Aurora global database switchover',
  failover: 'Aurora global database failover',
  masterName: null,
  operationRecords: false,
}

export function createAurora(config: RDSClientConfig): ManagedPostgres {
  const rds = lazyRds(config)
  const regions = regionsOf(rds, config)
  return {
    capabilities: CAPABILITIES,
    blueGreen: null,
    async describeInstance({ name }, options) {
      const found = await findCluster(rds, name, options)
      return found === null ? null : clusterDescription(found)
    },
    listInstances: async (options) => (await allClusters(rds, options)).map(clusterDescription),
    async networkExposure({ name }, options) {
      const { raw, members } = await requireCluster(rds, name, options)
      const PubliclyAccessible = members.some((member) => member.PubliclyAccessible)
      return exposureOf({ PubliclyAccessible, VpcSecurityGroups: raw.VpcSecurityGroups })
    },
    async accessOf({ name }, options) {
      const found = await findCluster(rds, name, options)
      return found === null ? null : accessOf(found)
    },
    restoreWindow: ({ name }, options) => restoreWindow(rds, name, options),
    describeOperation: ({ operation }, options) => describeExchange(regions, operation, options),
    ...snapshotMethods(rds, OF_CLUSTERS),
    startInertRestore: (input, options) => startInertRestore(rds, input, options),
    startRestoreToTime: (input, options) => startRestoreToTime(rds, input, options),
    ...cannotOverwrite('Aurora'),
    exchangeObstacles: (input, options) => exchangeObstacles(regions, input, options),
    startExchange: (input, options) => startExchange(regions, input, options),
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
      const { raw, members } = await requireVery(rds, instance, options)
      const cluster = await alignTags(rds, { arn: raw.DBClusterArn ?? '', tags: tagRecord(raw.TagList) }, tags, options)
      return cluster.done ? alignMembers(rds, members, tags, options) : cluster
    },
    describeConfiguration: ({ name }, options) => describeConfiguration(rds, name, options),
    applyConfiguration: (input, options) => applyConfiguration(rds, input, options),
    endInertness: (input, options) => endInertness(rds, input, options),
    startRemoval: (input, options) => startRemoval(rds, input, options),
    removeOwnedInstances: ({ operation }, options) => removeOwnedInstances(rds, operation, options),
  }
}

/** A client for each region that a global database has a cluster in, made when it is first asked for. */
function regionsOf(here: Rds, config: RDSClientConfig): Regions {
  const others = new Map<string, Rds>()
  return {
    here,
    in(region) {
      if (region === config.region) return here
      const known = others.get(region) ?? lazyRds({ ...config, region })
      others.set(region, known)
      return known
    },
  }
}
