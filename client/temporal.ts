/** The door to Temporal: a connection that is proven before anything is done over it, and its errors in our words. */
import type { Client, WorkflowHandle } from '@temporalio/client'
import { type Failure, failure, isFailureCode } from '../contracts/failures'
import type { TemporalTarget } from './config'

/** A reachable server answers in milliseconds; nobody waits longer than this to learn that there is none. */
const CONNECT_TIMEOUT_MS = 4_000
/** gRPC's status codes, which the client's errors carry as numbers. */
const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  unavailable: 14,
  unauthenticated: 16,
} as const

export interface TemporalDoor {
  readonly client: Client
  readonly target: TemporalTarget
  handle(workflowId: string): WorkflowHandle
  /** Runs calls that must be answered within a time; otherwise they fail with TEMPORAL_UNREACHABLE. */
  within<T>(timeoutMs: number, calls: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Fails with TEMPORAL_UNREACHABLE within five seconds, or with TEMPORAL_REFUSED when the namespace is not there. */
export async function connectTemporal(target: TemporalTarget): Promise<TemporalDoor> {
  // Loaded when needed: it takes a third of a second, and most commands do without.
  const { Client, Connection } = await import('@temporalio/client')
  const connection = await Connection.connect({ address: target.address, connectTimeout: CONNECT_TIMEOUT_MS }).catch(
    (error: unknown) => {
      throw unreachable(target, error)
    },
  )
  const door: TemporalDoor = {
    client: new Client({ connection, namespace: target.namespace }),
    target,
    handle: (workflowId) => door.client.workflow.getHandle(workflowId),
    within: (timeoutMs, calls) =>
      connection.withDeadline(Date.now() + timeoutMs, calls).catch((error: unknown) => {
        throw temporalFailure(error, target)
      }),
    close: () => connection.close(),
  }
  try {
    await door.within(CONNECT_TIMEOUT_MS, () => connection.workflowService.describeNamespace({ namespace: target.namespace }))
  } catch (error) {
    await connection.close()
    throw error
  }
  return door
}

function unreachable(target: TemporalTarget, cause: unknown): Failure {
  const message = `No Temporal server answers at ${target.address}; check that it runs and that TEMPORAL_ADDRESS is right.`
  return failure('TEMPORAL_UNREACHABLE', message, { address: target.address, namespace: target.namespace }, { cause })
}

/** What a call to Temporal said. A refusal that a workflow gave under a code of ours comes back as that failure. */
export function temporalFailure(error: unknown, target: TemporalTarget): unknown {
  for (const link of causes(error)) {
    const type = 'type' in link && typeof link.type === 'string' ? link.type : ''
    if (isFailureCode(type)) return failure(type, link.message, {}, { cause: error })
    const code = 'code' in link ? link.code : undefined
    if (code === GRPC.unavailable || code === GRPC.deadlineExceeded) return unreachable(target, error)
    if (code === GRPC.notFound && /namespace/i.test(link.message)) {
      const message = `Temporal at ${target.address} has no namespace ${target.namespace}; set TEMPORAL_NAMESPACE to one it has.`
      return failure('TEMPORAL_REFUSED', message, { address: target.address, namespace: target.namespace }, { cause: error })
    }
    if (code === GRPC.invalidArgument || code === GRPC.permissionDenied || code === GRPC.unauthenticated) {
      const message = `Temporal at ${target.address} refuses the request: ${detailsOf(link)}.`
      return failure('TEMPORAL_REFUSED', message, { address: target.address, namespace: target.namespace }, { cause: error })
    }
  }
  return error
}

/** The error and its causes, outermost first. */
function causes(error: unknown): Error[] {
  const chain: Error[] = []
  for (let link = error; link instanceof Error && chain.length < 10; link = link.cause) chain.push(link)
  return chain
}

function detailsOf(error: Error): string {
  return 'details' in error && typeof error.details === 'string' && error.details !== '' ? error.details : error.message
}

export function isNotFound(error: unknown): boolean {
  return causes(error).some((link) => link.name === 'WorkflowNotFoundError' || ('code' in link && link.code === GRPC.notFound))
}
