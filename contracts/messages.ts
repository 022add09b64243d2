/** Names and shapes of the messages that an operation's workflow answers. Only workflows call `defineUpdate`. */
import type { OperationStatus, Sha256, StepRecord, Verdict } from './operation'

export const UPDATES = { approve: 'approve', reject: 'reject', abort: 'abort', resolve: 'resolve' } as const
export const QUERIES = { progress: 'progress' } as const

/** An approval binds to the digest of the plan that was shown. */
export interface ApproveInput {
  readonly by: string
  readonly planDigest: Sha256
}
export interface RejectInput {
  readonly by: string
  readonly reason: string
}
export interface AbortInput {
  readonly by: string
  readonly reason: string
}
/** What to do about an undo that could not finish: try again, leave it undone, or it was done by hand. */
export interface ResolveInput {
  readonly by: string
  readonly step: string
  readonly decision: 'retry' | 'skip' | 'done'
}

export interface Progress {
  readonly status: OperationStatus
  readonly verdict: Verdict | null
  readonly steps: readonly StepRecord[]
}

/** Search attributes, all of type Keyword; `bundle` is a schedule's, the others are an operation's. */
export const SEARCH_ATTRIBUTES = {
  kind: 'CapstanKind',
  database: 'CapstanDatabase',
  environment: 'CapstanEnvironment',
  cloud: 'CapstanCloud',
  status: 'CapstanStatus',
  bundle: 'CapstanBundle',
} as const

export const TASK_QUEUES = { control: 'control', postgres: 'postgres', aws: 'aws', azure: 'azure', gcp: 'gcp' } as const
export type TaskQueue = (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES]
