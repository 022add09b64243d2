/** All that an account has in a region, in pages. Questions only: discovery asks them too. */
import type { DBCluster, DBInstance } from '@aws-sdk/client-rds'
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
