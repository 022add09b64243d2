import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DBCluster } from '@aws-sdk/client-rds'
import type { Client } from 'pg'
import { processesNaming } from '../../support/processes'
import {
  available,
  cacheDir,
  connect,
  describe as describeInstance,
  eventually,
  gone,
  ownBlock,
  PASSWORD,
  sdk,
  type TestLab,
} from '../fixture'
import { compileLab, type LabProcess, startLabProcess } from '../process'

const root = mkdtempSync(join(tmpdir(), 'capstan-lab-aurora-'))
const block = ownBlock()
let main: string
let process_: LabProcess

/** The lab as the tests see it, whichever process it is by now. */
const lab = {
  client: `${block}.2`,
  get rds() {
    return sdk(process_.ready.api, process_.ready.credentials.aws)
  },
} as unknown as TestLab

async function start(): Promise<void> {
  process_ = await startLabProcess(main, ['--state', join(root, 'state'), '--block', block, '--cache', cacheDir])
}

async function killAndRestart(): Promise<void> {
  process_.child.kill('SIGKILL')
  await process_.exited
  await start()
}

const cluster = async () => (await lab.rds.describeDBClusters({ DBClusterIdentifier: 'orders' })).DBClusters![0]!
const settled = () => eventually(async () => ((await cluster()).Status === 'available' ? cluster() : undefined))
const members = ({ DBClusterMembers }: DBCluster) => DBClusterMembers!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier!)
const writerOf = ({ DBClusterMembers }: DBCluster) =>
  DBClusterMembers!.find(({ IsClusterWriter }) => IsClusterWriter)!.DBInstanceIdentifier!
const addressOf = async (id: string) => (await describeInstance(lab, id)).Endpoint!.Address!
const addMember = async (id: string) => {
  const member = { DBInstanceIdentifier: id, DBClusterIdentifier: 'orders', DBInstanceClass: 'db.r6g.large' }
  await lab.rds.createDBInstance({ ...member, Engine: 'aurora-postgresql' })
  await available(lab, id)
}
const login = (host: string) => connect(lab.client, { host, port: process_.ready.dataPort })

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

/** Writes at each of these addresses whenever it is let, as do clients that know a writer by its own address. */
function writeAt(hosts: readonly string[]): () => Promise<void> {
  let stopped = false
  const write = async (host: string): Promise<void> => {
    let client: Client | undefined
    while (!stopped) {
      try {
        client ??= await login(host)
        const id = next++
        await client.query(`INSERT INTO journal VALUES (${id})`)
        acknowledged.push(id)
      } catch {
        await client?.end().catch(() => {})
        client = undefined
        await sleep(20)
      }
    }
    await client?.end().catch(() => {})
  }
  const writers = hosts.map(write)
  return async () => {
    stopped = true
    await Promise.all(writers)
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
  chmodSync(root, 0o755)
  main = compileLab(join(root, 'code'))
  await start()
  await fetch(`${process_.ready.api}/_lab/security-groups/sg-tests`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${process_.ready.labToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ cidrs: [`${block}.2/32`] }),
  })
  await lab.rds.createDBCluster({
    DBClusterIdentifier: 'orders',
    Engine: 'aurora-postgresql',
    EngineVersion: '17',
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
    DatabaseName: 'shop',
    VpcSecurityGroupIds: ['sg-tests'],
  })
  await settled()
  for (const id of ['orders-1', 'orders-2', 'orders-3']) await addMember(id)
  await ask((await cluster()).Endpoint!, 'CREATE TABLE journal (id int PRIMARY KEY)')
})
afterAll(async () => {
  process_.child.kill('SIGTERM')
  expect(await process_.exited).toBe(0)
  expect(processesNaming(`${root}/state`)).toEqual([])
  rmSync(root, { recursive: true, force: true })
})

test.each([0, 50, 120, 250, 400, 700])(
  'a failover whose lab is killed %s ms into it ends with one writer, everybody behind it, and every commit',
  async (ms) => {
    const before = await cluster()
    const stop = writeAt(await Promise.all(members(before).map(addressOf)))
    await sleep(100)
    await lab.rds.failoverDBCluster({ DBClusterIdentifier: 'orders' })
    await sleep(ms)
    await killAndRestart()
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
    const writer = writerOf(before)
    const stop = writeAt(await Promise.all(members(before).map(addressOf)))
    await sleep(100)
    await fetch(`${process_.ready.api}/_lab/instances/${writer}/crash`, {
      method: 'POST',
      headers: { authorization: `Bearer ${process_.ready.labToken}` },
    })
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: writer })
    await sleep(ms)
    await killAndRestart()
    await gone(lab, writer)
    await sleep(200)
    await stop()
    await expectWhole()
    await addMember(writer)
  },
)
