/** The vendor's client, made on first use: it costs 120 ms and 16 MiB. What takes longer than a call is started and left to itself: of the
 *  SDK's poller only the first answer is used, since it would block, and would hide that answer behind a later one's failure. */
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  PostgreSQLManagementFlexibleServerClient,
  PostgreSQLManagementFlexibleServerClientOptionalParams,
} from '@azure/arm-postgresql-flexible' with { 'resolution-mode': 'import' }
import { failure } from '../../contracts/failures'
import { isTemporaryName } from '../../contracts/operation'
import { attempted } from '../attempts'
import { limitedTo } from '../limit'
import type { CallOptions, ChangeOptions, OperationDescription, Started } from '../port'
import { azureFailure, endOfOperation, meansBusy } from './failures'

export type AzureSdk = PostgreSQLManagementFlexibleServerClient
export type AzureCredential = ConstructorParameters<typeof PostgreSQLManagementFlexibleServerClient>[0]
export interface AzureConfig {
  readonly subscription: string
  readonly resourceGroup: string
  /** Where whatever bears a temporary name (`cap-…`) is made, looked for and removed, so that who removes copies needs no right on
   *  `resourceGroup`. Absent: there too. */
  readonly copiesResourceGroup?: string
  /** An access token instead of the vendor's default chain of credentials. Never renewed: a lab's does not end. */
  readonly token?: string
  /** Absent: `token`, else the vendor's default chain. */
  readonly credential?: AzureCredential
  /** Of PostgreSQL, on every server: the API names none. Absent: 5432. */
  readonly port?: number
  /** Of the vendor's client: `endpoint`, `tlsOptions`, `httpClient`. */
  readonly client?: PostgreSQLManagementFlexibleServerClientOptionalParams
}

/** Each attempt. The SDK does not repeat, so three of ours fit into an activity's two minutes. Given as a signal: the SDK's own time-out leaves
 *  its timer running after a request that broke, and the process waits for it. */
const TIMEOUT_MS = 30_000
/** To look for credentials: the command lines of the vendor, which the chain asks too, take seconds to start. */
const CREDENTIALS_MS = 10_000
const RESOURCE_MANAGER = 'https://management.azure.com'

/** For one request: the SDK takes them as the last argument of every method. */
export interface RequestOptions {
  readonly abortSignal: AbortSignal
  readonly onResponse?: (response: RawResponse) => void
}
interface RawResponse {
  readonly status: number
  readonly headers: { get(name: string): string | undefined }
}

export interface Azure {
  /** The resource group that holds, or is to hold, a server of that name. Names of servers are unique in all of Azure. */
  groupOf(server: string): string
  /** Each once. */
  readonly groups: readonly string[]
  /** Where copies are, and nothing but copies where it is one of its own. */
  readonly copiesGroup: string
  /** What this process began, by what it is for, where the resource does not show how it went. Only saves time and guesses: who does not know
   *  looks at what there is, and begins again where there is nothing. */
  readonly begun: Map<string, string>
  /** Calls that only read, and take the signal; `action` names them in failures. */
  ask<T>(action: string, options: CallOptions, act: (sdk: AzureSdk, request: RequestOptions) => Promise<T>): Promise<T>
  /** Starts something, if that is still the caller's to do. It is let finish: one that was cut off in mid-flight may still take effect. */
  start(
    action: string,
    options: ChangeOptions,
    begin: (sdk: AzureSdk, request: RequestOptions) => Promise<unknown>,
  ): Promise<Started>
  describeOperation(operation: string, options: CallOptions): Promise<OperationDescription>
}

export function lazyAzure(config: AzureConfig): Azure {
  let made: Promise<AzureSdk> | null = null
  const sdk = (): Promise<AzureSdk> => {
    made ??= import('@azure/arm-postgresql-flexible').then(
      ({ PostgreSQLManagementFlexibleServerClient: Client }) =>
        // It would wait out whatever Retry-After says, and send a change again without asking whether it may.
        new Client(credentialOf(config), config.subscription, { ...config.client, retryOptions: { maxRetries: 0 } }),
    )
    return made
  }
  const endpoint = config.client?.endpoint ?? RESOURCE_MANAGER
  const { resourceGroup, copiesResourceGroup: copiesGroup = resourceGroup } = config
  return {
    groupOf: (server) => (isTemporaryName(server) ? copiesGroup : resourceGroup),
    groups: copiesGroup.toLowerCase() === resourceGroup.toLowerCase() ? [resourceGroup] : [resourceGroup, copiesGroup],
    copiesGroup,
    begun: new Map(),
    ask: (action, options, act) =>
      attempted('question', options, async () => {
        try {
          const client = await sdk()
          options.signal.throwIfAborted()
          return await act(client, { abortSignal: limitedTo(TIMEOUT_MS, options.signal) })
        } catch (error) {
          throw azureFailure(action, error, options.signal)
        }
      }),
    start: (action, options, begin) =>
      attempted('change', options, async () => {
        const client = await sdk().catch((error) => {
          throw azureFailure(action, error, options.signal)
        })
        options.signal.throwIfAborted()
        await options.mayChange()
        const abortSignal = AbortSignal.timeout(TIMEOUT_MS)
        return startedBy(action, options, (onResponse) => begin(client, { abortSignal, onResponse }))
      }),
    async describeOperation(operation, options) {
      const client = await sdk()
      try {
        return { state: await stateOf(client, recordIn(operation, endpoint), resourceGroup, options), message: null }
      } catch (error) {
        const end = endOfOperation(error)
        if (end !== null) return { state: 'failed', message: `${end.code}: ${end.message}` }
        throw azureFailure('OperationStatuses_Get', error, options.signal)
      }
    },
  }
}

/** The chain: environment, workload identity, managed identity, the CLI's. It is loaded by whoever needs it alone, on first use. */
export function credentialOf({ credential, token }: Pick<AzureConfig, 'credential' | 'token'>): AzureCredential {
  if (credential !== undefined) return credential
  if (token !== undefined) return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
  let made: Promise<AzureCredential> | null = null
  return {
    async getToken(scopes, options) {
      made ??= import('@azure/identity').then(({ DefaultAzureCredential }) => new DefaultAzureCredential())
      return withinTime((await made).getToken(scopes, options))
    },
  }
}

/** The chain asks a machine's metadata service and waits for it without end, whatever signal it was given. */
async function withinTime<T>(found: Promise<T>): Promise<T> {
  const late = new AbortController()
  const waited = sleep(CREDENTIALS_MS, undefined, { signal: late.signal }).then(() => {
    const message = `No credentials were found within ${CREDENTIALS_MS / 1_000} s.`
    throw Object.assign(new Error(message), { name: 'CredentialUnavailableError' })
  })
  return Promise.race([found, waited]).finally(() => {
    waited.catch(() => {})
    late.abort()
  })
}

/** Accepted is what the first answer says; the look at the operation that the SDK adds may fail or tell of an early end. */
async function startedBy(
  action: string,
  options: ChangeOptions,
  begin: (onResponse: (response: RawResponse) => void) => Promise<unknown>,
): Promise<Started> {
  let accepted: RawResponse | null = null
  try {
    await begin((response) => {
      if (accepted === null && response.status < 300) accepted = response
    })
  } catch (error) {
    const end = endOfOperation(error)
    // A name that is not free yet, a server that became busy: accepted and dropped at once, and worth another try.
    if (end !== null && meansBusy(end.code)) {
      throw failure('CLOUD_BUSY', `Azure dropped ${action}: ${end.code}: ${end.message}`, {
        cloud: 'azure',
        action,
        error: end.code,
      })
    }
    if (accepted === null) throw azureFailure(action, error, options.signal)
  }
  return { operation: accepted === null ? null : recordOf(accepted) }
}

/** Where the record of what was accepted is, and how it is read: `core-lro` tells two kinds apart. */
function recordOf({ headers }: RawResponse): string | null {
  const status = headers.get('azure-asyncoperation')
  if (status !== undefined) return `OperationLocation ${status}`
  const location = headers.get('location')
  return location === undefined ? null : `ResourceLocation ${location}`
}

interface OperationRecord {
  readonly mode: string
  readonly url: string
}

/** A token goes with the question: it is asked of nobody but the API that the adapter talks to. */
function recordIn(operation: string, endpoint: string): OperationRecord {
  const [mode = '', url = ''] = operation.split(' ')
  const known = mode === 'OperationLocation' || mode === 'ResourceLocation'
  if (known && url.startsWith(`${endpoint.replace(/\/$/, '')}/`)) return { mode, url }
  throw failure('CLOUD_UNEXPECTED', `"${operation.slice(0, 200)}" is no operation of ${endpoint}.`)
}

/** A poller that is resumed looks once, without sending the request again. @throws what ended it. */
async function stateOf(
  client: AzureSdk,
  { mode, url }: OperationRecord,
  resourceGroup: string,
  { signal }: CallOptions,
): Promise<'running' | 'done'> {
  const resumeFrom = JSON.stringify({ state: { status: 'running', config: { operationLocation: url, metadata: { mode } } } })
  const request = { abortSignal: limitedTo(TIMEOUT_MS, signal), resumeFrom }
  const poller = await client.servers.beginStart(resourceGroup, 'resumed', request)
  return poller.isDone() ? 'done' : 'running'
}
