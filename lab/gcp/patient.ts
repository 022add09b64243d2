/** An instance of simulated Cloud SQL as faults see it. */
import { LOG_TIMEOUT_MS, NothingDone, type Patient } from '../faults/kinds/acting'
import { type GcpCloud, newOperation, specOf } from './cloud'
import { grownDisk } from './disk'
import { keepOwnReplicas } from './keeping'
import type { SqlInstance } from './state'
import { expectRecovery } from './work'

export function patientOf(cloud: GcpCloud, instance: SqlInstance): Patient {
  const { servers, tasks } = cloud
  return {
    crash: () => servers.crash(instance.folder),
    freeze: () => servers.freeze(instance.folder),
    thaw: () => servers.thaw(instance.folder),
    isFrozen: () => cloud.afflictions.isFrozen(instance.name),
    async configure() {
      await servers.configure(specOf(cloud, instance))
      // while it was frozen nobody told it which replicas it has
      await keepOwnReplicas(cloud, instance)
    },
    endSessions: () => servers.endSessions(specOf(cloud, instance)),
    async fillDisk() {
      const size = grownDisk(instance.settings)
      if (size !== undefined) {
        instance.settings.dataDiskSizeGb = size
        await cloud.save()
        // not waited for: this is a part of the round that it waits for
        void cloud.afflictions.lift('fill-disk', instance.name)
        return
      }
      // shut down, lest its data be damaged
      await servers.halt(instance.folder)
    },
    async freeDisk() {
      const { name, madeAt, settings } = instance
      if (cloud.afflictions.isFull(name) || madeAt === null || settings.activationPolicy === 'NEVER') return
      expectRecovery(instance)
      await cloud.save()
      tasks.wake(instance)
    },
    async startUnasked() {
      const { name, settings, drReplica } = instance
      if (settings.activationPolicy !== 'NEVER') throw new NothingDone(`${name} is not stopped.`)
      const operation = newOperation(cloud, { type: 'MAINTENANCE', instance: name, bySystem: true })
      const started = { ...settings, activationPolicy: 'ALWAYS' as const }
      instance.tasks.push({ kind: 'update', settings: started, drReplica, operation: operation.name })
      await cloud.save()
      tasks.wake(instance)
    },
    async stopAtLast() {
      if (instance.settings.activationPolicy === 'NEVER') await servers.halt(instance.folder)
    },
    damageBackups(part) {
      const own = Object.values(cloud.state.backups).filter(
        (one) => one.state === 'SUCCESSFUL' && one.instance === instance.name && one.instanceCreatedAt === instance.createdAt,
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
