/** Every process of an instance's PostgreSQL is killed outright, as by a power cut; it recovers by itself, showing `rebooting`. */
import { type AwsFaultKind, INSTANCES } from './kind'

export const crashInstance: AwsFaultKind = {
  ...INSTANCES,
  summary: 'an instance’s PostgreSQL is killed (-9) and recovers by itself',
  effect: {
    async begin(cloud, instance) {
      await cloud.servers.crash(instance.folder)
    },
  },
}
