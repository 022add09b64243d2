/** A standby becomes the writer because its source is dead, or because a person says so of one that lives. Up to the opening of the standby everything is taken
 *  back; past it there is only forward. Nothing opens before the source is proven fenced, or somebody has taken it upon himself that it is not. */
import { CancellationScope, isCancellation, patched } from '@temporalio/workflow'
import type { HostPort, MovedEndpoint } from '../../contracts/endpoint'
import {
  type FailoverEndpoint,
  type FailoverFence,
  type FailoverInput,
  type FailoverPlanSummary,
  type Probe,
  type Probed,
  type SourceSeen,
  FAILOVER_STEPS as STEPS,
} from '../../contracts/failover'
import { TASK_QUEUES } from '../../contracts/messages'
import type { Finding, OperationResult, StepName } from '../../contracts/operation'
import type { StandbySides } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { awaitApproval } from '../kit/approval'
import { failureRecord, isDefect, isOutOfReach } from '../kit/failures'
import { type Outcome, runOperation } from '../kit/operation'
import { settled } from '../kit/settled'
import { failoverActivities } from './activities'
import { assertFencedStill, fenceSource, refused } from './fence'
import type { Asked, Drained, FailingOver, Planned } from './over'
import { unknownWhereNot } from './places'
import { placesOf, shownVerdict, verdictOf } from './quorum'

export async function failover(input: FailoverInput): Promise<OperationResult> {
  const act = failoverActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const planOnly = input.mode === 'plan'
  const scopes = { lockScope: planOnly ? null : input.lockScope, otherLockScope: planOnly ? null : input.standbyLockScope }
  return runOperation({ ...input, ...scopes }, (run, { epoch, otherEpoch }) =>
    underLocks({ run, input, act, ref, locked: { source: epoch, standby: otherEpoch }, left: [] }),
  )
}

async function underLocks(over: FailingOver): Promise<Outcome> {
  const { run, input } = over
  const asked = await run.step(STEPS.probe, {
    do: () => probe(over, STEPS.probe),
    detail: ({ probed: { probes, verdict, cloudSays } }) => ({
      summary: `${shownVerdict(probes)}; ${cloudSays}`,
      sourceIs: verdict,
    }),
  })
  const first = await run.step(STEPS.plan, {
    do: () => plan(over, STEPS.plan, asked),
    detail: ({ summary, blocks, digest, lossMsMax }) => ({ summary, findings: blocks, planDigest: digest, lossMsMax }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.record.setStatus('running', { planDigest: first.digest })
  if (first.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: first.blocks }
  const planned = first.asks === null ? first : await approvedPlan(over, first)
  if (planned === null) return { status: 'rejected', verdict: null, findings: [] }
  // an approval mends nothing
  if (planned.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: planned.blocks }
  const findings = await carryOut(over, planned).finally(() => Promise.all(over.left))
  if (findings === null) return { status: 'rejected', verdict: null, findings: [] }
  return { status: 'succeeded', verdict: findings.length > 0 ? 'inconclusive' : 'pass', findings }
}

async function probe(over: FailingOver, step: StepName): Promise<Asked> {
  const { act, ref, input } = over
  const { patienceMs, clouds } = input
  const standby = await act.askingStandby.describeStandby(ref(step))
  const source = await lookAtSource(over, step)
  const { address } = source
  if (address === null) {
    const message = `Nobody knows where ${input.database} is (${source.said}), and what cannot be named can be neither probed nor fenced.`
    throw refused('INSTANCE_NOT_FOUND', message)
  }
  const at = { ...ref(step), address, patienceMs }
  // whoever waits for a writer waits for it no longer than for the probes
  const endpoint = settled(whereItLeads(over, step, standby))
  const probes = await Promise.all([
    unknownWhereNot('the worker of postgres', act.probing.probeAsMigrator(at)),
    ...clouds.map((from) => unknownWhereNot(`the worker of ${from}`, act.probingFrom(from).probeFrom({ ...at, from }))),
    unknownWhereNot('the standby', act.probing.probeByStandby({ ...ref(step), standby, source: address, patienceMs })),
  ])
  return { sides: { source: address, standby }, probed: judged(probes, source.said), endpoint }
}

export function judged(probes: readonly Probe[], cloudSays: string): Probed {
  return { verdict: verdictOf(probes), probes, asked: placesOf(probes), cloudSays, declaredAt: new Date().toISOString() }
}

/** Its cloud may be out of reach with it. */
async function lookAtSource({ act, ref }: FailingOver, step: StepName): Promise<SourceSeen> {
  const recalled = () => act.asking.recallSource(ref(step))
  try {
    const seen = await act.lookingAtCloud.lookAtSource(ref(step))
    if (seen.address !== null) return seen
    const { address } = await recalled()
    return { ...seen, address }
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    const { address, said } = await recalled()
    return { address, gone: false, said: `its cloud did not say; ${said}` }
  }
}

/** A source that stayed dead was declared so when it first was: what may be lost does not grow while somebody reads about it. */
async function plan(over: FailingOver, step: StepName, { sides, probed, endpoint: led }: Asked): Promise<Planned> {
  const { act, ref, input, locked } = over
  const locks =
    input.mode === 'plan'
      ? null
      : {
          source: { scope: input.lockScope, epoch: locked.source },
          standby: { scope: input.standbyLockScope, epoch: locked.standby },
        }
  const asked = await led
  if (asked.status === 'rejected') throw asked.reason
  const endpoint = asked.value
  const planned = await act.asking.planFailover({ ...ref(step), sides, probed, locks, endpoint })
  return { ...planned, sides, probed, endpointAt: endpoint.at }
}

/** A pooler may be gone with the source, or the API of a zone: that keeps nobody from a writer. What it refuses does. */
async function whereItLeads(over: FailingOver, step: StepName, { host, port }: HostPort): Promise<FailoverEndpoint> {
  try {
    const { at, summary } = await over.act.askingTraffic.whereTo({ ...over.ref(step), next: { host, port } })
    return { at, summary }
  } catch (error) {
    if (isDefect(error) || isCancellation(error) || !isOutOfReach(error, 'ENDPOINT_UNREACHABLE')) throw error
    return { at: null, silent: true, summary: `the endpoint did not say where it leads: ${failureRecord(error).message}` }
  }
}

/** Null: it was rejected. While somebody read, the source may have come back. */
async function approvedPlan(over: FailingOver, planned: Planned): Promise<Planned | null> {
  const { declaredAt, verdict } = planned.probed
  const approval = await awaitApproval(over.run, {
    step: STEPS.approve,
    planned,
    digestOf: ({ digest }) => digest,
    planAgain: async () => {
      const { probed, ...asked } = await probe(over, STEPS.approve)
      const same = probed.verdict === verdict ? { ...probed, declaredAt } : probed
      return plan(over, STEPS.approve, { ...asked, probed: same })
    },
    drifted: 'the source, the standby or the endpoint has changed',
  })
  return approval.rejected ? null : approval.planned
}

/** From the fence to the end. Resolves to what somebody has to know besides; null: what may be lost by then was rejected, and all is taken back. */
async function carryOut(over: FailingOver, planned: Planned): Promise<readonly Finding[] | null> {
  const { run, act, ref } = over
  const { sides, epoch } = planned
  const raised = await fenceSource(over, planned)
  const { fenced, stated } = await run.step(STEPS.drain, {
    do: () => drain(over, planned, raised),
    detail: ({ summary, stated }) =>
      stated === null ? { summary } : { summary: `${summary}; ${stated.summary}`, lossMsMax: stated.lossMsMax },
  })
  if (stated !== null && stated.asks !== null && !(await isLossApproved(over, planned, { fenced, stated }))) {
    run.conclude()
    await CancellationScope.nonCancellable(() => run.compensate())
    return null
  }
  await run.pointOfNoReturn(STEPS.open, 'applications may write to the standby')
  const findings: Finding[] = fenced.outcome === 'proven' ? (fenced.staysShut ? [] : [reopens(sides)]) : [unproven(fenced)]
  const left = ({ id, title }: StepName): Finding => {
    return { rule: `left:${id}`, message: `“${title}” was not done by the operation: a person decided so.` }
  }
  const opened = await run.forward(STEPS.open, {
    do: async () => {
      await act.forward.recordOpening(ref(STEPS.open))
      const marked = fenced.drained
        ? await act.forward.markSource({ ...ref(STEPS.open), sides, epoch, lock: sourceLock(over) })
        : null
      const fencedAt = fenced.outcome === 'proven' ? fenced.at : null
      const opening = await act.forward.openAsWriter({
        ...{ ...ref(STEPS.open), sides, epoch, fencedAt },
        drained: fenced.drained,
      })
      return marked === null ? opening : { ...opening, summary: `${opening.summary}; ${marked.summary}` }
    },
    detail: ({ summary, lossMsMax, beatAt }) => ({ summary, lossMsMax, beatAt }),
  })
  if (opened === null) findings.push(left(STEPS.open))
  else if (opened.uncarried !== undefined && opened.uncarried.length > 0) findings.push(leftBehind(sides, opened.uncarried))
  const moved = await run.forward(STEPS.move, {
    do: () => moveAndLetGo(over, waysOf(planned), fenced),
    detail: ({ summary, moved: how }) => ({ summary, moved: how }),
  })
  if (moved === null) findings.push(left(STEPS.move))
  const { views = [] } = opened ?? {}
  if (views.length === 0 || !patched('fills-views')) return findings
  const filled = await run.forward(STEPS.views, {
    do: () => act.forward.fillOpenedViews({ ...ref(STEPS.views), sides, epoch, views }),
    detail: ({ summary, findings: told }) => ({ summary, findings: told }),
  })
  findings.push(...(filled === null ? [left(STEPS.views)] : filled.findings))
  return findings
}

interface LeadingAway extends Pick<FailingOver, 'ref'> {
  readonly act: Pick<FailingOver['act'], 'traffic'>
  readonly input: Pick<FailoverInput, 'endpointOn'>
}

function waysOf({ sides: { source, standby }, endpointAt }: Planned): Readonly<Record<'from' | 'to', HostPort>> {
  const { host, port } = source
  return { from: endpointAt ?? { host, port }, to: { host: standby.host, port: standby.port } }
}

/** A switchover that was ended by force may have left clients waiting, whom nobody else lets go on: those too whom a move reached that did not reach all. */
export async function moveAndLetGo(
  { act, ref, input }: LeadingAway,
  { from, to }: Readonly<Record<'from' | 'to', HostPort>>,
  { outcome }: Pick<FailoverFence, 'outcome'>,
): Promise<MovedEndpoint> {
  const [led] = await Promise.allSettled([act.traffic.moveEndpoint({ ...ref(STEPS.move), from, to })])
  const { endpointOn = TASK_QUEUES.postgres } = input
  // of what has a queue of its own, a name in a DNS, no client waits; and nobody is let go towards an old writer that may live
  const letGo = endpointOn === TASK_QUEUES.postgres && (led.status === 'fulfilled' || outcome === 'proven')
  const [gone] = await Promise.allSettled([letGo ? act.traffic.resumeEndpoint(ref(STEPS.move)) : null])
  if (led.status === 'rejected') throw led.reason
  if (gone.status === 'rejected') throw gone.reason
  if (gone.value?.resumed !== 'resumed') return led.value
  return { ...led.value, summary: `${led.value.summary}; ${gone.value.summary}` }
}

/** A look that is no older stands for one right before there is no way back. */
const FRESH_MS = 1_000

/** What its cloud stopped its cloud may have started again meanwhile: it is looked for once more before there is no way back, while the standby applies what it
 *  has, and again where that took longer. */
async function drain(over: FailingOver, planned: Planned, fenced: FailoverFence): Promise<Drained> {
  const { act, ref } = over
  const { sides, epoch } = planned
  if (fenced.drained) return { summary: 'it was drained behind the fence', fenced, stated: null }
  const draining = { ...ref(STEPS.drain), sides, epoch }
  const isHeld = fenced.outcome === 'proven' && patched('loss-as-of-the-fence')
  const applied = act.asking.awaitApplied(draining)
  const applying = applied.then(async ({ summary }) => {
    return { summary, stated: isHeld ? await act.asking.stateLoss({ ...draining, fencedAt: fenced.at }) : null }
  })
  if (fenced.outcome !== 'proven') return { ...(await applying), fenced }
  const look = async () => ({ still: await assertFencedStill(over, planned, fenced, STEPS.drain), seenMs: Date.now() })
  const [had, seen] = await Promise.all([settled(applying), settled(look())])
  if (seen.status === 'rejected') throw seen.reason
  if (had.status === 'rejected') throw had.reason
  const { still } = Date.now() - seen.value.seenMs > FRESH_MS ? await look() : seen.value
  if (still.outcome !== 'proven') await act.asking.recordFenced({ ...ref(STEPS.drain), fenced: still })
  return { ...had.value, fenced: still }
}

/** More may be lost than was allowed, since the fence was proven so late, and nobody has agreed to that: the standby stays closed until somebody does. Whoever was asked
 *  for hours is told nothing of a source that came back meanwhile: then all is taken back. What such a source sent is applied first. */
async function isLossApproved(
  over: FailingOver,
  planned: Planned,
  { fenced, stated }: Pick<Drained, 'fenced'> & { stated: FailoverPlanSummary },
) {
  const { act, ref, run } = over
  const { sides, epoch } = planned
  const asking = { ...ref(STEPS.approve), sides, epoch }
  let asked = stated
  let seenMs = 0
  const { rejected } = await awaitApproval(run, {
    step: STEPS.approve,
    planned: stated,
    digestOf: ({ digest }) => digest,
    planAgain: async () => {
      await act.asking.awaitApplied(asking)
      const now = await act.asking.stateLoss({ ...asking, fencedAt: fenced.at })
      await assertFencedStill(over, planned, fenced, STEPS.approve)
      seenMs = Date.now()
      // that less is lost by now, as was allowed, is nothing to ask for once more
      if (now.asks === null) return asked
      asked = now
      return now
    },
    drifted: 'what may be lost has changed',
  })
  if (!rejected && Date.now() - seenMs > FRESH_MS) await assertFencedStill(over, planned, fenced, STEPS.approve)
  return !rejected
}

const sourceLock = ({ input, locked }: FailingOver) => ({ scope: input.lockScope, epoch: locked.source })

/** It was told before, and is not lost as long as the old writer is kept. */
function leftBehind({ source }: StandbySides, uncarried: readonly string[]): Finding {
  const message = `The old writer alone has it: ${uncarried.join('; ')}. Keep ${source.instance} until somebody has seen to that.`
  return { rule: 'failover:left-behind', message }
}

/** A cloud changes no networks of an instance that is stopped, and starts one again by itself some day. */
function reopens({ source }: StandbySides): Finding {
  const message = `${source.instance} is stopped, and its networks could not be closed: whoever starts it lets applications in, which write what is lost. Close them before.`
  return { rule: 'failover:reopens', message }
}

function unproven({ evidence, acknowledged }: FailoverFence): Finding {
  const whose = acknowledged === null ? '' : ` ${acknowledged.by} took that upon himself: ${acknowledged.reason}`
  return {
    rule: 'failover:unfenced',
    message: `The old writer is not proven fenced (${evidence.join('; ')}): whoever reaches it may still write there.${whose}`,
  }
}
