/** The door to Temporal: a connection that is proven before anything is done over it, and its errors in our words. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, WorkflowHandle } from '@temporalio/client'
import { Failure, failure, isFailureCode } from '../contracts/failures'
import type { TemporalTarget } from './config'
import { certificatesOf, secureContextOf, whyNoTls } from './temporal-tls'

/** A reachable server answers in milliseconds; nobody waits longer than this to learn that there is none. */
const CONNECT_TIMEOUT_MS = 4_000
/** From here on it is looked at whether TLS is what takes so long: gRPC itself would only say that the time is up. */
const CONNECT_SLOW_MS = 500
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

/** Fails with TEMPORAL_UNREACHABLE within five seconds; with TEMPORAL_REFUSED when the namespace is not there, when TLS does not come
 *  about or the key is not taken; with OPTION_INVALID when a certificate is none. */
export async function connectTemporal(target: TemporalTarget): Promise<TemporalDoor> {
  const { address, credentials = {} } = target
  const certificates = certificatesOf(credentials)
  if (certificates !== null) secureContextOf(certificates)
  // Loaded when needed: it takes a third of a second, and most commands do without.
  const { Client, Connection } = await import('@temporalio/client')
  const connected = new AbortController()
  const connection = Connection.lazy({ address, ...credentials, connectTimeout: CONNECT_TIMEOUT_MS })
  try {
    await Promise.race([connection.ensureConnected(), tlsTrouble(target, connected.signal)])
  } catch (error) {
    await connection.close()
    const told = error instanceof Failure ? error : temporalFailure(error, target)
    throw told instanceof Failure ? told : unreachable(target, error)
  } finally {
    connected.abort()
  }
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

/** Fails when it finds any, and otherwise never ends. */
async function tlsTrouble(target: TemporalTarget, signal: AbortSignal): Promise<never> {
  const never = new Promise<never>(() => undefined)
  const waited = await sleep(CONNECT_SLOW_MS, true, { signal }).catch(() => false)
  const trouble = waited ? await whyNoTls(target.address, target.credentials ?? {}) : null
  if (trouble === null) return await never
  const message = `No connection to Temporal at ${target.address}: ${trouble.message}.`
  const { address, namespace } = target
  throw failure(trouble.transient ? 'TEMPORAL_UNREACHABLE' : 'TEMPORAL_REFUSED', message, { address, namespace })
}

function refused(target: TemporalTarget, message: string, cause: unknown): Failure {
  return failure('TEMPORAL_REFUSED', message, { address: target.address, namespace: target.namespace }, { cause })
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
      return refused(target, message, error)
    }
    if (code === GRPC.unauthenticated || code === GRPC.permissionDenied) return refused(target, notLetIn(target, link), error)
    if (code === GRPC.invalidArgument) {
      return refused(target, `Temporal at ${target.address} refuses the request: ${detailsOf(target, link)}.`, error)
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

function notLetIn(target: TemporalTarget, error: Error): string {
  const said = detailsOf(target, error)
  if (target.credentials?.apiKey === undefined) {
    return `Temporal at ${target.address} does not let this command in: ${said}. It may want a key: TEMPORAL_API_KEY_FILE names a file with one.`
  }
  return `Temporal at ${target.address} does not take the API key for the namespace ${target.namespace}: ${said}. Check TEMPORAL_API_KEY, its expiry and its rights.`
}

/** A server may repeat what it was sent; we do not. */
function detailsOf({ credentials = {} }: TemporalTarget, error: Error): string {
  const said = 'details' in error && typeof error.details === 'string' && error.details !== '' ? error.details : error.message
  const secrets = [credentials.apiKey, ...Object.values(credentials.metadata ?? {})].filter((value) => typeof value === 'string')
  return secrets.reduce((text, secret) => (secret === '' ? text : text.replaceAll(secret, '…')), said).replace(/\.$/, '')
}

/** Whether a workflow that was waited for ran out of its time. */
export async function hasTimedOut(error: unknown): Promise<boolean> {
  const { TimeoutFailure, WorkflowFailedError } = await import('@temporalio/client')
  return error instanceof WorkflowFailedError && error.cause instanceof TimeoutFailure
}

export function isNotFound(error: unknown): boolean {
  return causes(error).some((link) => link.name === 'WorkflowNotFoundError' || ('code' in link && link.code === GRPC.notFound))
}
