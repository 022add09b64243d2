/** The worker's environment, read once. A worker is asked only for what its queues need, so that it can be given no more. */
import { failure } from '../contracts/failures'
import { TASK_QUEUES, type TaskQueue } from '../contracts/messages'
import { readSecretVariables, type SecretAccess } from '../postgres/connect/secret-refs'
import { choice, type Environment, milliseconds, required } from './environment'
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
  /** Null when this worker runs no workflows. */
  readonly workflowBundle: string | null
  readonly sourceAddress: string | null
  readonly stickyTimeoutMs: number
  /** How long a running activity may go on after SIGTERM before it is given to the next worker. */
  readonly shutdownGraceMs: number
  /** Kept up to date with how the worker is; null: nobody asks. */
  readonly healthFile: string | null
  readonly logLevel: string
  /** Folder in which failpoints are armed; null in production. */
  readonly failpoints: string | null
}

/** Its activities derive the canary's password. */
const NEEDS_SECRET_KEY: readonly TaskQueue[] = [TASK_QUEUES.postgres, TASK_QUEUES.aws]

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
  const key = Buffer.from(required(env, 'CAPSTAN_SECRET_KEY', 'a worker of the queues postgres and aws'), 'hex')
  if (key.length < 32)
    throw failure('OPTION_INVALID', 'CAPSTAN_SECRET_KEY is too short; it has to be at least 64 hexadecimal digits.')
  return key
}

export function readConfig(env: Environment): WorkerConfig {
  const queues = queuesOf(env.CAPSTAN_TASK_QUEUES ?? Object.values(TASK_QUEUES).join(','))
  return {
    temporal: readTemporalAccess(env),
    ledgerUrl: required(env, 'CAPSTAN_LEDGER_URL', 'a worker'),
    ledgerSchema: choice(env, 'CAPSTAN_LEDGER_SCHEMA', ['migrate', 'require'], 'migrate'),
    queues,
    secretKey: queues.some((queue) => NEEDS_SECRET_KEY.includes(queue)) ? secretKeyOf(env) : null,
    secrets: {
      variables: readSecretVariables(env.CAPSTAN_SECRET_VARIABLES ?? ''),
      folder: env.CAPSTAN_SECRETS_FOLDER || null,
    },
    workflowBundle: queues.includes(TASK_QUEUES.control)
      ? required(env, 'CAPSTAN_WORKFLOW_BUNDLE', 'a worker of the queue control')
      : null,
    sourceAddress: env.CAPSTAN_POSTGRES_SOURCE_ADDRESS || null,
    stickyTimeoutMs: milliseconds(env, 'CAPSTAN_STICKY_TIMEOUT_MS', 10_000),
    shutdownGraceMs: milliseconds(env, 'CAPSTAN_SHUTDOWN_GRACE_MS', 500),
    healthFile: env.CAPSTAN_HEALTH_FILE || null,
    logLevel: env.CAPSTAN_LOG_LEVEL || 'info',
    failpoints: env.CAPSTAN_FAILPOINTS || null,
  }
}
