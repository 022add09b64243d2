/** A server of simulated Azure as faults see it. */
import { LOG_TIMEOUT_MS, NothingDone, type Patient } from '../faults/kinds/acting'
import { type AzureCloud, specOf } from './cloud'
import { startStopped } from './schedule'
import { type AzureServer, serverKey } from './state'

export function patientOf(cloud: AzureCloud, server: AzureServer): Patient {
  const { servers } = cloud
  const configure = (): Promise<void> => servers.configure(specOf(cloud, server))
  return {
    crash: () => servers.crash(server.folder),
    freeze: () => servers.freeze(server.folder),
    thaw: () => servers.thaw(server.folder),
    isFrozen: () => cloud.afflictions.isFrozen(serverKey(server.name)),
    configure,
    endSessions: () => servers.endSessions(specOf(cloud, server)),
    // its settings say by now that it takes no writes, or that it does again
    fillDisk: configure,
    freeDisk: configure,
    async startUnasked() {
      if (server.state !== 'Stopped') throw new NothingDone(`${server.name} is ${server.state}, and not stopped.`)
      await startStopped(cloud, server)
    },
    async stopAtLast() {
      if (server.state === 'Stopped') await servers.halt(server.folder)
    },
    damageBackups(part) {
      const own = Object.values(server.backups).filter(({ completedAt }) => completedAt !== null)
      return servers.damage(
        specOf(cloud, server),
        own.map(({ folder }) => folder),
        part,
      )
    },
    loseLog: () => servers.loseLog(specOf(cloud, server), AbortSignal.timeout(LOG_TIMEOUT_MS)),
    archive: () => specOf(cloud, server).archive,
  }
}
