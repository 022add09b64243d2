/** What the ledger says of a standby, and who watches it. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { Failure, failure } from '../../contracts/failures'
import { TASK_QUEUES } from '../../contracts/messages'
import {
  REPLICATE_DOCUMENTS,
  type ReplicatePlan,
  STANDBY_SIGNALS,
  STANDBY_WORKFLOW,
  type StandbyWatch,
  standbyWorkflowId,
} from '../../contracts/replicate'
import type { DeclaredStandby, StandbyId, StandbyRecord, StandbyState } from '../../contracts/standby'
import { standbyNames } from '../../postgres/replicate/names'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Replicating } from './contract'
import { writeMade } from './made'
import { bothOf } from './sides'

/** Before anything is made. What another operation left half-made it takes over: whoever made it would hold the locks that we hold. */
export async function openStandby(deps: ActivityDeps, input: Replicating): Promise<void> {
  const { ledger } = deps
  const { operation, sides } = input
  const { id, request } = await bothOf(deps, input.bundle)
  const plan = (await ledger.getDocument({ operation, name: REPLICATE_DOCUMENTS.plan })) as ReplicatePlan | null
  if (plan === null) throw new Error(`operation ${operation} has no plan`)
  const before = await ledger.getStandby(id)
  const { names } = await writeMade(deps, operation, {
    ...{ version: 1, ...id, names: standbyNames(id), tables: plan.preflight.tables },
    takesOver: before?.state === 'building' ? before.operation : null,
  })
  const at = new Date().toISOString()
  if (before !== null && before.state === 'building' && before.operation !== operation) {
    assertMayAct()
    await ledger.changeStandby({
      ...id,
      from: 'building',
      to: 'gone',
      reason: `Given up; ${operation} makes it anew.`,
      operation,
      at,
    })
  }
  assertMayAct()
  const instances = { source: sides.source.instanceId, target: sides.standby.instanceId }
  await ledger.openStandby({ ...id, operation, at, instances, names, declared: request.declared })
}

/** What there is. Fails with STANDBY_UNKNOWN where there is none. */
export async function standing({ ledger }: Pick<ActivityDeps, 'ledger'>, id: StandbyId): Promise<StandbyRecord> {
  const record = await ledger.getStandby(id)
  if (record !== null && record.state !== 'gone') return record
  const { source, target } = id
  const turned = await ledger.getStandby({ source: target, target: source })
  const hint =
    turned === null || turned.state === 'gone'
      ? `"capstan replicate ${source} --to ${target}" makes one`
      : `writing has moved, and ${source} follows ${target}: name ${target}, and --to ${source}`
  const message = `${source} has no standby ${target}${record === null ? '' : ' any more'}: ${hint}.`
  throw failure('STANDBY_UNKNOWN', message, { source: id.source, standby: id.target })
}

interface Change {
  readonly to: StandbyState
  readonly reason: string | null
  readonly operation: string
  /** As the fleet file says by now; absent: it stays. */
  readonly declared?: DeclaredStandby
}

/** From one of these; where it is so already by this operation it stays. The watch may change it in between: then it is looked at again. */
export async function change(deps: ActivityDeps, id: StandbyId, from: readonly StandbyState[], to: Change): Promise<void> {
  for (;;) {
    const { state, operation } = await standing(deps, id)
    if (state === to.to && operation === to.operation) return
    refuseOtherThan(from, id, state)
    assertMayAct()
    try {
      await deps.ledger.changeStandby({ ...id, from: state, ...to, at: new Date().toISOString() })
      return
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'STANDBY_CHANGED') throw error
    }
  }
}

export function refuseOtherThan(allowed: readonly StandbyState[], { source, target }: StandbyId, state: StandbyState): void {
  if (allowed.includes(state)) return
  const pair = `${source} --to ${target}`
  const hints: Partial<Record<StandbyState, string>> = {
    'to-be-seeded': `: seed it anew with "capstan standby reseed ${pair}"`,
    switching: `: a switchover has it in hand. If that was ended by force, "capstan standby resume ${pair}" first`,
  }
  const message = `The standby ${target} of ${source} is ${state}; for this it has to be one of: ${allowed.join(', ')}${hints[state] ?? ''}.`
  throw failure('STANDBY_CHANGED', message, { source, standby: target, state })
}

/** Starts who watches, or tells the one that runs what to look at. */
export async function startWatch(watch: StandbyWatch): Promise<void> {
  const { client } = assertMayAct()
  try {
    await client.workflow.signalWithStart(STANDBY_WORKFLOW, {
      workflowId: standbyWorkflowId(watch),
      taskQueue: TASK_QUEUES.control,
      args: [watch],
      signal: STANDBY_SIGNALS.watch,
      signalArgs: [watch],
      staticSummary: `Watches ${watch.target}, which follows ${watch.source}`,
    })
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return
    throw failure('TEMPORAL_UNREACHABLE', `Temporal did not say whether ${watch.target} is watched.`, {}, { cause: error })
  }
}
