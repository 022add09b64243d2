/** Instances that were replaced and are kept, closed, for a time: which, until when, keeping one longer or for good, and what speaks against removing one. */
import { type HostPort, samePlace } from '../contracts/endpoint'
import { type Failure, failure } from '../contracts/failures'
import type { DatabaseEntry } from '../contracts/fleet'
import {
  type KeepOldInput,
  OLD_UPDATES,
  type OldInstanceLook,
  type OldKeptDocument,
  oldKeptDocument,
  retirementOfOld,
} from '../contracts/old-instance'
import type { IsoInstant, OperationId } from '../contracts/operation'
import { REPLACE_DOCUMENTS, type ReplacePlan } from '../contracts/replace'
import type { Ledger } from '../ledger/ledger'
import type { Doors } from './decide'
import { findOperation } from './find-operation'
import { readFleet } from './fleet/read-fleet'
import { isNotFound, temporalFailure } from './temporal'

/** A worker that is there hears in seconds, and writes down in seconds. */
const HEARD_WITHIN_MS = 60_000
/** Asking takes as long as the endpoint's program may, and a little. Whom nobody serves is told sooner, by the workflow itself. */
const LOOKED_WITHIN_MS = 15 * 60_000

export interface ReplacedInstance {
  readonly operation: OperationId
  readonly database: string
  readonly cloud: string
  readonly instance: string
  /** What took its place. */
  readonly replacement: string
  readonly until: IsoInstant
  /** Who said so; null: the operation. */
  readonly by: string | null
  /** Its time is over. */
  readonly due: boolean
}

/** As the ledger knows, the first to go first. */
export async function listReplaced(ledger: Ledger): Promise<ReplacedInstance[]> {
  const now = Date.now()
  const kept = await ledger.listReplacedInstances()
  return Promise.all(
    kept.map(async ({ operation, cloud, name, expiresAt }) => {
      if (expiresAt === null) throw new Error(`instance ${name} is listed as kept and has no end`)
      const [database = ''] = (await findOperation(ledger, operation)).databases
      const { copy } = await planOf(ledger, operation)
      const kept = (await ledger.getDocument({ operation, name: oldKeptDocument(expiresAt) })) as OldKeptDocument | null
      const due = Date.parse(expiresAt) <= now
      return { operation, database, cloud, instance: name, replacement: copy, until: expiresAt, by: kept?.by ?? null, due }
    }),
  )
}

export async function isReplacement(ledger: Ledger, operation: OperationId): Promise<boolean> {
  return (await findOperation(ledger, operation)).kind === 'replace'
}

/** Resolves to the instance's name once its new end is on the record. Fails with OPERATION_CLOSED where nobody keeps its time, NOT_READY_YET where no
 *  worker answers. */
export async function keepOld(doors: Doors, { operation, ...input }: KeepOldInput & { operation: OperationId }): Promise<string> {
  const { instance } = await planOf(doors.ledger, operation)
  await told<void>(doors, operation, { update: OLD_UPDATES.keep, input, answeredMs: HEARD_WITHIN_MS })
  return instance
}

export interface LookedAtOld extends OldInstanceLook {
  readonly operation: OperationId
  readonly instance: string
  readonly replacement: string
}

/** Asks cloud, instance, endpoint and fleet file now. `applicationsMoved`: a person has looked where nobody could be asked. Fails as `keepOld`, as reading the fleet file does, and with the codes of clouds. */
export async function lookAtOld(
  doors: Doors,
  { operation, fleetFile, applicationsMoved }: { operation: OperationId; fleetFile: string; applicationsMoved: boolean },
): Promise<LookedAtOld> {
  const { instance, copy } = await planOf(doors.ledger, operation)
  const { database: was } = await doors.ledger.getBundle((await doors.ledger.getOrigin(operation)).bundle)
  const fleet = await readFleet(fleetFile)
  const found = await told<OldInstanceLook>(doors, operation, {
    update: OLD_UPDATES.look,
    answeredMs: LOOKED_WITHIN_MS,
  })
  const naming = fleet.databases.filter(
    (one) => one.instance === instance && one.cloud === was.cloud && one.account === was.account && one.region === was.region,
  )
  const named = naming.map(({ name }) => `The fleet file names it, as the instance of ${name}.`)
  const led = fleet.databases.flatMap((one) => ledBy(one, found.address))
  const unasked = applicationsMoved ? [] : found.unasked.map((one) => `${one} ${SAY_SO}`)
  return {
    ...found,
    operation,
    instance,
    replacement: copy,
    against: found.standing === 'there' ? [...found.against, ...named, ...led, ...unasked] : [],
  }
}

export const SAY_SO = 'Once you have looked, and none is, say --applications-moved.'

/** Connections that name the very address, by whatever entry. */
export function ledBy({ name, connections }: DatabaseEntry, address: HostPort): string[] {
  return Object.entries(connections).flatMap(([role, one]) =>
    one?.host != null && samePlace({ host: one.host, port: one.port ?? address.port }, address)
      ? [`The fleet file leads to it: connections.${role} of ${name}.`]
      : [],
  )
}

async function planOf(ledger: Ledger, operation: OperationId): Promise<ReplacePlan> {
  const { kind } = await findOperation(ledger, operation)
  const plan =
    kind === 'replace' ? ((await ledger.getDocument({ operation, name: REPLACE_DOCUMENTS.plan })) as ReplacePlan | null) : null
  if (plan !== null) return plan
  const why = kind === 'replace' ? 'has planned nothing' : `is no replacement but a ${kind}`
  const message = `Operation ${operation} ${why}; "capstan restore list" shows the instances that were replaced and are kept.`
  throw failure('OPTION_INVALID', message, { operation, kind })
}

/** `answeredMs`: how long its answer is waited for once a worker has heard it. */
async function told<Result>(
  { temporal }: Doors,
  operation: OperationId,
  { update, input, answeredMs }: { update: string; input?: KeepOldInput; answeredMs: number },
): Promise<Result> {
  const { WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowUpdateStage } = await import('@temporalio/client')
  const { connection } = temporal.client
  try {
    const handle = temporal.handle(retirementOfOld(operation))
    const waitForStage = WorkflowUpdateStage.ACCEPTED
    const accepted = await connection.withDeadline(Date.now() + HEARD_WITHIN_MS, () =>
      input === undefined
        ? handle.startUpdate<Result, []>(update, { waitForStage })
        : handle.startUpdate<Result, [KeepOldInput]>(update, { waitForStage, args: [input] }),
    )
    return await connection.withDeadline(Date.now() + answeredMs, () => accepted.result())
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) throw unanswered(operation)
    if (isNotFound(error)) throw nobodyKeeps(operation)
    throw temporalFailure(error, temporal.target)
  }
}

function unanswered(operation: OperationId): Failure {
  const message = `No worker answered in time, so it may or may not have been heard; check that workers run, then look with "capstan restore list".`
  return failure('NOT_READY_YET', message, { operation })
}

/** It is gone, is kept for good, or was never kept for a time. */
function nobodyKeeps(operation: OperationId): Failure {
  const message = `Nobody keeps the time of the instance that ${operation} replaced: it is gone, or is kept for good, or --keep-old was not said.`
  return failure('OPERATION_CLOSED', message, { operation })
}
