/** Aurora clusters: where their data is, and who could take over. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerSpec } from '../postgres/servers'
import { type AwsCloud, keyOf, specOf } from './cloud'
import { leadOf, membersOf, writerOf } from './following'
import { finishHandOver, inTurn } from './hand-over'
import { clusterGroupOf, groupValues, serverSettings } from './parameters'
import type { AwsState, DbCluster, DbInstance, InstanceStatus } from './state'

/** Source: Aurora user guide, "Amazon Aurora DB clusters": one writer and fifteen readers. */
export const MEMBERS_MAX = 16

/** Of these no server will run without somebody's doing. */
const HOPELESS = new Set<InstanceStatus>(['failed', 'deleting', 'incompatible-parameters', 'storage-full'])
const HEIR_TIMEOUT_MS = 60_000
const LOOK_EVERY_MS = 50

/** What is done to a cluster. */
export interface ClusterWork {
  cloud: AwsCloud
  cluster: DbCluster
  signal: AbortSignal
}

/** It and its members are to be started: the caller asks for the task, and saves. */
export function beginStart(state: AwsState, cluster: DbCluster): void {
  for (const one of [cluster, ...membersOf(state, cluster)]) one.status = 'starting'
}

/** The server of a cluster that has no member: at the writer endpoint's address, let in by nobody. In life there is none, so that nothing in it acts
 *  by itself either. */
export function volumeSpec(cloud: AwsCloud, cluster: DbCluster, folder: string): ServerSpec {
  return {
    folder,
    major: cluster.major,
    address: cloud.addresses.textOf(cluster.writerHost),
    // slots for logical decoding stay with the data, and it starts with them only where they are allowed
    settings: { ...serverSettings(groupValues(clusterGroupOf(cloud.state, cluster))), max_logical_replication_workers: '0' },
    networks: [],
    archive: cluster.archive ?? undefined,
  }
}

/** With the server that has the cluster's data: its writer's, or one that runs for as long as it is needed; of a secondary cluster, one
 *  of its readers. Nobody takes the data meanwhile. */
export function withData<Result>(work: ClusterWork, use: (spec: ServerSpec) => Promise<Result>): Promise<Result> {
  const { cloud, cluster, signal } = work
  return inTurn(cloud.state, cluster, async () => {
    await finishHandOver(cloud, cluster, signal)
    const secondary = leadOf(cloud.state, cluster) !== cluster
    const writer = secondary ? nextWriter(cloud, cluster) : writerOf(cloud.state, cluster)
    if (writer) return use(specOf(cloud, writer))
    if (secondary || cluster.volume === null) throw new Error(`The cluster ${cluster.id} has no data.`)
    const spec = volumeSpec(cloud, cluster, cluster.volume)
    await cloud.servers.ensureRunning(spec)
    try {
      return await use(spec)
    } finally {
      await cloud.servers.halt(spec.folder)
    }
  })
}

/** Who would take over. */
export function nextWriter(cloud: AwsCloud, cluster: DbCluster): DbInstance | undefined {
  return heirs(cloud, cluster)[0]
}

/** Who could take over: by promotion tier, as far as their servers run. */
export function heirs(cloud: AwsCloud, cluster: DbCluster): DbInstance[] {
  const { state, servers, afflictions } = cloud
  return membersOf(state, cluster).filter(
    (member) =>
      member.resourceId !== cluster.writer &&
      member.status === 'available' &&
      !servers.isDown(member.folder) &&
      !afflictions.isFrozen(keyOf(member)),
  )
}

/** Resolves when somebody could take over from the writer, or nobody will soon: one that is only being restarted is waited for. */
export async function heirIsReady({ cloud, cluster, signal }: ClusterWork): Promise<void> {
  const deadline = Date.now() + HEIR_TIMEOUT_MS
  while (nextWriter(cloud, cluster) === undefined && Date.now() < deadline) {
    const others = membersOf(cloud.state, cluster).filter(({ resourceId }) => resourceId !== cluster.writer)
    if (others.every(({ createdAt, status }) => createdAt === null || HOPELESS.has(status))) return
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

/** Resolves when there is a writer to be copied, or none, or it is the member itself. @throws Error when it never will. */
export async function writerRuns({ cloud, cluster, signal }: ClusterWork, member: DbInstance): Promise<void> {
  for (;;) {
    const writer = writerOf(cloud.state, leadOf(cloud.state, cluster))
    if (!writer || writer === member || !cloud.servers.isDown(writer.folder)) return
    if (writer.status === 'failed') throw new Error(`The writer ${writer.id} has failed.`)
    if (member.status === 'deleting') throw new Error(`${member.id} is being deleted.`)
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}
