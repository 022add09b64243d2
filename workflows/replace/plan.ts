/** The plan: what the cloud, the instance and the endpoint say, put together and bound by one digest. */

import { ApplicationFailure } from '@temporalio/workflow'
import type { ReplacementDataActivities } from '../../activities/replacement/contract'
import type { HostPort } from '../../contracts/endpoint'
import type { FencePlanSummary } from '../../contracts/fence'
import type { InstanceAddress } from '../../contracts/migrate'
import { type PlannedReplacement, type ReplacePlanSummary, REPLACE_STEPS as STEPS } from '../../contracts/replace'
import type { PlannedPoint } from '../../contracts/restore'
import type { Replacing } from './replacing'

export interface Planned extends ReplacePlanSummary {
  /** To raise the fence with. */
  readonly fenceEpoch: number
  /** Where the endpoint leads; null: nobody can be asked. */
  readonly endpointAt: HostPort | null
}

export async function planReplacement({ run, input, act, ref, epoch }: Replacing): Promise<Planned> {
  const { point, wasDormant, oldIsGone, acceptLaterWrites, compareMs, keepOldHours = null } = input
  const step = STEPS.plan
  const planned = await run.step(step, {
    do: async () => {
      const asked = { point, wasDormant, oldIsGone, acceptLaterWrites, compareMs, keepOldHours, copyStep: STEPS.copy.id }
      const found = await act.asking.planReplacement({ ...ref(step), ...asked })
      const source = input.oldIsGone ? null : found.source
      if (found.afterStart && source !== null) await act.dormancy.proveDormant({ ...ref(step), target: source })
      const fence = source === null ? null : await planFence({ input, act, ref, epoch }, source)
      const endpoint = await act.askingTraffic.whereTo(ref(step))
      if (source === null) await assertGone({ act, ref }, { ...found, endpointAt: endpoint.at })
      const summary = await act.asking.writeReplacementPlan({ ...ref(step), fence, endpoint })
      return { ...summary, source, fenceEpoch: fence?.epoch ?? 0, endpointAt: endpoint.at }
    },
    detail: (found) => ({
      summary: `${shownPoint(found.point)} in place of ${found.instance}${found.source === null ? ', which is gone' : ''}`,
      planDigest: found.digest,
    }),
  })
  await run.record.setStatus('running', { planDigest: planned.digest })
  return planned
}

interface Asking {
  readonly act: { readonly askingData: Pick<ReplacementDataActivities, 'probeOld'> }
  readonly ref: Replacing['ref']
}

interface Gone extends Pick<PlannedReplacement, 'instance' | 'instanceId' | 'engineVersion' | 'address'> {
  readonly endpointAt: HostPort | null
}

/** Whoever answers is not gone, whatever was said and whatever its cloud says: he can be fenced, and has to be. Of one without an address nobody can say
 *  whether the endpoint leads to it: then nobody may answer there. */
export async function assertGone(
  { act, ref }: Asking,
  { instance, instanceId, engineVersion, address, endpointAt }: Gone,
): Promise<void> {
  const source = address ?? (endpointAt && { instance, instanceId, engineVersion, ...endpointAt })
  if (source === null) return
  const { answers, said } = await act.askingData.probeOld({ ...ref(STEPS.plan), source })
  if (!answers) return
  if (address === null) {
    const message = `Instance ${instance} has no address that the endpoint could be held against, and at ${source.host}:${source.port}, where that leads, somebody answers (${said}): it is not moved away from another one. Lead it to where nobody answers, or take it out of the fleet file and move it by hand, then start again.`
    throw ApplicationFailure.nonRetryable(message, 'ENDPOINT_DRIFTED')
  }
  const message = `Instance ${instance} was said to be gone, and it answers (${said}): it has to be fenced. Start again without --old-is-gone.`
  throw ApplicationFailure.nonRetryable(message, 'PLAN_DRIFTED')
}

function planFence(
  { input, act, ref, epoch }: Pick<Replacing, 'input' | 'act' | 'ref' | 'epoch'>,
  target: InstanceAddress,
): Promise<FencePlanSummary> {
  const lock = input.mode === 'plan' ? null : { scope: input.lockScope, epoch }
  return act.askingFence.planFence({ ...ref(STEPS.plan), target, scope: 'instance', copy: false, lock })
}

export function shownPoint(point: PlannedPoint): string {
  return point.kind === 'snapshot' ? `snapshot ${point.snapshot}` : `the moment ${point.at}`
}
