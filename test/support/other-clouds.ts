/** A small database on the lab's Azure or Cloud SQL, and the fleet file that names it. Everything is asked of the cloud through its adapter, as
 *  anybody with an account could. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OAuth2Client } from 'google-auth-library'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { ManagedPostgres } from '../../clouds/port'
import { Failure } from '../../contracts/failures'
import type { OperationDocument } from '../../contracts/operation'
import { controlAddress } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import type { CapstanStack, CommandResult } from './capstan-stack'
import { ROWS, resetSql } from './target'

export type OtherCloud = 'azure' | 'gcp'
export const RESOURCE_GROUP = 'shop-group'
const INSTANCE = 'stock'

export interface OtherTarget {
  readonly adapter: ManagedPostgres
  readonly instanceId: string
  /** As the master, in that database. */
  admin(database?: string): Promise<Session>
  rows<T extends Record<string, unknown>>(sql: string): Promise<T[]>
  /** Empties the database. */
  reset(): Promise<void>
  /** Names of all instances but the target. */
  leftovers(): Promise<string[]>
  snapshots(): Promise<string[]>
  /** Writes the fleet file and its migrations; resolves to its path. */
  fleet(migrations: Readonly<Record<string, string>>, edit?: (yaml: string) => string): string
  /** `capstan <words> --fleet …`, to its end. */
  run(words: readonly string[], fleet: string): Promise<CommandResult>
  migrate(fleet: string): Promise<{ code: number; operation: OperationDocument }>
  /** Repeats what the cloud is too busy for, until it is done. */
  whenFree<T>(act: () => Promise<T>): Promise<T>
}

/** As Azure wants it: of three kinds of characters. The worker is told it as SHOP_MASTER_PASSWORD. */
export const MASTER_PASSWORD = 'Correct-Horse-7'

export const changing = { signal: new AbortController().signal, mayChange: async () => {} }

/** What differs between the two. */
interface Kind {
  readonly adapter: ManagedPostgres
  readonly account: string
  readonly region: string
  readonly instanceClass: string
  readonly storageGib: number
  readonly master: string
  readonly tls: 'require' | 'disable'
  readonly more: string
}

function kindOf(cloud: OtherCloud, { stack }: CapstanStack): Kind {
  const { api, tlsApi, certificateFile, dataPort: port, azure, gcp } = stack.lab
  if (cloud === 'azure') {
    return {
      adapter: createFlexibleServer({
        subscription: azure.subscriptionId,
        resourceGroup: RESOURCE_GROUP,
        location: 'westeurope',
        credential: { getToken: async () => ({ token: azure.token, expiresOnTimestamp: Date.now() + 3_600_000 }) },
        port,
        client: { endpoint: tlsApi, tlsOptions: { ca: readFileSync(certificateFile, 'utf8') } },
      }),
      account: azure.subscriptionId,
      region: 'westeurope',
      instanceClass: 'Standard_D2ds_v5',
      storageGib: 64,
      master: 'stock_admin',
      tls: 'require',
      more: `    resourceGroup: ${RESOURCE_GROUP}\n`,
    }
  }
  // its transport would be loaded by a dynamic import, which jest's sandbox does not have: Node's own is given instead
  const authClient = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } })
  authClient.setCredentials({ access_token: gcp.accessToken, expiry_date: Date.now() + 3_600_000 })
  return {
    adapter: createCloudSql({ project: gcp.projectId, region: 'europe-west3', endpoint: api, port, client: { authClient } }),
    account: gcp.projectId,
    region: 'europe-west3',
    instanceClass: 'db-g1-small',
    storageGib: 10,
    master: 'postgres',
    tls: 'disable',
    more: '',
  }
}

export async function createOtherTarget(cloud: OtherCloud, capstan: CapstanStack): Promise<OtherTarget> {
  const { stack } = capstan
  const kind = kindOf(cloud, capstan)
  const { adapter, master, tls } = kind
  const network = `${controlAddress(stack.block)}/32`
  await adapter.startCreate(
    {
      ...{ instance: INSTANCE, engineVersion: '17', instanceClass: kind.instanceClass, storageGib: kind.storageGib },
      master: { name: master, password: MASTER_PASSWORD },
      deletionProtected: false,
      owner: { operation: 'by-hand', step: 'make', expiresAt: null },
    },
    changing,
  )
  const { instanceId, endpoint } = await ready(adapter)
  for (;;) {
    const instance = { name: INSTANCE, instanceId }
    const { done } = await whenFree(() => adapter.setNetworkRules({ instance, networkRules: [network] }, changing))
    if (done) break
    await sleep(50)
  }
  const session = (database: string) =>
    connect({
      ...endpoint,
      ...{ database, user: master, password: MASTER_PASSWORD, applicationName: 'e2e', tls },
      sourceAddress: controlAddress(stack.block),
    })
  const on = async <T>(database: string, work: (session: Session) => Promise<T>): Promise<T> => {
    const opened = await whenFree(() => session(database))
    return work(opened).finally(() => opened.close())
  }
  await on('postgres', (admin) => admin.execute('CREATE DATABASE stock'))
  const folder = join(capstan.dir, `fleet-${cloud}`)
  return {
    adapter,
    instanceId,
    admin: (database = 'stock') => session(database),
    rows: <T extends Record<string, unknown>>(sql: string) => on('stock', (admin) => admin.query<T>(sql)),
    reset: async () => void (await on('stock', (admin) => admin.execute(resetSql(stack.secrets.shopMigrator, master)))),
    async leftovers() {
      return (await adapter.listInstances(changing)).map(({ name }) => name).filter((name) => name !== INSTANCE)
    },
    async snapshots() {
      return (await adapter.listSnapshots({ instanceId }, changing)).map(({ name }) => name).sort()
    },
    fleet: (migrations, edit = (yaml) => yaml) => writeFleet(folder, migrations, edit(fleetYaml(cloud, kind, network))),
    run: (words, fleet) => capstan.capstan([...words, '--fleet', fleet]),
    async migrate(fleet) {
      const { code, stdout, stderr } = await capstan.capstan(['migrate', 'stock', '--fleet', fleet, '--json'])
      if (stdout === '') throw new Error(`capstan migrate said nothing (exit ${code}): ${stderr}`)
      return { code, operation: JSON.parse(stdout) as OperationDocument }
    },
    whenFree,
  }
}

async function ready(adapter: ManagedPostgres): Promise<{ instanceId: string; endpoint: { host: string; port: number } }> {
  for (;;) {
    const found = await adapter.describeInstance({ name: INSTANCE }, changing)
    if (found?.state === 'failed') throw new Error(`${INSTANCE} is ${found.cloudState}`)
    if (found?.state === 'ready' && found.endpoint !== null) return { instanceId: found.instanceId, endpoint: found.endpoint }
    await sleep(50)
  }
}

async function whenFree<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'transient') throw error
      await sleep(50)
    }
  }
}

function writeFleet(folder: string, migrations: Readonly<Record<string, string>>, yaml: string): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'migrations'), { recursive: true })
  for (const [script, content] of Object.entries(migrations)) writeFileSync(join(folder, 'migrations', script), content)
  const fleet = join(folder, 'fleet.yaml')
  writeFileSync(fleet, yaml)
  return fleet
}

function fleetYaml(cloud: OtherCloud, { account, more, region, master, tls }: Kind, network: string): string {
  return `version: 1
databases:
  - name: stock
    cloud: ${cloud}
    account: ${account}
${more}    region: ${region}
    instance: ${INSTANCE}
    database: stock
    environment: production
    connections:
      admin: { user: ${master}, secret: "env:SHOP_MASTER_PASSWORD", tls: ${tls} }
      migrator: { user: stock_migrator, secret: "env:SHOP_MIGRATOR_PASSWORD", tls: ${tls} }
    migrations: migrations
    checks:
      rowCounts: [public.items]
    policy:
      limits: { writeBlock: 5s, rewriteRows: ${ROWS / 2} }
      bake: 0s
    canary:
      networks: [${network}]
`
}
