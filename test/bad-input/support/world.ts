/** What the cases are given: a folder of their own, and servers that all of them share. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, startLab } from '../../../lab/start'
import { type Ledger, openLedger } from '../../../ledger/ledger'
import { startTestTemporal, type TestTemporal } from '../../client/temporal-server'
import { cacheDir, ownBlock } from '../../lab/fixture'
import { freePort, query, startTestServer, type TestServer } from '../../ledger/postgres-server'

export interface World {
  /** Of this case alone. */
  readonly folder: string
  /** A database that nobody has changed. */
  readonly databaseUrl: string
  readonly ledgerUrl: string
  readonly temporal: string
  readonly lab: { readonly api: string; readonly token: string }
  /** Where nobody listens. */
  readonly deadPort: number
  /** Writes a file below the folder and resolves to its path. */
  file(name: string, content: string | Buffer): string
  /** The right fleet file, changed; its folder of migrations holds one. */
  fleet(change?: (text: string) => string): string
  /** A folder of migrations below the folder. */
  migrations(files: Readonly<Record<string, string | Buffer>>): string
}

export const FLEET = `version: 1
databases:
  - name: shop
    cloud: aws
    account: "123456789012"
    region: eu-central-1
    instance: shop-db
    database: shop
    environment: production
    connections:
      admin: { user: boss, secret: "env:SHOP_ADMIN", port: 5432, tls: require }
      migrator: { user: migrator, secret: "env:SHOP_MIGRATOR" }
    migrations: migrations
    policy:
      bake: 10s
      limits: { writeBlock: 500ms, wal: 1GB }
    canary: { securityGroups: [sg-canary] }
`

export const AZURE_FLEET = FLEET.replace('cloud: aws', 'cloud: azure')
  .replace('"123456789012"', '3f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f\n    resourceGroup: shop-group')
  .replace('eu-central-1', 'westeurope')
  .replace('securityGroups: [sg-canary]', 'networks: [10.1.2.0/24]')

export const GCP_FLEET = FLEET.replace('cloud: aws', 'cloud: gcp')
  .replace('"123456789012"', 'shop-production')
  .replace('eu-central-1', 'europe-west3')
  .replace('user: boss', 'user: postgres')
  .replace('securityGroups: [sg-canary]', 'networks: [10.1.2.0/24]')

export interface Worlds {
  /** A world with a folder of its own. */
  next(): World
  readonly ledger: Ledger
  /** What somebody made in the database of the cases, and the migrations that its history calls applied. The engine's own tables stay. */
  leftInDatabase(): Promise<readonly string[]>
  /** Paths, ports and times replaced by what they stand for. */
  normalised(text: string, world: World): string
  stop(): Promise<void>
}

interface Servers {
  readonly postgres: TestServer
  readonly temporal: TestTemporal
  readonly lab: Lab
  readonly ledger: Ledger
  readonly ledgerUrl: string
  readonly databaseUrl: string
  readonly deadPort: number
}

async function startServers(root: string): Promise<Servers> {
  mkdirSync(join(root, 'lab'))
  const [postgres, temporal, lab] = await Promise.all([
    startTestServer(),
    startTestTemporal(),
    startLab({ stateDir: join(root, 'lab'), cacheDir, block: ownBlock(), profile: 'instant' }),
  ])
  const [ledgerUrl, databaseUrl] = [await postgres.freshDatabase(), await postgres.freshDatabase()]
  const ledger = openLedger({ url: ledgerUrl })
  await ledger.migrate()
  return { postgres, temporal, lab, ledger, ledgerUrl, databaseUrl, deadPort: await freePort() }
}

export async function openWorlds(): Promise<Worlds> {
  const root = mkdtempSync(join(tmpdir(), 'capstan-bad-input-'))
  chmodSync(root, 0o755) // the lab's servers may run as another user
  const servers = await startServers(root)
  let made = 0
  return {
    next: () => worldIn(join(root, `case-${++made}`), servers),
    ledger: servers.ledger,
    async leftInDatabase() {
      const rows = await query(
        servers.databaseUrl,
        `SELECT relname AS name FROM pg_class
         WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'capstan')
           AND relname NOT LIKE 'flyway\\_schema\\_history%'
         UNION ALL SELECT script FROM flyway_schema_history`,
      )
      return rows.map(({ name }) => String(name))
    },
    normalised: (text, world) => normalised(text, world, servers),
    async stop() {
      await servers.ledger.close()
      await Promise.all([servers.postgres.stop(), servers.temporal.stop(), servers.lab.stop()])
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function worldIn(folder: string, { ledgerUrl, databaseUrl, temporal, lab, deadPort }: Servers): World {
  mkdirSync(folder)
  const world: World = {
    folder,
    databaseUrl,
    ledgerUrl,
    temporal: temporal.address,
    lab: { api: lab.api, token: lab.labToken },
    deadPort,
    file(name, content) {
      const path = join(folder, name)
      writeFileSync(path, content)
      return path
    },
    fleet(change = (text) => text) {
      world.migrations({ 'V1__a.sql': 'SELECT 1;' })
      return world.file('fleet.yaml', change(FLEET))
    },
    migrations(files) {
      const path = join(folder, 'migrations')
      mkdirSync(path, { recursive: true })
      for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
      return path
    },
  }
  return world
}

function normalised(text: string, { folder }: World, servers: Servers): string {
  const { postgres, temporal, lab, databaseUrl, ledgerUrl, deadPort } = servers
  const names: [string, string][] = [
    [folder, '<folder>'],
    [process.cwd(), '<here>'],
    [lab.api, '<lab>'],
    [new URL(lab.api).host, '<lab port>'],
    [temporal.address, '<temporal>'],
    [`127.0.0.1:${postgres.port}`, '<server>'],
    [`127.0.0.1:${deadPort}`, '<nobody>'],
    [`localhost:${deadPort}`, '<nobody>'],
    [`nowhere.invalid:${postgres.port}`, 'nowhere.invalid:<port>'],
    [new URL(databaseUrl).pathname.slice(1), '<database>'],
    [new URL(ledgerUrl).pathname.slice(1), '<ledger>'],
  ]
  const replaced = names.reduce((shown, [value, name]) => shown.replaceAll(value, name), text)
  return replaced.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<now>')
}

/** The fleet file with one piece of its text replaced; a piece that is not there would test nothing. */
export function instead(piece: string, replacement: string): (text: string) => string {
  return (text) => {
    if (!text.includes(piece)) throw new Error(`the fleet file holds no ${piece}`)
    return text.replace(piece, () => replacement)
  }
}
