/** Restored copies that are there: which, until when, how to log into one, and keeping it longer or not as long. */
import { type Failure, failure } from '../contracts/failures'
import type { TlsMode } from '../contracts/fleet'
import { FINAL_STATUSES, type IsoInstant, type OperationId, temporaryName } from '../contracts/operation'
import {
  COPY_UPDATES,
  type KeepCopyInput,
  type PlannedPoint,
  RESTORE_DOCUMENTS,
  RESTORE_STEPS,
  type RestorePlan,
  retirementOf,
} from '../contracts/restore'
import type { Ledger } from '../ledger/ledger'
import type { CloudResource } from '../ledger/resources'
import { canaryPassword } from '../postgres/connect/canary-password'
import type { Doors } from './decide'
import { findOperation } from './find-operation'
import { isNotFound, temporalFailure } from './temporal'

/** Its retirement looks every ten seconds whether the operation has ended, and a worker that died is replaced within a few. */
const HEARD_WITHIN_MS = 30_000

export interface RestoredCopy {
  readonly operation: OperationId
  readonly database: string
  readonly cloud: string
  readonly instance: string
  /** Null while it is being made. */
  readonly address: { readonly host: string; readonly port: number } | null
  /** Null where the ledger holds no plan of it. */
  readonly point: PlannedPoint | null
  readonly until: IsoInstant
}

/** As the ledger knows, the first to go first. */
export async function listCopies(ledger: Ledger): Promise<RestoredCopy[]> {
  const kept = await ledger.listKeptInstances()
  return Promise.all(kept.map((resource) => copyOf(ledger, resource)))
}

async function copyOf(ledger: Ledger, { operation, cloud, name, expiresAt }: CloudResource): Promise<RestoredCopy> {
  const document = await findOperation(ledger, operation)
  const plan = (await ledger.getDocument({ operation, name: RESTORE_DOCUMENTS.plan })) as RestorePlan | null
  const { host, port } = document.steps.find(({ id }) => id === RESTORE_STEPS.copy.id)?.detail ?? {}
  const address = typeof host === 'string' && typeof port === 'number' ? { host, port } : null
  if (expiresAt === null) throw new Error(`instance ${name} is listed as kept and has no end`)
  const [database = ''] = document.databases
  return { operation, database, cloud, instance: name, address, point: plan?.point ?? null, until: expiresAt }
}

/** Fails with OPERATION_UNKNOWN, OPTION_INVALID for an operation of another kind, or OPERATION_CLOSED when its copy is not there. */
async function findCopy(ledger: Ledger, operation: OperationId): Promise<RestoredCopy> {
  const { kind, status } = await findOperation(ledger, operation)
  if (kind !== 'restore') {
    throw failure(
      'OPTION_INVALID',
      `Operation ${operation} is no restore but a ${kind}; "capstan restore list" shows those with a copy.`,
      {
        operation,
        kind,
      },
    )
  }
  const made = await ledger.listResources({ operation })
  const copy = made.find(({ name }) => name === temporaryName(operation, RESTORE_STEPS.copy.id))
  if (copy !== undefined && copy.removedAt === null) return copyOf(ledger, copy)
  const why = copy === undefined ? `it made none (it is ${status})` : `it was removed at ${copy.removedAt}`
  throw failure('OPERATION_CLOSED', `There is no copy of ${operation}: ${why}.`, { operation })
}

export interface CopyAccess extends RestoredCopy {
  readonly address: { readonly host: string; readonly port: number }
  readonly tls: TlsMode
  /** The PostgreSQL database. */
  readonly dbname: string
  readonly user: string
  readonly password: string
}

/** How the copy's master logs in. `secretKey`: the control plane's; null: not known here. Fails as `findCopy`, with NOT_READY_YET while it is being
 *  made, and with SECRET_UNRESOLVED. */
export async function accessOf(ledger: Ledger, operation: OperationId, secretKey: Buffer | null): Promise<CopyAccess> {
  const copy = await findCopy(ledger, operation)
  const { address, instance } = copy
  if (address === null) {
    throw failure('NOT_READY_YET', `Copy ${instance} is still being made; "capstan ops watch ${operation}" follows it.`, {
      operation,
    })
  }
  const { database: entry } = await ledger.getBundle((await ledger.getOrigin(operation)).bundle)
  const { user, tls } = entry.connections.admin
  if (secretKey === null) {
    throw failure(
      'SECRET_UNRESOLVED',
      `The password of ${user} on ${instance} (${address.host}:${address.port}) is derived from the control plane's key, which is not known here: run this where CAPSTAN_SECRET_KEY is set as for the workers. Its other roles have their passwords of that moment.`,
      { operation },
    )
  }
  return { ...copy, address, tls, dbname: entry.database, user, password: canaryPassword(secretKey, operation) }
}

/** Resolves to the copy once its new end is on the record; an end that is over lets it be removed now. Fails as `findCopy`, with
 *  NOT_READY_YET while its operation goes on, and with OPERATION_CLOSED when it is being removed already. */
export async function keepCopy(
  doors: Doors,
  { operation, ...input }: KeepCopyInput & { operation: OperationId },
): Promise<RestoredCopy> {
  const copy = await findCopy(doors.ledger, operation)
  const { status } = await findOperation(doors.ledger, operation)
  if (!FINAL_STATUSES.includes(status)) throw stillAtWork(operation, copy)
  const { temporal } = doors
  const { WorkflowUpdateRPCTimeoutOrCancelledError } = await import('@temporalio/client')
  try {
    await temporal.client.connection.withDeadline(Date.now() + HEARD_WITHIN_MS, () =>
      temporal.handle(retirementOf(copy.instance)).executeUpdate(COPY_UPDATES.keep, { args: [input] }),
    )
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw unanswered(copy)
    if (isNotFound(error)) throw await nobodyCares(doors.ledger, copy)
    throw temporalFailure(error, temporal.target)
  }
  return { ...copy, until: input.until }
}

function stillAtWork(operation: OperationId, { instance }: RestoredCopy): Failure {
  const message = `Operation ${operation} is still at work on ${instance}: wait for its end, or "capstan ops abort ${operation}", which removes it.`
  return failure('NOT_READY_YET', message, { operation, instance })
}

function unanswered({ instance }: RestoredCopy): Failure {
  const message =
    `No worker answered within ${HEARD_WITHIN_MS / 1000} s, so it may or may not have been heard; ` +
    'check that workers for control run, then look with "capstan restore list".'
  return failure('NOT_READY_YET', message, { instance })
}

/** Its retirement is over, or was lost with its Temporal. */
async function nobodyCares(ledger: Ledger, { operation, instance }: RestoredCopy): Promise<Failure> {
  await findCopy(ledger, operation)
  const message = `Temporal runs no workflow ${retirementOf(instance)}, so that nobody will remove ${instance}: remove it in its cloud by hand.`
  return failure('DEFECT', message, { operation, instance })
}
