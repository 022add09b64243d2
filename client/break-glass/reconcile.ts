/** The ledger is told what was done by hand, once it and Temporal are there again: the journal, where writing is, and that nobody need go on. The workflow that is
 *  still there cannot act, since the rows of who may act stand above it; it waits for an operator, and is told. Safe to repeat. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BREAK_GLASS_DOCUMENTS, FINISH_STEPS, type LedByHand, type ReconciledJournal } from '../../contracts/break-glass'
import type { MigrationBundle } from '../../contracts/bundle'
import { Failure, failure } from '../../contracts/failures'
import { TASK_QUEUES } from '../../contracts/messages'
import {
  FINAL_STATUSES,
  type OperationDocument,
  type OperationStatus,
  pointOfNoReturn,
  type StepName,
} from '../../contracts/operation'
import { STANDBY_SIGNALS, STANDBY_WORKFLOW, type StandbyWatch, standbyWorkflowId } from '../../contracts/replicate'
import type { StandbyId, StandbyRecord } from '../../contracts/standby'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../../contracts/switchover'
import type { Ledger } from '../../ledger/ledger'
import { standbyNames } from '../../postgres/replicate/names'
import { workflowState } from '../abort'
import { type Doors, resolve } from '../decide'
import { findOperation } from '../find-operation'
import { stuckSteps } from '../standing'

/** Of the record, beside the operation's own steps. */
const STEP: StepName = { id: 'by-hand', title: 'Done by hand' }
/** After all others. */
const SEQUENCE = 1_000

export interface Reconciled {
  readonly version: 1
  readonly operation: string
  readonly outcome: ReconciledJournal['outcome']
  /** How its record ended. */
  readonly status: OperationStatus
  /** Steps of its workflow that waited and were told, in their order. */
  readonly resolved: readonly string[]
  /** In the ledger the old writer is the standby now. */
  readonly turned: boolean
  /** As the journal says it; null: it says nothing. */
  readonly endpoint: LedByHand | null
}

/** `waitMs`: for a workflow that has not found out yet that it may not go on. Fails with OPERATION_UNKNOWN; with NOT_READY_YET where it goes on still: repeat it. */
export async function reconcile(
  doors: Doors,
  journal: ReconciledJournal,
  { by, heartbeatTimeoutMs, waitMs }: { readonly by: string; readonly heartbeatTimeoutMs: number; readonly waitMs: number },
): Promise<Reconciled> {
  const [{ operation } = { operation: '' }] = journal.entries
  const { ledger } = doors
  const document = await findOperation(ledger, operation)
  if (document.kind !== 'switchover')
    throw failure('OPTION_INVALID', `${operation} is a ${document.kind}: there is no going on by hand with those.`, { operation })
  const told = (status: OperationStatus, resolved: readonly string[], turned: boolean): Reconciled => ({
    ...{ version: 1, operation, outcome: journal.outcome },
    ...{ status, resolved, turned, endpoint: endpointOf(journal) },
  })
  if (await isTold(ledger, document, journal)) return told(document.status, [], false)
  await refuseLate(ledger, document, journal)
  await putJournal(ledger, document, journal)
  const turned = await turn(doors, operation, { deed: journal.deed, heartbeatTimeoutMs })
  const resolved = await letItEnd(doors, document, { journal, by, waitMs })
  const { status } = await findOperation(ledger, operation)
  return told(status, resolved, turned)
}

/** What was told once is not told again: the pair may have been moved elsewhere since. */
async function isTold(ledger: Ledger, { id, status }: OperationDocument, { entries }: ReconciledJournal): Promise<boolean> {
  if (!FINAL_STATUSES.includes(status)) return false
  const held = (await ledger.getDocument({ operation: id, name: BREAK_GLASS_DOCUMENTS.journal })) as ReconciledJournal | null
  return held !== null && held.entries.at(-1)?.digest === entries.at(-1)?.digest
}

/** The pair is as a later operation left it, and a journal of before says nothing of it. */
async function refuseLate(ledger: Ledger, { id, databases }: OperationDocument, { endedAt }: ReconciledJournal): Promise<void> {
  for (const database of databases) {
    const since = await ledger.listOperations({ database, mode: 'apply', since: endedAt, limit: LOOKED_AT })
    const later = since.find((one) => one.id !== id && MOVING.includes(one.kind) && one.status !== 'rejected')
    if (later === undefined) continue
    const message = `${later.id} has been at work on ${database} since this journal ended: what the ledger says of the pair by now is not changed by it. Look with "capstan standby list".`
    throw failure('STANDBY_CHANGED', message, { operation: id, later: later.id })
  }
}

const LOOKED_AT = 100
const MOVING: readonly string[] = ['replicate', 'switchover', 'failover']

async function putJournal(ledger: Ledger, { id, status }: OperationDocument, journal: ReconciledJournal): Promise<void> {
  const document = { operation: id, name: BREAK_GLASS_DOCUMENTS.journal, document: journal }
  if (FINAL_STATUSES.includes(status)) {
    await ledger.putDocumentOnce(document)
    return
  }
  await ledger.putDocument(document)
  const { outcome, by, entries, endedAt } = journal
  const [first] = entries
  const done = entries.filter(({ event, step }) => event === 'after' && step !== null).map(({ step }) => step)
  const endpoint = endpointOf(journal)
  const led = endpoint === null ? '' : `; ${endpoint.moved ? '' : 'the endpoint was left to a person: '}${endpoint.said}`
  const detail = {
    summary: `${outcome} by ${by}: ${[...new Set(done)].join(', ')}${led}`,
    outcome,
    endpoint,
    sealed: journal.sealed,
  }
  const record = { ...STEP, state: 'done' as const, attempts: 1, startedAt: first?.at ?? endedAt, finishedAt: endedAt, detail }
  await ledger.recordStep({ operation: id, sequence: SEQUENCE, step: record })
}

/** What was said of it last. */
function endpointOf({ entries }: ReconciledJournal): LedByHand | null {
  const told = entries.findLast(({ step, event }) => step === FINISH_STEPS.endpoint.id && event !== 'before')
  return told === undefined ? null : { moved: told.event === 'after', said: told.said }
}

async function bundleOf(ledger: Ledger, operation: string): Promise<MigrationBundle> {
  const { bundle } = await ledger.getOrigin(operation)
  return ledger.getBundle(bundle)
}

/** As the switchover's last step does: the old pair is gone, the turned one follows, and is watched. Taken back it is the other way round. Without a way back there is no turned
 *  one. Resolves to whether there is. */
async function turn(doors: Doors, operation: string, { deed, heartbeatTimeoutMs }: Turning): Promise<boolean> {
  const { ledger } = doors
  const { database, switchover: request } = await bundleOf(ledger, operation)
  const plan = (await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan })) as SwitchoverPlan | null
  if (request === undefined || plan === null) throw nobodySays(operation)
  const { standby, back, oneWay } = request
  const reason = `${operation} has left writing at ${deed === 'finish' ? standby.name : database.name}, by hand.`
  const pair = { source: database.name, target: standby.name }
  if (oneWay !== undefined && deed === 'finish') {
    await changed(ledger, pair, { to: 'gone', reason, operation })
    return false
  }
  if (oneWay !== undefined) {
    const instances = { source: plan.source.instanceId, target: plan.standby.instanceId }
    await opened(ledger, { operation, id: pair, declared: request.declared, instances })
    const bundle = await ledger.putBundle({ version: 1, database, migrations: [], switchover: { ...request, rehearse: false } })
    await watched(doors, {
      ...{ version: 1, ...pair, bundle, heartbeatTimeoutMs, cloud: database.cloud, standbyCloud: standby.cloud },
      sides: { source: plan.source, standby: plan.standby },
    })
    return false
  }
  if (back === null) throw nobodySays(operation)
  const there = { writer: database, follower: standby, declared: request.declared, back }
  const turned = { writer: standby, follower: database, declared: back, back: request.declared }
  const [stands, gone] = deed === 'finish' ? [turned, there] : [there, turned]
  const [at, after] = deed === 'finish' ? [plan.standby, plan.source] : [plan.source, plan.standby]
  await changed(ledger, { source: gone.writer.name, target: gone.follower.name }, { to: 'gone', reason, operation })
  const id = { source: stands.writer.name, target: stands.follower.name }
  await opened(ledger, {
    operation,
    id,
    declared: stands.declared,
    instances: { source: at.instanceId, target: after.instanceId },
  })
  const { declared, back: again, follower, writer } = stands
  const { drainMsMax, compareMsMax } = request
  const switchover = { standby: follower, declared, back: again, rehearse: false, drainMsMax, compareMsMax }
  const bundle = await ledger.putBundle({ version: 1, database: writer, migrations: [], switchover })
  await watched(doors, {
    ...{ version: 1, ...id, bundle, heartbeatTimeoutMs, cloud: writer.cloud, standbyCloud: follower.cloud },
    sides: { source: at, standby: after },
  })
  return deed === 'finish'
}

function nobodySays(operation: string): Failure {
  return failure('DEFECT', `The ledger does not say how ${operation} was to turn its pair round.`, { operation })
}

interface Turning {
  readonly deed: ReconciledJournal['deed']
  readonly heartbeatTimeoutMs: number
}

/** What an operation said of a pair while it was under way holds no more; what the watch says of it, and a person, stays. */
async function opened(
  ledger: Ledger,
  { operation, id, declared, instances }: Pick<StandbyRecord, 'declared' | 'instances'> & { operation: string; id: StandbyId },
): Promise<void> {
  const held = await ledger.getStandby(id)
  if (held === null || held.state === 'gone' || held.operation === operation)
    await ledger.openStandby({ ...id, operation, at: new Date().toISOString(), instances, names: standbyNames(id), declared })
  await changed(ledger, id, { to: 'following', reason: null, operation, unless: STAYS })
}

/** Whatever else it is was somebody's who is not at work any more. */
const STAYS: readonly string[] = ['late', 'paused', 'to-be-seeded', 'copying']

async function watched({ temporal }: Doors, watch: StandbyWatch): Promise<void> {
  await temporal.within(ANSWER_MS, () =>
    temporal.client.workflow.signalWithStart(STANDBY_WORKFLOW, {
      ...{ workflowId: standbyWorkflowId(watch), taskQueue: TASK_QUEUES.control, args: [watch] },
      ...{ signal: STANDBY_SIGNALS.watch, signalArgs: [watch] },
      staticSummary: `Watches ${watch.target}, which follows ${watch.source}`,
    }),
  )
}

const ANSWER_MS = 10_000

interface Change {
  readonly to: 'gone' | 'following'
  readonly reason: string | null
  readonly operation: string
  /** In these it stays. */
  readonly unless?: readonly string[]
}

/** The watch may change it in between: then it is looked at again. */
async function changed(ledger: Ledger, id: StandbyId, { to, reason, operation, unless = [] }: Change): Promise<void> {
  for (;;) {
    const held = await ledger.getStandby(id)
    if (held === null || held.state === to || held.state === 'gone' || unless.includes(held.state)) return
    try {
      await ledger.changeStandby({ ...id, from: held.state, to, reason, operation, at: new Date().toISOString() })
      return
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'STANDBY_CHANGED') throw error
    }
  }
}

const POLL_MS = 500
/** There are not that many steps. */
const RESOLVED_MAX = 50

/** Each step that waits is told what became of it: an undo that must not be done any more is left out, what was done is done. */
async function letItEnd(
  doors: Doors,
  { id }: OperationDocument,
  { journal, by, waitMs }: { readonly journal: ReconciledJournal; readonly by: string; readonly waitMs: number },
): Promise<string[]> {
  const resolved: string[] = []
  for (const until = Date.now() + waitMs; ; await sleep(POLL_MS)) {
    const document = await findOperation(doors.ledger, id)
    if (FINAL_STATUSES.includes(document.status)) return resolved
    const [stuck] = stuckSteps(document)
    if (stuck !== undefined && resolved.length < RESOLVED_MAX) {
      const forward = pointOfNoReturn(document) !== null
      const decision = forward === (journal.deed === 'finish') ? 'done' : 'skip'
      await resolve(doors, { operation: id, by, step: stuck.id, decision }).catch(unlessItMoved)
      resolved.push(stuck.id)
      continue
    }
    const state = await workflowState(doors, id)
    if (state !== 'RUNNING' && state !== 'PAUSED') {
      await closeRecord(doors.ledger, id, journal)
      return resolved
    }
    if (Date.now() > until) {
      const message = `The journal is in the ledger, and ${id} is ${document.status} still: it cannot act, and will wait for an operator as soon as a worker runs. Repeat "capstan break-glass reconcile" then.`
      throw failure('NOT_READY_YET', message, { operation: id, status: document.status })
    }
  }
}

/** It waited, and waits no more. */
function unlessItMoved(error: unknown): void {
  if (!(error instanceof Failure) || !['OPERATION_NOT_WAITING', 'OPERATION_CLOSED', 'OPTION_INVALID'].includes(error.code))
    throw error
}

/** Of one whose workflow is gone: nobody else will. Its locks are superseded by whoever asks for them next. */
async function closeRecord(ledger: Ledger, operation: string, { deed, by, endedAt }: ReconciledJournal): Promise<void> {
  const finishedAt = new Date().toISOString()
  if (deed === 'finish') {
    await ledger.setStatus({ operation, status: 'succeeded', verdict: 'inconclusive', failure: null, finishedAt })
    return
  }
  const message = `Its workflow was gone; what it did was taken back by hand by ${by}, until ${endedAt} ("capstan break-glass revert").`
  await ledger.setStatus({ operation, status: 'aborted', failure: { code: 'OPERATION_ABORTED', message }, finishedAt })
}
