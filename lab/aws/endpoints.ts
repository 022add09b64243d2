/** The two endpoints of each Aurora cluster: who writes, and one reader after the other. */
import { Endpoints } from '../endpoints'
import type { AwsCloud } from './cloud'
import { membersOf, writerOf } from './following'
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
      const served = Object.values(state.clusters).filter((cluster) => {
        const writer = writerOf(state, cluster)
        return writer && writer.createdAt !== null && writer.status !== 'stopped'
      })
      return new Map(
        served.flatMap((cluster) => [
          [addresses.textOf(cluster.writerHost), () => textOf(writerOf(state, cluster))],
          [addresses.textOf(cluster.readerHost), () => textOf(readerOf(cluster))],
        ]),
      )
    },
    get port() {
      return cloud().dataPort
    },
    log: (line) => cloud().log(line),
  })
}
