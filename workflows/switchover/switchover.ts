/** Writing moves to a standby, and the old writer follows it from then on. Up to the point of no return, which is where the endpoint moves, everything is
 *  taken back in reverse: the fence first, so that whoever waits is served again. Past it there is only forward. The same operation, asked for the other way
 *  round, moves writing back. */
import type { HostPort } from '../../contracts/endpoint'
import type { Finding, OperationResult, StepDetail, StepName } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { SWITCHOVER_STEPS as STEPS, type SwitchoverInput, type SwitchoverPlanSummary } from '../../contracts/switchover'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { switchoverActivities } from './activities'

interface Switching {
  readonly run: Run
  readonly input: SwitchoverInput
  readonly act: ReturnType<typeof switchoverActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the locks; 0: none is held. */
  readonly locked: { readonly source: number; readonly standby: number }
}

interface Planned extends SwitchoverPlanSummary {
  readonly sides: StandbySides
  readonly endpointAt: HostPort | null
}

export async function switchover(input: SwitchoverInput): Promise<OperationResult> {
  const act = switchoverActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const planOnly = input.mode === 'plan'
  const scopes = { lockScope: planOnly ? null : input.lockScope, otherLockScope: planOnly ? null : input.standbyLockScope }
  return runOperation({ ...input, ...scopes }, (run, { epoch, otherEpoch }) =>
    underLocks({ run, input, act, ref, locked: { source: epoch, standby: otherEpoch } }),
  )
}

async function underLocks(switching: Switching): Promise<Outcome> {
  const { input } = switching
  const first = await plan(switching)
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  if (first.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: first.blocks }
  const planned = input.approval === 'none' ? first : await approvedPlan(switching, first)
  if (planned === null) return { status: 'rejected', verdict: null, findings: [] }
  // an approval mends nothing
  if (planned.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: planned.blocks }
  const compared = await compare(switching, planned)
  if (compared.differ) return { status: 'failed', verdict: 'fail', findings: compared.findings }
  if (input.rehearse)
    return { status: 'succeeded', verdict: compared.findings.length > 0 ? 'inconclusive' : 'pass', findings: compared.findings }
  await prepare(switching, planned)
  const left = await cross(switching, planned)
  const findings = [...compared.findings, ...left]
  return { status: 'succeeded', verdict: left.length > 0 ? 'fail' : findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

async function plan(switching: Switching): Promise<Planned> {
  const { run, input } = switching
  const planned = await run.step(STEPS.plan, {
    do: () => planBoth(switching, STEPS.plan),
    detail: ({ summary, blocks, digest, predictedOutageMs }) => ({
      summary,
      findings: blocks,
      planDigest: digest,
      predictedOutageMs,
    }),
  })
  if (input.mode !== 'plan') await run.record.setStatus('running', { planDigest: planned.digest })
  return planned
}

async function planBoth({ act, ref, input, locked }: Switching, step: StepName): Promise<Planned> {
  const source = await act.asking.describeTarget(ref(step))
  const sides = { source, standby: await act.askingStandby.describeStandby(ref(step)) }
  const locks =
    input.mode === 'plan'
      ? null
      : {
          source: { scope: input.lockScope, epoch: locked.source },
          standby: { scope: input.standbyLockScope, epoch: locked.standby },
        }
  const scope = { databases: [input.sourceDatabase] }
  const fence = await act.askingFence.planFence({ ...ref(step), target: source, scope, copy: false, lock: locks?.source ?? null })
  const next = { host: sides.standby.host, port: sides.standby.port }
  const endpoint = await act.askingTraffic.whereTo({ ...ref(step), next })
  return {
    ...(await act.crossing.planSwitchover({ ...ref(step), sides, locks, fence, endpoint })),
    sides,
    endpointAt: endpoint.at,
  }
}

/** Null: it was rejected. */
async function approvedPlan(switching: Switching, planned: Planned): Promise<Planned | null> {
  const approval = await awaitApproval(switching.run, {
    step: STEPS.approve,
    planned,
    digestOf: ({ digest }) => digest,
    planAgain: () => planBoth(switching, STEPS.approve),
    drifted: 'one of both sides, or the endpoint, has changed',
  })
  return approval.rejected ? null : approval.planned
}

interface Compared {
  readonly differ: boolean
  /** What could not be compared, where nothing differs. */
  readonly findings: readonly Finding[]
}

async function compare({ run, act, ref }: Switching, planned: Planned): Promise<Compared> {
  const { verdict, findings } = await run.step(STEPS.compare, {
    do: () => act.comparing.compareBoth({ ...ref(STEPS.compare), sides: planned.sides, epochs: planned.epochs }),
    detail: ({ summary, verdict: found, findings: told }) => ({
      summary,
      verdict: found,
      findings: told,
      predictedOutageMs: planned.predictedOutageMs,
    }),
  })
  return { differ: verdict === 'different', findings }
}

function onBoth({ ref }: Switching, step: StepName, { sides, epochs, fenceEpoch }: Planned) {
  return { ...ref(step), sides, epochs, fenceEpoch }
}

async function prepare(switching: Switching, planned: Planned): Promise<void> {
  const { run, act } = switching
  await run.step(STEPS.papers, {
    do: () => act.crossing.writePapers(onBoth(switching, STEPS.papers, planned)),
    detail: ({ summary }) => ({ summary }),
  })
  const on = onBoth(switching, STEPS.wayBack, planned)
  await run.step(STEPS.wayBack, {
    do: () => act.crossing.prepareWayBack(on),
    undo: () => act.undoing.dropWayBack(on),
    detail: ({ summary }) => ({ summary }),
  })
}

/** From the fence to the end. Resolves to the steps that a person left out. */
async function cross(switching: Switching, planned: Planned): Promise<readonly Finding[]> {
  const { run, act, ref } = switching
  const { sides, endpointAt } = planned
  const on = onBoth(switching, STEPS.cross, planned)
  await run.step(STEPS.cross, {
    do: () => act.crossing.fenceAndDrain(on),
    undo: () => act.undoing.takeBackFence(on),
    detail: ({ summary, lsn, closedMs }) => ({ summary, lsn, closedMs }),
  })
  await run.pointOfNoReturn(STEPS.move, 'applications are led to the standby, and write there')
  const left: Finding[] = []
  const onward = async <T>(step: StepName, act: { do: () => Promise<T>; detail: (result: T) => StepDetail }): Promise<void> => {
    if ((await run.forward(step, act)) !== null) return
    left.push({ rule: `left:${step.id}`, message: `“${step.title}” was not done by the operation: a person decided so.` })
  }
  const { host, port } = sides.source
  const to = { host: sides.standby.host, port: sides.standby.port }
  await onward(STEPS.move, {
    do: async () => {
      await act.forward.recordMoved(ref(STEPS.move))
      return act.traffic.moveEndpoint({ ...ref(STEPS.move), from: endpointAt ?? { host, port }, to })
    },
    detail: ({ summary, moved }) => ({ summary, moved }),
  })
  const told = ({ summary }: { summary: string }) => ({ summary })
  await onward(STEPS.open, { do: () => act.forward.openToApplications(onBoth(switching, STEPS.open, planned)), detail: told })
  await onward(STEPS.follow, { do: () => act.forward.letOldFollow(onBoth(switching, STEPS.follow, planned)), detail: told })
  const { heartbeatTimeoutMs } = switching.input
  const turning = { ...onBoth(switching, STEPS.turn, planned), heartbeatTimeoutMs }
  await onward(STEPS.turn, { do: () => act.forward.turnStandby(turning), detail: told })
  return left
}
