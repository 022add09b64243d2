/** Connections to a target or its canary, as one of the entry's roles. */
import type { DatabaseEntry, DeclaredLogin } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import { canaryPassword } from '../../postgres/connect/canary-password'
import type { ConnectOptions } from '../../postgres/connect/connect-options'
import { connect, refusePooler, type Session } from '../../postgres/connect/session'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'

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
  /** Of the same instance; by default the entry's own. */
  readonly database?: string
  /** At the address that the cloud gives the instance, whatever the fleet file says: a name there may lead to another instance by now. */
  readonly ownAddress?: boolean
  /** Default 10,000. */
  readonly connectTimeoutMs?: number
  /** Once it fires the connection is cut, whatever it is at. */
  readonly cutBy?: AbortSignal
}

/** Of whoever looks into a copy, or into the instance itself once that holds what a copy would. */
export function reachedAs({
  inPlace,
}: {
  readonly inPlace?: true | undefined
}): Pick<SessionRequest, 'canary'> & { ownAddress: true } {
  return { canary: inPlace !== true, ownAddress: true }
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
  const at = canary || request.ownAddress === true ? address : { host: host ?? address.host, port: port ?? address.port }
  return connectAs(deps, request, { user, tls, password: await passwordFor(deps, request), ...at })
}

/** As a role of an application, on a copy: where the copy is, whatever the role is told elsewhere. */
export async function openLogin(
  deps: Deps,
  request: Omit<SessionRequest, 'role' | 'canary'>,
  { user, tls, secret }: DeclaredLogin,
): Promise<Session> {
  return connectAs(deps, request, { user, tls, password: await deps.resolveSecret(secret), ...request.address })
}

async function connectAs(
  deps: Deps,
  {
    entry,
    operation,
    step,
    applicationName,
    database,
    connectTimeoutMs,
    cutBy,
  }: Pick<SessionRequest, 'entry' | 'operation' | 'step' | 'applicationName' | 'database' | 'connectTimeoutMs' | 'cutBy'>,
  { user, tls, password, host, port }: Pick<ConnectOptions, 'user' | 'password' | 'host' | 'port'> & Pick<DeclaredLogin, 'tls'>,
): Promise<Session> {
  const session = await connect({
    ...{ host, port, user, password, tls },
    database: database ?? entry.database,
    applicationName: applicationName ?? `capstan ${operation} ${step}`,
    ...(deps.sourceAddress === null ? {} : { sourceAddress: deps.sourceAddress }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
    ...(cutBy === undefined ? {} : { cutBy }),
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
