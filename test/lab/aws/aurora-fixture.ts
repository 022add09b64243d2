/** What the suites of simulated Aurora ask, of the cluster `orders` unless another is named. */
import type { DBCluster } from '@aws-sdk/client-rds'
import { connect, eventually, PASSWORD, type TestLab } from '../fixture'

export const writerOf = (cluster: DBCluster) =>
  cluster.DBClusterMembers!.find((member) => member.IsClusterWriter)?.DBInstanceIdentifier

export function auroraOf(lab: () => TestLab) {
  const createCluster = (id: string, more: object = {}) =>
    lab().rds.createDBCluster({
      DBClusterIdentifier: id,
      Engine: 'aurora-postgresql',
      EngineVersion: '17',
      MasterUsername: 'boss',
      MasterUserPassword: PASSWORD,
      DatabaseName: 'shop',
      VpcSecurityGroupIds: [lab().group],
      ...more,
    })
  const addMember = (id: string, cluster = 'orders', more: object = {}) =>
    lab().rds.createDBInstance({
      DBInstanceIdentifier: id,
      DBClusterIdentifier: cluster,
      Engine: 'aurora-postgresql',
      DBInstanceClass: 'db.r6g.large',
      ...more,
    })
  const describeCluster = async (id = 'orders') =>
    (await lab().rds.describeDBClusters({ DBClusterIdentifier: id })).DBClusters![0]!
  const clusterAvailable = (id = 'orders') =>
    eventually(async () => {
      const cluster = await describeCluster(id)
      return ['available', 'failed'].includes(cluster.Status!) && !cluster.PendingModifiedValues ? cluster : undefined
    })
  const clusterGone = (id: string) =>
    eventually(async () => ((await describeCluster(id).catch(() => undefined)) ? undefined : true))

  async function at<Row extends object>(host: string | undefined, sql: string, password = PASSWORD): Promise<Row[]> {
    const client = await connect(lab().client, { host: host!, port: lab().lab.dataPort, password })
    try {
      return (await client.query(sql)).rows as Row[]
    } finally {
      await client.end()
    }
  }
  const journal = async (host: string | undefined) =>
    (await at<{ id: number }>(host, 'SELECT id FROM journal ORDER BY id')).map(({ id }) => id)
  const holds = (host: string | undefined, value: number) =>
    eventually(async () => ((await journal(host).catch((): number[] => [])).includes(value) ? true : undefined))
  const write = (host: string | undefined, value: number) => at(host, `INSERT INTO journal VALUES (${value})`)
  return { createCluster, addMember, describeCluster, clusterAvailable, clusterGone, at, journal, holds, write }
}
