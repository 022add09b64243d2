/** Writing moves to a standby, and the old writer follows it from then on. Up to the point of no return, which is where the endpoint moves, everything is
 *  taken back in reverse: the fence first, so that whoever waits is served again. Past it there is only forward. The same operation, asked for the other way
 *  round, moves writing back. */
import { ApplicationFailure, patched } from '@temporalio/workflow'
import { type EndpointState, type HostPort, samePlace } from '../../contracts/endpoint'
import { TASK_QUEUES } from '../../contracts/messages'
import type { Finding, OperationResult, StepDetail, StepName } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { SWITCHOVER_STEPS as STEPS, type SwitchoverInput, type SwitchoverPlanSummary } from '../../contracts/switchover'
import { awaitApproval } from '../kit/approval'
import { type Outcome, runOperation } from '../kit/operation'
import type { Run } from '../kit/run'
import { switchoverActivities } from './activities'
import { observe } from './observe'

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
  readonly endpointKind: EndpointState['kind']
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
  if (input.rehearse) {
    const findings = [...compared.findings, ...(patched('rehearsed-to-the-fence') ? await rehearse(switching, planned) : [])]
    return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
  }
  const unfilled = await fillViews(switching, planned)
  await prepare(switching, planned)
  const left = await cross(switching, planned)
  const on = onBoth(switching, STEPS.observe, planned)
  const observed = await observe({ ...switching, on, ledBefore: planned.endpointAt !== null })
  const findings = [...compared.findings, ...unfilled, ...left, ...observed]
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
  const { host, port } = sides.standby
  const endpoint = await act.askingTraffic.whereTo({ ...ref(step), next: { host, port } })
  const pause = await act.askingTraffic.pauseFacts(ref(step))
  return {
    ...(await act.crossing.planSwitchover({ ...ref(step), sides, locks, fence, endpoint, pause })),
    sides,
    endpointAt: endpoint.at,
    endpointKind: endpoint.kind,
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

/** Resolves to those that could not be. */
async function fillViews(switching: Switching, planned: Planned): Promise<readonly Finding[]> {
  const { run, act } = switching
  const { views = [] } = planned
  if (views.length === 0 || !patched('fills-views')) return []
  const { findings } = await run.step(STEPS.views, {
    do: () => act.crossing.fillViews({ ...onBoth(switching, STEPS.views, planned), views }),
    detail: ({ summary, findings: told }) => ({ summary, findings: told }),
  })
  return findings
}

/** All that comes before the fence but the papers, by which a person would go on; nobody is held, and nobody shut out of the source. Resolves to what keeps nobody. */
async function rehearse(switching: Switching, planned: Planned): Promise<readonly Finding[]> {
  const { run, act } = switching
  const unfilled = await fillViews(switching, planned)
  await makeWayBack(switching, planned)
  const on = onBoth(switching, STEPS.rehearse, planned)
  await run.step(STEPS.rehearse, {
    do: async () => {
      await assertLeadsStill(switching, STEPS.rehearse, planned)
      return act.crossing.rehearseCrossing(on)
    },
    undo: () => act.undoing.takeBackFence(on),
    detail: ({ summary, predictedOutageMs, parts }) => ({ summary, predictedOutageMs, parts }),
  })
  run.keep(STEPS.rehearse)
  await run.takeBack(STEPS.takeAway, wayBackStep(switching))
  return unfilled
}

async function prepare(switching: Switching, planned: Planned): Promise<void> {
  const { run, act } = switching
  await run.step(STEPS.papers, {
    do: () => act.crossing.writePapers(onBoth(switching, STEPS.papers, planned)),
    detail: ({ summary }) => ({ summary }),
  })
  await makeWayBack(switching, planned)
  await hold(switching, planned)
}

/** Where there can be none applications are kept out of the standby all the same. */
const wayBackStep = ({ input }: Switching): StepName => (input.oneWay ? STEPS.apart : STEPS.wayBack)

async function makeWayBack(switching: Switching, planned: Planned): Promise<void> {
  const { run, act } = switching
  const step = wayBackStep(switching)
  const on = onBoth(switching, step, planned)
  await run.step(step, {
    do: () => act.crossing.prepareWayBack({ ...on, heartbeatTimeoutMs: switching.input.heartbeatTimeoutMs }),
    undo: () => act.undoing.dropWayBack(on),
    detail: ({ summary }) => ({ summary }),
  })
}

/** They are held by the crossing, right before it closes the source: whatever it asks before that would be waited for, too. What lets them go on is here, so that
 *  it comes once the source is open again. */
async function hold({ run, act, ref }: Switching, { holds, endpointKind }: Planned): Promise<void> {
  if (!holds) {
    const summary = `an endpoint of the kind ${endpointKind} has nobody wait: who is connected is disconnected`
    await run.step(STEPS.hold, { do: async () => summary, detail: (told) => ({ summary: told }) })
    return
  }
  await run.step(STEPS.hold, {
    do: () => act.askingTraffic.pauseFacts(ref(STEPS.hold)),
    undo: () => act.undoingTraffic.resumeEndpoint(ref(STEPS.hold)),
    detail: ({ poolers, waitMsMax }) => ({
      summary: `clients of ${poolers.length} poolers wait from before the fence on, for ${waitMsMax === null ? 'as long as it takes' : `${waitMsMax / 1000} s at most`}`,
    }),
  })
}

/** Nobody has moved the endpoint since the plan, and it can be asked still. */
async function assertLeadsStill({ act, ref }: Switching, step: StepName, { sides, endpointAt }: Planned): Promise<void> {
  const { host, port } = sides.standby
  const { at } = await act.askingTraffic.whereTo({ ...ref(step), next: { host, port } })
  const same = at === null ? endpointAt === null : endpointAt !== null && samePlace(at, endpointAt)
  if (same) return
  const shown = (place: HostPort | null): string => (place === null ? 'nowhere that can be asked' : `${place.host}:${place.port}`)
  const message = `The endpoint leads to ${shown(at)} and led to ${shown(endpointAt)} when this was planned: somebody else moved it. Find out who, then start again.`
  throw ApplicationFailure.create({ message, type: 'ENDPOINT_DRIFTED', nonRetryable: true })
}

/** From the fence to the end. Resolves to the steps that a person left out. */
async function cross(switching: Switching, planned: Planned): Promise<readonly Finding[]> {
  const { run, act } = switching
  const on = { ...onBoth(switching, STEPS.cross, planned), holds: planned.holds }
  await run.step(STEPS.cross, {
    do: async () => {
      // whoever has moved it is asked before anybody is shut out
      await assertLeadsStill(switching, STEPS.cross, planned)
      return act.crossing.fenceAndDrain(on)
    },
    undo: () => act.undoing.takeBackFence(on),
    detail: ({ summary, lsn, closedMs }) => ({ summary, lsn, closedMs }),
  })
  await run.step(STEPS.lookAgain, {
    do: async () => {
      const looks = await Promise.allSettled([
        act.crossing.lookOnceMore(onBoth(switching, STEPS.lookAgain, planned)),
        assertLeadsStill(switching, STEPS.lookAgain, planned),
      ])
      for (const look of looks) if (look.status === 'rejected') throw look.reason
      return looks[0].status === 'fulfilled' ? looks[0].value : { summary: '' }
    },
    detail: ({ summary }) => ({ summary }),
  })
  await run.pointOfNoReturn(STEPS.move, 'applications are led to the standby, and write there')
  return goForward(switching, planned)
}

/** Between the record that writing moves and the move itself it is much less, unless a worker or Temporal was away. */
const LATE_MS = 3_000

interface ForwardAct<T> {
  readonly do: () => Promise<T>
  readonly detail: (result: T) => StepDetail
  readonly needed?: string
}

async function goForward(switching: Switching, planned: Planned): Promise<readonly Finding[]> {
  const { run, act, ref } = switching
  const { sides, endpointAt } = planned
  const left: Finding[] = []
  const onward = async <T>(step: StepName, act: ForwardAct<T>): Promise<void> => {
    if ((await run.forward(step, act)) !== null) return
    left.push({ rule: `left:${step.id}`, message: `“${step.title}” was not done by the operation: a person decided so.` })
  }
  const { host, port } = sides.source
  const to = { host: sides.standby.host, port: sides.standby.port }
  // it need not wait for the move: on the old writer nobody can write any more, whoever leads where
  const open = ahead(() => act.forward.openToApplications(onBoth(switching, STEPS.open, planned)))
  const resume = ahead(async () =>
    planned.holds ? act.traffic.resumeEndpoint(ref(STEPS.resume)) : { summary: 'nobody was held' },
  )
  const { endpointOn = TASK_QUEUES.postgres } = switching.input
  let repeated = false
  await onward(STEPS.move, {
    do: async () => {
      const [again, beganMs] = [repeated, Date.now()]
      repeated = true
      const on = onBoth(switching, STEPS.move, planned)
      const recorded = await act.forward.recordMoved(on)
      const late = (again || Date.now() - beganMs > LATE_MS) && patched('opens-before-leading-late')
      // somebody may have taken all of it back by hand meanwhile, of which no endpoint knows: what opens the standby looks for that
      const opening = late ? open.anew() : open.begin()
      if (late) await opening
      // of what has a queue of its own, a name in a DNS, the worker reaches no database
      const stands = endpointOn === TASK_QUEUES.postgres ? { stands: on } : {}
      const led = await act.traffic.moveEndpoint({ ...ref(STEPS.move), ...stands, from: endpointAt ?? { host, port }, to })
      opening.then(resume.begin).catch(() => undefined)
      return { summary: `${led.summary}; ${recorded.summary}`, moved: led.moved }
    },
    detail: ({ summary, moved }) => ({ summary, moved }),
    needed: 'the standby is opened besides. Lead applications there, and say that it is done',
  })
  const told = ({ summary }: { summary: string }) => ({ summary })
  await onward(STEPS.open, {
    do: open.take,
    detail: told,
    needed:
      'what comes after it keeps the old writer from applications for good. Close that again and have it tried again; or let applications into the standby by hand, and say that it is done',
  })
  await onward(STEPS.resume, { do: resume.take, detail: told })
  if (switching.input.oneWay) {
    await onward(STEPS.leave, { do: () => act.forward.leaveOldClosed(onBoth(switching, STEPS.leave, planned)), detail: told })
    return left
  }
  await onward(STEPS.follow, { do: () => act.forward.letOldFollow(onBoth(switching, STEPS.follow, planned)), detail: told })
  const { heartbeatTimeoutMs } = switching.input
  const turning = { ...onBoth(switching, STEPS.turn, planned), heartbeatTimeoutMs }
  await onward(STEPS.turn, { do: () => act.forward.turnStandby(turning), detail: told })
  return left
}

/** An act that may begin before its step is on the record, since somebody waits for it: the step takes it over, and a repeat of the step begins it anew. */
function ahead<T>(act: () => Promise<T>): Record<'begin' | 'anew' | 'take', () => Promise<T>> {
  let begun: Promise<T> | null = null
  const anew = () => {
    begun = act()
    // whoever takes it over is told
    begun.catch(() => undefined)
    return begun
  }
  return {
    begin: () => begun ?? anew(),
    anew,
    take() {
      const taken = begun ?? act()
      begun = null
      return taken
    },
  }
}
