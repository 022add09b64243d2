/** An instance and its designated replica exchange their roles, or the one is failed over from. The call takes no name of ours: which exchange is ours is told by when it was begun, on Google's
 *  own clock. Source: Cloud SQL, "Use advanced disaster recovery", and the references of instances.switchover and instances.promoteReplica. */
import { failure } from '../../contracts/failures'
import { unlessPromoted } from '../owner'
import type { CallOptions, ChangeOptions, Exchangeable, Exchanging, ManagedPostgres, Started } from '../port'
import type { CloudSql, Instance, Operation } from './client'
import { failureOf, instanceDescription, instantOf, isUnfinished } from './describe'
import { ADOPTED, findInstance, operationsOf, requireVery } from './instances'

/** As Google calls its records of them. */
const TYPES = { switchover: 'SWITCHOVER', failover: 'PROMOTE_REPLICA' } as const
const actOf = ({ losing }: Exchanging): keyof typeof TYPES => (losing ? 'failover' : 'switchover')

interface Pair {
  /** Null: it is given up, and gone. */
  readonly source: Instance | null
  readonly replica: Instance
}

export async function exchangeObstacles(sql: CloudSql, input: Exchanging, options: CallOptions): Promise<Exchangeable> {
  const pair = await pairOf(sql, input, options)
  const [newest] = await operationsOf(sql, pair.replica, options)
  return {
    obstacles: standing(pair, input),
    mark: instantOf(newest?.insertTime) ?? '',
    byHand: [`gcloud sql instances ${COMMANDS[actOf(input)](input.replica.name)} --project=${sql.config.project}`],
  }
}

const COMMANDS = {
  switchover: (name: string) => `switchover ${name}`,
  failover: (name: string) => `promote-replica ${name} --failover`,
} as const

export async function startExchange(
  sql: CloudSql,
  input: Parameters<ManagedPostgres['startExchange']>[0],
  options: ChangeOptions,
): Promise<Started> {
  const pair = await pairOf(sql, input, options)
  const [begun] = await exchangesSince(sql, { replica: pair.replica, act: actOf(input) }, input.mark, options)
  if (begun !== undefined && (isUnfinished(begun) || failureOf(begun) !== null)) return { operation: begun.name || null }
  if (hasExchanged(pair, input)) return begun === undefined ? ADOPTED : { operation: begun.name || null }
  const [obstacle] = standing(pair, input)
  if (obstacle !== undefined) throw failure('CLOUD_REFUSED', obstacle, { instance: input.replica.name })
  const named = { project: sql.config.project, instance: input.replica.name }
  const start = (): Promise<Started> =>
    input.losing
      ? sql.start('instances.promoteReplica', options, ({ instances }) => instances.promoteReplica({ ...named, failover: true }))
      : sql.start('instances.switchover', options, ({ instances }) => instances.switchover(named))
  return unlessPromoted(start, async () => !hasExchanged(await pairOf(sql, input, options), input))
}

async function pairOf(sql: CloudSql, { source, replica, losing }: Exchanging, options: CallOptions): Promise<Pair> {
  const isGone = losing === true && (await findInstance(sql, source.name, options)) === null
  return {
    source: isGone ? null : await requireVery(sql, source, options),
    replica: await requireVery(sql, replica, options),
  }
}

/** Newest first. Google writes them down at the replica, whichever of both that is afterwards. */
async function exchangesSince(
  sql: CloudSql,
  { replica, act }: { readonly replica: Instance; readonly act: keyof typeof TYPES },
  mark: string,
  options: CallOptions,
): Promise<Operation[]> {
  const operations = await operationsOf(sql, replica, options, mark)
  return operations.filter((one) => one.operationType === TYPES[act] && (instantOf(one.insertTime) ?? '9') > mark)
}

/** One that is given up becomes a replica of the other only once it is there again. */
function hasExchanged({ source, replica }: Pair, { losing }: Exchanging): boolean {
  return primaryOf(replica) === null && (losing === true || (source !== null && primaryOf(source) === replica.name))
}

function primaryOf(instance: Instance): string | null {
  return instanceDescription(instance, []).replicaOf
}

function standing({ source, replica }: Pair, input: Exchanging): string[] {
  const [from, to] = [input.source.name, input.replica.name]
  if (primaryOf(replica) !== from) {
    const now = primaryOf(replica) === null ? 'follows nobody' : `follows ${primaryOf(replica)}`
    return [`Instance ${to} is no read replica of ${from}: it ${now}. Correct \`replicas\` in the fleet file, or make it one.`]
  }
  const there = source === null ? [replica] : [source, replica]
  const editions = there.filter(({ settings }) => settings?.edition !== 'ENTERPRISE_PLUS').map(({ name }) => name)
  const decoding = there.filter(decodes).map(({ name }) => name)
  return [
    ...(editions.length === 0
      ? []
      : [
          `Cloud SQL exchanges instances of Enterprise Plus edition only, and ${editions.join(' and ')} are of another: upgrade.`,
        ]),
    ...(source === null ? [] : standingOfSource(source, replica)),
    ...(replica.settings?.databaseReplicationEnabled?.value === false
      ? [`The replication of ${to} is stopped: start it (instances.startReplica).`]
      : []),
    ...(decoding.length === 0
      ? []
      : [`The flag cloudsql.logical_decoding is on for ${decoding.join(' and ')}; Cloud SQL wants it off for an exchange.`]),
  ]
}

function standingOfSource(source: Instance, { name: to, region }: Instance): string[] {
  const { name: from } = source
  const designated = source.replicationCluster?.failoverDrReplicaName?.split(':').at(-1)
  return [
    ...(source.region === region
      ? [`Cloud SQL exchanges an instance with a replica in another region only, and both are in ${region}.`]
      : []),
    ...(designated === to
      ? []
      : [
          `Replica ${to} is not the designated DR replica of ${from}: designate it (gcloud sql instances patch ${from} --failover-dr-replica-name=${to}).`,
        ]),
    ...(source.settings?.backupConfiguration?.pointInTimeRecoveryEnabled?.value === true
      ? []
      : [`Instance ${from} has no point-in-time recovery, which Cloud SQL wants for an exchange: enable it.`]),
  ]
}

function decodes({ settings }: Instance): boolean {
  return (settings?.databaseFlags ?? []).some(({ name, value }) => name === 'cloudsql.logical_decoding' && value === 'on')
}
