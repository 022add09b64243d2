/** Switchovers of blue/green deployments whose lab is killed amid them, with its servers or without, and such as take too long: whoever
 *  has the name writes, nobody else does, and every commit that was acknowledged is there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { available, connect, createInstance, describe as describeInstance, eventually, gone, orderFault } from '../fixture'
import { killableLab } from '../killable'
import { readState } from '../killed/disk'
import { arnOf, deploymentsOf, idOf, nameIn, Writers } from './blue-green-fixture'

const lab = killableLab()
const deployments = deploymentsOf(() => lab.rds)

/** How far the switchover has come, as it is written down. */
function standing(): string | undefined {
  const tasks = Object.values(readState(lab.stateDir).aws.deployments).flatMap((deployment) => deployment.tasks)
  const [task] = tasks.filter(({ kind }) => kind === 'switch-over')
  return task?.kind === 'switch-over' ? (task.reached ?? 'begun') : undefined
}

async function killAndRestart(powerCut: boolean): Promise<void> {
  await lab.kill({ powerCut })
  process.stdout.write(`killed: ${standing() ?? 'nothing under way'}\n`)
  await lab.start()
}

const endpointOf = async (id: string) => {
  const { Address, Port } = (await describeInstance(lab, id)).Endpoint!
  return { host: Address!, port: Port! }
}

async function ask<Row>(id: string, sql: string): Promise<Row[]> {
  const client = await connect(lab.client, await endpointOf(id))
  try {
    return (await client.query(sql)).rows as Row[]
  } finally {
    await client.end()
  }
}

const journal = async (id: string) => new Set((await ask<{ id: number }>(id, 'SELECT id FROM journal')).map((row) => row.id))
let mark = -1
/** It gets what is committed to the other one from now on. */
async function expectFollows(id: string, source: string): Promise<void> {
  const value = mark--
  await ask(source, `INSERT INTO journal VALUES (${value})`)
  await eventually(async () => ((await journal(id).catch(() => new Set<number>())).has(value) ? true : undefined))
}
async function expectAll(id: string, writers: readonly Writers[]): Promise<void> {
  const there = await journal(id)
  expect(writers.flatMap(({ acknowledged }) => acknowledged).filter((one) => !there.has(one))).toEqual([])
}

async function deploymentOf(blue: string): Promise<{ id: string; green: string }> {
  const deployment = await deployments.created(`of-${blue}`, { Source: arnOf(blue) })
  return { id: idOf(deployment), green: nameIn(deployment.Target) }
}
const open: Writers[] = []
async function writersAt(id: string): Promise<Writers> {
  const writers = new Writers(lab.client, await endpointOf(id))
  open.push(writers)
  return writers
}

async function createBlue(id: string): Promise<void> {
  await createInstance(lab, id, { EngineVersion: '17', BackupRetentionPeriod: 1 })
  await ask(id, 'CREATE TABLE journal (id int PRIMARY KEY)')
}

beforeAll(async () => {
  await lab.open()
  await createBlue('shop')
  await lab.rds.createDBInstanceReadReplica({
    DBInstanceIdentifier: 'shop-reader',
    SourceDBInstanceIdentifier: 'shop',
    VpcSecurityGroupIds: [lab.group],
  })
  await available(lab, 'shop-reader')
})
afterEach(async () => {
  for (const writers of open.splice(0)) await writers.stop()
})
afterAll(() => lab.remove())

test.each([
  ['begun', 0, false],
  ['closed', 0, true],
  ['closed', 40, false],
  ['closed', 150, false],
  ['promoting', 0, true],
  ['promoting', 0, false],
  ['promoting', 100, false],
  ['exchanged', 0, true],
  ['exchanged', 50, false],
] as const)(
  'a switchover whose lab is killed once it is %s, %s ms later, with its servers: %s, ends with one writer under the name, and every commit',
  async (stage, ms, powerCut) => {
    const { id, green } = await deploymentOf('shop')
    const at = await endpointOf('shop')
    const writers = [await writersAt('shop'), await writersAt(green)]
    await writers[0]!.reach(10)
    await deployments.switchOver(id)
    // it may have passed that unseen: then it is killed later
    while (standing() !== undefined && standing() !== stage) await sleep(1)
    await sleep(ms)
    await killAndRestart(powerCut)
    const { Status, StatusDetails } = await deployments.reaches(id, 'SWITCHOVER_COMPLETED', 'SWITCHOVER_FAILED')
    await writers[0]!.reach(10)
    for (const one of writers) await one.stop()
    expect(await endpointOf('shop')).toEqual(at)
    await expectAll('shop', writers)
    await expectFollows('shop-reader', 'shop')
    const switched = Status === 'SWITCHOVER_COMPLETED'
    if (switched) {
      await expect(ask('shop-old1', `INSERT INTO journal VALUES (${mark--})`)).rejects.toMatchObject({ code: '25006' })
    } else {
      // only what was not begun yet may have been given up
      expect(StatusDetails).toMatch(/^Replication health|does not answer/)
      await expectFollows(green, 'shop')
    }
    for (const one of await lab.rds.describeDBInstances({}).then(({ DBInstances }) => DBInstances!)) {
      await available(lab, one.DBInstanceIdentifier!)
    }
    await lab.rds.deleteBlueGreenDeployment({ BlueGreenDeploymentIdentifier: id, ...(!switched && { DeleteTarget: true }) })
    await deployments.gone(id)
    for (const old of switched ? ['shop-reader-old1', 'shop-old1'] : []) {
      await lab.rds.deleteDBInstance({ DBInstanceIdentifier: old, SkipFinalSnapshot: true })
      await gone(lab, old)
    }
  },
)

test('switchovers that take too long are taken back wherever they stand, also by another lab, and blue goes on with every commit', async () => {
  const blues = ['frozen', 'stopped', 'asked']
  await Promise.all(blues.map(createBlue))
  const [frozen, stopped, asked] = await Promise.all(blues.map(deploymentOf))
  const writers = await Promise.all(blues.map(writersAt))
  for (const one of writers) await one.reach(10)
  const all = [frozen!, stopped!, asked!]
  // it never gets the end of the log; blue is stopped, and nobody goes on; green was asked to write, and does not
  await orderFault(lab, { kind: 'freeze-instance', instance: frozen!.green, lasts: 900_000 })
  await orderFault(lab, { kind: 'break-promotion', instance: stopped!.green, moment: 'marked', delay: 900_000 })
  await orderFault(lab, { kind: 'break-promotion', instance: asked!.green, moment: 'before', delay: 30_000, times: 100 })
  const began = Date.now()
  for (const { id } of all) await deployments.switchOver(id, 30)
  await Promise.all(writers.map((one) => one.areRefused()))
  const before = writers.map(({ acknowledged }) => acknowledged.length)
  await killAndRestart(false)
  for (const { id } of all) {
    while ((await deployments.describe(id)).Status === 'SWITCHOVER_IN_PROGRESS') {
      // nobody writes meanwhile
      const now = writers.map(({ acknowledged }) => acknowledged.length)
      if (Date.now() < began + 30_000) expect(now).toEqual(before)
      await sleep(150)
    }
  }
  const found = await Promise.all(all.map(({ id }) => deployments.describe(id)))
  expect(found.map(({ Status }) => Status)).toEqual(found.map(() => 'SWITCHOVER_FAILED'))
  expect(found.map(({ StatusDetails }) => StatusDetails)).toEqual(
    found.map(() => 'The switchover did not complete within 30 seconds.'),
  )
  await lab.call('DELETE', '/_lab/faults', undefined)
  for (const [index, blue] of blues.entries()) {
    await writers[index]!.reach(10)
    await writers[index]!.stop()
    await expectAll(blue, [writers[index]!])
  }
  for (const [index, { green }] of all.entries()) await expectFollows(green, blues[index]!)
})
