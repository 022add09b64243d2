/** What `clouds/port.ts` promises of an exchange of roles, held against the clouds that have it, in one lab and as the operator of infra/policies. */
import { readFileSync } from 'node:fs'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { createRds } from '../../clouds/aws/rds'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import { auroraOf, inRegion } from '../lab/aws/aurora-fixture'
import { type AzureLab, createServer, done, GROUP, openAzure, openFirewall, PASSWORD, unlessBusy } from '../lab/azure/fixture'
import { PASSWORD as AURORAS_PASSWORD, available, connect } from '../lab/fixture'
import { gcpOf, PROJECT } from '../lab/gcp/fixture'
import { awsIdentity, azureIdentity, gcpIdentity } from '../policies/identities'
import { faultsOf } from './lab-faults'
import { options, refusal, retried, until } from './support'

let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
})
afterAll(() => lab?.remove())

interface Under {
  /** That sees the one of this name. */
  adapterOf(name: string): ManagedPostgres
  /** The vendor's name of the call. */
  readonly call: string
  /** Of the one that gives the source up. */
  readonly losing: string
  /** What has to be done by hand for it to be possible. */
  allow(): Promise<void>
  readonly login: { readonly user: string; readonly password: string; readonly ca?: string }
}

/** `main` with its replica `spare`, and nothing that an exchange wants besides. */
const CLOUDS: Readonly<Record<string, () => Promise<Under>>> = {
  async gcp() {
    const gcp = gcpOf(lab)
    const backupConfiguration = { enabled: { value: true }, pointInTimeRecoveryEnabled: { value: true } }
    const settings = { tier: 'db-perf-optimized-N-2', edition: 'ENTERPRISE_PLUS', backupConfiguration } as const
    await gcp.create('main', { databaseVersion: 'POSTGRES_17', settings })
    const networks = { authorizedNetworks: [{ value: `${lab.client}/32` }] }
    const body = { name: 'spare', masterInstanceName: 'main', region: 'europe-west1', settings: { ipConfiguration: networks } }
    await gcp.done((await gcp.sdk.instances.insert({ project: PROJECT, body }))[0])
    const designated = { replicationCluster: { failoverDrReplicaName: 'spare' } }
    return {
      adapterOf: only(
        createCloudSql({
          ...{ project: PROJECT, region: 'us-central1', endpoint: lab.lab.api, port: lab.lab.dataPort },
          token: await gcpIdentity(lab, 'operator'),
        }),
      ),
      call: 'instances.switchover',
      losing: 'instances.promoteReplica',
      async allow() {
        await gcp.done((await gcp.sdk.instances.patch({ project: PROJECT, instance: 'main', body: designated }))[0])
      },
      login: { user: 'postgres', password: 'correct-horse-battery' },
    }
  },
  async azure() {
    const main = await createServer(lab, 'main')
    const wanted = { location: 'westus', createMode: 'Replica', sourceServerResourceId: main.id! }
    await unlessBusy(() => lab.azure.servers.beginCreateOrUpdate(GROUP, 'spare', wanted))
    for (const name of ['main', 'spare']) await openFirewall(lab, name)
    const { tlsApi, certificateFile, dataPort, credentials } = lab.lab
    const ca = readFileSync(certificateFile, 'utf8')
    return {
      adapterOf: only(
        createFlexibleServer({
          ...{ subscription: credentials.azure.subscriptionId, resourceGroup: GROUP, location: 'eastus', port: dataPort },
          token: await azureIdentity(lab, 'operator', { production: GROUP, copies: GROUP }),
          client: { endpoint: tlsApi, tlsOptions: { ca } },
        }),
      ),
      call: 'Servers_Update',
      losing: 'Servers_Update',
      async allow() {
        const endpoint = { endpointType: 'ReadWrite', members: ['spare'] }
        await done(lab.azure.virtualEndpoints.beginCreate(GROUP, 'main', 'shop', endpoint))
      },
      login: { user: 'boss', password: PASSWORD, ca },
    }
  },
  async aurora() {
    const regions = { main: 'us-east-1', spare: 'eu-west-1' } as const
    const abroad = inRegion(lab, regions.spare)
    const [home, away] = [auroraOf(() => lab), auroraOf(() => abroad)]
    const world = { GlobalClusterIdentifier: 'world' }
    await home.createCluster('main')
    await home.clusterAvailable('main')
    await home.addMember('main-1', 'main')
    await available(lab, 'main-1')
    await lab.rds.createGlobalCluster({
      ...world,
      SourceDBClusterIdentifier: 'arn:aws:rds:us-east-1:000000000000:cluster:main',
    })
    const ofItsPrimary = { MasterUsername: undefined, MasterUserPassword: undefined, DatabaseName: undefined }
    await away.createCluster('spare', { ...world, ...ofItsPrimary })
    await away.clusterAvailable('spare')
    await away.addMember('spare-1', 'spare')
    await available(abroad, 'spare-1')
    const credentials = await awsIdentity(lab, 'operator')
    const adapterIn = (region: string) =>
      createAurora({ region, endpoint: lab.lab.api, credentials: { ...credentials }, maxAttempts: 3 })
    const adapters = { main: adapterIn(regions.main), spare: adapterIn(regions.spare) }
    return {
      adapterOf: (name) => adapters[name === 'main' ? 'main' : 'spare'],
      call: 'SwitchoverGlobalCluster',
      losing: 'FailoverGlobalCluster',
      allow: async () => undefined,
      login: { user: 'boss', password: AURORAS_PASSWORD },
    }
  },
}

function only(adapter: ManagedPostgres): Under['adapterOf'] {
  return () => adapter
}

test.each([
  ['gcp', 'failover-dr-replica-name'],
  ['azure', 'virtual endpoint'],
  ['aurora', null],
] as const)(
  '%s exchanges an instance and its replica once, whatever answer gets lost, and says beforehand what it wants',
  async (cloud, wants) => {
    const { adapterOf, call, losing, allow, login } = await CLOUDS[cloud]!()
    const adapter = adapterOf('main')
    const described = (name: string) => adapterOf(name).describeInstance({ name }, options)
    const faults = faultsOf(lab)
    const where = cloud === 'aurora' ? 'aws' : cloud
    const ref = async (name: string): Promise<InstanceRef> => {
      const found = await until(async () => {
        const seen = await described(name)
        return seen?.state === 'ready' ? seen : undefined
      })
      return { name, instanceId: found.instanceId }
    }
    const ask = async (name: string, sql: string): Promise<unknown[]> => {
      const { endpoint } = (await described(name))!
      const { ca, ...as } = login
      const client = await connect(lab.client, { ...endpoint!, ...as, database: 'postgres', ...(ca && { ssl: { ca } }) })
      return client
        .query(sql)
        .then(({ rows }) => rows)
        .finally(() => client.end())
    }
    const follows = (name: string) => ask(name, 'SELECT pg_is_in_recovery() AS follows')

    const pair = { source: await ref('main'), replica: await ref('spare') }
    await ask('main', 'CREATE TABLE sold AS SELECT 1 AS n')
    const before = await adapter.exchangeObstacles(pair, options)
    expect(before.obstacles).toEqual(wants === null ? [] : [expect.stringContaining(wants)])
    const effects = () => faults.effects(call, 'spare')
    const none = await effects()
    if (wants !== null)
      await expect(adapter.startExchange({ ...pair, mark: before.mark }, options)).rejects.toEqual(
        refusal('CLOUD_REFUSED', wants),
      )
    await allow()
    const { obstacles, mark } = await adapter.exchangeObstacles(pair, options)
    expect(obstacles).toEqual([])
    const turned = { source: pair.replica, replica: pair.source }
    expect((await adapterOf('spare').exchangeObstacles(turned, options)).obstacles).toEqual([
      expect.stringContaining('is no read replica of spare'),
    ])
    const another = { ...pair, source: { ...pair.source, instanceId: 'former' }, mark }
    await expect(adapter.startExchange(another, options)).rejects.toEqual(refusal('TARGET_MISMATCH'))
    const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
    await expect(adapter.startExchange({ ...pair, mark }, lost)).rejects.toThrow('not mine')
    expect(await effects()).toBe(none)

    await faults.order({ kind: 'drop-response', operation: call, cloud: where })
    await ask('main', 'INSERT INTO sold VALUES (2)')
    await retried(() => adapter.startExchange({ ...pair, mark }, options))
    await until(async () => {
      const [main, spare] = [await described('main'), await described('spare')]
      return main?.replicaOf === 'spare' && spare?.replicaOf === null && spare.state === 'ready' ? true : undefined
    })
    await retried(() => adapter.startExchange({ ...pair, mark }, options))
    expect([await effects(), await faults.allStruck()]).toEqual([none + 1, true])
    expect(await follows('spare')).toEqual([{ follows: false }])
    expect(await ask('spare', 'INSERT INTO sold VALUES (3) RETURNING (SELECT count(*)::int FROM sold) AS n')).toEqual([{ n: 2 }])
    await until(async () => ((await follows('main').catch(() => null)) === null ? undefined : true))
    expect(await follows('main')).toEqual([{ follows: true }])

    // and back by giving up the one that writes by now, which stands still
    await until(async () =>
      (await adapterOf('main').describeInstance({ name: 'main' }, options))?.state === 'ready' ? true : undefined,
    )
    const lossy = { source: pair.replica, replica: pair.source, losing: true } as const
    const ready = await until(async () => {
      const found = await adapter.exchangeObstacles(lossy, options)
      return found.obstacles.length === 0 ? found : undefined
    })
    await until(async () => {
      const rows = await ask('main', 'SELECT count(*)::int AS n FROM sold').catch(() => [])
      return JSON.stringify(rows) === '[{"n":3}]' ? true : undefined
    })
    await faults.order({ kind: 'freeze-instance', cloud: where, instance: cloud === 'aurora' ? 'spare-1' : 'spare', for: '1h' })
    await faults.order({ kind: 'drop-response', operation: losing, cloud: where })
    const given = () => faults.effects(losing, 'main')
    const failedOver = await given()
    await retried(() => adapter.startExchange({ ...lossy, mark: ready.mark }, options))
    await until(async () => {
      const main = await described('main')
      return main?.replicaOf === null && main.state === 'ready' ? true : undefined
    })
    await retried(() => adapter.startExchange({ ...lossy, mark: ready.mark }, options))
    expect(await given()).toBe(failedOver + 1)
    expect(await ask('main', 'INSERT INTO sold VALUES (4) RETURNING (SELECT count(*)::int FROM sold) AS n')).toEqual([{ n: 3 }])
    await faults.clear()
  },
)

test('a cloud without such an act says so, and what there is instead', async () => {
  const { api, credentials } = lab.lab
  const rds = createRds({ region: 'us-east-1', endpoint: api, credentials: credentials.aws })
  const pair = { source: { name: 'main', instanceId: '1' }, replica: { name: 'spare', instanceId: '2' } }
  expect(rds.capabilities.roleExchange).toBeNull()
  await expect(rds.exchangeObstacles(pair, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'Declare a standby'))
  await expect(rds.startExchange({ ...pair, mark: '' }, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'only promotes spare'))
})
