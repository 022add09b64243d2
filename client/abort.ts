/** Stopping an operation: by its workflow, which takes its steps back; by the server, when no worker answers; or, where nobody is left to
 *  take anything back, by closing its record. */

import { FAILOVER_STEPS } from '../contracts/failover'
import { failure } from '../contracts/failures'
import { type AbortInput, UPDATES } from '../contracts/messages'
import { OLD_INSTANCE } from '../contracts/old-instance'
import { OPERATION_STEPS, type OperationDocument, type OperationId, pointOfNoReturn, temporaryName } from '../contracts/operation'
import { freshBackupOf, keptFrom, OVERWRITE_DOCUMENTS, OVERWRITE_STEPS, type OverwritePlan } from '../contracts/overwrite'
import { REBUILD_STEPS } from '../contracts/rebuild'
import { REPLACE_DOCUMENTS, REPLACE_STEPS } from '../contracts/replace'
import { REPLICATE_DOCUMENTS, REPLICATE_STEPS, type ReplicatePlan } from '../contracts/replicate'
import { SWITCHOVER_STEPS } from '../contracts/switchover'
import { UPGRADE_STEPS } from '../contracts/upgrade'
import type { Ledger } from '../ledger/ledger'
import { ANSWER_TIMEOUT_MS, assertOpen, type Doors, notWaiting, update, whyGone } from './decide'
import { findOperation } from './find-operation'
import { stuckSteps } from './standing'
import { isNotFound } from './temporal'

/** After this an abort goes the other way: the server itself records a cancellation, no worker needed. */
const ABORT_TIMEOUT_MS = 3_000

/** Resolves once the abort is recorded; the undoing takes its time. `accepted`: by the workflow. `requested`: left for it at the
 *  server, because no worker answered. `closed`: it was recorded but never started, so there was nothing to undo, or its workflow is gone and
 *  `closeRecord` asks for no more than that. */
export async function abort(
  doors: Doors,
  decision: AbortInput & { operation: OperationId; closeRecord: boolean },
): Promise<{ how: 'accepted' | 'requested' | 'closed' }> {
  const document = await findOperation(doors.ledger, decision.operation)
  assertOpen(document)
  if (decision.closeRecord) return await closeGone(doors, document, decision)
  if (document.status === 'needs-operator') throw notWaiting(document, whatWaits(document))
  const input: AbortInput = { by: decision.by, reason: decision.reason }
  if (await neverStarted(doors, document)) {
    await closeNeverStarted(doors.ledger, document, input)
    return { how: 'closed' }
  }
  try {
    await update(doors, document.id, UPDATES.abort, input, ABORT_TIMEOUT_MS)
    return { how: 'accepted' }
  } catch (error) {
    if (!isUnanswered(error)) throw error
  }
  // Asked anew, since it may have got there meanwhile: what is left at the server then is heard by nobody.
  const passed = pointOfNoReturn(await findOperation(doors.ledger, document.id))
  if (passed !== null) throw noWayBack(document.id, passed)
  try {
    await doors.temporal.within(ANSWER_TIMEOUT_MS, () => doors.temporal.handle(document.id).cancel())
  } catch (error) {
    throw isNotFound(error) ? await whyGone(doors.ledger, document.id) : error
  }
  return { how: 'requested' }
}

function noWayBack(operation: OperationId, why: string): Error {
  const message = `Operation ${operation} has passed its point of no return (${why}): it can only go forward, and an abort would take nothing back. No worker answers now; it goes on once one does.`
  return failure('NO_WAY_BACK', message, { operation })
}

/** An abort is nothing but undos, and one of them waits already; or nothing is undone any more. */
function whatWaits(document: OperationDocument): string {
  const step = stuckSteps(document)[0]?.id ?? 'ID'
  const what = pointOfNoReturn(document) === null ? 'an undo' : 'a step past the point of no return'
  return `${what} waits for a decision, which an abort cannot take: "capstan ops resolve ${document.id} retry|done|skip --step ${step}"`
}

/** Whoever started it was gone between recording it and starting its workflow. One that has begun a step is another matter. */
async function neverStarted(doors: Doors, document: OperationDocument): Promise<boolean> {
  return document.steps.length === 0 && (await workflowState(doors, document.id)) === 'NOT_FOUND'
}

/** Temporal's word for the operation's workflow. */
export async function workflowState({ temporal }: Doors, id: OperationId): Promise<string> {
  try {
    const { status } = await temporal.within(ANSWER_TIMEOUT_MS, () => temporal.handle(id).describe())
    return status.name
  } catch (error) {
    if (isNotFound(error)) return 'NOT_FOUND'
    throw error
  }
}

async function closeNeverStarted(ledger: Ledger, { id }: OperationDocument, by: AbortInput): Promise<void> {
  await closeRecord(ledger, id, `It was recorded but never started; closed by ${nameAndReason(by)}.`)
}

/** For an operation that somebody terminated, or whose Temporal was lost: nobody is left to undo anything. */
async function closeGone(doors: Doors, document: OperationDocument, by: AbortInput): Promise<{ how: 'closed' }> {
  const { id } = document
  const state = await workflowState(doors, id)
  if (state === 'RUNNING' || state === 'PAUSED') {
    const message = `Operation ${id} has a workflow that can take its steps back: leave --close-record out.`
    throw failure('OPTION_INVALID', message, { option: 'close-record', operation: id })
  }
  const stays = await whatStays(doors.ledger, document)
  const made = (await doors.ledger.listResources({ operation: id })).filter(({ removedAt }) => removedAt === null)
  // The instance whose place was taken was there before.
  const left = made.filter(({ kind, name }) => kind !== OLD_INSTANCE && name !== stays?.name)
  const names = left.map(({ kind, name }) => `${kind} ${name}`).join(', ')
  const nothing = stays === null ? 'The ledger knows of nothing that it left.' : ''
  const said = [
    `Its workflow was gone (${state}); closed by ${nameAndReason(by)}.`,
    stays?.message ?? '',
    left.length === 0 ? nothing : `Not taken back: ${names}.`,
  ]
  await closeRecord(doors.ledger, id, said.filter((sentence) => sentence !== '').join(' '))
  return { how: 'closed' }
}

interface Stays {
  /** Of what the operation made and nobody is told to remove; null: all of that may go. */
  readonly name: string | null
  readonly message: string
}

function whatStays(ledger: Ledger, document: OperationDocument): Promise<Stays | null> {
  if (document.kind === 'overwrite') return whatIsOverwritten(ledger, document)
  if (document.kind === 'switchover') return whereWritingIs(document)
  if (document.kind === 'failover') return whoIsTheWriter(document)
  if (document.kind === 'exchange') return whatTheCloudDoes(document)
  if (document.kind === 'upgrade') return whatBecameOfGreen(document)
  return document.kind === 'replicate' ? whatMayFollow(ledger, document) : whatTookOver(ledger, document)
}

/** Whoever opens the wrong side has two writers. */
async function whereWritingIs({ id, databases, steps }: OperationDocument): Promise<Stays | null> {
  if (steps.every((step) => HARMLESS.has(step.id) || BEFORE_THE_CROSSING.has(step.id) || step.state === 'undone')) return null
  const [source = '', target = ''] = databases
  const moved = pointOfNoReturn({ steps }) !== null
  const where = moved
    ? `writing moves to ${target}: do not open ${source}`
    : `writing is still ${source}'s, which may be closed: open it, and see that ${target} follows`
  return {
    name: null,
    message: `It was closed amid a switchover, and ${where}. "capstan ops show ${id} --plan" has what is left to do, as SQL.`,
  }
}

/** A cloud that was told goes on by itself. */
async function whatTheCloudDoes({ id, databases, steps }: OperationDocument): Promise<Stays | null> {
  if (pointOfNoReturn({ steps }) === null) return null
  const [source = '', target = ''] = databases
  return {
    name: null,
    message: `Its cloud may have exchanged ${source} and ${target}, or be at it still: ask both SELECT pg_is_in_recovery(), and lead applications to the one that says no. "capstan ops show ${id} --plan" has what the cloud calls it.`,
  }
}

/** What it made is RDS's deployment, and bears its name; once it is told to switch over, green may be production. */
async function whatBecameOfGreen({ id, steps }: OperationDocument): Promise<Stays | null> {
  const made = steps.find((step) => step.id === UPGRADE_STEPS.green.id)
  if (made === undefined || made.state === 'undone') return null
  const name = temporaryName(id, UPGRADE_STEPS.green.id)
  const where =
    pointOfNoReturn({ steps }) === null
      ? 'may be there, with its green: delete both (aws rds delete-blue-green-deployment --delete-target)'
      : 'may have been switched over: see which instance has the name before you delete anything'
  return { name: null, message: `It was closed amid an upgrade: blue/green deployment ${name} ${where}.` }
}

/** The source may be closed and stopped, and whoever starts it beside an open standby has two writers. */
async function whoIsTheWriter({ id, databases, steps }: OperationDocument): Promise<Stays | null> {
  const fenced = steps.find((step) => step.id === FAILOVER_STEPS.fence.id)
  if (fenced === undefined || fenced.state === 'undone') return null
  const [source = '', target = ''] = databases
  const where =
    pointOfNoReturn({ steps }) === null
      ? `${target} is still a standby, and ${source} may be closed and stopped: put its networks back and start it, or fail over anew`
      : `${target} is to be the writer, and may not be open yet: do not start ${source}`
  return {
    name: null,
    message: `It was closed amid a failover: ${where}. "capstan ops show ${id}" says how far it came.`,
  }
}

const BEFORE_THE_CROSSING = new Set<string>([SWITCHOVER_STEPS.compare.id, SWITCHOVER_STEPS.papers.id])

/** Steps that make nothing. */
const HARMLESS = new Set<string>([
  ...Object.values(OPERATION_STEPS).map(({ id }) => id),
  REPLICATE_STEPS.plan.id,
  REPLICATE_STEPS.approve.id,
  REPLICATE_STEPS.grow.id,
  REBUILD_STEPS.find.id,
  REBUILD_STEPS.letIn.id,
])

/** A slot that nobody reads holds production's log back until the disk is full. */
async function whatMayFollow(ledger: Ledger, { id, databases, steps }: OperationDocument): Promise<Stays | null> {
  if (steps.every((step) => HARMLESS.has(step.id) || step.state === 'undone')) return null
  const plan = (await ledger.getDocument({ operation: id, name: REPLICATE_DOCUMENTS.plan })) as ReplicatePlan | null
  const [source = '', target = ''] = databases
  const made =
    plan === null
      ? 'what it follows by'
      : `publication ${plan.names.publication} and slot ${plan.names.slot} on ${plan.source.instance}, and subscription ${plan.names.subscription} on ${plan.standby.instance},`
  const message =
    `It was closed amid its work on standby ${target} of ${source}: ${made} may be there still, and a slot that stays holds the log of ${source} back until its disk is full; ` +
    `ask for the same again, or "capstan standby remove ${source} --to ${target}".`
  return { name: null, message }
}

/** Past the point of no return the copy is production, or was about to become it: nobody is told to remove it. */
async function whatTookOver(ledger: Ledger, document: OperationDocument): Promise<Stays | null> {
  const { id } = document
  const passed = pointOfNoReturn(document)
  const recorded = (await ledger.getDocument({ operation: id, name: REPLACE_DOCUMENTS.tookOver })) !== null
  if (passed === null && !recorded) return null
  const instance = temporaryName(id, REPLACE_STEPS.copy.id)
  const where =
    passed === null ? 'It was closed past its point of no return' : `It was closed past its point of no return (${passed})`
  const what = recorded
    ? `instance ${instance} took over: it is production, do not remove it`
    : `instance ${instance} was about to take over: look where the endpoint leads before you remove anything`
  return { name: instance, message: `${where}; ${what}. The old instance may be closed still.` }
}

/** Nobody opens what it closed any more, and its fresh backup may be all that is left of what was there. */
async function whatIsOverwritten(ledger: Ledger, document: OperationDocument): Promise<Stays | null> {
  const passed = pointOfNoReturn(document)
  const fence = document.steps.find(({ id }) => id === OVERWRITE_STEPS.fence.id)
  if (passed === null && (fence === undefined || fence.state === 'undone')) return null
  const closed =
    'the instance may be closed still: open its databases (ALTER DATABASE … ALLOW_CONNECTIONS true, from the database capstan_fence) and its networks'
  if (passed === null) return { name: null, message: `It was closed behind its fence; ${closed}.` }
  const plan = (await ledger.getDocument({ operation: document.id, name: OVERWRITE_DOCUMENTS.plan })) as OverwritePlan | null
  // Closing it is its end, from which that time counts.
  const until =
    plan === null ? '' : ` Retention keeps it until ${keptFrom(new Date().toISOString(), plan.keepHours)} and may remove it then.`
  const name = freshBackupOf(document.id)
  const message = `It was closed past its point of no return (${passed}): look in the cloud whether that goes on; ${closed}. ${name} has what it held: do not remove it.${until}`
  return { name, message }
}

function nameAndReason({ by, reason }: AbortInput): string {
  return reason === '' ? by : `${by}: ${reason}`
}

async function closeRecord(ledger: Ledger, operation: OperationId, message: string): Promise<void> {
  const finishedAt = new Date().toISOString()
  await ledger.setStatus({ operation, status: 'aborted', failure: { code: 'OPERATION_ABORTED', message }, finishedAt })
}

function isUnanswered(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'NOT_READY_YET'
}
