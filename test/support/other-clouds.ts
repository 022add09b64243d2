/** A small database on the lab's Azure, Cloud SQL or Aurora, and the fleet file that names it. Everything is asked of the cloud through its adapter, as
 *  anybody with an account could. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { ManagedPostgres } from '../../clouds/port'
import { Failure } from '../../contracts/failures'
import { type Cloud, lockScope } from '../../contracts/fleet'
import type { OperationDocument } from '../../contracts/operation'
import { applicationAddress, controlAddress } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import type { CapstanStack, CommandResult } from './capstan-stack'
import { putSecurityGroup, ROWS, resetSql, type Target } from './target'

/** What is not an instance of RDS. */
export const OTHER_CLOUDS = ['azure', 'gcp', 'aurora'] as const
export type OtherCloud = (typeof OTHER_CLOUDS)[number]
const RESOURCE_GROUP = 'shop-group'
export const COPIES_GROUP = 'shop-copies'
const INSTANCE = 'stock'

export interface OtherTarget extends Target {
  readonly adapter: ManagedPostgres
  readonly instanceId: string
  rows<T extends Record<string, unknown>>(sql: string): Promise<T[]>
  /** Names of the instance's snapshots, whosever they are. */
  allSnapshots(): Promise<string[]>
  /** Names of what is in the group of the copies; null where the cloud has no groups. */
  copies(): Promise<string[] | null>
  /** `capstan <words> --fleet …`, to its end. */
  run(words: readonly string[], fleet: string): Promise<CommandResult>
  migrate(fleet: string): Promise<{ code: number; operation: OperationDocument }>
  /** Repeats what the cloud is too busy for, until it is done. */
  whenFree<T>(act: () => Promise<T>): Promise<T>
}

/** As Azure wants it: of three kinds of characters. The worker is told it as SHOP_MASTER_PASSWORD. */
export const MASTER_PASSWORD = 'Correct-Horse-7'

export const changing = { signal: new AbortController().signal, mayChange: async () => {} }

/** What differs between them. */
interface Kind {
  readonly adapter: ManagedPostgres
  /** In the fleet file. */
  readonly cloud: Cloud
  /** Sees the group of the copies and nothing else. */
  readonly copies: ManagedPostgres | null
  readonly account: string
  readonly region: string
  readonly instanceClass: string
  readonly storageGib: number | null
  readonly master: string
  readonly tls: 'require' | 'disable'
  readonly more: string
  /** They let the control plane in. */
  readonly rules: readonly string[]
  readonly canary: string
}

const SECURITY_GROUP = 'sg-others'
export const CANARYS_GROUP = 'sg-others-canary'

function kindOf(cloud: OtherCloud, { stack }: CapstanStack): Kind {
  const { api, tlsApi, certificateFile, dataPort: port, azure, gcp } = stack.lab
  const network = `${controlAddress(stack.block)}/32`
  const networks = { rules: [network, `${applicationAddress(stack.block)}/32`], canary: `networks: [${network}]` }
  if (cloud === 'aurora') {
    return {
      adapter: createAurora({ region: 'us-east-1', endpoint: api, credentials: stack.lab.aws, maxAttempts: 3 }),
      copies: null,
      cloud: 'aws',
      account: '000000000000',
      region: 'us-east-1',
      instanceClass: 'db.serverless/0.5-4',
      storageGib: null,
      master: 'stock_admin',
      tls: 'disable',
      more: '    aurora: true\n',
      rules: [SECURITY_GROUP],
      canary: `securityGroups: [${CANARYS_GROUP}]`,
    }
  }
  if (cloud === 'azure') {
    const reached = {
      ...{ subscription: azure.subscriptionId, location: 'westeurope', token: azure.token, port },
      client: { endpoint: tlsApi, tlsOptions: { ca: readFileSync(certificateFile, 'utf8') } },
    }
    return {
      adapter: createFlexibleServer({ ...reached, resourceGroup: RESOURCE_GROUP, copiesResourceGroup: COPIES_GROUP }),
      copies: createFlexibleServer({ ...reached, resourceGroup: COPIES_GROUP }),
      cloud,
      account: azure.subscriptionId,
      region: 'westeurope',
      instanceClass: 'Standard_D2ds_v5',
      storageGib: 64,
      master: 'stock_admin',
      tls: 'require',
      more: `    resourceGroup: ${RESOURCE_GROUP}\n    copiesResourceGroup: ${COPIES_GROUP}\n`,
      ...networks,
    }
  }
  return {
    adapter: createCloudSql({ project: gcp.projectId, region: 'europe-west3', endpoint: api, port, token: gcp.accessToken }),
    copies: null,
    cloud,
    account: gcp.projectId,
    region: 'europe-west3',
    instanceClass: 'db-g1-small',
    storageGib: 10,
    master: 'postgres',
    tls: 'disable',
    more: '',
    ...networks,
  }
}

export async function createOtherTarget(cloud: OtherCloud, capstan: CapstanStack): Promise<OtherTarget> {
  const { stack } = capstan
  const kind = kindOf(cloud, capstan)
  const { adapter, master, tls } = kind
  if (cloud === 'aurora') {
    const [control, application] = [controlAddress(stack.block), applicationAddress(stack.block)]
    await putSecurityGroup(stack.lab, SECURITY_GROUP, [`${control}/32`, `${application}/32`])
    await putSecurityGroup(stack.lab, CANARYS_GROUP, [`${control}/32`])
  }
  const wanted = {
    ...{ instance: INSTANCE, engineVersion: '17', instanceClass: kind.instanceClass, storageGib: kind.storageGib },
    master: { name: master, password: MASTER_PASSWORD },
    deletionProtected: false,
    owner: { operation: 'by-hand', step: 'make', expiresAt: null },
  }
  await whenFree(() => adapter.startCreate(wanted, changing))
  const { instanceId, endpoint } = await ready(adapter)
  for (;;) {
    const instance = { name: INSTANCE, instanceId }
    const { done } = await whenFree(() => adapter.setNetworkRules({ instance, networkRules: kind.rules }, changing))
    if (done) break
    await sleep(50)
  }
  const session = (login: { database: string; user: string; password: string }, sourceAddress = controlAddress(stack.block)) =>
    connect({ ...endpoint, ...login, applicationName: `e2e ${login.user}`, tls, sourceAddress })
  const asMaster = (database: string) => session({ database, user: master, password: MASTER_PASSWORD })
  const on = async <T>(database: string, work: (session: Session) => Promise<T>): Promise<T> => {
    const opened = await whenFree(() => asMaster(database))
    return work(opened).finally(() => opened.close())
  }
  await on('postgres', (admin) => admin.execute('CREATE DATABASE stock'))
  const folder = join(capstan.dir, `fleet-${cloud}`)
  const leftovers = async () =>
    (await adapter.listInstances(changing)).map(({ name }) => name).filter((name) => name !== INSTANCE)
  const allSnapshots = async () => (await adapter.listSnapshots({ instanceId }, changing)).map(({ name }) => name).sort()
  const isOf = (operation: string) => (name: string) => name.startsWith(`cap-${operation}-`)
  return {
    ...endpoint,
    lockScope: lockScope({ cloud: kind.cloud, account: kind.account, region: kind.region, instance: INSTANCE }),
    adapter,
    instanceId,
    admin: () => asMaster('stock'),
    migrator: () => session({ database: 'stock', user: 'stock_migrator', password: stack.secrets.shopMigrator }),
    app: () => session({ database: 'stock', user: 'stock_app', password: 'app-password' }, applicationAddress(stack.block)),
    rows: <T extends Record<string, unknown>>(sql: string) => on('stock', (admin) => admin.query<T>(sql)),
    reset: async () => void (await on('stock', (admin) => admin.execute(resetSql(stack.secrets.shopMigrator, master)))),
    async copies() {
      const found = await kind.copies?.listInstances(changing)
      return found?.map(({ name }) => name) ?? null
    },
    leftovers,
    allSnapshots,
    snapshots: async (operation) => (await allSnapshots()).filter(isOf(operation)),
    tagged: async (operation) => [...(await leftovers()), ...(await allSnapshots())].filter(isOf(operation)).sort(),
    fleet: (migrations, policy = '', edit = (yaml) => yaml) => writeFleet(folder, migrations, edit(fleetYaml(kind, policy))),
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

export async function whenFree<T>(act: () => Promise<T>): Promise<T> {
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

function fleetYaml({ cloud, account, more, region, master, tls, canary }: Kind, policy: string): string {
  return `version: 1
databases:
  - name: stock
    cloud: ${cloud}
    account: "${account}"
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
${policy.includes('bake:') ? '' : '      bake: 0s\n'}${policy}    canary:
      ${canary}
`
}
