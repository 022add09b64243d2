/** A cloud exchanges an instance with its own read replica. Before it is told, nothing was changed; from then on there is only forward, since a cloud cannot be told
 *  to stop. That it came to nothing is an end too: the source writes as before, and nobody is led anywhere. The same operation, asked for the other way round,
 *  moves writing back. */
import { type ExchangeInput, EXCHANGE_STEPS as STEPS } from '../../contracts/exchange'
import type { OperationResult, StepName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import { exchangeActivities } from './activities'
import { goForward } from './forward'
import { type Exchanging, type Planned, writesAt } from './over'
import { takeOver } from './take-over'

export async function exchange(input: ExchangeInput): Promise<OperationResult> {
  const act = exchangeActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const planOnly = input.mode === 'plan'
  const scopes = { lockScope: planOnly ? null : input.lockScope, otherLockScope: planOnly ? null : input.standbyLockScope }
  return runOperation({ ...input, ...scopes }, (run, { epoch, otherEpoch }) =>
    (input.takeOver === undefined ? underLocks : takeOver)({
      run,
      input,
      act,
      ref,
      locked: { source: epoch, standby: otherEpoch },
    }),
  )
}

async function underLocks(exchanging: Exchanging): Promise<Outcome> {
  const { run, input, act, ref } = exchanging
  const first = await run.step(STEPS.plan, {
    do: () => plan(exchanging, STEPS.plan),
    detail: ({ summary, blocks, digest }) => ({ summary, findings: blocks, planDigest: digest }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.record.setStatus('running', { planDigest: first.digest })
  if (first.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: first.blocks }
  const planned = input.approval === 'none' ? first : await approvedPlan(exchanging, first)
  if (planned === null) return { status: 'rejected', verdict: null, findings: [] }
  // an approval mends nothing
  if (planned.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: planned.blocks }
  const { sides, epoch } = planned
  await run.step(STEPS.mark, {
    do: () => act.askingData.raiseOnSource({ ...ref(STEPS.mark), sides, epoch }),
    detail: ({ summary }) => ({ summary }),
  })
  await run.pointOfNoReturn(STEPS.exchange, 'the cloud exchanges both, and cannot be told to stop')
  return goForward(exchanging, planned)
}

async function plan({ act, ref, input, locked }: Exchanging, step: StepName): Promise<Planned> {
  const both = await act.asking.lookAtBoth(ref(step))
  const locks =
    input.mode === 'plan'
      ? null
      : {
          source: { scope: input.lockScope, epoch: locked.source },
          standby: { scope: input.standbyLockScope, epoch: locked.standby },
        }
  const { host, port } = writesAt(both.sides)
  const endpoint = await act.askingTraffic.whereTo({ ...ref(step), next: { host, port } })
  const planned = await act.askingData.planExchange({ ...ref(step), ...both, locks, endpoint })
  return { ...planned, sides: both.sides, endpointAt: endpoint.at }
}

/** Null: it was rejected. */
async function approvedPlan(exchanging: Exchanging, planned: Planned): Promise<Planned | null> {
  const approval = await awaitApproval(exchanging.run, {
    step: STEPS.approve,
    planned,
    digestOf: ({ digest }) => digest,
    planAgain: () => plan(exchanging, STEPS.approve),
    drifted: 'one of both, or the endpoint, has changed',
  })
  return approval.rejected ? null : approval.planned
}
