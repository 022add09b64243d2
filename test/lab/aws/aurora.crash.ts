import { setTimeout as sleep } from 'node:timers/promises'
import type { DBCluster } from '@aws-sdk/client-rds'
import { available, connect, describe as describeInstance, eventually, gone, PASSWORD, placeOf } from '../fixture'
import { killableLab } from '../killable'
import { writeAt, writerOf } from './aurora-fixture'

const lab = killableLab()

const cluster = async () => (await lab.rds.describeDBClusters({ DBClusterIdentifier: 'orders' })).DBClusters![0]!
const settled = () => eventually(async () => ((await cluster()).Status === 'available' ? cluster() : undefined))
const members = ({ DBClusterMembers }: DBCluster) => DBClusterMembers!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier!)
const addressOf = async (id: string) => placeOf(await describeInstance(lab, id)).host
const addMember = async (id: string) => {
  const member = { DBInstanceIdentifier: id, DBClusterIdentifier: 'orders', DBInstanceClass: 'db.r6g.large' }
  await lab.rds.createDBInstance({ ...member, Engine: 'aurora-postgresql' })
  await available(lab, id)
}
const login = (host: string) => connect(lab.client, { host, port: lab.lab.dataPort })

async function ask<Row>(host: string, sql: string): Promise<Row[]> {
  const client = await login(host)
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

const acknowledged: number[] = []
let next = 1

/** Writes at the members' own addresses. */
async function writeAtAll(of: DBCluster): Promise<() => Promise<void>> {
  const stop = writeAt(login, await Promise.all(members(of).map(addressOf)), () => next++)
  return async () => {
    for (const written of (await stop()).values()) acknowledged.push(...written)
  }
}

/** One member writes, the others follow it, and what was acknowledged is there. */
async function expectWhole(): Promise<void> {
  const now = await settled()
  const [last] = await ask<{ id: number }>(now.Endpoint!, `INSERT INTO journal VALUES (${next++}) RETURNING id`)
  const follow: Record<string, boolean> = {}
  for (const id of members(now)) {
    await available(lab, id)
    const host = await addressOf(id)
    await eventually(async () => {
      const rows = await ask(host, `SELECT FROM journal WHERE id = ${last!.id}`).catch((): object[] => [])
      return rows.length === 1 ? true : undefined
    })
    follow[id] = (await ask<{ follows: boolean }>(host, 'SELECT pg_is_in_recovery() AS follows'))[0]!.follows
  }
  expect(follow).toEqual(Object.fromEntries(members(now).map((id) => [id, id !== writerOf(now)])))
  const there = new Set((await ask<{ id: number }>(now.Endpoint!, 'SELECT id FROM journal')).map(({ id }) => id))
  expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
}

beforeAll(async () => {
  await lab.open()
  await lab.rds.createDBCluster({
    DBClusterIdentifier: 'orders',
    Engine: 'aurora-postgresql',
    EngineVersion: '17',
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
    DatabaseName: 'shop',
    VpcSecurityGroupIds: [lab.group],
  })
  await settled()
  for (const id of ['orders-1', 'orders-2', 'orders-3']) await addMember(id)
  await ask((await cluster()).Endpoint!, 'CREATE TABLE journal (id int PRIMARY KEY)')
})
afterAll(() => lab.remove())

test.each([0, 50, 120, 250, 400, 700])(
  'a failover whose lab is killed %s ms into it ends with one writer, everybody behind it, and every commit',
  async (ms) => {
    const before = await cluster()
    const stop = await writeAtAll(before)
    await sleep(100)
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    await sleep(ms)
    await lab.killAndRestart()
    const after = await settled()
    await sleep(200)
    await stop()
    expect(writerOf(after)).not.toBe(writerOf(before))
    await expectWhole()
  },
)

test.each([0, 120, 300, 600])(
  'a writer that crashed and is deleted, its lab killed %s ms into that, leaves every commit and all that follow',
  async (ms) => {
    const before = await cluster()
    const writer = writerOf(before)!
    const stop = await writeAtAll(before)
    await sleep(100)
    await lab.call('POST', `/_lab/instances/${writer}/crash`)
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: writer })
    await sleep(ms)
    await lab.killAndRestart()
    await gone(lab, writer)
    await sleep(200)
    await stop()
    await expectWhole()
    await addMember(writer)
  },
)
