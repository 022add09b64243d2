/** All that an account has in a region, in pages. Questions only: discovery asks them too. */
import type { DBCluster, DBInstance, Event, GlobalCluster } from '@aws-sdk/client-rds'
import type { CallOptions } from '../port'
import type { Rds } from './client'

/** Of whatever engine, members of clusters among them. `cluster`: its members alone. */
export async function everyInstance(rds: Rds, options: CallOptions, cluster: string | null = null): Promise<DBInstance[]> {
  const Filters = cluster === null ? [] : [{ Name: 'db-cluster-id', Values: [cluster] }]
  return rds.call('DescribeDBInstances', options, async (client) => {
    const found: DBInstance[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeDBInstances(
        { ...(Filters.length > 0 && { Filters }), ...(Marker === undefined ? {} : { Marker }) },
        { abortSignal: options.signal },
      )
      found.push(...(page.DBInstances ?? []))
      Marker = page.Marker
    } while (Marker)
    return found
  })
}

/** Of whatever engine. */
export async function everyCluster(rds: Rds, options: CallOptions): Promise<DBCluster[]> {
  return rds.call('DescribeDBClusters', options, async (client) => {
    const found: DBCluster[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeDBClusters(Marker === undefined ? {} : { Marker }, { abortSignal: options.signal })
      found.push(...(page.DBClusters ?? []))
      Marker = page.Marker
    } while (Marker)
    return found
  })
}

/** Of the whole account: any region in which one has a cluster knows it. */
export async function everyGlobalCluster(rds: Rds, options: CallOptions): Promise<GlobalCluster[]> {
  return rds.call('DescribeGlobalClusters', options, async (client) => {
    const found: GlobalCluster[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeGlobalClusters(Marker === undefined ? {} : { Marker }, { abortSignal: options.signal })
      found.push(...(page.GlobalClusters ?? []))
      Marker = page.Marker
    } while (Marker)
    return found
  })
}

/** As far back as RDS keeps them. */
const EVENTS_MINUTES = 14 * 24 * 60

/** That say who leads, or is about to lead, a global database: those that are written down at the cluster. */
export async function globalEvents(rds: Rds, cluster: string, options: CallOptions): Promise<Event[]> {
  const wanted = { SourceType: 'db-cluster', SourceIdentifier: cluster, Duration: EVENTS_MINUTES } as const
  return rds.call('DescribeEvents', options, async (client) => {
    const found: Event[] = []
    let Marker: string | undefined
    do {
      const page = await client.describeEvents(
        { ...wanted, EventCategories: ['global-failover'], ...(Marker === undefined ? {} : { Marker }) },
        { abortSignal: options.signal },
      )
      found.push(...(page.Events ?? []))
      Marker = page.Marker
    } while (Marker)
    return found
  })
}
