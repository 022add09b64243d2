/** The worker's environment, read once. A worker is asked only for what its queues need, so that it can be given no more. */
import { isAbsolute } from 'node:path'
import { type CLOUD_ENDPOINTS, parseCloudEndpoint } from '../contracts/cloud-endpoint'
import type { EndpointQueue } from '../contracts/endpoint'
import { failure } from '../contracts/failures'
import { TASK_QUEUES, type TaskQueue } from '../contracts/messages'
import { readSecretVariables, type SecretAccess } from '../postgres/connect/secret-refs'
import { choice, contentOf, type Environment, milliseconds, optional, required } from './environment'
import { readTemporalAccess, type TemporalAccess } from './temporal-access'

export interface WorkerConfig {
  readonly temporal: TemporalAccess
  readonly ledgerUrl: string
  /** What to do about the ledger's tables at the start: bring them to this version, or insist that somebody else has. */
  readonly ledgerSchema: 'migrate' | 'require'
  readonly queues: readonly TaskQueue[]
  /** Null when none of the queues needs it. */
  readonly secretKey: Buffer | null
  /** What references of a fleet file may lead to: nothing that is not allowed here. */
  readonly secrets: SecretAccess
  readonly clouds: CloudAccess
  readonly endpoints: EndpointAccess
  /** Where the papers of an operation are written that stops writes; left out: in the ledger and the instances alone. */
  readonly papersFolder?: string
  /** Null when this worker runs no workflows. */
  readonly workflowBundle: string | null
  readonly sourceAddress: string | null
  /** Its operator's word for the place of the network that it looks from; absent: none was given. */
  readonly vantage?: string
  readonly stickyTimeoutMs: number
  /** How long a running activity may go on after SIGTERM before it is given to the next worker. */
  readonly shutdownGraceMs: number
  /** Kept up to date with how the worker is; null: nobody asks. */
  readonly healthFile: string | null
  readonly logLevel: string
  /** Folder in which failpoints are armed; null in production. */
  readonly failpoints: string | null
}

/** Where to find clouds that are not where the vendors' SDKs look by themselves: a lab. AWS's SDK reads the like from its own variables. */
export interface CloudAccess {
  /** All null for a cloud that this worker does not serve. */
  readonly azure: CloudPlace & {
    /** PEM of who signed the endpoint's certificate: the SDK gives no token to an endpoint without TLS. */
    readonly authority: string | null
  }
  readonly gcp: CloudPlace
}

/** What may move the endpoints of fleet files: both null for a worker that serves no databases. */
export interface EndpointAccess {
  readonly commands: { readonly folder: string; readonly path: string } | null
  readonly labRouter: { readonly api: string; readonly token: string } | null
  readonly poolerFiles?: string
}

interface CloudPlace {
  readonly endpoint: string | null
  /** Instead of the vendor's default chain of credentials. Goes to `endpoint` and nowhere else. */
  readonly token: string | null
  /** Of PostgreSQL, on every instance; null: 5432, since neither API names one. */
  readonly port: number | null
}

/** Its activities derive the canary's password. */
const NEEDS_SECRET_KEY: readonly TaskQueue[] = [TASK_QUEUES.postgres, TASK_QUEUES.aws, TASK_QUEUES.azure, TASK_QUEUES.gcp]

function queuesOf(text: string): TaskQueue[] {
  const known = Object.values(TASK_QUEUES)
  const queues = text.split(',').map((word) => {
    const queue = known.find((name) => name === word.trim())
    if (queue === undefined) {
      throw failure('OPTION_INVALID', `CAPSTAN_TASK_QUEUES names ${word.trim()}; the queues are ${known.join(', ')}.`)
    }
    return queue
  })
  return [...new Set(queues)]
}

function secretKeyOf(env: Environment): Buffer {
  const key = Buffer.from(required(env, 'CAPSTAN_SECRET_KEY', 'a worker of the queues postgres, aws, azure and gcp'), 'hex')
  if (key.length < 32)
    throw failure('OPTION_INVALID', 'CAPSTAN_SECRET_KEY is too short; it has to be at least 64 hexadecimal digits.')
  return key
}

interface PlaceVariables {
  readonly endpoint: keyof typeof CLOUD_ENDPOINTS
  readonly token: string
  readonly port: string
}

const AZURE: PlaceVariables = {
  endpoint: 'CAPSTAN_AZURE_ENDPOINT',
  token: 'CAPSTAN_AZURE_TOKEN',
  port: 'CAPSTAN_AZURE_POSTGRES_PORT',
}
const GCP: PlaceVariables = {
  endpoint: 'CAPSTAN_GCP_ENDPOINT',
  token: 'CAPSTAN_GCP_TOKEN',
  port: 'CAPSTAN_GCP_POSTGRES_PORT',
}

function cloudsOf(env: Environment, queues: readonly TaskQueue[]): CloudAccess {
  const nowhere: CloudPlace = { endpoint: null, token: null, port: null }
  const azure = queues.includes(TASK_QUEUES.azure)
  const authorityFile = azure ? env.CAPSTAN_AZURE_CA_FILE || null : null
  return {
    azure: {
      ...(azure ? placeOf(env, AZURE) : nowhere),
      authority: authorityFile === null ? null : contentOf('CAPSTAN_AZURE_CA_FILE', authorityFile),
    },
    gcp: queues.includes(TASK_QUEUES.gcp) ? placeOf(env, GCP) : nowhere,
  }
}

function placeOf(env: Environment, variables: PlaceVariables): CloudPlace {
  const refuse = (variable: string, why: string) => failure('OPTION_INVALID', `${variable} ${why}.`, { variable })
  const endpoint = parseCloudEndpoint(variables.endpoint, env[variables.endpoint])
  const token = optional(env, variables.token)
  const port = env[variables.port] || null
  if (token !== null && endpoint === null) {
    throw refuse(variables.token, `is set without ${variables.endpoint}; a token is for one endpoint alone`)
  }
  if (port !== null && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw refuse(variables.port, `is ${port}; it has to be a port number, 1 to 65535`)
  }
  return { endpoint, token, port: port === null ? null : Number(port) }
}

/** A program gets no other variable of ours. */
const PATH = '/usr/local/bin:/usr/bin:/bin'

function endpointsOf(env: Environment, queues: readonly TaskQueue[]): EndpointAccess {
  if (!queues.includes(TASK_QUEUES.postgres)) return { commands: null, labRouter: null }
  const folder = folderOf(env, 'CAPSTAN_ENDPOINT_COMMANDS')
  const poolerFiles = folderOf(env, 'CAPSTAN_PGBOUNCER_FILES')
  const api = parseCloudEndpoint('CAPSTAN_LAB_ENDPOINT', env.CAPSTAN_LAB_ENDPOINT)
  const token = optional(env, 'CAPSTAN_LAB_TOKEN')
  if ((api === null) !== (token === null)) {
    const message = 'CAPSTAN_LAB_ENDPOINT and CAPSTAN_LAB_TOKEN belong together; set both or neither.'
    throw failure('OPTION_INVALID', message, { variable: 'CAPSTAN_LAB_ENDPOINT' })
  }
  return {
    commands: folder === null ? null : { folder, path: env.PATH || PATH },
    labRouter: api === null || token === null ? null : { api, token },
    ...(poolerFiles !== null && { poolerFiles }),
  }
}

function folderOf(env: Environment, variable: string): string | null {
  const folder = env[variable] || null
  if (folder === null || isAbsolute(folder)) return folder
  throw failure('OPTION_INVALID', `${variable} is ${folder}; it has to be the whole path of a folder.`, { variable })
}

function papersFolderOf(env: Environment): Pick<WorkerConfig, 'papersFolder'> {
  const papersFolder = folderOf(env, 'CAPSTAN_PAPERS')
  return papersFolder === null ? {} : { papersFolder }
}

function secretsOf(env: Environment): SecretAccess {
  return { variables: readSecretVariables(env.CAPSTAN_SECRET_VARIABLES ?? ''), folder: env.CAPSTAN_SECRETS_FOLDER || null }
}

/** What it takes to move an endpoint, of the queue that would, and nothing else of a worker's. */
export function readEndpointConfig(
  env: Environment,
  queue: EndpointQueue,
): Pick<WorkerConfig, 'secrets' | 'clouds' | 'endpoints'> {
  return { secrets: secretsOf(env), clouds: cloudsOf(env, [queue]), endpoints: endpointsOf(env, [queue]) }
}

export function readConfig(env: Environment): WorkerConfig {
  const queues = queuesOf(env.CAPSTAN_TASK_QUEUES ?? Object.values(TASK_QUEUES).join(','))
  return {
    temporal: readTemporalAccess(env),
    ledgerUrl: required(env, 'CAPSTAN_LEDGER_URL', 'a worker'),
    ledgerSchema: choice(env, 'CAPSTAN_LEDGER_SCHEMA', ['migrate', 'require'], 'migrate'),
    queues,
    secretKey: queues.some((queue) => NEEDS_SECRET_KEY.includes(queue)) ? secretKeyOf(env) : null,
    secrets: secretsOf(env),
    clouds: cloudsOf(env, queues),
    endpoints: endpointsOf(env, queues),
    ...papersFolderOf(env),
    workflowBundle: queues.includes(TASK_QUEUES.control)
      ? required(env, 'CAPSTAN_WORKFLOW_BUNDLE', 'a worker of the queue control')
      : null,
    sourceAddress: env.CAPSTAN_POSTGRES_SOURCE_ADDRESS || null,
    ...(env.CAPSTAN_VANTAGE ? { vantage: env.CAPSTAN_VANTAGE } : {}),
    stickyTimeoutMs: milliseconds(env, 'CAPSTAN_STICKY_TIMEOUT_MS', 10_000),
    shutdownGraceMs: milliseconds(env, 'CAPSTAN_SHUTDOWN_GRACE_MS', 500),
    healthFile: env.CAPSTAN_HEALTH_FILE || null,
    logLevel: env.CAPSTAN_LOG_LEVEL || 'info',
    failpoints: env.CAPSTAN_FAILPOINTS || null,
  }
}
