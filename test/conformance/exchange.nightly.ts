/** What `clouds/port.ts` promises of an exchange of roles, held against the two clouds that have it, in one lab and as the operator of infra/policies. */
import { readFileSync } from 'node:fs'
import { createRds } from '../../clouds/aws/rds'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceRef, ManagedPostgres } from '../../clouds/port'
import { type AzureLab, createServer, done, GROUP, openAzure, openFirewall, PASSWORD, unlessBusy } from '../lab/azure/fixture'
import { connect } from '../lab/fixture'
import { gcpOf, PROJECT } from '../lab/gcp/fixture'
import { azureIdentity, gcpIdentity } from '../policies/identities'
import { faultsOf } from './lab-faults'
import { options, refusal, retried, until } from './support'

let lab: AzureLab
beforeAll(async () => {
  lab = await openAzure()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
})
afterAll(() => lab?.remove())

interface Under {
  readonly adapter: ManagedPostgres
  /** The vendor's name of the call. */
  readonly call: string
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
      adapter: createCloudSql({
        ...{ project: PROJECT, region: 'us-central1', endpoint: lab.lab.api, port: lab.lab.dataPort },
        token: await gcpIdentity(lab, 'operator'),
      }),
      call: 'instances.switchover',
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
      adapter: createFlexibleServer({
        ...{ subscription: credentials.azure.subscriptionId, resourceGroup: GROUP, location: 'eastus', port: dataPort },
        token: await azureIdentity(lab, 'operator', { production: GROUP, copies: GROUP }),
        client: { endpoint: tlsApi, tlsOptions: { ca } },
      }),
      call: 'Servers_Update',
      async allow() {
        const endpoint = { endpointType: 'ReadWrite', members: ['spare'] }
        await done(lab.azure.virtualEndpoints.beginCreate(GROUP, 'main', 'shop', endpoint))
      },
      login: { user: 'boss', password: PASSWORD, ca },
    }
  },
}

test.each([
  ['gcp', 'failover-dr-replica-name'],
  ['azure', 'virtual endpoint'],
] as const)(
  '%s exchanges an instance and its replica once, whatever answer gets lost, and says beforehand what it wants',
  async (cloud, wants) => {
    const { adapter, call, allow, login } = await CLOUDS[cloud]!()
    const faults = faultsOf(lab)
    const ref = async (name: string): Promise<InstanceRef> => {
      const found = await until(async () => {
        const seen = await adapter.describeInstance({ name }, options)
        return seen?.state === 'ready' ? seen : undefined
      })
      return { name, instanceId: found.instanceId }
    }
    const ask = async (name: string, sql: string): Promise<unknown[]> => {
      const { endpoint } = (await adapter.describeInstance({ name }, options))!
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
    expect(before.obstacles).toEqual([expect.stringContaining(wants)])
    const effects = () => faults.effects(call, 'spare')
    const none = await effects()
    await expect(adapter.startExchange({ ...pair, mark: before.mark }, options)).rejects.toEqual(refusal('CLOUD_REFUSED', wants))
    await allow()
    const { obstacles, mark } = await adapter.exchangeObstacles(pair, options)
    expect(obstacles).toEqual([])
    const turned = { source: pair.replica, replica: pair.source }
    expect((await adapter.exchangeObstacles(turned, options)).obstacles).toEqual([
      expect.stringContaining('is no read replica of spare'),
    ])
    const another = { ...pair, source: { ...pair.source, instanceId: 'former' }, mark }
    await expect(adapter.startExchange(another, options)).rejects.toEqual(refusal('TARGET_MISMATCH'))
    const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
    await expect(adapter.startExchange({ ...pair, mark }, lost)).rejects.toThrow('not mine')
    expect(await effects()).toBe(none)

    await faults.order({ kind: 'drop-response', operation: call, cloud })
    await ask('main', 'INSERT INTO sold VALUES (2)')
    await retried(() => adapter.startExchange({ ...pair, mark }, options))
    await until(async () => {
      const [main, spare] = [
        await adapter.describeInstance({ name: 'main' }, options),
        await adapter.describeInstance({ name: 'spare' }, options),
      ]
      return main?.replicaOf === 'spare' && spare?.replicaOf === null && spare.state === 'ready' ? true : undefined
    })
    await retried(() => adapter.startExchange({ ...pair, mark }, options))
    expect([await effects(), await faults.allStruck()]).toEqual([none + 1, true])
    expect(await follows('spare')).toEqual([{ follows: false }])
    expect(await ask('spare', 'INSERT INTO sold VALUES (3) RETURNING (SELECT count(*)::int FROM sold) AS n')).toEqual([{ n: 2 }])
    await until(async () => ((await follows('main').catch(() => null)) === null ? undefined : true))
    expect(await follows('main')).toEqual([{ follows: true }])
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
