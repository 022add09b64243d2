/** Connections to a target or its canary, as one of the entry's roles. */
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import { connect, refusePooler, type Session } from '../../postgres/connect/session'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { canaryPassword } from '../instance/canary-password'

type Deps = Pick<ActivityDeps, 'resolveSecret' | 'secretKey' | 'sourceAddress'>
type Role = keyof DatabaseEntry['connections']

export interface SessionRequest {
  readonly entry: DatabaseEntry
  readonly role: Role
  readonly operation: OperationId
  readonly step: string
  readonly address: InstanceAddress
  /** A canary's master has the password that the takeover gave it; its other roles still have the snapshot's. */
  readonly canary: boolean
  /** What pg_stat_activity shows; by default the operation and the step. */
  readonly applicationName?: string
}

async function passwordFor(deps: Deps, { entry, role, operation, canary }: SessionRequest): Promise<string> {
  const { admin, [role]: connection } = entry.connections
  if (canary && connection.user === admin.user) return canaryPassword(deps.secretKey, operation)
  return deps.resolveSecret(connection.secret)
}

/** Opens one session; the caller closes it. */
export async function openSession(deps: Deps, request: SessionRequest): Promise<Session> {
  const { entry, role, address, canary } = request
  const { user, tls, host, port } = entry.connections[role]
  const session = await connect({
    host: canary ? address.host : (host ?? address.host),
    port: canary ? address.port : (port ?? address.port),
    database: entry.database,
    user,
    password: await passwordFor(deps, request),
    applicationName: request.applicationName ?? `capstan ${request.operation} ${request.step}`,
    tls,
    ...(deps.sourceAddress === null ? {} : { sourceAddress: deps.sourceAddress }),
  })
  try {
    refusePooler(session)
  } catch (error) {
    await session.close()
    throw error
  }
  return session
}

export async function withSession<T>(deps: Deps, request: SessionRequest, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(deps, request)
  try {
    currentAct().signal.throwIfAborted()
    return await work(session)
  } finally {
    await session.close()
  }
}
