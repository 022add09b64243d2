/** What the suites of simulated Aurora ask, of the cluster `orders` unless another is named. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type DBCluster, RDS } from '@aws-sdk/client-rds'
import type { Client } from 'pg'
import { connect, eventually, PASSWORD, type TestLab } from '../fixture'

export const writerOf = (cluster: DBCluster) =>
  cluster.DBClusterMembers!.find((member) => member.IsClusterWriter)?.DBInstanceIdentifier

/** The same lab, as another region sees it. */
export const inRegion = (test: TestLab, region: string): TestLab => ({
  ...test,
  lab: test.lab,
  rds: new RDS({ region, endpoint: test.lab.api, credentials: { ...test.lab.credentials.aws }, maxAttempts: 3 }),
})

/** Resolves when the instance stands still. */
export async function freeze(test: TestLab, instance: string): Promise<void> {
  await test.call('POST', '/_lab/faults', { kind: 'freeze-instance', instance, for: '1h' })
  await eventually(async () => {
    const { body } = await test.call('GET', '/_lab/faults')
    const faults = body.faults as { effects?: { begun: boolean }[] }[]
    return faults.some(({ effects }) => effects?.some(({ begun }) => begun)) ? true : undefined
  })
}

/** Clients that write whenever they are let, each at its own address, as do those that know a writer by that. `ids` counts what they write.
 *  @returns what ends that, with what was acknowledged where. */
export function writeAt(
  login: (host: string) => Promise<Client>,
  hosts: readonly string[],
  ids: () => number,
): () => Promise<Map<string, number[]>> {
  let stopped = false
  const acknowledged = new Map(hosts.map((host): [string, number[]] => [host, []]))
  const writers = [...acknowledged].map(async ([host, written]) => {
    let client: Client | undefined
    while (!stopped) {
      try {
        client ??= await login(host)
        const id = ids()
        await client.query(`INSERT INTO journal VALUES (${id})`)
        written.push(id)
      } catch {
        await client?.end().catch(() => {})
        client = undefined
        await sleep(20)
      }
    }
    await client?.end().catch(() => {})
  })
  return async () => {
    stopped = true
    await Promise.all(writers)
    return acknowledged
  }
}

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
  /** A client that writes at the endpoint for as long as it is let. `written` is what was acknowledged. */
  function writeOn(host: string, first: number): { written: number[]; stop(): Promise<void> } {
    const written: number[] = []
    let stopped = false
    const writing = (async () => {
      let client: Client | undefined
      for (let id = first; !stopped; id++) {
        try {
          client ??= await connect(lab().client, { host, port: lab().lab.dataPort })
          await client.query(`INSERT INTO journal VALUES (${id})`)
          written.push(id)
        } catch {
          await client?.end().catch(() => {})
          client = undefined
          await sleep(10)
        }
      }
      await client?.end()
    })()
    return {
      written,
      async stop() {
        stopped = true
        await writing
      },
    }
  }
  return { createCluster, addMember, describeCluster, clusterAvailable, clusterGone, at, journal, holds, write, writeOn }
}
