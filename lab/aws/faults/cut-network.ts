/** Nobody reaches an instance's PostgreSQL: established sessions are ended, new ones refused. The API and the lab itself still do. */
import { specOf } from '../cloud'
import { type AwsFaultKind, INSTANCES } from './kind'

export const cutNetwork: AwsFaultKind = {
  ...INSTANCES,
  summary: 'connections to an instance are ended, and new ones refused',
  lasts: true,
  effect: {
    async begin(cloud, instance) {
      // a cut instance lets no network in: its specification says so by now
      await cloud.servers.configure(specOf(cloud, instance))
      await cloud.servers.endSessions(specOf(cloud, instance))
    },
    // whoever was on the way in while the rules changed
    async hold(cloud, instance) {
      await cloud.servers.endSessions(specOf(cloud, instance))
    },
    async end(cloud, instance) {
      await cloud.servers.configure(specOf(cloud, instance))
    },
  },
}
