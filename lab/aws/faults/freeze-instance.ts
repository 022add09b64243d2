/** Every process of an instance's PostgreSQL is stopped (SIGSTOP), and later continued: connections hang, none breaks. The API goes on
 *  answering; what it has to do in the instance waits. */
import { specOf } from '../cloud'
import { type AwsFaultKind, INSTANCES } from './kind'

export const freezeInstance: AwsFaultKind = {
  ...INSTANCES,
  summary: 'an instance’s PostgreSQL stands still (SIGSTOP), then goes on (SIGCONT)',
  lasts: true,
  effect: {
    async begin(cloud, instance) {
      cloud.servers.freeze(instance.folder)
    },
    async end(cloud, instance) {
      if (cloud.afflictions.isFrozen(instance)) return
      cloud.servers.thaw(instance.folder)
      // network rules may have changed meanwhile
      await cloud.servers.configure(specOf(cloud, instance))
    },
  },
}
