import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DBInstance } from '@aws-sdk/client-rds'
import {
  ask,
  available,
  connect,
  createInstance,
  describe as describeInstance,
  eventually,
  placeOf,
  snapshotAvailable,
  untilDown,
} from '../fixture'
import { killableLab } from '../killable'
import { iamOf, PAM, ROLES } from './iam-fixture'

let shop: DBInstance

const lab = killableLab('instant')
const { careful, tokenFor, enter, byToken } = iamOf(() => ({
  client: lab.client,
  credentials: lab.lab.credentials.aws,
  certificateFile: join(lab.stateDir, 'ca.crt'),
}))

beforeAll(async () => {
  await lab.open()
  shop = await createInstance(lab, 'shop', { EngineVersion: '17', EnableIAMDatabaseAuthentication: true })
  await ask(lab, shop, ROLES)
})
afterAll(() => lab.remove())

test('an instance comes back from a crash, which ends the sessions that began by token', async () => {
  const login = { user: 'app', password: await tokenFor(shop, 'app'), ...careful() }
  const client = await connect(lab.client, { ...placeOf(shop), ...login })
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  expect((await lab.call('POST', '/_lab/instances/shop/crash')).status).toBe(200)
  await ended
  await eventually(() => byToken(shop, 'app').catch(() => undefined))
  await available(lab, 'shop')
})

test('a lab that was stopped, or killed, has it again where it was; while there is none nobody answers', async () => {
  await lab.stop()
  await lab.start()
  expect(await byToken(shop, 'app')).toContain('app')
  await lab.kill()
  await untilDown(() => enter(shop, {}))
  await lab.start()
  expect(await byToken(shop, 'app')).toContain('app')
  expect(await available(lab, 'shop')).toMatchObject({ Endpoint: shop.Endpoint, IAMDatabaseAuthenticationEnabled: true })
})

test('a replica and a restored copy have it only when asked', async () => {
  const common = { VpcSecurityGroupIds: [lab.group] }
  await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'shop-1' })
  expect(await snapshotAvailable(lab, 'shop-1')).toMatchObject({ IAMDatabaseAuthenticationEnabled: true })
  await lab.rds.createDBInstanceReadReplica({
    DBInstanceIdentifier: 'reader',
    SourceDBInstanceIdentifier: 'shop',
    EnableIAMDatabaseAuthentication: true,
    ...common,
  })
  const copyOf = { DBInstanceIdentifier: 'copy', DBSnapshotIdentifier: 'shop-1' }
  await lab.rds.restoreDBInstanceFromDBSnapshot({ ...copyOf, ...common })
  const [reader, copy] = [await available(lab, 'reader'), await available(lab, 'copy')]
  expect(reader).toMatchObject({ IAMDatabaseAuthenticationEnabled: true, StatusInfos: [{ Normal: true }] })
  expect(await byToken(reader, 'app')).toBe(`app from ${lab.client}, TLS t`)
  expect(copy.IAMDatabaseAuthenticationEnabled).toBe(false)
  await expect(byToken(copy, 'app')).rejects.toMatchObject({ code: '28P01' })
  expect(await enter(copy, { user: 'worker', password: 'a password of its own' })).toContain('worker')
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'copy', SkipFinalSnapshot: true })
})

describe('a change', () => {
  const modify = (EnableIAMDatabaseAuthentication: boolean, ApplyImmediately = true) =>
    lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'shop', EnableIAMDatabaseAuthentication, ApplyImmediately })
  const becomes = (enabled: boolean) =>
    eventually(async () => {
      const found = await describeInstance(lab, 'shop')
      const done = found.IAMDatabaseAuthenticationEnabled === enabled && found.DBInstanceStatus === 'available'
      return done && Object.keys(found.PendingModifiedValues ?? {}).length === 0 ? found : undefined
    })
  async function holds(enabled: boolean): Promise<void> {
    expect((await becomes(enabled)).Endpoint).toEqual(shop.Endpoint)
    if (enabled) expect(await byToken(shop, 'app')).toContain('app')
    else await expect(byToken(shop, 'app')).rejects.toMatchObject({ code: '28P01' })
  }
  /** What is written now arrives at the replica. */
  async function isFollowed(mark: string): Promise<void> {
    await ask(lab, shop, `CREATE TABLE ${mark} ()`)
    const reader = await describeInstance(lab, 'reader')
    await eventually(() => ask(lab, reader, `SELECT FROM ${mark}`).catch(() => undefined))
  }

  test('waits for ApplyImmediately; then a replica goes on following', async () => {
    const { DBInstance } = await modify(false, false)
    expect(DBInstance!.PendingModifiedValues).toEqual({ IAMDatabaseAuthenticationEnabled: false })
    expect(DBInstance!.IAMDatabaseAuthenticationEnabled).toBe(true)
    expect(await byToken(shop, 'app')).toContain('app')
    for (const enabled of [false, true]) {
      await modify(enabled)
      await holds(enabled)
      await isFollowed(`moved_${enabled}`)
    }
  })

  test('amid which the lab is killed is carried out by the next one', async () => {
    let enabled = true
    for (const [round, afterMs] of [0, 15, 40, 80, 150].entries()) {
      enabled = !enabled
      await modify(enabled)
      await sleep(afterMs)
      await lab.killAndRestart()
      await holds(enabled)
      await isFollowed(`round_${round}`)
    }
    await modify(true)
    await holds(true)
  })
})

test('with another name an instance has another endpoint, which its tokens are for', async () => {
  await lab.rds.modifyDBInstance({ DBInstanceIdentifier: 'shop', NewDBInstanceIdentifier: 'store', ApplyImmediately: true })
  const store = await eventually(() => available(lab, 'store').catch(() => undefined))
  expect(store.Endpoint).not.toEqual(shop.Endpoint)
  expect(await byToken(store, 'app')).toContain('app')
  const former = { user: 'app', password: await tokenFor(shop, 'app'), ...careful() }
  await expect(enter(store, former)).rejects.toMatchObject(PAM('app'))
  await untilDown(() => enter(shop, {}))
})

test('a stopped instance is answered for by nobody, and neither is a deleted one', async () => {
  const store = await available(lab, 'store')
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'reader', SkipFinalSnapshot: true })
  await eventually(() =>
    describeInstance(lab, 'reader').then(
      () => undefined,
      () => true,
    ),
  )
  await lab.rds.stopDBInstance({ DBInstanceIdentifier: 'store' })
  await eventually(async () => ((await describeInstance(lab, 'store')).DBInstanceStatus === 'stopped' ? true : undefined))
  await untilDown(() => enter(store, {}))
  await lab.rds.startDBInstance({ DBInstanceIdentifier: 'store' })
  await available(lab, 'store')
  expect(await byToken(store, 'app')).toContain('app')
  await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'store', SkipFinalSnapshot: true })
  await untilDown(() => enter(store, {}))
})
