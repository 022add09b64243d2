/** A cloud exchanges an instance with its own read replica. Before it is told, nothing was changed; from then on there is only forward, since a cloud cannot be told
 *  to stop. That it came to nothing is an end too: the source writes as before, and nobody is led anywhere. The same operation, asked for the other way round,
 *  moves writing back. */
import type { HostPort } from '../../contracts/endpoint'
import {
  type ExchangeEnd,
  type ExchangeInput,
  type ExchangePlanSummary,
  EXCHANGE_STEPS as STEPS,
  type WriterProven,
} from '../../contracts/exchange'
import type { Finding, OperationResult, StepName } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { exchangeActivities } from './activities'
import { hasStayed, wordNow } from './word'

interface Exchanging {
  readonly run: Run
  readonly input: ExchangeInput
  readonly act: ReturnType<typeof exchangeActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the locks; 0: none is held. */
  readonly locked: { readonly source: number; readonly standby: number }
}

interface Planned extends ExchangePlanSummary {
  readonly sides: StandbySides
  readonly endpointAt: HostPort | null
}

export async function exchange(input: ExchangeInput): Promise<OperationResult> {
  const act = exchangeActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const planOnly = input.mode === 'plan'
  const scopes = { lockScope: planOnly ? null : input.lockScope, otherLockScope: planOnly ? null : input.standbyLockScope }
  return runOperation({ ...input, ...scopes }, (run, { epoch, otherEpoch }) =>
    underLocks({ run, input, act, ref, locked: { source: epoch, standby: otherEpoch } }),
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
  const { host, port } = both.sides.standby
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

async function goForward(exchanging: Exchanging, planned: Planned): Promise<Outcome> {
  const { run, act, ref } = exchanging
  const { sides, epoch } = planned
  const end = await run.forward(STEPS.exchange, {
    do: () => haveExchanged(exchanging, planned),
    detail: ({ summary, outcome }) => ({ summary, outcome }),
    needed: 'the cloud may be at it still. Say that it is done once you have seen it end, one way or the other',
  })
  let tries = 0
  let word = end
  const proven = await run.forward(STEPS.prove, {
    do: async () => {
      tries += 1
      const on = { ...ref(STEPS.prove), sides }
      if (end === null || tries > 1) word = await wordNow(end, () => act.beginning.rolesNow(on))
      return act.proving.proveWriter({ ...on, epoch, cloudSays: word?.outcome ?? null })
    },
    detail: ({ evidence, writer, other }) => ({ summary: evidence.join('; '), writer, other }),
    needed:
      'nobody may be led anywhere before it is known which of both takes writes. Have it tried again, which asks the cloud anew, or say that it is done once the replica alone does',
  })
  if (hasStayed(proven, word)) {
    const findings = proven === null ? [left(STEPS.prove), ledNowhere(planned, word)] : [stayed(planned, end)]
    return { status: 'failed', verdict: 'fail', findings }
  }
  const moved = await run.forward(STEPS.move, {
    do: () => act.traffic.moveEndpoint({ ...ref(STEPS.move), ...ways(planned) }),
    detail: ({ summary, moved: how }) => ({ summary, moved: how }),
  })
  const findings = [...doubts(planned, proven, word), ...(moved === null ? [left(STEPS.move)] : [])]
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

async function haveExchanged({ act, ref }: Exchanging, { sides }: Planned): Promise<ExchangeEnd> {
  const on = { ...ref(STEPS.exchange), sides }
  const { refused } = await act.beginning.beginExchange(on)
  if (refused !== null) return { outcome: 'stayed', summary: refused }
  return act.awaiting.awaitExchange(on)
}

function ways({ sides, endpointAt }: Planned): { from: HostPort; to: HostPort } {
  const { source, standby } = sides
  return { from: endpointAt ?? { host: source.host, port: source.port }, to: { host: standby.host, port: standby.port } }
}

function stayed({ sides: { source } }: Planned, end: ExchangeEnd | null): Finding {
  if (end?.outcome === 'exchanged')
    return {
      rule: 'exchange:stayed',
      message: `${source.instance} takes writes again: after its cloud had exchanged both, somebody exchanged them back.`,
    }
  const why = end === null ? '' : `: ${end.summary}`
  return { rule: 'exchange:stayed', message: `Nothing was exchanged, and ${source.instance} takes writes as before${why}` }
}

/** A person took the databases' word out of our hands, and the cloud's newest is another than theirs. */
function ledNowhere({ sides: { source, standby } }: Planned, word: ExchangeEnd | null): Finding {
  const message = `Nobody was led to ${standby.instance}, though a person said that it takes writes: by its cloud's newest word nothing was exchanged: ${word?.summary ?? 'it does not say why'}. Where it does take writes alone, lead applications there by hand.`
  return { rule: 'exchange:stayed', message: `${message} Where ${source.instance} does, nothing is to be done.` }
}

function doubts({ sides: { source } }: Planned, proven: WriterProven | null, word: ExchangeEnd | null): Finding[] {
  if (proven === null) return [left(STEPS.prove)]
  if (proven.other === 'follows') return []
  const message = `${source.instance} could not be asked, and has not said itself what its cloud says: ${word?.summary ?? 'nothing'}.`
  return [{ rule: 'exchange:old-silent', message }]
}

function left({ id, title }: StepName): Finding {
  return { rule: `left:${id}`, message: `“${title}” was not done by the operation: a person decided so.` }
}
