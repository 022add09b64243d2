/** The worker and the lab as programs to start, with everything they are told through their environment. */
import { join } from 'node:path'
import type { EmbeddedConfig } from './config'
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

export function workerProgram({ config, temporalAddress, ledgerUrl, lab, block, secrets }: WorkerPlace): Program {
  const dist = join(config.clone, 'dist')
  return {
    name: 'worker',
    command: process.execPath,
    args: [join(dist, 'workers', 'main.js')],
    env: {
      ...config.inherited,
      TEMPORAL_ADDRESS: temporalAddress,
      TEMPORAL_NAMESPACE: config.temporalNamespace,
      CAPSTAN_LEDGER_URL: ledgerUrl,
      CAPSTAN_TASK_QUEUES: 'control,postgres,aws',
      CAPSTAN_SECRET_KEY: secrets.secretKey,
      CAPSTAN_WORKFLOW_BUNDLE: join(dist, 'workflow-bundle.js'),
      CAPSTAN_POSTGRES_SOURCE_ADDRESS: controlAddress(block),
      CAPSTAN_STICKY_TIMEOUT_MS: '1000',
      ...awsEnvironment(lab),
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
  readonly aws: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly region: string }
}

/** @throws Error when the lab's own status is not what this release of it says. */
export async function askLab(api: string): Promise<Lab> {
  const status = (await (await fetch(`${api}/_lab/status`)).json()) as { credentials: { aws: Lab['aws'] } }
  return { api, aws: status.credentials.aws }
}

export interface LabPlace {
  readonly config: EmbeddedConfig
  readonly block: string
  readonly apiPort: number
}

export function labProgram({ config, block, apiPort }: LabPlace): Program {
  return {
    name: 'lab',
    command: process.execPath,
    args: [
      join(config.clone, 'dist', 'lab', 'main.js'),
      ...['--state', join(config.folders.state, 'lab')],
      ...['--block', block],
      ...['--api-port', String(apiPort)],
      ...['--profile', 'fast'],
      ...['--cache', config.folders.cache],
    ],
    env: config.inherited,
    ready: { kind: 'line' },
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
  }
}

/** Whatever profile, endpoint or region the user has must not get in: the worker would touch a real account. */
function awsEnvironment({ api, aws }: Lab): Readonly<Record<string, string>> {
  return {
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
    AWS_SESSION_TOKEN: '',
    AWS_PROFILE: '',
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL_RDS: api,
    ...QUIET_SDK,
  }
}

/** The vendor's notice about Node 20 says nothing to whoever runs this. */
export const QUIET_SDK = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' } as const
