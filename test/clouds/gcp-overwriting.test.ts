/** What comes in the way of an overwriting on Google Cloud by somebody's hand. */
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import { options, owned, refusal } from '../conformance/support'
import { type GcpLab, openGcp, PROJECT } from '../lab/gcp/fixture'
import { eventually } from '../support/eventually'

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
  expect(alone).toEqual({ obstacles: [], snapshotId: first })

  await gcp.ask(await gcp.get('shop'), 'INSERT INTO t VALUES (2)')
  const second = await backedUp('before-the-sale')
  const { obstacles } = await cloud.overwriteObstacles({ instance, snapshot: 'before-the-sale' }, options)
  expect(obstacles).toEqual([expect.stringContaining(first)])
  expect(obstacles).toEqual([expect.stringContaining(second)])

  const { name, owner } = owned('fresh', 'backup')
  await cloud.startSnapshot({ instance: 'shop', snapshot: name, owner }, options)
  const since = await eventually('the fresh backup', async () => {
    const found = await cloud.describeSnapshot({ instance: 'shop', name }, options)
    return found?.state === 'ready' ? (found.createdAt ?? undefined) : undefined
  })
  expect(await overwritten(first, since)).toEqual({ failure: null })
  expect(await rows()).toEqual([1])
  // gone, and another one has its name: a restore that is under way already was not of that
  const asked = { instance, snapshot: 'before-the-sale', snapshotId: second, since, failedBefore: 0 }
  await expect(cloud.overwrite(asked, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
  const [removal] = await gcp.sdk.backups.deleteBackup({ name: first })
  await gcp.done(removal.name!)
  await expect(cloud.overwrite(asked, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
  const only = await cloud.overwriteObstacles({ instance, snapshot: 'before-the-sale' }, options)
  expect(only).toEqual({ obstacles: [], snapshotId: second })
})
