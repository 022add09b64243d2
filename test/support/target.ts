/** A small database on the lab's RDS with roles as a managed database has them, and the fleet file that names it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateDBInstanceCommand, DescribeDBInstancesCommand, DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds'
import { lockScope } from '../../contracts/fleet'
import { applicationAddress, controlAddress, type Lab, labHeaders, QUIET_SDK } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
import type { CapstanStack } from './capstan-stack'

export interface Target {
  readonly host: string
  readonly port: number
  /** The key of its instance's lock. */
  readonly lockScope: string
  /** As the master, from the control plane's address. */
  admin(): Promise<Session>
  /** As the migrations' owner, from the control plane's address. */
  migrator(): Promise<Session>
  /** As the application, from its own address. */
  app(): Promise<Session>
  /** Empties the database and gives it `ROWS` items; the ledger's epochs go on. */
  reset(): Promise<void>
  /** Names of temporary instances, and snapshots taken by one operation. */
  leftovers(): Promise<string[]>
  snapshots(operation: string): Promise<string[]>
  /** Names of all that the cloud has and that is the operation's, sorted; of snapshots in whatever region. */
  tagged(operation: string): Promise<string[]>
  /** Writes the fleet file and a folder of migrations; resolves to the fleet file's path. */
  fleet(migrations: Readonly<Record<string, string>>, policy?: string, edit?: (yaml: string) => string): string
}

/** Where its copies of snapshots are. */
export const ELSEWHERE = ['eu-west-1', 'ap-south-1'] as const
const INSTANCE = 'stock'
const MASTER = 'stock_admin'
export const ROWS = 2000

/** `engineVersion`: its major one. */
export async function createTarget(capstan: CapstanStack, engineVersion: '15' | '17' = '15'): Promise<Target> {
  const { stack, dir } = capstan
  Object.assign(process.env, QUIET_SDK)
  const { labApi } = stack.endpoints
  const inRegion = (region: string) => new RDSClient({ region, endpoint: labApi, credentials: stack.lab.aws })
  const rds = inRegion('us-east-1')
  const everywhere = [rds, ...ELSEWHERE.map(inRegion)]
  const [control, application] = [controlAddress(stack.block), applicationAddress(stack.block)]
  await putSecurityGroup(stack.lab, 'sg-stock', [`${control}/32`, `${application}/32`])
  await putSecurityGroup(stack.lab, 'sg-canary', [`${control}/32`])
  const { host, port } = await createInstance(rds, stack.secrets.shopAdmin, engineVersion)
  const session = (user: string, password: string, sourceAddress: string) =>
    connect({ host, port, database: 'stock', user, password, applicationName: `e2e ${user}`, sourceAddress })
  const target: Target = {
    host,
    port,
    lockScope: lockScope({ cloud: 'aws', account: '000000000000', region: 'us-east-1', instance: INSTANCE }),
    admin: () => session(MASTER, stack.secrets.shopAdmin, control),
    migrator: () => session('stock_migrator', stack.secrets.shopMigrator, control),
    app: () => session('stock_app', 'app-password', application),
    reset: async () => {
      const admin = await target.admin()
      await admin.execute(resetSql(stack.secrets.shopMigrator))
      await admin.close()
    },
    async leftovers() {
      const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}))
      return DBInstances.map(({ DBInstanceIdentifier = '' }) => DBInstanceIdentifier).filter((id) => id !== INSTANCE)
    },
    async snapshots(operation) {
      const { DBSnapshots = [] } = await rds.send(new DescribeDBSnapshotsCommand({}))
      return DBSnapshots.map(({ DBSnapshotIdentifier = '' }) => DBSnapshotIdentifier).filter((id) =>
        id.startsWith(`cap-${operation}-`),
      )
    },
    async tagged(operation) {
      const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({}))
      const found = await Promise.all(everywhere.map((one) => one.send(new DescribeDBSnapshotsCommand({}))))
      const snapshots = found.flatMap(({ DBSnapshots = [] }) => DBSnapshots)
      return [
        ...DBInstances.map(({ DBInstanceIdentifier = '', TagList = [] }) => ({ name: DBInstanceIdentifier, tags: TagList })),
        ...snapshots.map(({ DBSnapshotIdentifier = '', TagList = [] }) => ({ name: DBSnapshotIdentifier, tags: TagList })),
      ]
        .filter(({ tags }) => tags.some(({ Key, Value }) => Key === 'capstan-operation' && Value === operation))
        .map(({ name }) => name)
        .sort()
    },
    fleet: (migrations, policy = '', edit = (yaml) => yaml) =>
      writeFleet(join(dir, 'fleet'), migrations, edit(fleetYaml(policy))),
  }
  return target
}

async function createInstance(rds: RDSClient, password: string, engineVersion: string): Promise<{ host: string; port: number }> {
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: INSTANCE,
      DBInstanceClass: 'db.t4g.medium',
      Engine: 'postgres',
      EngineVersion: engineVersion,
      AllocatedStorage: 20,
      DBName: 'stock',
      MasterUsername: MASTER,
      MasterUserPassword: password,
      VpcSecurityGroupIds: ['sg-stock'],
    }),
  )
  for (;;) {
    const { DBInstances = [] } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: INSTANCE }))
    const { DBInstanceStatus, Endpoint } = DBInstances[0] ?? {}
    if (DBInstanceStatus === 'available' && Endpoint?.Address && Endpoint.Port)
      return { host: Endpoint.Address, port: Endpoint.Port }
    await sleep(100)
  }
}

export async function putSecurityGroup(lab: Lab, id: string, cidrs: readonly string[]): Promise<void> {
  const headers = { 'content-type': 'application/json', ...labHeaders(lab) }
  const answer = await fetch(`${lab.api}/_lab/security-groups/${id}`, { method: 'PUT', headers, body: JSON.stringify({ cidrs }) })
  if (!answer.ok) throw new Error(`the lab refused ${id}: ${await answer.text()}`)
}

/** Roles as a managed database has them, and nothing else. */
export function resetSql(migratorPassword: string, master = MASTER): string {
  return `
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stock_migrator') THEN
        CREATE ROLE stock_migrator LOGIN PASSWORD '${migratorPassword}';
        CREATE ROLE stock_app LOGIN PASSWORD 'app-password';
        GRANT stock_migrator TO ${master};
        GRANT CREATE, CONNECT ON DATABASE stock TO stock_migrator;
      END IF;
    END $$;
    DROP SCHEMA IF EXISTS capstan CASCADE;
    DROP SCHEMA IF EXISTS public CASCADE;
    CREATE SCHEMA public AUTHORIZATION stock_migrator;
    SET ROLE stock_migrator;
    GRANT USAGE ON SCHEMA public TO stock_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO stock_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO stock_app;
    RESET ROLE;`
}

/** Version 1 of every test's migrations: a table with rows. */
export const FIRST = {
  'V1__items.sql': `CREATE TABLE items (id bigserial PRIMARY KEY, name text NOT NULL, price integer NOT NULL DEFAULT 1);
INSERT INTO items (name) SELECT 'item ' || n FROM generate_series(1, ${ROWS}) n;
`,
} as const

function writeFleet(folder: string, migrations: Readonly<Record<string, string>>, yaml: string): string {
  rmSync(folder, { recursive: true, force: true })
  for (const [script, content] of Object.entries(migrations)) {
    const file = join(folder, 'migrations', script)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  const fleet = join(folder, 'fleet.yaml')
  writeFileSync(fleet, yaml)
  return fleet
}

function fleetYaml(policy: string): string {
  return `version: 1
databases:
  - name: stock
    cloud: aws
    account: "000000000000"
    region: us-east-1
    instance: ${INSTANCE}
    database: stock
    environment: production
    connections:
      admin: { user: ${MASTER}, secret: "env:SHOP_ADMIN_PASSWORD", tls: disable }
      migrator: { user: stock_migrator, secret: "env:SHOP_MIGRATOR_PASSWORD", tls: disable }
    migrations: migrations
    checks:
      rowCounts: [public.items]
      invariants:
        - { id: names, title: Every item has a name, sql: "SELECT id FROM public.items WHERE name = ''" }
      smoke:
        - { id: newest, title: Newest items, sql: "SELECT id, name FROM public.items ORDER BY id DESC LIMIT 10" }
    policy:
      limits: { writeBlock: 2s, rewriteRows: 1000 }
      lockTimeout: 200ms
      lockAttempts: 3
${policy.includes('bake:') ? '' : '      bake: 1s\n'}${policy}
    canary:
      securityGroups: [sg-canary]
`
}
