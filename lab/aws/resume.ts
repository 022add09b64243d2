/** What a lab finds when it starts, and what it does when a server ends or everything is to go. */
import type { Effects } from '../faults/effects'
import { knownFolders } from './backups'
import { type AwsCloud, keyOf, specOf } from './cloud'
import { follow } from './hand-over'
import { keepForReplicas } from './replicas'
import { expire } from './retained-backups'
import { type DbInstance, emptyAwsState } from './state'
import { expectRecovery } from './tasks/runner'

/** Brings every instance back to what it should be; resolves when all servers that can run do. */
export async function resume(cloud: AwsCloud): Promise<void> {
  const { state, servers } = cloud
  await expire(cloud)
  await servers.sweep(knownFolders(state))
  await cloud.sweepDoomed()
  const instances = Object.values(state.instances)
  await Promise.all(instances.map((instance) => bringBack(cloud, instance)))
  await cloud.save()
  for (const instance of instances) cloud.tasks.wake(instance)
  for (const snapshot of Object.values(state.snapshots)) cloud.copies.wake(snapshot)
  for (const cluster of Object.values(state.clusters)) {
    // a server that ran for as long as its data was needed, when the lab died
    if (cluster.volume !== null) await servers.halt(cluster.volume)
    cloud.clusterTasks.wake(cluster)
  }
  for (const global of Object.values(state.globalClusters)) cloud.globalTasks.wake(global)
  for (const deployment of Object.values(state.deployments)) cloud.deploymentTasks.wake(deployment)
  await cloud.endpoints.settle()
}

/** It comes back by itself, as soon as what is under way for the instance lets it. */
export function serverEnded(cloud: AwsCloud, folder: string): void {
  const instance = Object.values(cloud.state.instances).find((candidate) => candidate.folder === folder)
  if (!instance || instance.createdAt === null || instance.status === 'deleting') return
  // its switchover sees to it
  if (instance.switching) return
  const [task] = instance.tasks
  // it was to end: that is how a failover begins
  if (task?.kind === 'reboot' && task.failover) return
  expectRecovery(instance)
  void cloud.save()
  cloud.tasks.wake(instance)
}

/** Nothing is under way any more. */
export async function empty({ state, servers, save }: AwsCloud, effects: Effects): Promise<void> {
  const folders = knownFolders(state).instances
  Object.assign(state, emptyAwsState())
  await save()
  await effects.settle()
  await Promise.all([...folders].map((folder) => servers.remove(folder)))
  await servers.sweep({ instances: new Set(), snapshots: new Set(), archives: new Set() })
}

/** A server that is just being made or restarted learns the rules at the end of that; one that goes with the lab's emptying needs none. */
export async function tellRules(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  await cloud.servers.configure(specOf(cloud, instance)).catch((error) => {
    const settled = instance.tasks.length === 0 && !instance.switching
    if (settled && cloud.state.instances[keyOf(instance)] === instance) throw error
  })
}

/** Whether its server is to be there before its tasks go on. */
function runs({ createdAt, status, tasks: [next] }: DbInstance): boolean {
  if (
    createdAt === null ||
    next?.kind === 'create' ||
    next?.kind === 'restore' ||
    next?.kind === 'restore-to-time' ||
    next?.kind === 'start' ||
    // half of a copy may be there
    next?.kind === 'replicate' ||
    next?.kind === 'join'
  )
    return false
  if (next?.kind === 'delete') return next.finalSnapshot !== null
  return status !== 'stopped'
}

async function bringBack(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  if (!runs(instance) || cloud.afflictions.isFull(keyOf(instance))) return
  try {
    await cloud.servers.ensureRunning(specOf(cloud, instance))
    await keepForReplicas(cloud, instance)
    await follow(cloud, instance)
    if (instance.status === 'incompatible-parameters') instance.status = 'available'
  } catch (error) {
    cloud.log(`${instance.id} does not start: ${error}`)
    if (instance.status !== 'deleting') instance.status = 'incompatible-parameters'
  }
}
