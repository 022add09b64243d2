/** Who deletes temporary copies cannot touch production: the policies as they are shipped, held against the vendors' own SDKs in the lab. */
import { readFileSync } from 'node:fs'
import { PostgreSQLManagementFlexibleServerClient } from '@azure/arm-postgresql-flexible'
import { createRds } from '../../clouds/aws/rds'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import type { ManagedPostgres } from '../../clouds/port'
import { Failure } from '../../contracts/failures'
import { done, openAzure, wanted } from '../lab/azure/fixture'
import { createInstance, gone, refused, sdk } from '../lab/fixture'
import { type GcpLab, gcpOf, PROJECT, refused as refusedByGoogle, sdkOf } from '../lab/gcp/fixture'
import { awsIdentity, azureIdentity, gcpIdentity } from './identities'

let lab: Awaited<ReturnType<typeof openAzure>>
let google: GcpLab
const options = { signal: new AbortController().signal, mayChange: async () => {} }
const Tags = [{ Key: 'capstan-operation', Value: 'migrate-1' }]
const labels = { 'capstan-operation': 'migrate-1', 'capstan-step': 'canary' }
const COPY = 'cap-migrate-1-canary'

beforeAll(async () => {
  lab = await openAzure()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  google = gcpOf(lab)
  const server = (group: string, name: string, tags = {}) =>
    done(lab.azure.servers.beginCreateOrUpdate(group, name, wanted({ tags })))
  await Promise.all([
    createInstance(lab, 'shop'),
    createInstance(lab, COPY, { Tags: [...Tags, { Key: 'capstan-step', Value: 'canary' }] }),
    server('production', 'shop'),
    server('copies', COPY, labels),
    google.create('shop'),
    google.create(COPY, { settings: { userLabels: labels } }),
  ])
}, 120_000)
afterAll(() => lab?.remove())

async function cleansUp(adapter: ManagedPostgres): Promise<void> {
  for (;;) {
    const look = adapter.removeOwnedInstances({ operation: 'migrate-1' }, options).catch((error) => {
      if (error instanceof Failure && error.kind === 'transient') return { done: false }
      throw error
    })
    if ((await look).done) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('AWS', () => {
  test('the cleaner is refused whatever is not both named and tagged as a temporary copy, and everything but deleting', async () => {
    const rds = sdk(lab.lab.api, await awsIdentity(lab, 'cleaner'))
    const remove = (DBInstanceIdentifier: string, more = {}) =>
      rds.deleteDBInstance({ DBInstanceIdentifier, SkipFinalSnapshot: true, ...more })
    const production =
      'User: arn:aws:iam::000000000000:user/aws-cleaner is not authorized to perform: rds:DeleteDBInstance on resource: arn:aws:rds:us-east-1:000000000000:db:shop because no identity-based policy allows the rds:DeleteDBInstance action'
    await refused(remove('shop'), 'AccessDenied', production)
    await refused(remove('arn:aws:rds:us-east-1:000000000000:db:SHOP'), 'AccessDenied')
    const ResourceName = 'arn:aws:rds:us-east-1:000000000000:db:shop'
    await refused(rds.addTagsToResource({ ResourceName, Tags }), 'AccessDenied', 'rds:AddTagsToResource')
    await refused(rds.stopDBInstance({ DBInstanceIdentifier: 'shop' }), 'AccessDenied')
    await refused(rds.modifyDBInstance({ DBInstanceIdentifier: COPY, NewDBInstanceIdentifier: 'shop-2' }), 'AccessDenied')
    await refused(
      remove(COPY, { SkipFinalSnapshot: false, FinalDBSnapshotIdentifier: 'last' }),
      'AccessDenied',
      'rds:CreateDBSnapshot',
    )
    // tagged, but not named so; named so, but not tagged
    await lab.rds.addTagsToResource({ ResourceName, Tags })
    await refused(remove('shop'), 'AccessDenied')
    await lab.rds.removeTagsFromResource({ ResourceName, TagKeys: ['capstan-operation'] })
    await lab.rds.removeTagsFromResource({ ResourceName: ResourceName.replace('shop', COPY), TagKeys: ['capstan-operation'] })
    await refused(remove(COPY), 'AccessDenied')
    await lab.rds.addTagsToResource({ ResourceName: ResourceName.replace('shop', COPY), Tags })
  })

  test('the cleaner removes what an operation made, after an answer was lost as well', async () => {
    const credentials = await awsIdentity(lab, 'cleaner')
    const adapter = createRds({ region: 'us-east-1', endpoint: lab.lab.api, credentials, maxAttempts: 3 })
    await lab.call('POST', '/_lab/faults', { kind: 'drop-response', operation: 'DeleteDBInstance' })
    await cleansUp(adapter)
    await gone(lab, COPY)
    expect(await adapter.describeInstance({ name: 'shop' }, options)).toMatchObject({ name: 'shop', state: 'ready' })
  })

  test('the operator makes nothing without a tag, tags nothing of others, and deletes nothing of theirs', async () => {
    const rds = sdk(lab.lab.api, await awsIdentity(lab, 'operator'))
    const snapshot = { DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'cap-x-take' }
    await refused(rds.createDBSnapshot(snapshot), 'AccessDenied', 'rds:CreateDBSnapshot')
    await refused(
      rds.createDBSnapshot({ ...snapshot, DBSnapshotIdentifier: 'mine', Tags }),
      'AccessDenied',
      'rds:AddTagsToResource',
    )
    await refused(rds.deleteDBInstance({ DBInstanceIdentifier: 'shop', SkipFinalSnapshot: true }), 'AccessDenied')
    const ResourceName = 'arn:aws:rds:us-east-1:000000000000:db:shop'
    await refused(rds.addTagsToResource({ ResourceName, Tags }), 'AccessDenied')
  })

  test('credentials that are taken back, or forgotten with everything else, are nobody’s', async () => {
    const rds = sdk(lab.lab.api, await awsIdentity(lab, 'reader'))
    expect((await rds.describeDBInstances({})).DBInstances).toMatchObject([{ DBInstanceIdentifier: 'shop' }])
    await lab.restart()
    const restarted = sdk(lab.lab.api, (await rds.config.credentials()) as { accessKeyId: string; secretAccessKey: string })
    expect((await restarted.describeDBInstances({})).DBInstances).toHaveLength(1)
    expect((await lab.call('DELETE', '/_lab/identities/aws-reader')).status).toBe(200)
    expect((await lab.call('DELETE', '/_lab/identities/aws-reader')).status).toBe(404)
    await refused(restarted.describeDBInstances({}), 'InvalidClientTokenId')
    google = gcpOf(lab)
  })
})

describe('Azure', () => {
  const client = (token: string) => {
    const { tlsApi, certificateFile, credentials } = lab.lab
    const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
    const reached = { endpoint: tlsApi, tlsOptions: { ca: readFileSync(certificateFile, 'utf8') } }
    return {
      credential,
      reached,
      sdk: new PostgreSQLManagementFlexibleServerClient(credential, credentials.azure.subscriptionId, reached),
    }
  }
  const denied = (action: string) => ({
    statusCode: 403,
    code: 'AuthorizationFailed',
    message: expect.stringMatching(
      new RegExp(
        `does not have authorization to perform action 'Microsoft.DBforPostgreSQL/${action}' over scope '/subscriptions/`,
      ),
    ),
  })

  test('the cleaner’s role ends with the resource group of the copies', async () => {
    const { servers, backupsAutomaticAndOnDemand: backups } = client(await azureIdentity(lab, 'cleaner', 'copies')).sdk
    await expect(servers.beginDelete('production', 'shop')).rejects.toMatchObject(denied('flexibleServers/delete'))
    await expect(servers.get('production', 'shop')).rejects.toMatchObject(denied('flexibleServers/read'))
    await expect(servers.beginStop('copies', COPY)).rejects.toMatchObject(denied('flexibleServers/stop/action'))
    await expect(backups.beginDelete('production', 'shop', 'b')).rejects.toMatchObject(denied('flexibleServers/backups/delete'))
    await expect(servers.listBySubscription().next()).rejects.toMatchObject(denied('flexibleServers/read'))
    expect((await servers.listByResourceGroup('COPIES').next()).value).toMatchObject({ name: COPY })
  })

  test('the cleaner removes what an operation made, and sees it through', async () => {
    const { credential, reached } = client(await azureIdentity(lab, 'cleaner', 'copies'))
    const { subscriptionId: subscription } = lab.lab.credentials.azure
    await cleansUp(
      createFlexibleServer({ subscription, resourceGroup: 'copies', location: 'eastus', credential, client: reached }),
    )
    expect(await lab.azure.servers.get('production', 'shop')).toMatchObject({ state: 'Ready' })
  })
})

describe('Google Cloud', () => {
  test('the cleaner deletes under names of temporary copies alone, and does nothing else', async () => {
    const { instances, users } = sdkOf(lab.lab.api, { projectId: PROJECT, accessToken: await gcpIdentity(lab, 'cleaner') })
    const shop = { project: PROJECT, instance: 'shop' }
    const why = 'The client is not authorized to make this request.'
    await refusedByGoogle(instances.delete(shop), 403, 'notAuthorized', why)
    await refusedByGoogle(instances.patch({ ...shop, body: { settings: { tier: 'db-g1-small' } } }), 403, 'notAuthorized')
    await refusedByGoogle(instances.restart({ ...shop, instance: COPY }), 403, 'notAuthorized')
    await refusedByGoogle(users.update({ ...shop, name: 'postgres', body: { password: 'x' } }), 403, 'notAuthorized')
    const [operation] = await instances.delete({ ...shop, instance: COPY })
    expect(await google.done(operation)).toMatchObject({ error: null })
    const [left] = await instances.list({ project: PROJECT })
    expect(left.items!.map(({ name }) => name)).toEqual(['shop'])
  })

  test('the operator cannot delete production either', async () => {
    const { instances } = sdkOf(lab.lab.api, { projectId: PROJECT, accessToken: await gcpIdentity(lab, 'operator') })
    await refusedByGoogle(instances.delete({ project: PROJECT, instance: 'shop' }), 403, 'notAuthorized')
  })
})

describe('a policy that the lab does not understand', () => {
  const statement = { Effect: 'Allow', Action: 'rds:*', Resource: '*' }
  const aws = (more: object) => ({ cloud: 'aws', policies: [{ Version: '2012-10-17', Statement: [{ ...statement, ...more }] }] })
  const gcp = (expression: string) => ({
    cloud: 'gcp',
    bindings: [{ role: { includedPermissions: ['cloudsql.instances.get'] }, condition: { title: 'x', expression } }],
  })
  const role = { Actions: ['*'], AssignableScopes: ['/subscriptions/11111111-1111-1111-1111-111111111111'] }
  test.each([
    [{ cloud: 'mars' }, 'cloud must be aws, azure or gcp'],
    [aws({ NotAction: 'rds:*' }), 'A statement has NotAction'],
    [aws({ Condition: { DateLessThan: { 'aws:CurrentTime': 'x' } } }), 'The operator DateLessThan is not known here'],
    [aws({ Condition: { Null: { 'aws:SourceIp': 'true' } } }), 'The key aws:SourceIp is not known here'],
    [gcp('request.time < timestamp("2030-01-01T00:00:00Z")'), 'does not understand the condition'],
    [gcp('resource.name.startsWith("a") &&'), 'does not understand the condition'],
    [gcp('resource.name'), 'does not understand the condition'],
    [
      { cloud: 'azure', assignments: [{ scope: '/subscriptions/22222222-2222-2222-2222-222222222222', role }] },
      'cannot be assigned at',
    ],
    [{ cloud: 'azure', assignments: [{ scope: '/', role }] }, 'The scope of an assignment must be'],
  ])('%j is refused when it is handed over', async (body, why) => {
    const { status, body: said } = await lab.call('PUT', '/_lab/identities/odd', body)
    expect({ status, error: String(said.error) }).toEqual({ status: 422, error: expect.stringContaining(why) })
  })
})
