/** A lab, the vendor's SDK for its simulated Cloud SQL, and that API as other clients speak it. */
import {
  type protos,
  SqlBackupRunsServiceClient,
  SqlDatabasesServiceClient,
  SqlFlagsServiceClient,
  SqlInstancesServiceClient,
  SqlOperationsServiceClient,
  SqlSslCertsServiceClient,
  SqlTiersServiceClient,
  SqlUsersServiceClient,
  v1,
} from '@google-cloud/sql'
import { OAuth2Client } from 'google-auth-library'
import type { ClientConfig } from 'pg'
import type { CloudCredentials } from '../../../lab/credentials'
import { eventually } from '../../support/eventually'
import { connect, openLab, type TestLab } from '../fixture'

export type Instance = protos.google.cloud.sql.v1.IDatabaseInstance
export type Operation = protos.google.cloud.sql.v1.IOperation
export type Settings = protos.google.cloud.sql.v1.ISettings

export const PROJECT = 'capstan-lab'
export const PASSWORD = 'correct-horse-battery'

/** The SDK's clients, unmodified. */
export function sdkOf(api: string, credentials: CloudCredentials['gcp']) {
  const { hostname, port } = new URL(api)
  // its transport would be loaded by a dynamic import, which jest's sandbox does not have: Node's own is given instead
  const authClient = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } })
  authClient.setCredentials({ access_token: credentials.accessToken, expiry_date: Date.now() + 3_600_000 })
  const options = {
    apiEndpoint: hostname,
    port: Number(port),
    protocol: 'http',
    fallback: 'rest',
    authClient,
    projectId: credentials.projectId,
  } as const
  return {
    instances: new SqlInstancesServiceClient(options),
    operations: new SqlOperationsServiceClient(options),
    users: new SqlUsersServiceClient(options),
    databases: new SqlDatabasesServiceClient(options),
    flags: new SqlFlagsServiceClient(options),
    tiers: new SqlTiersServiceClient(options),
    sslCerts: new SqlSslCertsServiceClient(options),
    backupRuns: new SqlBackupRunsServiceClient(options),
    backups: new v1.SqlBackupsServiceClient(options),
  }
}

export type Sdk = ReturnType<typeof sdkOf>

export interface RawAnswer {
  status: number
  body: RawBody
}

/** As far as tests look into it: an operation, an instance, or a refusal. */
export interface RawBody {
  readonly [field: string]: unknown
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly error: {
    readonly code: number
    readonly status: string
    readonly message: string
    readonly errors: readonly { readonly reason: string }[]
    readonly details: readonly { readonly fieldViolations: readonly object[] }[]
  }
}

/** What is needed of a lab, in this process or in another one. */
export interface SeenLab {
  readonly client: string
  readonly lab: Pick<TestLab['lab'], 'api' | 'credentials' | 'dataPort'>
}

export interface GcpLab<Lab extends SeenLab = TestLab> {
  readonly lab: Lab
  readonly sdk: Sdk
  /** Below `/sql/v1beta4/projects/capstan-lab/` unless the path is absolute; names of enumerations, any body. */
  raw(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<RawAnswer>
  /** The instance, as the SDK shows it. */
  get(instance: string): Promise<Instance>
  /** Resolves with the operation when it is done, whatever became of it. */
  done(operation: Operation | string): Promise<Operation>
  /** A new, small instance, open to the tests' own address; resolves when it is there. */
  create(name: string, more?: Partial<Instance> & { settings?: Settings }): Promise<Instance>
  ask<Row extends object>(instance: Instance, sql: string, config?: ClientConfig): Promise<Row[]>
}

export async function openGcp(): Promise<GcpLab> {
  return gcpOf(await openLab())
}

export function gcpOf<Lab extends SeenLab>(lab: Lab): GcpLab<Lab> {
  let known: { api: string; sdk: Sdk } | undefined
  const gcp: GcpLab<Lab> = {
    lab,
    get sdk() {
      const { api, credentials } = lab.lab
      if (known?.api !== api) known = { api, sdk: sdkOf(api, credentials.gcp) }
      return known.sdk
    },
    async raw(method, path, body, headers = {}) {
      const { api, credentials } = lab.lab
      const url = path.startsWith('/') ? `${api}${path}` : `${api}/sql/v1beta4/projects/${PROJECT}/${path}`
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${credentials.gcp.accessToken}`,
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(text !== undefined && { body: text }),
      })
      return { status: response.status, body: (await response.json()) as RawBody }
    },
    async get(instance) {
      const [found] = await gcp.sdk.instances.get({ project: PROJECT, instance })
      return found
    },
    async done(operation) {
      const name = typeof operation === 'string' ? operation : operation.name!
      return eventually(`the end of the operation ${name}`, async () => {
        const [now] = await gcp.sdk.operations.get({ project: PROJECT, operation: name })
        return now.status === 'DONE' ? now : undefined
      })
    },
    async create(name, more = {}) {
      const [operation] = await gcp.sdk.instances.insert({ project: PROJECT, body: newInstance(lab, name, more) })
      const done = await gcp.done(operation)
      if (done.error) throw new Error(JSON.stringify(done.error))
      return await gcp.get(name)
    },
    async ask<Row extends object>(instance: Instance, sql: string, config: ClientConfig = {}) {
      const login = { user: 'postgres', password: PASSWORD, database: 'postgres' }
      const client = await connect(lab.client, { host: hostOf(instance), port: lab.lab.dataPort, ...login, ...config })
      try {
        return (await client.query(sql)).rows as Row[]
      } finally {
        await client.end()
      }
    },
  }
  return gcp
}

/** The address that it is reached at. @throws when it has none. */
export function hostOf({ ipAddresses }: Instance): string {
  const host = ipAddresses?.[0]?.ipAddress
  if (!host) throw new Error('It has no address.')
  return host
}

export function newInstance(lab: Pick<TestLab, 'client'>, name: string, { settings, ...more }: Partial<Instance> = {}): Instance {
  return {
    name,
    databaseVersion: 'POSTGRES_15',
    region: 'us-central1',
    rootPassword: PASSWORD,
    ...more,
    settings: {
      tier: 'db-f1-micro',
      edition: 'ENTERPRISE',
      ipConfiguration: { authorizedNetworks: [{ value: `${lab.client}/32`, name: 'tests' }] },
      ...settings,
    },
  }
}

/** The SDK's call is refused: Google's own status and reason, in a body that is JSON. */
export async function refused(call: Promise<unknown>, status: number, reason: string, message = ''): Promise<void> {
  const error = await call.then(
    () => undefined,
    (problem: { code?: number; status?: number; message: string }) => problem,
  )
  expect(error).toMatchObject({ code: status })
  const { error: said } = JSON.parse(error!.message) as { error: { code: number; message: string; errors: object[] } }
  expect(said).toMatchObject({ code: status, errors: [{ reason, domain: 'global' }], message: expect.stringContaining(message) })
}
