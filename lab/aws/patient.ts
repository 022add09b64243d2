/** An instance of simulated RDS as faults see it. */
import { LOG_TIMEOUT_MS, NothingDone, type Patient } from '../faults/kinds/acting'
import { type AwsCloud, keyOf, specOf } from './cloud'
import { clusterOf } from './following'
import { keepForReplicas } from './replicas'
import { startOverdue, startStopped } from './schedule'
import type { DbInstance } from './state'
import { expectRecovery } from './tasks/runner'

export function patientOf(cloud: AwsCloud, instance: DbInstance): Patient {
  const { servers, tasks } = cloud
  return {
    crash: () => servers.crash(instance.folder),
    freeze: () => servers.freeze(instance.folder),
    thaw: () => servers.thaw(instance.folder),
    isFrozen: () => cloud.afflictions.isFrozen(keyOf(instance)),
    async configure() {
      await servers.configure(specOf(cloud, instance))
      // it may have been frozen while one of them went
      await keepForReplicas(cloud, instance)
    },
    endSessions: () => servers.endSessions(specOf(cloud, instance)),
    // PostgreSQL ends itself (PANIC) when its log finds no room; the recovery that follows then meets the full disk
    fillDisk: () => servers.crash(instance.folder),
    async freeDisk() {
      if (cloud.afflictions.isFull(keyOf(instance)) || instance.createdAt === null) return
      expectRecovery(instance)
      await cloud.save()
      tasks.wake(instance)
    },
    async startUnasked() {
      if (instance.status !== 'stopped') throw new NothingDone(`${instance.id} is ${instance.status}, and not stopped.`)
      const cluster = clusterOf(cloud.state, instance)
      await (cluster ? startOverdue(cloud, cluster) : startStopped(cloud, instance))
    },
    async stopAtLast() {
      if (instance.status === 'stopped') await servers.halt(instance.folder)
    },
    damageBackups(part) {
      const { resourceId } = clusterOf(cloud.state, instance) ?? instance
      const own = Object.values(cloud.state.snapshots).filter(
        (one) => one.status === 'available' && one.instanceResourceId === resourceId,
      )
      return servers.damage(
        specOf(cloud, instance),
        own.map(({ folder }) => folder),
        part,
      )
    },
    loseLog: () => servers.loseLog(specOf(cloud, instance), AbortSignal.timeout(LOG_TIMEOUT_MS)),
    archive: () => specOf(cloud, instance).archive,
  }
}
