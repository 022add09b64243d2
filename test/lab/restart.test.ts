import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { signalIfThere } from '../../pgserver/process-tree'
import { processesNaming } from '../support/processes'
import {
  available,
  cacheDir,
  connect,
  createInstance,
  eventually,
  gone,
  ownBlock,
  PASSWORD,
  sdk,
  snapshotAvailable,
  type TestLab,
} from './fixture'
import { compileLab, type LabProcess, startLabProcess } from './process'

const root = mkdtempSync(join(tmpdir(), 'capstan-lab-process-'))
const block = ownBlock()
let main: string
let process_: LabProcess
const opened: Client[] = []

const args = () => ['--state', join(root, 'state'), '--block', block, '--cache', cacheDir]
/** The lab itself is among them. */
const processes = () => processesNaming(`${root}/state`)

/** The lab as the tests see it, whichever process it is by now. */
const lab = {
  block,
  client: `${block}.2`,
  group: 'sg-tests',
  get rds() {
    return sdk(process_.ready.api, process_.ready.credentials.aws)
  },
} as unknown as TestLab

async function killAndRestart(): Promise<void> {
  process_.child.kill('SIGKILL')
  await process_.exited
  process_ = await startLabProcess(main, args())
}

async function login(host: string, password = PASSWORD): Promise<Client> {
  const client = await connect(lab.client, { host, port: process_.ready.dataPort, password })
  opened.push(client)
  return client
}

beforeAll(async () => {
  chmodSync(root, 0o755)
  main = compileLab(join(root, 'code'))
  process_ = await startLabProcess(main, args())
  await fetch(`${process_.ready.api}/_lab/security-groups/sg-tests`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${process_.ready.labToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ cidrs: [`${block}.2/32`] }),
  })
  await createInstance(lab, 'shop')
})
afterAll(async () => {
  for (const client of opened) await client.end().catch(() => {})
  process_.child.kill('SIGTERM')
  expect(await process_.exited).toBe(0)
  expect(processes()).toEqual([])
  rmSync(root, { recursive: true, force: true })
})

test('a killed lab leaves its servers serving, and the next one adopts them where they were', async () => {
  const before = await available(lab, 'shop')
  const client = await login(before.Endpoint!.Address!)
  await client.query('CREATE TABLE kept AS SELECT 1 AS n')
  const { api, dataPort, credentials, labToken } = process_.ready
  await killAndRestart()
  expect(process_.ready).toMatchObject({ api, dataPort, credentials, labToken })
  expect((await client.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }])
  expect(await available(lab, 'shop')).toMatchObject({ Endpoint: before.Endpoint, DbiResourceId: before.DbiResourceId })
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'shop', MasterUserPassword: PASSWORD, ApplyImmediately: true })
  await available(lab, 'shop')
})

test('a stopped lab starts its instances again', async () => {
  process_.child.kill('SIGTERM')
  expect(await process_.exited).toBe(0)
  process_ = await startLabProcess(main, args())
  const client = await login((await available(lab, 'shop')).Endpoint!.Address!)
  expect((await client.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }])
})

test('a lab that is stopped in the middle of work leaves nothing running, and the next one finishes it', async () => {
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'unfinished' })
  await lab.rds.createDBInstance({
    DBInstanceIdentifier: 'unfinished',
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'boss',
    MasterUserPassword: PASSWORD,
  })
  await sleep(200)
  process_.child.kill('SIGTERM')
  expect(await process_.exited).toBe(0)
  expect(processes()).toEqual([])
  process_ = await startLabProcess(main, args())
  expect(await snapshotAvailable(lab, 'unfinished')).toMatchObject({ Status: 'available' })
  expect(await available(lab, 'unfinished')).toMatchObject({ DBInstanceStatus: 'available' })
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'unfinished', SkipFinalSnapshot: true })
  await gone(lab, 'unfinished')
})

test('a second lab on the same state folder is refused, naming the first', async () => {
  await expect(startLabProcess(main, args())).rejects.toThrow(`pid ${process_.child.pid}`)
})

test.each([
  [['--block', block], '--state is missing'],
  [['--state', '/tmp/x', '--block', '10.0.0'], 'no block of loopback addresses'],
  [['--state', '/tmp/x', '--block', block, '--profile', 'slow'], 'there are: instant, fast'],
  [['--state', '/tmp/x', '--block', block, '--api-port', '99999'], 'a port from 0'],
])('the command line %j is refused in one sentence, with status 2', async (bad, sentence) => {
  await expect(startLabProcess(main, bad)).rejects.toThrow(new RegExp(`exit 2: .*${sentence}`))
})

test('servers that were killed together with the lab come back with their commits', async () => {
  const client = await login((await available(lab, 'shop')).Endpoint!.Address!)
  await client.query('INSERT INTO kept VALUES (2)')
  process_.child.kill('SIGKILL')
  // some of them, such as the shell that archives a segment, end by themselves meanwhile
  for (const pid of processes()) signalIfThere(pid, 'SIGKILL')
  await process_.exited
  process_ = await startLabProcess(main, args())
  const again = await login((await available(lab, 'shop')).Endpoint!.Address!)
  expect((await again.query('SELECT n FROM kept ORDER BY n')).rows).toEqual([{ n: 1 }, { n: 2 }])
})

test('a server that dies by itself is started again', async () => {
  const instance = await available(lab, 'shop')
  const servers = processes().filter((pid) => pid !== process_.child.pid)
  expect(servers).not.toEqual([])
  for (const pid of servers) signalIfThere(pid, 'SIGKILL')
  await eventually(async () => {
    const client = await login(instance.Endpoint!.Address!).catch(() => undefined)
    return client && (await client.query('SELECT n FROM kept')).rows
  })
})
