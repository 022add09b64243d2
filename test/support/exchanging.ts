/** An instance of the lab's Cloud SQL, Azure or Aurora and its read replica in another region, with the fleet file that names both; a bank that goes on through the router, and a
 *  probe of each side. */

import { RDS } from '@aws-sdk/client-rds'
import type { OperationDocument } from '../../contracts/operation'
import { applicationAddress, controlAddress } from '../../embedded/worker-program'
import { connect, type Row, type Session } from '../../postgres/connect/session'
import { applyMigrations } from '../../postgres/migrate/apply'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { sdk as azureSdk, done as doneOnAzure, unlessBusy } from '../lab/azure/fixture'
import { sdkOf } from '../lab/gcp/fixture'
import { type CapstanStack, startCapstan } from './capstan-stack'
import { until } from './eventually'
import { CANARYS_GROUP, createOtherTarget, MASTER_PASSWORD, type OtherTarget } from './other-clouds'
import { ACCOUNTS, OPENING, SHOP } from './replicating'
import { RestoreDesk } from './restores'
import { type Bank, bankOn, leadTo, type Place, type Probe, startBank, startProbe } from './switching'

/** In the fleet file. */
export const PRIMARY = 'stock'
export const REPLICA = 'stock-west'
/** Of Enterprise Plus, which alone can be exchanged. */
const TIER = 'db-perf-optimized-N-2'
const GROUP = 'shop-group'
/** Where the replica is. */
const WEST = { gcp: 'europe-west1', azure: 'northeurope', aws: 'eu-west-1' } as const
type Exchanged = keyof typeof WEST

/** How the master logs in. */
const LOGIN = {
  gcp: { tls: 'disable', master: 'postgres' },
  azure: { tls: 'require', master: 'stock_admin' },
  aws: { tls: 'disable', master: 'stock_admin' },
} as const
const SOON = { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '2000', CAPSTAN_WORKFLOW_TASK_TIMEOUT_MS: '3000' }

type Side = 'source' | 'standby'

export interface Exchanging {
  readonly capstan: CapstanStack
  readonly probes: Readonly<Record<Side, Probe>>
  /** To its end, or until a person is needed. */
  ended(operation: string, ...words: string[]): Promise<OperationDocument>
  /** By the vendor's API: what an exchange wants besides. */
  allow(primary: string, replica: string): Promise<void>
  /** What is counted from now on is new. */
  writesGoOn(): Promise<void>
  /** Each acknowledged transfer once, no id twice, and all of the money. */
  isWhole(side: Side): Promise<void>
  /** Whether it replays another's log; null: it does not say. */
  follows(side: Side): Promise<boolean | null>
  close(): Promise<void>
}

export async function startExchanging(cloud: Exchanged = 'gcp'): Promise<Exchanging> {
  const capstan = await startCapstan({
    env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD, ...SOON },
  })
  let bank: Bank | undefined
  try {
    const target = await createOtherTarget(cloud === 'aws' ? 'aurora' : cloud, capstan)
    await target.reset()
    const resolved = resolveMigrations(Object.entries(SHOP).map(([script, content]) => ({ script, content })))
    await applyMigrations({ connect: target.migrator, resolved })
    const vendor = { gcp: googleOf, azure: azureOf, aws: auroraOf }[cloud](capstan)
    const replica = await vendor.makeReplica()
    const source = (await vendor.sourceAt?.()) ?? target
    await leadTo(capstan, 'stock', target)
    bank = await startBank(capstan, { tls: LOGIN[cloud].tls })
    return exchanging(capstan, { cloud, target, source, replica, bank, vendor })
  } catch (error) {
    await bank?.stop()
    await capstan.close()
    throw error
  }
}

interface Vendor {
  /** Where its server answers, whatever its role. */
  makeReplica(): Promise<Place>
  /** The source's, likewise; absent: at its target's own address. */
  sourceAt?(): Promise<Place>
  allow(primary: string, replica: string): Promise<void>
}

interface Parts {
  readonly cloud: Exchanged
  readonly target: OtherTarget
  readonly source: Place
  readonly replica: Place
  readonly bank: Bank
  readonly vendor: Vendor
}

function exchanging(capstan: CapstanStack, { cloud, target, source, replica, bank, vendor }: Parts): Exchanging {
  const { stack } = capstan
  const fleet = target.fleet(SHOP, '', (yaml) => withReplica(yaml, cloud, capstan))
  const desk = new RestoreDesk(capstan, () => fleet, { CAPSTAN_HEARTBEAT_TIMEOUT_MS: '3000' })
  const { tls, master } = LOGIN[cloud]
  const login = ({ host, port }: Place, user: string, password: string, sourceAddress: string): Promise<Session> =>
    connect({ ...{ host, port, user, password, sourceAddress, tls }, database: 'stock', applicationName: `e2e ${user}` })
  const app = (at: Place) => () => login(at, 'stock_app', 'app-password', applicationAddress(stack.block))
  const admin = (at: Place) => () => login(at, master, MASTER_PASSWORD, controlAddress(stack.block))
  const admins = { source: admin(source), standby: admin(replica) }
  const probes = { source: startProbe(app(source)), standby: startProbe(app(replica)) }
  const on =
    (side: Side) =>
    async <T extends Row>(sql: string): Promise<T[]> => {
      const session = await admins[side]()
      return session.query<T>(sql).finally(() => session.close())
    }
  const accepted = () => probes.source.accepted.length + probes.standby.accepted.length
  return {
    ...{ capstan, probes },
    async ended(operation, ...words) {
      const { stdout, stderr } = await desk.cli(...words, '--fleet', fleet, '--json', '--operation', operation)
      if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
      return JSON.parse(stdout) as OperationDocument
    },
    allow: (primary, name) => vendor.allow(primary, name),
    async writesGoOn() {
      const { size } = bank.acknowledged
      const before = accepted()
      // one may have been accepted by the old writer in the moment before
      await until('the bank to go on', async () => bank.acknowledged.size > size + 50 && accepted() > before + 1)
    },
    async isWhole(side) {
      const all = [...bank.acknowledged].map(([amount, id]) => `${id} ${amount}`)
      const { sum, transfers } = await bankOn(on(side))
      const there = new Set(transfers.map(({ id, amount }) => `${id} ${amount}`))
      expect(all.filter((one) => !there.has(one))).toEqual([])
      expect(sum).toBe(ACCOUNTS * OPENING)
      expect(new Set(transfers.map(({ amount }) => amount)).size).toBe(transfers.length)
    },
    async follows(side) {
      const [row] = await on(side)<{ follows: boolean }>('SELECT pg_is_in_recovery() AS follows').catch(() => [])
      return row?.follows ?? null
    },
    async close() {
      await Promise.all([bank.stop(), probes.source.stop(), probes.standby.stop()])
      await capstan.close()
    },
  }
}

/** As its user has it, beside Capstan. */
function googleOf({ stack }: CapstanStack): Vendor {
  const { api, gcp, dataPort } = stack.lab
  const sdk = sdkOf(api, gcp)
  const project = gcp.projectId
  const done = async ([{ name }]: readonly [{ name?: string | null }, ...unknown[]]): Promise<void> => {
    await until(`the end of ${name}`, async () => {
      const [{ status, error }] = await sdk.operations.get({ project, operation: name ?? '' })
      if (error) throw new Error(JSON.stringify(error))
      return status === 'DONE'
    })
  }
  const networks = [controlAddress, applicationAddress].map((of) => ({ value: `${of(stack.block)}/32` }))
  const patched = async (instance: string, body: object): Promise<void> =>
    done(await sdk.instances.patch({ project, instance, body }))
  return {
    async makeReplica() {
      await patched(PRIMARY, { settings: { tier: TIER, edition: 'ENTERPRISE_PLUS' } })
      const settings = { ipConfiguration: { authorizedNetworks: networks } }
      const body = { name: REPLICA, masterInstanceName: PRIMARY, region: WEST.gcp, settings }
      await done(await sdk.instances.insert({ project, body }))
      const [{ ipAddresses }] = await sdk.instances.get({ project, instance: REPLICA })
      return { host: ipAddresses?.[0]?.ipAddress ?? '', port: dataPort }
    },
    allow: (primary, replica) => patched(primary, { replicationCluster: { failoverDrReplicaName: replica } }),
  }
}

function azureOf({ stack }: CapstanStack): Vendor {
  const { api, azure, dataPort } = stack.lab
  const sdk = azureSdk(api, { ...azure, tenantId: '' })
  return {
    async makeReplica() {
      const { id = '' } = await sdk.servers.get(GROUP, PRIMARY)
      const wanted = { location: WEST.azure, createMode: 'Replica', sourceServerResourceId: id }
      await unlessBusy(() => sdk.servers.beginCreateOrUpdate(GROUP, REPLICA, wanted))
      for (const address of [controlAddress(stack.block), applicationAddress(stack.block)]) {
        const rule = { startIpAddress: address, endIpAddress: address }
        await unlessBusy(() => sdk.firewallRules.beginCreateOrUpdate(GROUP, REPLICA, `of-${address.replaceAll('.', '-')}`, rule))
      }
      const { fullyQualifiedDomainName = '' } = await sdk.servers.get(GROUP, REPLICA)
      return { host: fullyQualifiedDomainName, port: dataPort }
    },
    async allow(primary, replica) {
      const wanted = { endpointType: 'ReadWrite', members: [replica] }
      await doneOnAzure(sdk.virtualEndpoints.beginCreate(GROUP, primary, 'stock-shop', wanted))
    },
  }
}

const ACCOUNT = '000000000000'
const WORLD = { GlobalClusterIdentifier: 'stock-world' }

/** Both have one member, and each is asked at its own: a cluster's endpoints go by who leads. */
function auroraOf({ stack }: CapstanStack): Vendor {
  const { api, aws, dataPort } = stack.lab
  const sdkIn = (region: string) => new RDS({ region, endpoint: api, credentials: aws, maxAttempts: 3 })
  const [home, west] = [sdkIn('us-east-1'), sdkIn(WEST.aws)]
  const place = async (rds: RDS, DBClusterIdentifier: string): Promise<Place> => {
    let host: string | undefined
    await until(`the member of ${DBClusterIdentifier}`, async () => {
      const Filters = [{ Name: 'db-cluster-id', Values: [DBClusterIdentifier] }]
      const [member] = (await rds.describeDBInstances({ Filters })).DBInstances ?? []
      host = member?.Endpoint?.Address
      return member?.DBInstanceStatus === 'available'
    })
    return { host: host ?? '', port: dataPort }
  }
  return {
    async makeReplica() {
      const engine = { Engine: 'aurora-postgresql' } as const
      const [primary] = (await home.describeDBClusters({ DBClusterIdentifier: PRIMARY })).DBClusters ?? []
      await home.createGlobalCluster({
        ...WORLD,
        SourceDBClusterIdentifier: `arn:aws:rds:us-east-1:${ACCOUNT}:cluster:${PRIMARY}`,
      })
      const { EngineVersion, VpcSecurityGroups = [] } = primary ?? {}
      await west.createDBCluster({
        ...{ ...WORLD, ...engine, EngineVersion, DBClusterIdentifier: REPLICA },
        VpcSecurityGroupIds: VpcSecurityGroups.map(({ VpcSecurityGroupId = '' }) => VpcSecurityGroupId),
      })
      await west.createDBInstance({
        ...{ ...engine, DBClusterIdentifier: REPLICA, DBInstanceIdentifier: `${REPLICA}-1`, DBInstanceClass: 'db.r6g.large' },
      })
      return place(west, REPLICA)
    },
    sourceAt: () => place(home, PRIMARY),
    allow: async () => undefined,
  }
}

function withReplica(yaml: string, cloud: Exchanged, { stack }: CapstanStack): string {
  const { azure, gcp } = stack.lab
  const { tls, master } = LOGIN[cloud]
  const place = {
    gcp: `account: "${gcp.projectId}"`,
    azure: `account: "${azure.subscriptionId}"\n    resourceGroup: ${GROUP}`,
    aws: `account: "${ACCOUNT}"\n    aurora: true`,
  }[cloud]
  const canary = cloud === 'aws' ? `securityGroups: [${CANARYS_GROUP}]` : `networks: [${controlAddress(stack.block)}/32]`
  const declared = `    endpoint: { kind: lab-router, name: stock }\n    replicas: [${REPLICA}]\n`
  return `${yaml
    .replace('rowCounts: [public.items]', 'rowCounts: [public.accounts]')
    .replace('    migrations: migrations\n', `    migrations: migrations\n${declared}`)}
  - name: ${REPLICA}
    cloud: ${cloud}
    ${place}
    region: ${WEST[cloud]}
    instance: ${REPLICA}
    database: stock
    environment: production
    connections:
      admin: { user: ${master}, secret: "env:SHOP_MASTER_PASSWORD", tls: ${tls} }
      migrator: { user: stock_migrator, secret: "env:SHOP_MIGRATOR_PASSWORD", tls: ${tls} }
    canary:
      ${canary}
`
}
