/** Aurora clusters: their volume while nobody has it, and who takes over from whom. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerSpec } from '../postgres/servers'
import { type AwsCloud, specOf } from './cloud'
import { membersOf, writerOf } from './following'
import { serverSettings } from './parameters'
import type { DbCluster, DbInstance } from './state'

/** Source: Aurora user guide, "Amazon Aurora DB clusters": one writer and fifteen readers. */
export const MEMBERS_MAX = 16

/** The server of a cluster that has no member: at the writer endpoint's address, let in by nobody. */
export function volumeSpec(cloud: AwsCloud, cluster: DbCluster, folder: string): ServerSpec {
  return {
    folder,
    major: cluster.major,
    address: cloud.addresses.textOf(cluster.writerHost),
    settings: serverSettings({}),
    networks: [],
    archive: cluster.archive ?? undefined,
  }
}

/** With the server that has the cluster's data: its writer's, or one that runs for as long as it is needed. */
export async function withData<Result>(
  cloud: AwsCloud,
  cluster: DbCluster,
  use: (spec: ServerSpec) => Promise<Result>,
): Promise<Result> {
  const writer = writerOf(cloud.state, cluster)
  if (writer) return use(specOf(cloud, writer))
  if (cluster.volume === null) throw new Error(`The cluster ${cluster.id} has no data.`)
  const spec = volumeSpec(cloud, cluster, cluster.volume)
  await cloud.servers.ensureRunning(spec)
  try {
    return await use(spec)
  } finally {
    await cloud.servers.halt(spec.folder)
  }
}

/** Who would take over: by promotion tier, as far as its server runs. */
export function nextWriter(cloud: AwsCloud, cluster: DbCluster): DbInstance | undefined {
  return membersOf(cloud.state, cluster).find(
    (member) => member.resourceId !== cluster.writer && member.status === 'available' && !cloud.servers.isDown(member.folder),
  )
}

/** The member writes, and the one that wrote follows it, as do the others. No commit is lost. Safe to repeat. */
export async function failOver(cloud: AwsCloud, cluster: DbCluster, to: DbInstance, signal: AbortSignal): Promise<void> {
  const { servers, state } = cloud
  const from = writerOf(state, cluster)
  if (from && from !== to) {
    await servers.switchOver(specOf(cloud, from), specOf(cloud, to), signal)
    cluster.writer = to.resourceId
    await cloud.save()
  }
  for (const member of membersOf(state, cluster)) if (member !== to && member !== from) await followAgain(cloud, member)
  await cloud.endpoints.sync()
}

/** Whom it follows may be another one than when its server last ran. One that is down is told when it comes back. */
export async function followAgain(cloud: AwsCloud, reader: DbInstance): Promise<void> {
  const spec = specOf(cloud, reader)
  const { replicaOf } = spec
  if (!replicaOf || cloud.servers.isDown(reader.folder) || cloud.servers.isDown(replicaOf.folder)) return
  await cloud.servers.follow({ ...spec, replicaOf }).catch((error) => cloud.log(`${reader.id} does not follow: ${error}`))
}

/** Resolves when the writer's server runs; a reader is made from it. @throws Error when it never will. */
export async function writerRuns(cloud: AwsCloud, writer: DbInstance, signal: AbortSignal): Promise<void> {
  while (cloud.servers.isDown(writer.folder) || writer.folder === '') {
    if (writer.status === 'failed' || writer.status === 'deleting')
      throw new Error(`The writer ${writer.id} is ${writer.status}.`)
    await sleep(50, undefined, { signal })
  }
}
