/** The two endpoints of each Aurora cluster: who writes, and one reader after the other; and the one of each global database. Nobody
 *  writes in a secondary cluster, so nobody answers at its writer endpoint. */
import { Endpoints } from '../endpoints'
import type { AwsCloud } from './cloud'
import { clustersOf, membersOf, writerOf } from './following'
import type { DbCluster, DbInstance } from './state'

export function clusterEndpoints(cloud: () => AwsCloud): Endpoints {
  let turn = 0
  const textOf = (member: DbInstance | undefined): string | undefined => member && cloud().addresses.textOf(member.host)
  /** Without readers the writer reads as well. */
  const readerOf = (cluster: DbCluster): DbInstance | undefined => {
    const { state, servers } = cloud()
    const writer = writerOf(state, cluster)
    const readers = membersOf(state, cluster).filter(
      (member) => member !== writer && member.status === 'available' && !servers.isDown(member.folder),
    )
    return readers.length === 0 ? writer : readers[turn++ % readers.length]
  }
  return new Endpoints({
    wanted() {
      const { state, addresses } = cloud()
      // one that has no data to show yet, or is stopped, is answered by nobody
      const serves = ({ createdAt, status }: DbInstance): boolean => createdAt !== null && status !== 'stopped'
      const wanted = new Map<string, () => string | undefined>()
      for (const cluster of Object.values(state.clusters)) {
        const writer = writerOf(state, cluster)
        // readers that have nobody to follow are shown only in a secondary cluster
        const read = writer ? serves(writer) : cluster.volume === null && membersOf(state, cluster).some(serves)
        if (writer && serves(writer)) wanted.set(addresses.textOf(cluster.writerHost), () => textOf(writerOf(state, cluster)))
        if (read) wanted.set(addresses.textOf(cluster.readerHost), () => textOf(readerOf(cluster)))
      }
      for (const global of Object.values(state.globalClusters)) {
        const writer = (): DbInstance | undefined =>
          clustersOf(state, global).flatMap((cluster) => writerOf(state, cluster) ?? [])[0]
        const now = writer()
        if (now && serves(now)) wanted.set(addresses.textOf(global.host), () => textOf(writer()))
      }
      return wanted
    },
    get port() {
      return cloud().dataPort
    },
    log: (line) => cloud().log(line),
  })
}
