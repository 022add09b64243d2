/** Operations on Azure, Google Cloud and Aurora, with one stack for all: each test goes on from where the one before left the databases. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { MIGRATE_STEPS } from '../../contracts/migrate'
import type { OperationDocument, StepRecord } from '../../contracts/operation'
import type { SnapshotList } from '../../contracts/snapshot'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { recordHistory } from '../support/histories'
import {
  CANARYS_GROUP,
  COPIES_GROUP,
  changing,
  createOtherTarget,
  MASTER_PASSWORD,
  OTHER_CLOUDS,
  type OtherCloud,
  type OtherTarget,
} from '../support/other-clouds'
import { FIRST, ROWS } from '../support/target'

const SECOND = { 'V2__add_colour.sql': 'ALTER TABLE items ADD COLUMN colour text;' }
const REWRITE = { 'V3__price.sql': 'ALTER TABLE items ALTER price TYPE numeric;' }

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
const targets = new Map<OtherCloud, OtherTarget>()

function targetOn(cloud: OtherCloud): OtherTarget {
  const target = targets.get(cloud)
  if (target === undefined) throw new Error(`no target on ${cloud}`)
  return target
}

function step({ steps }: OperationDocument, id: string): StepRecord | undefined {
  return steps.find((one) => one.id === id)
}

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  await onEach(async (cloud) => {
    targets.set(cloud, await createOtherTarget(cloud, capstan))
    await targetOn(cloud).reset()
  })
})
afterAll(async () => (await starting)?.close())

/** At once, since most of the time is waiting. */
async function onEach(work: (cloud: OtherCloud) => Promise<void>): Promise<void> {
  await Promise.all(
    OTHER_CLOUDS.map(async (cloud) => {
      try {
        await work(cloud)
      } catch (error) {
        if (error instanceof Error) error.message = `on ${cloud}: ${error.message}`
        throw error
      }
    }),
  )
}

/** What was seen in the group of the copies until `act` came to its end. */
async function copiesDuring(target: OtherTarget, act: Promise<unknown>): Promise<string[] | null> {
  const seen = new Set<string>()
  let ended = false
  void act
    .catch(() => {})
    .finally(() => {
      ended = true
    })
  while (!ended) {
    const copies = await target.copies()
    if (copies === null) return null
    for (const name of copies) seen.add(name)
    await sleep(100)
  }
  return [...seen]
}

test('on Azure, Google Cloud and Aurora a safe migration is rehearsed on an inert copy, applied, verified and leaves only its snapshot behind', async () => {
  await onEach(async (cloud) => {
    const target = targetOn(cloud)
    const migrating = target.migrate(target.fleet({ ...FIRST, ...SECOND }))
    const copies = await copiesDuring(target, migrating)
    const { code, operation } = await migrating
    expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
    expect(code).toBe(0)
    if (cloud === 'azure') expect(copies).toEqual([`cap-${operation.id}-canary`])
    if (cloud === 'azure') await recordHistory(capstan.temporal, operation.id, 'migrate-on-azure')
    const steps = Object.values(MIGRATE_STEPS).filter(({ id }) => id !== 'approve' && id !== 'carry-over')
    expect(operation.steps.map(({ id, state }) => [id, state])).toEqual(steps.map(({ id }) => [id, 'done']))
    expect(await target.rows('SELECT count(*) AS n FROM items WHERE colour IS NULL')).toEqual([{ n: ROWS }])
    expect(await target.leftovers()).toEqual([])
    expect(await target.allSnapshots()).toEqual([`cap-${operation.id}-snapshot`])
    const evidence = (await capstan.ledger.getEvidence(operation.id))?.document
    expect(evidence).toMatchObject({
      request: {
        instance: 'stock',
        ...{
          azure: { cloud, resourceGroup: 'shop-group', copiesResourceGroup: COPIES_GROUP },
          gcp: { cloud },
          aurora: { cloud: 'aws', aurora: true },
        }[cloud],
      },
    })
  })
})

test('a canary that says no leaves the target untouched', async () => {
  await onEach(async (cloud) => {
    const target = targetOn(cloud)
    const before = await versions(target)
    const { code, operation } = await target.migrate(target.fleet({ ...FIRST, ...SECOND, ...REWRITE }))
    expect(operation).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
    expect(code).toBe(1)
    expect(step(operation, 'judge')?.detail.findings).toEqual([expect.objectContaining({ rule: 'rewrite', measured: ROWS })])
    expect(await versions(target)).toEqual(before)
    expect(await target.leftovers()).toEqual([])
  })
})

test('a snapshot is taken, listed as ours, and removed by retention once there is a newer one', async () => {
  await onEach(async (cloud) => {
    const target = targetOn(cloud)
    const fleet = target.fleet(FIRST)
    const take = async (): Promise<OperationDocument> => {
      const { code, stdout, stderr } = await target.run(['snapshot', 'stock', '--json', '--retention', '2d'], fleet)
      expect([code, stderr]).toEqual([0, ''])
      return JSON.parse(stdout) as OperationDocument
    }
    const first = await take()
    const name = `cap-${first.id}-take`
    const listed = JSON.parse((await target.run(['snapshot', 'list', 'stock', '--json'], fleet)).stdout) as SnapshotList
    expect(listed.snapshots.find((one) => one.name === name)).toMatchObject({
      operation: first.id,
      step: 'take',
      standing: 'within-retention',
    })
    await expire(target, first.id, name)
    const second = await take()
    expect(step(second, 'expire')?.detail.removed).toEqual([name])
    await gone(target, name)
    expect(await target.allSnapshots()).toContain(`cap-${second.id}-take`)
  })
})

test('on Aurora a snapshot has a copy in another region, and the list has it', async () => {
  const target = targetOn('aurora')
  const fleet = target.fleet(FIRST, '      snapshotCopies: [{ region: eu-west-1 }]\n')
  const { code, stdout, stderr } = await target.run(['snapshot', 'stock', '--json'], fleet)
  expect([code, stderr]).toEqual([0, ''])
  const operation = JSON.parse(stdout) as OperationDocument
  const name = `cap-${operation.id}-copy-eu-west-1`
  expect(step(operation, 'copy')?.detail).toMatchObject({ copies: [{ region: 'eu-west-1', snapshot: name, findings: [] }] })
  const listed = JSON.parse((await target.run(['snapshot', 'list', 'stock', '--json'], fleet)).stdout) as SnapshotList
  expect(listed.snapshots.filter(({ region }) => region !== undefined)).toMatchObject([
    { region: 'eu-west-1', name, operation: operation.id, standing: 'within-retention' },
  ])
})

test('on Aurora a copy is restored in its region, as a cluster with one writer, and removed there', async () => {
  const target = targetOn('aurora')
  const canary = `canary: { securityGroups: [${CANARYS_GROUP}], instanceClass: db.serverless/0.5-4 }`
  const fleet = target.fleet(FIRST, `      snapshotCopies: [{ region: eu-west-1, ${canary} }]\n`)
  const taken = JSON.parse((await target.run(['snapshot', 'stock', '--json'], fleet)).stdout) as OperationDocument
  const more = ['--snapshot', `cap-${taken.id}-copy-eu-west-1`, '--region', 'eu-west-1', '--operation', 'far']
  const { code, stdout, stderr } = await target.run(['restore', 'stock', '--json', ...more], fleet)
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded', verdict: 'pass' })
  const { lab } = capstan.stack
  const there = createAurora({ region: 'eu-west-1', endpoint: lab.api, credentials: lab.aws, maxAttempts: 3 })
  const listed = async () => (await there.listInstances(changing)).map(({ name, instanceClass }) => [name, instanceClass])
  expect([await listed(), await target.leftovers()]).toEqual([[['cap-far-copy', 'db.serverless/0.5-4']], []])
  expect((await capstan.capstan(['restore', 'remove', 'far', '--json'])).code).toBe(0)
  while ((await listed()).length > 0) await sleep(100)
})

test('a plan says what the cloud does otherwise, and changes nothing', async () => {
  await onEach(async (cloud) => {
    const target = targetOn(cloud)
    const before = await target.allSnapshots()
    const { code, stdout } = await target.run(['migrate', 'stock', '--plan'], target.fleet({ ...FIRST, ...SECOND, ...REWRITE }))
    expect(code).toBe(0)
    if (cloud === 'azure') {
      expect(stdout).toContain("the instance's log restored to the moment at which the snapshot was complete")
      expect(stdout).toContain("runs with the instance's own settings for some minutes")
      expect(stdout).toContain('kept by the cloud for 168 h at most')
      expect(stdout).toContain('goes with its instance')
    }
    if (cloud === 'gcp') {
      expect(stdout).toContain('a new, empty instance, which is then overwritten with the snapshot')
      // as it was made: nobody has it keep them
      expect(stdout).toContain('goes with its instance')
    }
    expect(await target.allSnapshots()).toEqual(before)
    expect(await target.leftovers()).toEqual([])
  })
})

test('a region that is not the instance’s own is refused, since the lock goes by it', async () => {
  await onEach(async (cloud) => {
    // there nothing is found, since only that region is looked in
    if (cloud === 'aurora') return
    const target = targetOn(cloud)
    const fleet = target.fleet(FIRST, '', (yaml) =>
      yaml.replace(/westeurope|europe-west3/, (own) => own.replace('west', 'north')),
    )
    const { code, stdout } = await target.run(['snapshot', 'stock', '--json'], fleet)
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', failure: { code: 'TARGET_MISMATCH' } })
    expect(code).toBe(3)
  })
})

test('a member that is named instead of its cluster, or a cluster as an instance, is refused with what to write', async () => {
  const target = targetOn('aurora')
  const refusedAs = async (edit: (yaml: string) => string, code: string, message: string): Promise<void> => {
    const { stdout } = await target.run(['snapshot', 'stock', '--json'], target.fleet(FIRST, '', edit))
    expect(JSON.parse(stdout)).toMatchObject({ failure: { code, message: expect.stringContaining(message) } })
  }
  const asInstance = (yaml: string): string => yaml.replace('    aurora: true\n', '')
  const member = (yaml: string): string => asInstance(yaml).replace('instance: stock', 'instance: stock-1')
  await refusedAs(member, 'CLOUD_REFUSED', 'is a member of cluster stock')
  await refusedAs(asInstance, 'INSTANCE_NOT_FOUND', 'or `aurora`')
})

describe('Azure, whose copies run before they are inert', () => {
  const THIRD = { ...FIRST, ...SECOND, 'V3__size.sql': 'ALTER TABLE items ADD COLUMN size int;' }

  test('a subscriber is refused by the plan, before anything is done', async () => {
    const target = targetOn('azure')
    const subscribe = async (sql: readonly string[]): Promise<void> => {
      const admin = await target.admin()
      for (const statement of sql) await admin.execute(statement)
      await admin.close()
    }
    await subscribe([
      `CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 password=x' PUBLICATION p WITH (connect = false)`,
      'ALTER SUBSCRIPTION feed ENABLE',
    ])
    const before = await target.allSnapshots()
    const { code, operation } = await target.migrate(target.fleet(THIRD))
    await subscribe([
      'ALTER SUBSCRIPTION feed DISABLE',
      'ALTER SUBSCRIPTION feed SET (slot_name = NONE)',
      'DROP SUBSCRIPTION feed',
    ])
    expect(operation).toMatchObject({ status: 'failed', failure: { code: 'CANARY_NOT_INERT' } })
    expect(operation.failure?.message).toContain('it has enabled subscriptions')
    expect(code).toBe(3)
    expect(operation.steps.map(({ id, state }) => [id, state])).toContainEqual(['plan', 'failed'])
    expect(step(operation, 'snapshot')).toBeUndefined()
    expect(await target.allSnapshots()).toEqual(before)
  })

  test('a snapshot that is to be kept longer than the server keeps its backups is refused by the plan', async () => {
    const target = targetOn('azure')
    const { code, stdout } = await target.run(['snapshot', 'stock', '--json', '--retention', '30d'], target.fleet(FIRST))
    expect(JSON.parse(stdout)).toMatchObject({
      failure: { code: 'CLOUD_REFUSED', message: expect.stringContaining('168 h at most') },
    })
    expect(code).toBe(3)
    const { operation } = await target.migrate(target.fleet(THIRD, '      snapshotRetention: { daily: 7, monthly: 1 }\n'))
    expect(operation).toMatchObject({ status: 'failed', failure: { code: 'CLOUD_REFUSED' } })
    expect(step(operation, 'snapshot')).toBeUndefined()
  })

  test('a backup that somebody else named as ours are is not ours', async () => {
    const target = targetOn('azure')
    const owner = { operation: 'nobodys', step: 'take', expiresAt: null }
    const name = 'cap-nobodys-take'
    await target.whenFree(() => target.adapter.startSnapshot({ instance: 'stock', snapshot: name, owner }, changing))
    while (!(await target.allSnapshots()).includes(name)) await sleep(50)
    const { stdout } = await target.run(['snapshot', 'list', 'stock', '--json'], target.fleet(FIRST))
    const { snapshots } = JSON.parse(stdout) as SnapshotList
    expect(snapshots.find((one) => one.name === name)).toMatchObject({ operation: null, standing: 'not-ours' })
  })
})

async function versions(target: OtherTarget): Promise<string[]> {
  const rows = await target.rows<{ version: string }>('SELECT version FROM flyway_schema_history ORDER BY installed_rank')
  return rows.map(({ version }) => version)
}

/** Both clouds take their time to remove one. */
async function gone(target: OtherTarget, name: string): Promise<void> {
  while ((await target.allSnapshots()).includes(name)) await sleep(50)
}

/** Lets a snapshot's retention be over since yesterday. On Azure the ledger alone knows of it; a backup on Google's has it in its description, so
 *  that another takes its place. */
async function expire(target: OtherTarget, operation: string, snapshot: string): Promise<void> {
  const yesterday = new Date(Date.now() - 24 * 3_600_000).toISOString()
  const ledger = new Client({ connectionString: capstan.stack.endpoints.ledgerUrl })
  await ledger.connect()
  await ledger.query('UPDATE ledger.resources SET expires_at = $1 WHERE operation = $2 AND name = $3', [
    yesterday,
    operation,
    snapshot,
  ])
  await ledger.end()
  if (target.adapter.capabilities.snapshotOwner === 'name') return
  const owner = { operation, step: 'take', expiresAt: yesterday }
  await target.whenFree(() => target.adapter.startSnapshotRemoval({ snapshot, instanceId: target.instanceId, owner }, changing))
  await gone(target, snapshot)
  await target.whenFree(() => target.adapter.startSnapshot({ instance: 'stock', snapshot, owner }, changing))
  while ((await state(target, snapshot)) !== 'ready') await sleep(50)
}

async function state(target: OtherTarget, name: string): Promise<string | undefined> {
  return (await target.adapter.describeSnapshot({ instance: 'stock', name }, changing))?.state
}
