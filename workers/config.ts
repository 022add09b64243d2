/** The worker's environment, read once. */
import { failure } from '../contracts/failures'
import { TASK_QUEUES, type TaskQueue } from '../contracts/messages'

export interface WorkerConfig {
  readonly temporal: { readonly address: string; readonly namespace: string }
  readonly ledgerUrl: string
  readonly queues: readonly TaskQueue[]
  readonly secretKey: Buffer
  readonly workflowBundle: string
  readonly sourceAddress: string | null
  readonly stickyTimeoutMs: number
  readonly logLevel: string
  /** Folder in which failpoints are armed; null in production. */
  readonly failpoints: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

function required(env: Environment, name: string): string {
  const value = env[name]
  if (value === undefined || value === '')
    throw failure('OPTION_INVALID', `${name} is not set; a worker needs it.`, { variable: name })
  return value
}

function queuesOf(text: string): TaskQueue[] {
  const known = Object.values(TASK_QUEUES)
  return text.split(',').map((word) => {
    const queue = known.find((name) => name === word.trim())
    if (queue === undefined) {
      throw failure('OPTION_INVALID', `CAPSTAN_TASK_QUEUES names ${word.trim()}; the queues are ${known.join(', ')}.`)
    }
    return queue
  })
}

function milliseconds(env: Environment, name: string, otherwise: number): number {
  const value = env[name]
  if (value === undefined || value === '') return otherwise
  const parsed = Number(value)
  if (!Number.isInteger(parsed) || parsed <= 0) {
    throw failure('OPTION_INVALID', `${name} is ${value}; it has to be a whole number of milliseconds above 0.`, {
      variable: name,
    })
  }
  return parsed
}

function secretKeyOf(env: Environment): Buffer {
  const key = Buffer.from(required(env, 'CAPSTAN_SECRET_KEY'), 'hex')
  if (key.length < 32)
    throw failure('OPTION_INVALID', 'CAPSTAN_SECRET_KEY is too short; it has to be at least 64 hexadecimal digits.')
  return key
}

export function readConfig(env: Environment): WorkerConfig {
  return {
    temporal: { address: required(env, 'TEMPORAL_ADDRESS'), namespace: env.TEMPORAL_NAMESPACE ?? 'default' },
    ledgerUrl: required(env, 'CAPSTAN_LEDGER_URL'),
    queues: queuesOf(env.CAPSTAN_TASK_QUEUES ?? Object.values(TASK_QUEUES).join(',')),
    secretKey: secretKeyOf(env),
    workflowBundle: required(env, 'CAPSTAN_WORKFLOW_BUNDLE'),
    sourceAddress: env.CAPSTAN_POSTGRES_SOURCE_ADDRESS ?? null,
    stickyTimeoutMs: milliseconds(env, 'CAPSTAN_STICKY_TIMEOUT_MS', 10_000),
    logLevel: env.CAPSTAN_LOG_LEVEL ?? 'info',
    failpoints: env.CAPSTAN_FAILPOINTS || null,
  }
}
