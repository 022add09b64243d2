/** Restores on Azure, Google Cloud and Aurora, and of a subscriber whose original is down. One stack for all. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  DescribeDBInstancesCommand,
  ModifyDBParameterGroupCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import { gcpFailure } from '../../clouds/gcp/failures'
import { RESTORE_STEPS } from '../../contracts/restore'
import { controlAddress, QUIET_SDK } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import { sdkOf } from '../lab/gcp/fixture'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { changing, createOtherTarget, MASTER_PASSWORD, type OtherCloud, type OtherTarget } from '../support/other-clouds'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST, putSecurityGroup, ROWS } from '../support/target'

/** Where the copy of a moment runs before it is inert. */
const VOUCHED = ['azure', 'gcp'] as const
const CLOUDS: readonly OtherCloud[] = [...VOUCHED, 'aurora']
const items = 'SELECT count(*)::int AS n FROM public.items'
const steps = Object.values(RESTORE_STEPS).map(({ id }) => [id, 'done'])

interface Place {
  readonly target: OtherTarget
  readonly desk: RestoreDesk
}

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
const places = new Map<OtherCloud, Place>()
const on = (cloud: OtherCloud): Place => {
  const place = places.get(cloud)
  if (place === undefined) throw new Error(`no target on ${cloud}`)
  return place
}

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  for (const cloud of CLOUDS) {
    const target = await createOtherTarget(cloud, capstan)
    await target.reset()
    await fillItems(target)
    // which Cloud SQL cannot give to the copy of a moment
    const ownClass = (yaml: string): string =>
      yaml.replace('    canary:\n', '    canary:\n      instanceClass: db-custom-1-3840\n')
    const fleet = target.fleet(FIRST, '', cloud === 'gcp' ? ownClass : undefined)
    places.set(cloud, { target, desk: new RestoreDesk(capstan, () => fleet) })
  }
})
afterAll(async () => (await starting)?.close())
async function removed({ target, desk }: Place, operation: string): Promise<void> {
  await desk.remove(operation)
  while ((await target.leftovers()).length > 0) await sleep(50)
}

test.each(VOUCHED)('on %s nobody vouches for that moment: a restore to it is refused, and nothing is made', async (cloud) => {
  const { target, desk } = on(cloud)
  const at = await moment()
  for (let n = 1; ; n += 1) {
    const { code, operation } = await desk.restore(`${cloud}-unvouched-${n}`, '--to', at)
    if (operation.failure?.code === 'MOMENT_OUT_OF_REACH') continue
    expect(operation.failure).toMatchObject({ code: 'CANARY_NOT_INERT', message: expect.stringContaining('--was-dormant') })
    expect(code).toBe(3)
    break
  }
  expect(await target.leftovers()).toEqual([])
})

test.each(CLOUDS)(
  'on %s the moment before a bad DELETE is restored, where it has to be once somebody vouches for it',
  async (cloud) => {
    const { target, desk } = on(cloud)
    const at = await moment()
    await target.rows('DELETE FROM public.items WHERE id > 10')
    const operation = `${cloud}-delete`
    const { operation: ended } = await desk.restoreTo(
      operation,
      at,
      '--keep',
      '1h',
      ...(cloud === 'aurora' ? [] : ['--was-dormant']),
    )
    expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
    expect(ended.steps.map(({ id, state }) => [id, state])).toEqual(steps)
    expect(await desk.ask(operation, items)).toEqual([{ n: ROWS }])
    expect(await target.rows(items)).toEqual([{ n: 10 }])
    expect((await target.copies()) ?? [`cap-${operation}-copy`]).toEqual([`cap-${operation}-copy`])
    await removed(on(cloud), operation)
  },
)

describe('a subscriber whose original is down', () => {
  let publisher: Session
  beforeAll(async () => {
    publisher = await startPublisher()
    await publisher.execute('CREATE TABLE fed (n int PRIMARY KEY); CREATE PUBLICATION everything FOR TABLE fed')
    const { host, port } = publisherAddress
    const { target } = on('gcp')
    const admin = await target.admin()
    await admin.execute('CREATE TABLE public.fed (n int PRIMARY KEY)')
    await admin.execute(
      `CREATE SUBSCRIPTION feed CONNECTION 'host=${host} port=${port} dbname=feed user=boss password=${MASTER_PASSWORD}' PUBLICATION everything`,
    )
    await admin.close()
    await publisher.execute('INSERT INTO fed VALUES (1)')
    await streams(true)
  })
  afterAll(() => publisher?.close())

  const slot = async (): Promise<{ active: boolean; confirmed: string | null } | undefined> => {
    const [row] = await publisher.query<{ active: boolean; confirmed: string | null }>(
      `SELECT active, confirmed_flush_lsn::text AS confirmed FROM pg_replication_slots WHERE slot_name = 'feed'`,
    )
    return row
  }
  const streams = async (active: boolean): Promise<void> => {
    while ((await slot())?.active !== active) await sleep(50)
  }

  test("is restored with its subscription enabled, and production's slot is left alone", async () => {
    const { target, desk } = on('gcp')
    const { stdout } = await target.run(['snapshot', 'stock', '--json', '--operation', 'of-subscriber'], target.fleet(FIRST))
    expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded' })
    const instance = { name: 'stock', instanceId: target.instanceId }
    await target.whenFree(() => target.adapter.startStop({ instance }, changing))
    await streams(false)
    await publisher.execute('INSERT INTO fed VALUES (2)')
    const before = await slot()

    const { operation } = await desk.restore('subscriber', '--snapshot', 'cap-of-subscriber-take', '--keep', '1h')
    expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
    const subscriptions = await desk.ask('subscriber', 'SELECT subname AS name, subenabled AS enabled FROM pg_subscription')
    expect(subscriptions).toEqual([{ name: 'feed', enabled: true }])
    await sleep(2_000)
    expect(await slot()).toEqual(before)
    expect(await desk.ask('subscriber', 'SELECT n FROM public.fed')).toEqual([{ n: 1 }])
    await removed(on('gcp'), 'subscriber')

    // it would have been taken by whoever is a subscriber for real
    await target.whenFree(() => target.adapter.startStart({ instance }, changing))
    await streams(true)
  })
})

const goneOf = (what: string) => ['--snapshot', `cap-of-${what}-take`, '--deleted']
const gone = goneOf('gone')

test('on azure a snapshot of a server that is gone is refused, with the reason', async () => {
  const { operation } = await on('azure').desk.restore('azure-gone', ...gone, '--was-dormant', '--plan')
  expect(operation.failure).toMatchObject({ code: 'CLOUD_REFUSED', message: expect.stringContaining('ReviveDropped') })
})

// The last one on Google Cloud: it takes the instance away.
test('on gcp a snapshot of an instance that was deleted is restored, where that instance was set up to leave its backups', async () => {
  const { target, desk } = on('gcp')
  const fleet = target.fleet(FIRST)
  const planned = async () => (await target.run(['snapshot', 'stock', '--plan'], fleet)).stdout
  expect(await planned()).toContain('goes with its instance')
  const { gcp: credentials } = capstan.stack.lab
  const { instances, backups } = sdkOf(capstan.stack.lab.api, credentials)
  const call = { project: credentials.projectId, instance: 'stock' }
  const settings = { retainBackupsOnDelete: { value: true } }
  await target.whenFree(() => instances.patch({ ...call, body: { settings } }).catch(busyAgain))
  const found = () => target.adapter.describeInstance({ name: 'stock' }, changing)
  while ((await found())?.snapshots?.outliveInstance !== true) await sleep(50)
  expect(await planned()).not.toContain('goes with its instance')
  const { stdout } = await target.run(['snapshot', 'stock', '--json', '--operation', 'of-gone-gcp'], fleet)
  expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded' })
  const held = await target.rows(items)
  const { operation: early } = await desk.restore('gcp-not-gone', ...goneOf('gone-gcp'), '--plan')
  expect(early.failure).toMatchObject({ code: 'TARGET_MISMATCH', message: expect.stringContaining('leave --deleted out') })

  await target.whenFree(() => instances.delete({ ...call, enableFinalBackup: true }).catch(busyAgain))
  while ((await found()) !== null) await sleep(50)
  const parent = `projects/${credentials.projectId}`
  const [left] = await backups.listBackups({ parent, filter: 'instance:stock' }, { autoPaginate: false })
  const { name: ofLast = '' } = left.find(({ type }) => type === 'FINAL') ?? {}
  const final = ofLast?.split('/').at(-1) ?? ''
  expect(final).not.toBe('')
  const missing = await desk.restore('gcp-missing', '--snapshot', 'cap-nothing-take', '--deleted', '--plan')
  expect(missing.operation.failure).toMatchObject({ code: 'SNAPSHOT_NOT_FOUND', message: expect.stringContaining(final) })
  const { operation: last } = await desk.restore('gcp-last', '--snapshot', final, '--deleted', '--plan')
  expect(last).toMatchObject({ status: 'planned', failure: null })

  const { operation } = await desk.restore('gcp-gone', ...goneOf('gone-gcp'), '--keep', '1h')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(await desk.ask('gcp-gone', items)).toEqual(held)
  const inert = await desk.ask('gcp-gone', 'SHOW max_logical_replication_workers')
  expect(inert).toEqual([{ max_logical_replication_workers: '0' }])
  await removed({ target, desk }, 'gcp-gone')

  // whoever rewrites what we wrote down takes away what says whose they are
  for (const { name = '', description } of left) {
    if (description)
      await backups.updateBackup({ backup: { name, description: 'by hand' }, updateMask: { paths: ['description'] } })
  }
  const { operation: nobodys } = await desk.restore('gcp-nobodys', '--snapshot', final, '--deleted', '--plan')
  expect(nobodys.failure).toMatchObject({ code: 'TARGET_MISMATCH', message: expect.stringContaining('cannot be told') })
})

/** As the adapter would say it. */
function busyAgain(error: unknown): never {
  throw gcpFailure('a change by hand', error, changing.signal)
}

// The last one on Aurora: it takes the cluster away.
test('on aurora a snapshot of a cluster that was deleted is restored, once the fleet file says as what', async () => {
  const { target, desk } = on('aurora')
  const fleet = target.fleet(FIRST)
  const { stdout } = await target.run(['snapshot', 'stock', '--json', '--operation', 'of-gone'], fleet)
  expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded' })
  const held = await target.rows(items)
  const instance = { name: 'stock', instanceId: target.instanceId }
  await target.whenFree(() => target.adapter.startRemoval({ instance, owner: { operation: 'by-hand', step: 'make' } }, changing))
  while ((await target.adapter.describeInstance(instance, changing)) !== null) await sleep(50)

  const { operation: unclassed } = await desk.restore('aurora-unclassed', ...gone, '--plan')
  expect(unclassed.failure).toMatchObject({ code: 'CLOUD_REFUSED', message: expect.stringContaining('instanceClass of canary') })
  const named = target.fleet(FIRST, '', (yaml) =>
    yaml.replace('    canary:\n', '    canary:\n      instanceClass: db.serverless/0.5-2\n'),
  )
  const classed = new RestoreDesk(capstan, () => named)
  const { operation } = await classed.restore('aurora-gone', ...gone, '--keep', '1h')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(await classed.ask('aurora-gone', items)).toEqual(held)
  const inert = await classed.ask('aurora-gone', 'SHOW max_logical_replication_workers')
  expect(inert).toEqual([{ max_logical_replication_workers: '0' }])
  await removed({ target, desk: classed }, 'aurora-gone')
})

let publisherAddress: { host: string; port: number }

async function startPublisher(): Promise<Session> {
  const { stack } = capstan
  Object.assign(process.env, QUIET_SDK)
  const rds = new RDSClient({ region: 'us-east-1', endpoint: stack.endpoints.labApi, credentials: stack.lab.aws })
  const control = controlAddress(stack.block)
  // servers come from where every program on loopback does
  await putSecurityGroup(stack.lab, 'sg-feed', [`${control}/32`, '127.0.0.1/32'])
  const DBParameterGroupName = 'logical'
  const family = { DBParameterGroupFamily: 'postgres17', Description: 'publishes' }
  await rds.send(new CreateDBParameterGroupCommand({ DBParameterGroupName, ...family }))
  const Parameters = [{ ParameterName: 'rds.logical_replication', ParameterValue: '1', ApplyMethod: 'pending-reboot' as const }]
  await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName, Parameters }))
  await rds.send(
    new CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier: 'feed', DBInstanceClass: 'db.t4g.micro', Engine: 'postgres', EngineVersion: '17' },
      ...{ AllocatedStorage: 20, DBName: 'feed', MasterUsername: 'boss', MasterUserPassword: MASTER_PASSWORD },
      ...{ VpcSecurityGroupIds: ['sg-feed'], DBParameterGroupName, BackupRetentionPeriod: 0 },
    }),
  )
  for (;;) {
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'feed' }))
    const { DBInstanceStatus, Endpoint } = DBInstances[0] ?? {}
    if (DBInstanceStatus === 'available' && Endpoint?.Address && Endpoint.Port) {
      publisherAddress = { host: Endpoint.Address, port: Endpoint.Port }
      break
    }
    await sleep(50)
  }
  const login = { database: 'feed', user: 'boss', password: MASTER_PASSWORD, applicationName: 'e2e feed' }
  return connect({ ...publisherAddress, ...login, sourceAddress: control })
}
