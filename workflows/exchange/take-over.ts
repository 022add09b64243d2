/** A read replica becomes the writer by its cloud's own failover because the source is dead, or because a person says so of one that lives. What the replica lacks is
 *  lost: that is stated before anybody is asked. Up to the call everything is taken back; nothing is called before the source is proven fenced, or somebody has
 *  taken it upon himself that it is not. */
import { CancellationScope, isCancellation } from '@temporalio/workflow'
import type { HostPort } from '../../contracts/endpoint'
import { type ExchangeInput, type ExchangePlanSummary, EXCHANGE_STEPS as STEPS } from '../../contracts/exchange'
import type { FailoverEndpoint, FailoverFence, Probed, SourceSeen } from '../../contracts/failover'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepName } from '../../contracts/operation'
import { failoverActivities } from '../failover/activities'
import { judged } from '../failover/failover'
import { assertFencedStill, refused } from '../failover/fence'
import { knocksFromClouds, unknownWhereNot } from '../failover/places'
import { shownVerdict } from '../failover/quorum'
import { fenceByCloud } from '../keep-fenced/fence-by-cloud'
import { awaitApproval } from '../kit/approval'
import { failureRecord, isDefect, isOutOfReach } from '../kit/failures'
import type { Outcome } from '../kit/operation'
import { goForward } from './forward'
import { type Exchanging, type Planned, writesAt } from './over'

/** Between two looks of the watch that keeps it fenced until it is gone, or a person lifts it. */
const KEEP_EVERY_MS = 60_000

interface TakingOver extends Exchanging {
  readonly asked: NonNullable<ExchangeInput['takeOver']>
  readonly given: ReturnType<typeof failoverActivities>
  /** As of a failover. */
  readonly left: Promise<unknown>[]
}

/** `stated`: what may be lost by the proof. */
interface Fenced {
  readonly fenced: FailoverFence
  readonly stated: ExchangePlanSummary
}

interface Probing {
  readonly source: InstanceAddress
  readonly probed: Probed
}

export async function takeOver(exchanging: Exchanging): Promise<Outcome> {
  const { run, input } = exchanging
  const { takeOver: asked } = input
  if (asked === undefined) throw new Error('nobody said that the source is to be given up')
  const taking = { ...exchanging, asked, given: failoverActivities({ ...input, patienceMs: asked.patienceMs }), left: [] }
  const probing = await run.step(STEPS.probe, {
    do: () => probe(taking, STEPS.probe),
    detail: ({ probed: { probes, verdict, cloudSays } }) => ({
      summary: `${shownVerdict(probes)}; ${cloudSays}`,
      sourceIs: verdict,
    }),
  })
  const first = await run.step(STEPS.plan, {
    do: () => plan(taking, STEPS.plan, probing),
    detail: ({ summary, blocks, digest }) => ({ summary, findings: blocks, planDigest: digest }),
  })
  if (input.mode === 'plan') return { status: 'planned', verdict: null, findings: [] }
  await run.record.setStatus('running', { planDigest: first.digest })
  if (first.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: first.blocks }
  const planned = (first.asks ?? null) === null ? first : await approvedPlan(taking, first, probing)
  if (planned === null) return { status: 'rejected', verdict: null, findings: [] }
  // an approval mends nothing
  if (planned.blocks.length > 0) return { status: 'failed', verdict: 'fail', findings: planned.blocks }
  const { fenced, stated } = await fenceSource(taking, planned)
  if ((stated.asks ?? null) !== null && !(await isLossApproved(taking, planned, { fenced, stated }))) {
    run.conclude()
    await CancellationScope.nonCancellable(() => run.compensate())
    return { status: 'rejected', verdict: null, findings: [] }
  }
  const still = await stillFenced(taking, planned, fenced, STEPS.exchange)
  await run.pointOfNoReturn(STEPS.exchange, 'the cloud makes the replica a writer, and cannot be told to stop')
  const record = () => taking.given.forward.recordOpening(taking.ref(STEPS.exchange))
  return goForward(taking, planned, { fenced: still, record }).finally(() => Promise.all(taking.left))
}

async function probe(taking: TakingOver, step: StepName): Promise<Probing> {
  const { given, ref, asked, input } = taking
  const { address, said } = await lookAtSource(taking, step)
  if (address === null) {
    const message = `Nobody knows where ${input.database} is (${said}), and what cannot be named can be neither probed nor fenced.`
    throw refused('INSTANCE_NOT_FOUND', message)
  }
  const { patienceMs, clouds } = asked
  const at = { ...ref(step), address, patienceMs }
  const probes = await Promise.all([
    unknownWhereNot('the worker of postgres', given.probing.probeAsMigrator(at)),
    ...clouds.map((from) => unknownWhereNot(`the worker of ${from}`, given.probingFrom(from).probeFrom({ ...at, from }))),
  ])
  return { source: address, probed: judged(probes, said) }
}

/** Its cloud may be out of reach with it. */
async function lookAtSource({ given, ref }: TakingOver, step: StepName): Promise<SourceSeen> {
  let silent = 'its cloud did not say'
  try {
    const seen = await given.lookingAtCloud.lookAtSource(ref(step))
    if (seen.address !== null) return seen
    silent = seen.said
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
  }
  const recalled = await given.asking.recallSource(ref(step))
  return { ...recalled, said: `${silent}; ${recalled.said}` }
}

async function plan(taking: TakingOver, step: StepName, { source, probed }: Probing): Promise<Planned> {
  const { act, ref } = taking
  const both = await act.asking.lookAtGivenUp({ ...ref(step), source })
  const endpoint = await whereItLeads(taking, step, writesAt(both.sides))
  const planned = await act.askingData.planTakeOver({ ...ref(step), ...both, endpoint, probed })
  return { ...planned, sides: both.sides, endpointAt: endpoint.at }
}

/** A pooler may be gone with the source, or the API of a zone: that keeps nobody from a writer. What it refuses does. */
async function whereItLeads({ given, ref }: TakingOver, step: StepName, next: HostPort): Promise<FailoverEndpoint> {
  try {
    const { at, summary } = await given.askingTraffic.whereTo({ ...ref(step), next })
    return { at, summary }
  } catch (error) {
    if (isDefect(error) || isCancellation(error) || !isOutOfReach(error, 'ENDPOINT_UNREACHABLE')) throw error
    return { at: null, silent: true, summary: `the endpoint did not say where it leads: ${failureRecord(error).message}` }
  }
}

/** Null: it was rejected. While somebody read, the source may have come back; one that stayed dead was declared so when it first was. */
async function approvedPlan(
  taking: TakingOver,
  planned: Planned,
  { probed: { verdict, declaredAt } }: Probing,
): Promise<Planned | null> {
  const approval = await awaitApproval(taking.run, {
    step: STEPS.approve,
    planned,
    digestOf: ({ digest }) => digest,
    planAgain: async () => {
      const { source, probed } = await probe(taking, STEPS.approve)
      return plan(taking, STEPS.approve, { source, probed: probed.verdict === verdict ? { ...probed, declaredAt } : probed })
    },
    drifted: 'the source, the replica or the endpoint has changed',
  })
  return approval.rejected ? null : approval.planned
}

/** By its cloud alone: what its cloud then does to it would not heed a closed database. Fails with FENCE_NOT_PROVEN, unless somebody has taken that upon himself. */
async function fenceSource(taking: TakingOver, planned: Planned): Promise<Fenced> {
  const { run, given, ref, input, asked } = taking
  const { source } = planned.sides
  const fencing = { ...ref(STEPS.fence), target: { instance: source.instance, instanceId: source.instanceId } }
  const { requestedBy, heartbeatTimeoutMs } = input
  return run.step(STEPS.fence, {
    do: async () => {
      const { outcome, proof, untaken, summary } = await fenceByCloud({
        ...{ ref: ref(STEPS.fence), cloud: input.cloud, target: source, requestedBy, heartbeatTimeoutMs },
        ...{ reason: `${input.operation} makes ${input.standby} the writer`, withinMs: asked.fenceMsMax },
        keepEveryMs: KEEP_EVERY_MS,
        elsewhere: () => Promise.all(knocksFromClouds(given, asked.clouds, source, ref(STEPS.fence))),
      })
      const means = proof?.means ?? []
      const fenced: FailoverFence = {
        ...{ version: 1, outcome, by: means.length > 0 || proof?.gone ? 'cloud' : 'none', drained: false },
        evidence: proof === null ? [summary] : [...proof.evidence, ...untaken],
        ...{ staysShut: proof?.gone === true || means.includes('networks'), at: new Date().toISOString() },
        acknowledged: outcome === 'proven' || asked.unfenced === null ? null : { by: requestedBy, reason: asked.unfenced },
      }
      await given.asking.recordFenced({ ...ref(STEPS.fence), fenced })
      if (outcome !== 'proven' && fenced.acknowledged === null) throw notProven(fenced)
      return { fenced, stated: await stateLoss(taking, planned, fenced, STEPS.fence) }
    },
    undo: async () => {
      await given.undoingCloud.liftFence({ ...fencing, by: requestedBy, reason: 'its failover was taken back', undo: true })
      await given.endingKeep.endKeeping(fencing)
    },
    detail: ({ fenced: { outcome, by, evidence, acknowledged }, stated }) => ({
      summary: `${outcome}: ${[...evidence, stated.summary].join('; ')}`,
      fence: outcome,
      fencedBy: by,
      ...(acknowledged !== null && { acknowledgedBy: acknowledged.by, acknowledgedWhy: acknowledged.reason }),
    }),
  })
}

function stateLoss(
  { act, ref }: TakingOver,
  { sides, asks, lossMsMax = null }: Planned,
  { at: fencedAt, outcome }: FailoverFence,
  step: StepName,
): Promise<ExchangePlanSummary> {
  const agreed = (asks ?? null) === null ? null : { lossMsMax }
  return act.askingData.stateTakeOver({ ...ref(step), sides, fencedAt, isProven: outcome === 'proven', agreed })
}

/** What its cloud stopped its cloud may have started again meanwhile, and what is gone somebody may have made anew. Resolves to what the fence is by then. */
async function stillFenced(taking: TakingOver, planned: Planned, fenced: FailoverFence, step: StepName): Promise<FailoverFence> {
  if (fenced.outcome !== 'proven') return fenced
  const { given, ref, input, asked, left } = taking
  const guarding = { act: given, ref, left, input: { ...input, ...asked }, standbyIsReplica: true } as const
  const still = await assertFencedStill(guarding, planned, fenced, step)
  if (still.outcome !== 'proven') await given.asking.recordFenced({ ...ref(step), fenced: still })
  return still
}

/** More may be lost than was allowed or approved, since the fence was proven so late, and nobody has agreed to that: nothing is called until somebody does. Whoever was asked
 *  for hours is told nothing of a source that came back meanwhile: then all is taken back. */
async function isLossApproved(taking: TakingOver, planned: Planned, { fenced, stated }: Fenced): Promise<boolean> {
  const { rejected } = await awaitApproval(taking.run, {
    step: STEPS.approve,
    planned: stated,
    digestOf: ({ digest }) => digest,
    planAgain: async () => {
      await stillFenced(taking, planned, fenced, STEPS.approve)
      return stateLoss(taking, planned, fenced, STEPS.approve)
    },
    drifted: 'what may be lost has changed',
  })
  return !rejected
}

function notProven({ evidence }: FailoverFence): Error {
  const message = `Nobody can prove that the source takes no writes: ${evidence.join('; ')}. The replica is not promoted, since two writers are worse than none. Fence it by other means, or have somebody answer for it: --acknowledge-unfenced "why".`
  return refused('FENCE_NOT_PROVEN', message)
}
