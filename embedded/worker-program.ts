/** The worker and the lab as programs to start, with everything they are told through their environment. */
import { join } from 'node:path'
import type { EmbeddedConfig } from './config'
import { childEnvironment } from './processes/environment'
import type { Program } from './processes/program'
import type { Secrets } from './state/secrets'

export interface WorkerPlace {
  readonly config: EmbeddedConfig
  readonly temporalAddress: string
  readonly ledgerUrl: string
  readonly lab: Lab
  readonly block: string
  readonly secrets: Secrets
}

/** The control plane's own address: the canary's network rules let in nobody else. */
export const controlAddress = (block: string): string => `${block}.2`
/** Where the shop's application comes from. */
export const applicationAddress = (block: string): string => `${block}.3`

/** The passwords that a fleet file of this lab may refer to, and what tests and the curious set. */
const WORKER_ALSO = /^(SHOP_[A-Z_]+|CAPSTAN_(ENDPOINT_COMMANDS|PGBOUNCER_FILES|FAILPOINTS|LOG_LEVEL|STICKY_TIMEOUT_MS))$/

export function workerProgram({ config, temporalAddress, ledgerUrl, lab, block, secrets }: WorkerPlace): Program {
  const dist = join(config.clone, 'dist')
  return {
    name: 'worker',
    command: process.execPath,
    args: [join(dist, 'workers', 'main.js')],
    env: {
      CAPSTAN_STICKY_TIMEOUT_MS: '1000',
      ...childEnvironment(config.inherited, WORKER_ALSO),
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: config.temporalNamespace,
      CAPSTAN_LEDGER_URL: ledgerUrl,
      CAPSTAN_TASK_QUEUES: 'control,postgres,aws,azure,gcp',
      CAPSTAN_SECRET_KEY: secrets.secretKey,
      CAPSTAN_WORKFLOW_BUNDLE: join(dist, 'workflow-bundle.js'),
      CAPSTAN_POSTGRES_SOURCE_ADDRESS: controlAddress(block),
      ...awsEnvironment(lab),
      ...otherClouds(lab),
      ...(lab.token === null ? {} : { CAPSTAN_LAB_ENDPOINT: lab.api, CAPSTAN_LAB_TOKEN: lab.token }),
      CAPSTAN_SECRET_VARIABLES: 'SHOP_',
      SHOP_ADMIN_PASSWORD: secrets.shopAdmin,
      SHOP_MIGRATOR_PASSWORD: secrets.shopMigrator,
    },
    ready: { kind: 'line' },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
  }
}

/** The lab once it runs. */
export interface Lab {
  readonly api: string
  /** Where Azure's SDK finds it, over TLS, and who signed its certificate. */
  readonly tlsApi: string
  readonly certificateFile: string
  /** Of PostgreSQL, on every instance. */
  readonly dataPort: number
  readonly aws: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string }
  readonly azure: { readonly subscriptionId: string; readonly token: string }
  readonly gcp: { readonly projectId: string; readonly accessToken: string }
  /** What `/_lab` asks for; null for a lab that asks for nothing. */
  readonly token: string | null
}

/** What a request to `/_lab` carries. */
export function labHeaders({ token }: Pick<Lab, 'token'>): Readonly<Record<string, string>> {
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

type LabCredentials = Pick<Lab, 'aws' | 'azure' | 'gcp'>
type LabPlaces = Pick<Lab, 'api' | 'tlsApi' | 'certificateFile' | 'dataPort'>

/** From its ready line; one that keeps its credentials out of it is asked for them. */
export async function labThatSaid(said: Readonly<Record<string, unknown>>): Promise<Lab> {
  type Said = LabPlaces & { credentials?: LabCredentials; labToken?: string }
  const { api, tlsApi, certificateFile, dataPort, credentials, labToken } = said as Said
  const token = labToken ?? null
  const places = { api, tlsApi, certificateFile, dataPort, token }
  if (credentials !== undefined) return { ...places, ...credentials }
  const answer = await fetch(`${api}/_lab/status`, { headers: labHeaders({ token }) })
  const status = (await answer.json()) as { credentials: LabCredentials }
  return { ...places, ...status.credentials }
}

export interface LabPlace {
  readonly config: EmbeddedConfig
  readonly block: string
  readonly apiPort: number
}

/** How long its states last. */
const LAB_ALSO = /^CAPSTAN_LAB_(PROFILE|SEED)$/

export function labProgram({ config, block, apiPort }: LabPlace): Program {
  return {
    name: 'lab',
    command: process.execPath,
    args: [
      join(config.clone, 'dist', 'lab', 'main.js'),
      ...['--state', join(config.folders.state, 'lab')],
      ...['--block', block],
      ...['--api-port', String(apiPort)],
      ...['--cache', config.folders.cache],
    ],
    env: childEnvironment(config.inherited, LAB_ALSO),
    ready: { kind: 'line' },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
  }
}

/** Whatever profile, endpoint or region the user has, in files too, must not get in: the worker would touch a real account. */
function awsEnvironment({ api, aws }: Lab): Readonly<Record<string, string>> {
  return {
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL_RDS: api,
    AWS_ENDPOINT_URL_ROUTE_53: api,
    ...QUIET_SDK,
  }
}

/** As the worker is told of clouds that are not where the vendors have them. */
function otherClouds({ api, tlsApi, certificateFile, dataPort, azure, gcp }: Lab): Readonly<Record<string, string>> {
  return {
    CAPSTAN_AZURE_ENDPOINT: tlsApi,
    CAPSTAN_AZURE_CA_FILE: certificateFile,
    CAPSTAN_AZURE_TOKEN: azure.token,
    CAPSTAN_AZURE_POSTGRES_PORT: String(dataPort),
    CAPSTAN_GCP_ENDPOINT: api,
    CAPSTAN_GCP_TOKEN: gcp.accessToken,
    CAPSTAN_GCP_POSTGRES_PORT: String(dataPort),
  }
}

/** The vendor's notice about Node 20 says nothing to whoever runs this. */
export const QUIET_SDK = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' } as const
