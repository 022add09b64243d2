/** A backup that each cloud took while its database was written to, restored by that cloud and proven by its master, who is no superuser: what it
 *  must hold, that nothing in it is damaged, and that a recovery to a moment stopped there. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Session } from '../../postgres/connect/session'
import { contentFindings } from '../../postgres/proof/content'
import { type Beat, beat, beatsIn, judgeTarget } from '../../postgres/proof/heartbeat'
import { checkIntegrity } from '../../postgres/proof/integrity'
import { takeManifest } from '../../postgres/proof/manifest'
import { processesNaming } from '../support/processes'
import type { DrivenCloud } from './driven/cloud'
import { drivenClouds } from './driven/clouds'
import { cacheDir, ownBlock } from './fixture'
import { compileLab, type LabProcess, startLabProcess } from './process'

const root = mkdtempSync(join(tmpdir(), 'capstan-lab-proven-'))
const stateDir = join(root, 'state')
const block = ownBlock()
let lab: LabProcess

beforeAll(async () => {
  chmodSync(root, 0o755)
  const main = compileLab(join(root, 'code'))
  lab = await startLabProcess(main, ['--state', stateDir, '--block', block, '--cache', cacheDir, '--profile', 'instant'])
})
afterAll(async () => {
  lab.child.kill('SIGTERM')
  expect(await lab.exited).toBe(0)
  expect(processesNaming(stateDir)).toEqual([])
  rmSync(root, { recursive: true, force: true })
})

async function opened(cloud: DrivenCloud, id: string): Promise<Session> {
  const { host, port, user, password, database } = await cloud.login(id)
  return connect({
    ...{ host: String(host), port: Number(port), user: String(user), password: String(password), database: String(database) },
    applicationName: 'proving',
    tls: cloud.name === 'azure' ? 'require' : 'disable',
    sourceAddress: `${block}.2`,
  })
}

async function ready(cloud: DrivenCloud, id: string, begin: () => Promise<void>): Promise<void> {
  await begin()
  expect(await cloud.rested(id)).toBe('ready')
  await cloud.letIn(id)
  await cloud.rested(id)
}

/** A shop's tables: one that nobody touches, one that grows, one whose rows come and go, one that is changed in place. */
const SHOP = `
  CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, 3000) g;
  CREATE TABLE journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now());
  CREATE TABLE queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
  CREATE TABLE stock (id int PRIMARY KEY, left_over int); INSERT INTO stock SELECT g, 1000 FROM generate_series(1, 20) g`

const WRITES = `BEGIN; INSERT INTO journal DEFAULT VALUES; INSERT INTO queue DEFAULT VALUES; UPDATE stock SET left_over = left_over - 1 WHERE id = 7; COMMIT;
  BEGIN; DELETE FROM queue; UPDATE stock SET left_over = left_over + 1 WHERE id = 7; COMMIT`

/** Half of its commits do not wait for the disk. */
async function underWrites<T>(writer: Session, work: () => Promise<T>): Promise<T> {
  let over = false
  const writing = (async () => {
    for (let n = 0; !over; n += 1) await writer.execute(`SET synchronous_commit = ${n % 2 === 0 ? 'on' : 'off'}; ${WRITES}`)
  })()
  try {
    return await work()
  } finally {
    over = true
    await writing
  }
}

test.each(['aws', 'azure', 'gcp'] as const)(
  '%s: its copies are proven',
  async (name) => {
    const cloud = drivenClouds({ block, stateDir, ready: lab.ready })[name]
    await ready(cloud, 'shop', () => cloud.create('shop'))
    const writer = await opened(cloud, 'shop')
    await writer.execute(SHOP)
    const reading = { connect: () => opened(cloud, 'shop'), jobs: 2 }
    const { before, after } = await underWrites(writer, async () => {
      const first = await takeManifest(reading)
      await cloud.backUp('shop', 'kept')
      await cloud.rested('shop')
      expect(await cloud.hasBackup('shop', 'kept')).toBe(true)
      // Azure's copy is of the moment when the backup had ended.
      await sleep(name === 'azure' ? 2_000 : 0)
      return { before: first, after: await takeManifest({ ...reading, since: first }) }
    })
    // Google restores over an instance that is there.
    if (name === 'gcp') await ready(cloud, 'restored', () => cloud.create('restored'))
    await ready(cloud, 'restored', () => cloud.restore('restored', 'shop', 'kept'))
    const copy = { connect: () => opened(cloud, 'restored'), jobs: 2 }
    const proof = await contentFindings(before, after, copy)
    expect(proof).toMatchObject({ findings: [], untold: 0, tables: 4 })
    expect(proof.rowsProven).toBeGreaterThanOrEqual(3_000)
    expect(proof.notProven.map(({ what }) => what)).not.toContain('public.customers')
    const sound = await checkIntegrity(copy)
    expect(sound).toMatchObject({ findings: [], notProven: [] })
    expect(sound.indexes).toBeGreaterThan(100)

    // What only SQL can do to a copy has to be seen: a row that is gone, a table that is emptied although it changes all the time.
    const session = await copy.connect()
    await session.execute('DELETE FROM customers WHERE id = 1234; TRUNCATE stock')
    await session.close()
    const { findings } = await contentFindings(before, after, copy)
    expect(findings.map(({ rule, message }) => `${rule} ${/public\.\w+/.exec(message)}`).sort()).toEqual([
      'content:rows-missing public.customers',
      'content:rows-missing public.stock',
    ])
    await writer.close()
  },
  600_000,
)

test.each(['aws', 'azure', 'gcp'] as const)(
  '%s: a recovery to a moment is held against its heartbeats',
  async (name) => {
    const cloud = drivenClouds({ block, stateDir, ready: lab.ready })[name]
    const writer = await opened(cloud, 'shop')
    const expected: Beat[] = []
    for (let n = 0; n < 6; n += 1) {
      expected.push(await beat(writer, { operation: 'op-1', label: `beat ${n}` }))
      await sleep(700)
    }
    const at = new Date(Math.ceil(Date.parse(expected[2]?.after ?? '') / 1000) * 1000)
    await ready(cloud, 'then', () => cloud.restoreToTime('then', 'shop', at))
    const copy = await opened(cloud, 'then')
    const found = await beatsIn(copy)
    await copy.close()
    const proof = judgeTarget({ at: at.toISOString(), expected, found })
    expect(proof.findings).toEqual([])
    expect(proof.present).toBeGreaterThanOrEqual(3)
    expect(proof.absent).toBeGreaterThanOrEqual(1)
    const last = Date.parse(expected[2]?.before ?? '')
    expect(proof.rpoMs).toBeLessThanOrEqual(at.getTime() - last)
    // A copy of another moment is not taken for it.
    const earlier = judgeTarget({ at: new Date(last - 1).toISOString(), expected, found })
    expect(earlier.findings.map(({ rule }) => rule)).toContain('target:beat-too-late')
    await writer.close()
  },
  600_000,
)
