/** The vendor's clients, made on first use: they cost 300 ms and 52 MiB. They speak REST, the only protocol that Cloud SQL has. They repeat
 *  nothing by themselves and know neither signal nor time-out; both are given to each request through the authentication library's own
 *  interceptors. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { protos, SqlInstancesServiceClient, SqlOperationsServiceClient, SqlUsersServiceClient, v1 } from '@google-cloud/sql'
import { attempted } from '../attempts'
import { limitedTo } from '../limit'
import type { CallOptions, ChangeOptions, Started } from '../port'
import { gcpFailure } from './failures'

type ClientOptions = Exclude<ConstructorParameters<typeof SqlInstancesServiceClient>[0], undefined>
export type Operation = protos.google.cloud.sql.v1.IOperation
export type Instance = protos.google.cloud.sql.v1.IDatabaseInstance
export type Settings = protos.google.cloud.sql.v1.ISettings
export type Backup = protos.google.cloud.sql.v1.IBackup

export interface CloudSqlConfig {
  readonly project: string
  readonly region: string
  /** As `http://127.0.0.1:8080`. Absent: Google's. */
  readonly endpoint?: string
  /** Of PostgreSQL, on every instance: the API names none. Absent: 5432. */
  readonly port?: number
  /** An access token instead of the application default credentials. */
  readonly token?: string
  /** Of the vendor's clients, as `authClient`; absent: the application default credentials. */
  readonly client?: ClientOptions
}

export interface CloudSqlSdk {
  readonly instances: SqlInstancesServiceClient
  readonly operations: SqlOperationsServiceClient
  readonly users: SqlUsersServiceClient
  readonly backups: v1.SqlBackupsServiceClient
}

export interface CloudSql {
  readonly config: CloudSqlConfig
  /** Changes of settings that this process began, by their instance: one that failed leaves nothing in it to be seen. */
  readonly begun: Map<string, string>
  /** Calls that only read, and take the signal; `action` names them in failures. */
  ask<T>(action: string, options: CallOptions, act: (sdk: CloudSqlSdk) => Promise<T>): Promise<T>
  /** Starts something, if that is still the caller's to do. It is let finish: one that was cut off in mid-flight may still take effect. */
  start(action: string, options: ChangeOptions, begin: (sdk: CloudSqlSdk) => Promise<[Operation, ...unknown[]]>): Promise<Started>
}

/** Each attempt: three of them fit into an activity's two minutes. */
const TIMEOUT_MS = 30_000

/** The call in progress. */
export interface CallInProgress {
  readonly signal: AbortSignal | null
  /** Of a change. */
  readonly mayChange?: () => Promise<void>
  /** Why it was not sent. */
  refusal?: { readonly error: unknown }
}

export const calls = new AsyncLocalStorage<CallInProgress>()

export function lazyCloudSql(config: CloudSqlConfig): CloudSql {
  let made: Promise<CloudSqlSdk> | null = null
  const sdk = (): Promise<CloudSqlSdk> => {
    made ??= makeClients(config).catch((error) => {
      // Credentials that could not be had now may be had later.
      made = null
      throw error
    })
    return made
  }
  return {
    config,
    begun: new Map(),
    ask: (action, options, act) =>
      attempted('question', options, async () => {
        try {
          const clients = await sdk()
          options.signal.throwIfAborted()
          return await calls.run({ signal: options.signal }, () => act(clients))
        } catch (error) {
          throw gcpFailure(action, error, options.signal)
        }
      }),
    start: (action, options, begin) =>
      attempted('change', options, async () => {
        const clients = await sdk().catch((error) => {
          throw gcpFailure(action, error, options.signal)
        })
        options.signal.throwIfAborted()
        await options.mayChange() // and once more when it is about to be sent
        const call: CallInProgress = { signal: null, mayChange: options.mayChange }
        try {
          const [operation] = await calls.run(call, () => begin(clients))
          return { operation: operation.name || null }
        } catch (error) {
          if (call.refusal) throw call.refusal.error
          throw gcpFailure(action, error, options.signal)
        }
      }),
  }
}

async function makeClients({ endpoint, project, token, client }: CloudSqlConfig): Promise<CloudSqlSdk> {
  const { SqlInstancesServiceClient, SqlOperationsServiceClient, SqlUsersServiceClient, v1 } = await import('@google-cloud/sql')
  const authClient = token === undefined ? {} : { authClient: await bearing(token) }
  const options: ClientOptions = { projectId: project, ...addressOf(endpoint), ...authClient, ...client, fallback: 'rest' }
  const instances = new SqlInstancesServiceClient(options)
  const { auth } = instances
  const host = endpoint === undefined ? instances.apiEndpoint : new URL(endpoint).hostname
  guard('getClient' in auth ? await auth.getClient() : (auth as Transporting), host)
  const shared = { ...options, auth }
  return {
    instances,
    operations: new SqlOperationsServiceClient(shared),
    users: new SqlUsersServiceClient(shared),
    backups: new v1.SqlBackupsServiceClient(shared),
  }
}

/** Whatever is sent to the host belongs to a call in progress, and heeds it. */
export function guard({ transporter }: Pick<Transporting, 'transporter'>, host: string): void {
  transporter.interceptors.request.add({
    async resolved(request) {
      const call = calls.getStore()
      // Not of the requests for a token, which several calls may wait for.
      if (request.method !== 'GET' && request.url.hostname === host) await assertMayChange(call)
      const others = [request.signal, call?.signal].filter((signal) => signal instanceof AbortSignal)
      return Object.assign(request, { signal: limitedTo(TIMEOUT_MS, ...others) })
    },
  })
}

/** Right before it is sent, with its token renewed and its body written: whoever was frozen meanwhile must not send it any more. */
async function assertMayChange(call: CallInProgress | undefined): Promise<void> {
  if (!call?.mayChange) throw new Error('A change that nobody asked about is not sent.')
  try {
    await call.mayChange()
  } catch (error) {
    // The library may wrap it.
    call.refusal = { error }
    throw error
  }
}

/** It is not renewed: whoever gives a token knows how long it lasts. Node's own transport: the library would load another. */
export async function bearing(token: string): Promise<NonNullable<ClientOptions['authClient']>> {
  const { OAuth2Client } = await import('google-auth-library')
  const made = new OAuth2Client({ transporterOptions: { fetchImplementation: fetch } })
  made.setCredentials({ access_token: token })
  return made
}

/** An authentication client that was given stands where the library keeps its own maker of them. */
type Transporting = Awaited<ReturnType<SqlInstancesServiceClient['auth']['getClient']>>

function addressOf(endpoint: string | undefined): ClientOptions {
  if (endpoint === undefined) return {}
  const { protocol, hostname, port } = new URL(endpoint)
  const scheme = protocol.slice(0, -1)
  return { apiEndpoint: hostname, protocol: scheme, port: Number(port || (scheme === 'https' ? 443 : 80)) }
}
