/** Designated replicas of another region, which advanced disaster recovery needs. Source: "Use advanced disaster recovery", requirements. */
import { type Call, isPaused, textOf } from '../cloud'
import { GcpError, invalid } from '../errors'
import { messageOf } from '../merge'
import type { SqlInstance } from '../state'
import { plainName } from './insert-replica'

/** The designation that a request asks for; that of now when it asks for none. @throws GcpError invalid. */
export function designatedBy({ cloud, body }: Call, primary: SqlInstance): string | null {
  const cluster = messageOf(body.replicationCluster)
  if (!Object.hasOwn(cluster, 'failoverDrReplicaName')) return primary.drReplica
  const wanted = textOf(cluster.failoverDrReplicaName)
  if (wanted === undefined) return null
  const name = plainName(wanted)
  const replica = cloud.state.instances[name]
  if (replica?.master !== primary.name) throw invalid(`${name.slice(0, 100)} is no direct replica of ${primary.name}`)
  const why = unfitness(replica, primary)
  if (why !== undefined) throw invalid(`${name} cannot be the designated DR replica: ${why}`)
  return name
}

/** @throws GcpError invalidOperation unless the replica was designated, and still fits. */
export function requireDrReplica(replica: SqlInstance, primary: SqlInstance | undefined): asserts primary is SqlInstance {
  const why =
    primary?.drReplica === replica.name ? unfitness(replica, primary) : 'it is not the designated DR replica of its primary'
  if (primary && why === undefined) return
  throw new GcpError('invalidOperation', `The operation isn't valid for this instance: ${why}.`)
}

function unfitness(replica: SqlInstance, primary: SqlInstance): string | undefined {
  const decoding = [replica, primary].some(({ settings }) =>
    settings.databaseFlags.some(({ name, value }) => name === 'cloudsql.logical_decoding' && value === 'on'),
  )
  if (primary.settings.edition !== 'ENTERPRISE_PLUS' || replica.settings.edition !== 'ENTERPRISE_PLUS') {
    return 'both instances must be of Enterprise Plus edition'
  }
  if (primary.region === replica.region) return 'it must be in another region than its primary'
  if (!primary.settings.backupConfiguration.pointInTimeRecoveryEnabled) {
    return 'point-in-time recovery must be enabled on the primary'
  }
  if (isPaused(replica)) return 'its replication must be enabled'
  return decoding ? 'cloudsql.logical_decoding must be off' : undefined
}
