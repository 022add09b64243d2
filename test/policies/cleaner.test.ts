/** Who deletes temporary copies cannot touch production: the policies as they are shipped, held against the vendors' own SDKs in the lab. */
import { readFileSync } from 'node:fs'
import { PostgreSQLManagementFlexibleServerClient } from '@azure/arm-postgresql-flexible'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { createRds } from '../../clouds/aws/rds'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import type { ManagedPostgres } from '../../clouds/port'
import { options, retried } from '../conformance/support'
import { done, openAzure, wanted } from '../lab/azure/fixture'
import { createInstance, eventually, gone, refused, sdk } from '../lab/fixture'
import { type GcpLab, gcpOf, PROJECT, refused as refusedByGoogle, sdkOf } from '../lab/gcp/fixture'
import { awsIdentity, azureIdentity, gcpIdentity } from './identities'

let lab: Awaited<ReturnType<typeof openAzure>>
let google: GcpLab
const Tags = [{ Key: 'capstan-operation', Value: 'migrate-1' }]
const labels = { 'capstan-operation': 'migrate-1', 'capstan-step': 'canary' }
const COPY = 'cap-migrate-1-canary'
const CLUSTER = 'arn:aws:rds:us-east-1:000000000000:cluster:orders'

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
    createClusters(),
    google.create('shop'),
    google.create(COPY, { settings: { userLabels: labels } }),
  ])
})
afterAll(() => lab?.remove())

/** Production's, which no member is needed for, and a copy with its writer. */
async function createClusters(): Promise<void> {
  const { credentials, api: endpoint } = lab.lab
  const adapter = createAurora({ region: 'us-east-1', endpoint, credentials: { ...credentials.aws }, maxAttempts: 3 })
  const made = (instance: string, operation: string) =>
    adapter.startCreate(
      {
        ...{ instance, engineVersion: '17', instanceClass: 'db.t4g.medium', storageGib: null, deletionProtected: false },
        master: { name: 'boss', password: 'Correct-Horse-7' },
        owner: { operation, step: 'canary', expiresAt: null },
      },
      options,
    )
  await made('orders', 'by-hand').catch(() => {})
  await lab.rds.removeTagsFromResource({ ResourceName: CLUSTER, TagKeys: ['capstan-operation', 'capstan-step'] })
  await retried(() => made(COPY, 'migrate-1'))
  await eventually(async () => ((await adapter.describeInstance({ name: COPY }, options))?.state === 'ready' ? true : undefined))
}

async function cleansUp(adapter: ManagedPostgres): Promise<void> {
  await eventually(async () => {
    const { done } = await retried(() => adapter.removeOwnedInstances({ operation: 'migrate-1' }, options))
    return done || undefined
  })
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

  test('of clusters too the cleaner removes what an operation made, after an answer was lost as well, and nothing else', async () => {
    const credentials = await awsIdentity(lab, 'cleaner')
    const rds = sdk(lab.lab.api, credentials)
    const remove = (DBClusterIdentifier: string, more = {}) =>
      rds.deleteDBCluster({ DBClusterIdentifier, SkipFinalSnapshot: true, ...more })
    await refused(remove('orders'), 'AccessDenied', `rds:DeleteDBCluster on resource: ${CLUSTER}`)
    await refused(rds.stopDBCluster({ DBClusterIdentifier: COPY }), 'AccessDenied')
    await refused(rds.modifyDBCluster({ DBClusterIdentifier: COPY, NewDBClusterIdentifier: 'mine' }), 'AccessDenied')
    await refused(rds.addTagsToResource({ ResourceName: CLUSTER, Tags }), 'AccessDenied', 'rds:AddTagsToResource')
    const last = remove(COPY, { SkipFinalSnapshot: false, FinalDBSnapshotIdentifier: 'last' })
    await refused(last, 'AccessDenied', 'rds:CreateDBClusterSnapshot')
    await lab.rds.addTagsToResource({ ResourceName: CLUSTER, Tags })
    await refused(remove('orders'), 'AccessDenied')
    const adapter = createAurora({ region: 'us-east-1', endpoint: lab.lab.api, credentials, maxAttempts: 3 })
    for (const operation of ['DeleteDBInstance', 'DeleteDBCluster']) {
      await lab.call('POST', '/_lab/faults', { kind: 'drop-response', operation })
    }
    await cleansUp(adapter)
    expect(await adapter.listInstances(options)).toMatchObject([{ name: 'orders' }])
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
    const ofCluster = { DBClusterIdentifier: 'orders', DBClusterSnapshotIdentifier: 'mine' }
    await refused(rds.createDBClusterSnapshot(ofCluster), 'AccessDenied', 'rds:CreateDBClusterSnapshot')
    await refused(rds.createDBClusterSnapshot({ ...ofCluster, Tags }), 'AccessDenied', 'rds:AddTagsToResource')
    await lab.rds.removeTagsFromResource({ ResourceName: CLUSTER, TagKeys: ['capstan-operation'] })
    await refused(rds.deleteDBCluster({ DBClusterIdentifier: 'orders', SkipFinalSnapshot: true }), 'AccessDenied')
    const ResourceName = 'arn:aws:rds:us-east-1:000000000000:db:shop'
    await refused(rds.addTagsToResource({ ResourceName, Tags }), 'AccessDenied')
  })

  test('an instance with the tag capstan-protected stays, whatever it is renamed to; without it three steps of the operator reach it', async () => {
    const rds = sdk(lab.lab.api, await awsIdentity(lab, 'operator'))
    const steps = async (name: string, renamed: string, more = {}) => {
      await createInstance(lab, name, more)
      const names = { DBInstanceIdentifier: name, NewDBInstanceIdentifier: renamed }
      await rds.modifyDBInstance({ ...names, DeletionProtection: false, ApplyImmediately: true })
      await eventually(async () => {
        const { DBInstances: all = [] } = await rds.describeDBInstances({})
        const found = all.find(({ DBInstanceIdentifier }) => DBInstanceIdentifier === renamed)
        return found?.DBInstanceStatus === 'available' || undefined
      })
      const ResourceName = `arn:aws:rds:us-east-1:000000000000:db:${renamed}`
      return {
        tag: () => rds.addTagsToResource({ ResourceName, Tags }),
        untag: () => rds.removeTagsFromResource({ ResourceName, TagKeys: ['capstan-protected'] }),
        remove: () => rds.deleteDBInstance({ DBInstanceIdentifier: renamed, SkipFinalSnapshot: true }),
      }
    }
    const tagged = { DeletionProtection: true, Tags: [{ Key: 'capstan-protected', Value: 'yes' }] }
    const guarded = await steps('guarded', 'cap-guarded', tagged)
    for (const step of [guarded.tag, guarded.untag, guarded.remove])
      await refused(step(), 'AccessDenied', 'with an explicit deny')
    const unguarded = await steps('unguarded', 'cap-unguarded')
    await refused(unguarded.remove(), 'AccessDenied')
    await unguarded.tag()
    await unguarded.remove()
    await gone(lab, 'cap-unguarded')
    await lab.rds.deleteDBInstance({ DBInstanceIdentifier: 'cap-guarded', SkipFinalSnapshot: true })
    await gone(lab, 'cap-guarded')
  })

  test('a cluster with the tag capstan-protected stays as well, whoever asks; its snapshot, which has its tags, does not', async () => {
    const [operator, cleaner] = await Promise.all(
      (['operator', 'cleaner'] as const).map(async (who) => sdk(lab.lab.api, await awsIdentity(lab, who))),
    )
    const steps = async (name: string, renamed: string, more = {}) => {
      const made = {
        DBClusterIdentifier: name,
        Engine: 'aurora-postgresql',
        EngineVersion: '17',
        DeletionProtection: true,
        ...more,
      }
      await lab.rds.createDBCluster({ ...made, MasterUsername: 'boss', MasterUserPassword: 'Correct-Horse-7' })
      const available = (id: string) =>
        eventually(async () => {
          const { DBClusters: all = [] } = await operator!.describeDBClusters({})
          return all.find(({ DBClusterIdentifier }) => DBClusterIdentifier === id)?.Status === 'available' || undefined
        })
      await available(name)
      const names = { DBClusterIdentifier: name, NewDBClusterIdentifier: renamed }
      await operator!.modifyDBCluster({ ...names, DeletionProtection: false, ApplyImmediately: true })
      await available(renamed)
      const ResourceName = `arn:aws:rds:us-east-1:000000000000:cluster:${renamed}`
      return {
        tag: () => operator!.addTagsToResource({ ResourceName, Tags }),
        untag: () => operator!.removeTagsFromResource({ ResourceName, TagKeys: ['capstan-protected'] }),
        remove: (who = operator!) => who.deleteDBCluster({ DBClusterIdentifier: renamed, SkipFinalSnapshot: true }),
        taggedByItsOwner: () => lab.rds.addTagsToResource({ ResourceName, Tags }),
      }
    }
    const tagged = { CopyTagsToSnapshot: true, Tags: [{ Key: 'capstan-protected', Value: 'yes' }] }
    const [guarded, unguarded] = await Promise.all([steps('guarded', 'cap-guarded', tagged), steps('unguarded', 'cap-unguarded')])
    for (const step of [guarded.tag, guarded.untag, guarded.remove])
      await refused(step(), 'AccessDenied', 'with an explicit deny')
    await guarded.taggedByItsOwner()
    for (const who of [operator!, cleaner!]) await refused(guarded.remove(who), 'AccessDenied', 'with an explicit deny')
    await refused(unguarded.remove(), 'AccessDenied')
    await unguarded.tag()
    await unguarded.remove()

    const snapshot = { DBClusterSnapshotIdentifier: 'cap-migrate-1-take' }
    await operator!.createDBClusterSnapshot({ ...snapshot, DBClusterIdentifier: 'cap-guarded', Tags })
    const { TagList } = await eventually(async () => {
      const { DBClusterSnapshots: [found] = [] } = await operator!.describeDBClusterSnapshots(snapshot)
      return found?.Status === 'available' ? found : undefined
    })
    expect(TagList).toEqual(expect.arrayContaining([...Tags, ...tagged.Tags]))
    await operator!.deleteDBClusterSnapshot(snapshot)
    await lab.rds.deleteDBCluster({ DBClusterIdentifier: 'cap-guarded', SkipFinalSnapshot: true })
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

  const groups = { production: 'production', copies: 'copies' }
  /** As a fleet entry says it, whoever asks. */
  const adapterOf = (token: string): ManagedPostgres =>
    createFlexibleServer({
      subscription: lab.lab.credentials.azure.subscriptionId,
      resourceGroup: groups.production,
      copiesResourceGroup: groups.copies,
      location: 'eastus',
      token,
      client: client(token).reached,
    })
  const namesIn = async (group: string): Promise<string[]> => {
    const names: string[] = []
    for await (const { name = '' } of lab.azure.servers.listByResourceGroup(group)) names.push(name)
    return names
  }

  test('the cleaner’s role ends with the resource group of the copies', async () => {
    const { servers, backupsAutomaticAndOnDemand: backups } = client(await azureIdentity(lab, 'cleaner', groups)).sdk
    await expect(servers.beginDelete('production', 'shop')).rejects.toMatchObject(denied('flexibleServers/delete'))
    await expect(servers.get('production', 'shop')).rejects.toMatchObject(denied('flexibleServers/read'))
    await expect(servers.beginStop('copies', COPY)).rejects.toMatchObject(denied('flexibleServers/stop/action'))
    await expect(backups.beginDelete('production', 'shop', 'b')).rejects.toMatchObject(denied('flexibleServers/backups/delete'))
    await expect(servers.listBySubscription().next()).rejects.toMatchObject(denied('flexibleServers/read'))
    expect((await servers.listByResourceGroup('COPIES').next()).value).toMatchObject({ name: COPY })
  })

  test('the operator makes its copies in their own group, and cannot delete production either', async () => {
    const token = await azureIdentity(lab, 'operator', groups)
    const { servers } = client(token).sdk
    await expect(servers.beginDelete('production', 'shop')).rejects.toMatchObject(denied('flexibleServers/delete'))
    const adapter = adapterOf(token)
    const { instance, owner } = { instance: 'cap-migrate-1-moment', owner: { operation: 'migrate-1', step: 'moment' } }
    const at = await eventually(async () => {
      const window = await adapter.restoreWindow({ name: 'shop' }, options)
      return window !== null && window.earliest < window.latest ? window.earliest : undefined
    })
    const wanted = { source: 'shop', instance, networkRules: [], instanceClass: null, owner: { ...owner, expiresAt: null }, at }
    await retried(() => adapter.startRestoreToTime(wanted, options))
    expect(await adapter.describeInstance({ name: instance }, options)).toMatchObject({
      instanceId: expect.stringContaining('/resourcegroups/copies/'),
    })
    expect(await namesIn('production')).toEqual(['shop'])
    expect((await namesIn('copies')).sort()).toEqual([COPY, instance])
    expect((await adapter.listInstances(options)).map(({ name }) => name).sort()).toEqual([COPY, instance, 'shop'])
    const shop = await adapter.describeInstance({ name: 'shop' }, options)
    const removal = adapter.startRemoval({ instance: shop!, owner }, options)
    await expect(removal).rejects.toMatchObject({ code: 'RESOURCE_NOT_OURS' })
  })

  test('who may write where the copies are, and not read production, takes none of its data there', async () => {
    const token = await azureIdentity(lab, 'operator', { production: 'elsewhere', copies: 'copies' })
    const { servers } = client(token).sdk
    const { id = '' } = await lab.azure.servers.get('production', 'shop')
    for (const createMode of ['PointInTimeRestore', 'Replica']) {
      const taken = { location: 'eastus', createMode, sourceServerResourceId: id, pointInTimeUTC: new Date() }
      await expect(servers.beginCreateOrUpdate('copies', 'taken', taken)).rejects.toMatchObject({
        statusCode: 403,
        code: 'LinkedAuthorizationFailed',
        message: expect.stringContaining(`on the linked scope(s) '${id}'`),
      })
    }
    expect(await namesIn('copies')).not.toContain('taken')
  })

  test('the cleaner removes what an operation made, with no right on production at all, and sees it through', async () => {
    await cleansUp(adapterOf(await azureIdentity(lab, 'cleaner', groups)))
    expect(await namesIn('copies')).toEqual([])
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
    [aws({ Condition: { StringEquals: { 'aws:TagKeys': 'x' } } }), 'The key aws:TagKeys is not known here with StringEquals'],
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
