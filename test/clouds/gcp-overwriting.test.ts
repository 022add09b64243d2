/** What comes in the way of an overwriting on Google Cloud by somebody's hand. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OAuth2Client } from 'google-auth-library'
import { parse } from 'yaml'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import { options, owned, refusal, retried } from '../conformance/support'
import { type GcpLab, openGcp, PROJECT } from '../lab/gcp/fixture'
import { eventually } from '../support/eventually'

const RESTORE = 'cloudsql.instances.restoreBackup'
const parent = `projects/${PROJECT}`
let gcp: GcpLab
let cloud: ManagedPostgres
let instance: InstanceRef
beforeAll(async () => {
  gcp = await openGcp()
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  const { api: endpoint, credentials, dataPort: port } = gcp.lab.lab
  cloud = createCloudSql({ project: PROJECT, region: 'us-central1', endpoint, port, token: credentials.gcp.accessToken })
  await gcp.create('shop')
  const found = await cloud.describeInstance({ name: 'shop' }, options)
  instance = { name: 'shop', instanceId: found?.instanceId ?? '' }
})
afterAll(() => gcp.lab.remove())

/** Taken by hand, as the console's field for a description lets anybody. @returns Google's own name of it. */
async function backedUp(description: string): Promise<string> {
  const [begun] = await gcp.sdk.backups.createBackup({ parent, backup: { instance: 'shop', description } })
  const { backupContext } = await gcp.done(begun.name!)
  return backupContext!.name!
}

async function takenNow(operation: string): Promise<{ name: string; since: string }> {
  const { name, owner } = owned(operation, 'backup')
  await cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options)
  const since = await eventually('the backup', async () => {
    const found = await cloud.describeSnapshot({ instance: 'shop', name }, options)
    return found?.state === 'ready' ? (found.createdAt ?? undefined) : undefined
  })
  return { name, since }
}

const policy = (file: string): string => readFileSync(join(__dirname, '../../infra/policies/gcp', file), 'utf8')

/** Of an operator that may overwrite what is called `cap-…`, as docs/permissions.md says. @returns a token. */
async function copiesAlone(): Promise<string> {
  const operator = parse(policy('operator.role.yaml')) as { includedPermissions: string[] }
  const [right, others] = [[RESTORE], operator.includedPermissions.filter((permission) => permission !== RESTORE)]
  const condition = parse(policy('cleaner.condition.yaml'))
  const bindings = [
    { role: { ...operator, includedPermissions: others } },
    { role: { ...operator, includedPermissions: right }, condition },
  ]
  const { body } = await gcp.lab.call('PUT', '/_lab/identities/copies-alone', { cloud: 'gcp', bindings })
  return (body.credentials as { accessToken: string }).accessToken
}

const overwritten = (snapshotId: string, since: string, failedBefore = 0) =>
  eventually('the end of the overwriting', async () => {
    const asked = { instance, snapshot: 'before-the-sale', snapshotId, since, failedBefore }
    const { done, failure } = await cloud.overwrite(asked, options)
    return done || failure !== null ? { failure } : undefined
  })

const rows = async () => (await gcp.ask<{ n: number }>(await gcp.get('shop'), 'SELECT n FROM t ORDER BY n')).map(({ n }) => n)

test('a name that two backups bear is refused, with both; one that was approved is restored whatever is called so by then', async () => {
  await gcp.ask(await gcp.get('shop'), 'CREATE TABLE t AS SELECT 1 AS n')
  const first = await backedUp('before-the-sale')
  const alone = await cloud.overwriteObstacles({ instance, snapshot: 'before-the-sale' }, options)
  expect(alone).toEqual({ obstacles: [], snapshotId: first, ruleNames: { [`${gcp.lab.client}/32`]: 'tests' } })

  await gcp.ask(await gcp.get('shop'), 'INSERT INTO t VALUES (2)')
  const second = await backedUp('before-the-sale')
  const { obstacles } = await cloud.overwriteObstacles({ instance, snapshot: 'before-the-sale' }, options)
  expect(obstacles).toEqual([expect.stringContaining(first)])
  expect(obstacles).toEqual([expect.stringContaining(second)])

  const { since } = await takenNow('fresh')
  expect(await overwritten(first, since)).toEqual({ failure: null })
  expect(await rows()).toEqual([1])
  // gone, and another one has its name: a restore that is under way already was not of that
  const asked = { instance, snapshot: 'before-the-sale', snapshotId: second, since, failedBefore: 0 }
  await expect(cloud.overwrite(asked, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
  const [removal] = await gcp.sdk.backups.deleteBackup({ name: first })
  await gcp.done(removal.name!)
  await expect(cloud.overwrite(asked, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
  const only = await cloud.overwriteObstacles({ instance, snapshot: 'before-the-sale' }, options)
  expect(only).toMatchObject({ obstacles: [], snapshotId: second })
})

test('one that failed leaves an instance that is as good as before: it is backed up, and overwritten again', async () => {
  const { name, since } = await takenNow('before-failing')
  const { snapshotId } = await cloud.overwriteObstacles({ instance, snapshot: name }, options)
  await gcp.lab.call('POST', '/_lab/faults', { kind: 'fail-operation', operation: 'instances.restoreBackup' })
  expect((await overwritten(snapshotId!, since)).failure).not.toBeNull()
  await eventually('the instance to be up', async () => {
    const found = await cloud.describeInstance({ name: 'shop' }, options)
    return found?.state === 'changing' ? undefined : found
  }).then((found) => expect(found?.state).toBe('ready'))
  await takenNow('after-failing')
  expect(await overwritten(snapshotId!, since, 1)).toEqual({ failure: null })
})

test('without the right to it nothing begins, and whoever is asked is told so', async () => {
  const { name, since } = await takenNow('without-right')
  const { snapshotId } = await cloud.overwriteObstacles({ instance, snapshot: name }, options)
  const { api: endpoint } = gcp.lab.lab
  const binding = createCloudSql({ project: PROJECT, region: 'us-central1', endpoint, token: await copiesAlone() })
  const asked = { instance, snapshot: name, snapshotId: snapshotId!, since, failedBefore: 0 }
  await expect(binding.overwrite(asked, options)).rejects.toEqual(refusal('CREDENTIALS_REJECTED', 'Nothing of it has begun'))
})

test('networks that were closed for a while have their names again, and one that stayed never lost its own', async () => {
  const networks = async () =>
    (await gcp.get('shop')).settings?.ipConfiguration?.authorizedNetworks?.map(({ name, value }) => [value, name]).sort()
  const own = `${gcp.lab.client}/32`
  const set = (wanted: Omit<Parameters<ManagedPostgres['setNetworkRules']>[0], 'instance'>) =>
    eventually('the networks', async () => {
      const { done } = await retried(() => cloud.setNetworkRules({ instance, ...wanted }, options))
      return done ? true : undefined
    })
  await set({ networkRules: [own, '8.8.8.0/24'], names: { '8.8.8.0/24': 'office' } })
  expect(await networks()).toEqual(
    [
      ['8.8.8.0/24', 'office'],
      [own, 'tests'],
    ].sort(),
  )
  const { ruleNames: names } = await cloud.overwriteObstacles({ instance, snapshot: 'none' }, options)
  await set({ networkRules: [] })
  expect(await networks()).toEqual([])
  await set({ networkRules: [own, '8.8.8.0/24'], names })
  expect(await networks()).toEqual(
    [
      ['8.8.8.0/24', 'office'],
      [own, 'tests'],
    ].sort(),
  )
})

test('networks that were still being closed when somebody looked are not taken for open once the closing is over', async () => {
  const own = `${gcp.lab.client}/32`
  const set = (networkRules: readonly string[]) => retried(() => cloud.setNetworkRules({ instance, networkRules }, options))
  const isOpen = () => eventually('the networks', async () => ((await set([own])).done ? true : undefined))
  await isOpen()
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'fast' })
  // the closing is shown while the second look waits
  await gcp.lab.call('POST', '/_lab/faults', { kind: 'delay', operation: 'operations.list', delay: '2s', times: 1 })
  expect(await set([])).toEqual({ done: false })
  const opening = await set([own])
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  if (opening.done) expect((await gcp.get('shop')).settings?.ipConfiguration?.authorizedNetworks).toHaveLength(1)
  await isOpen()
  await gcp.ask(await gcp.get('shop'), 'SELECT 1')
})

test('nor does whoever looks whom it lets in see it open and at rest', async () => {
  const networkRules = [`${gcp.lab.client}/32`]
  const isOpen = () =>
    eventually('the networks', async () =>
      (await retried(() => cloud.setNetworkRules({ instance, networkRules }, options))).done ? true : undefined,
    )
  await isOpen()
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'fast' })
  expect(await cloud.setNetworkRules({ instance, networkRules: [] }, options)).toEqual({ done: false })
  // the closing is over by the time that one is told what goes on
  await gcp.lab.call('POST', '/_lab/faults', { kind: 'delay', operation: 'operations.list', delay: '2s', times: 1 })
  const seen = await cloud.accessOf({ name: 'shop' }, options)
  await gcp.lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  expect(seen).toMatchObject({ instance: { state: 'ready' }, rules: [] })
  await isOpen()
})

test('one that many operations came after is known still, and not begun once more', async () => {
  const { name, since } = await takenNow('long-ago')
  const { snapshotId } = await cloud.overwriteObstacles({ instance, snapshot: name }, options)
  expect(await overwritten(snapshotId!, since)).toEqual({ failure: null })
  // more than a page of them
  for (let n = 0; n < 101; n += 1) {
    const settings = { userLabels: { n: String(n) } }
    const [begun] = await gcp.sdk.instances.patch({ project: PROJECT, instance: 'shop', body: { settings } })
    await gcp.done(begun.name!)
  }
  const asked = { instance, snapshot: name, snapshotId: snapshotId!, since, failedBefore: 0 }
  expect(await cloud.overwrite(asked, options)).toMatchObject({ done: true, failure: null })
})

test('one that is over, and has left an instance that does not serve, is told of and not waited for', async () => {
  const { name, since } = await takenNow('before-stopping')
  const { snapshotId } = await cloud.overwriteObstacles({ instance, snapshot: name }, options)
  expect(await overwritten(snapshotId!, since)).toEqual({ failure: null })
  await cloud.startStop({ instance }, options)
  const asked = { instance, snapshot: name, snapshotId: snapshotId!, since, failedBefore: 0 }
  const stopped = async () => (await cloud.describeInstance({ name: 'shop' }, options))?.state === 'stopped'
  await eventually('the instance to stand', async () => ((await stopped()) ? true : undefined))
  await expect(cloud.overwrite(asked, options)).rejects.toEqual(refusal('RESOURCE_FAILED', 'stopped'))
})

test('whether a change is still wanted is asked last, with everything else that is waited for behind it', async () => {
  const { api: endpoint, credentials } = gcp.lab.lab
  const waited: string[] = []
  // its token has always ended
  const authClient = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } })
  authClient.setCredentials({ expiry_date: 1 })
  authClient.refreshHandler = async () => {
    waited.push('a token')
    return { access_token: credentials.gcp.accessToken, expiry_date: 1 }
  }
  const renewing = createCloudSql({ project: PROJECT, region: 'us-central1', endpoint, client: { authClient } })
  const lost = {
    ...options,
    async mayChange() {
      waited.push('the question')
      if (waited.at(-2) === 'a token' && waited.at(-3) === 'the question') throw new Error('not mine')
    },
  }
  const { name, owner } = owned('late', 'backup')
  await expect(renewing.startSnapshot({ instance: 'shop', snapshot: name, owner }, lost)).rejects.toThrow('not mine')
  expect(waited.at(-1)).toBe('the question')
  expect(await renewing.describeSnapshot({ instance: 'shop', name }, options)).toBeNull()
})
