/** From the fence to the end: the old instance takes no more writes, the copy acts, lets in and is led to. Up to the point of no return everything is taken
 *  back in reverse: the fence is lowered first, so that whoever waits is served again. */
import { ApplicationFailure } from '@temporalio/workflow'
import { samePlace } from '../../contracts/endpoint'
import type { Finding, StepDetail, StepName } from '../../contracts/operation'
import { REPLACE_STEPS as STEPS } from '../../contracts/replace'
import { arrangeOldRetirement } from '../retire-old/arrange'
import { assertGone, type Planned } from './plan'
import { appliedUntilDone, momentOf, releasedUntilDone } from './prepare'
import type { Pair, Replacing } from './replacing'

export async function lastLook({ run, input, act, ref }: Replacing, planned: Planned, { old, copy }: Pair): Promise<void> {
  const { acceptLaterWrites, compareMs } = input
  await run.step(STEPS.remainder, {
    do: async () => {
      if (old === null) return { summary: 'the old instance is gone: nobody can say' }
      await act.asking.assertStillAsPlanned(ref(STEPS.remainder))
      const asked = { copy, live: old, from: momentOf(planned.point), compareMs, acceptLaterWrites }
      return act.data.reportRemainder({ ...ref(STEPS.remainder), ...asked })
    },
    detail: (found) => found,
  })
}

export async function fenceOld({ run, input, act, ref }: Replacing, planned: Planned, { old }: Pair): Promise<void> {
  const step = STEPS.fence
  if (old === null) {
    await run.step(step, {
      do: () => assertStillGone({ act, ref }, planned),
      detail: () => ({ summary: 'not fenced: it is gone, as was said, and does not answer' }),
    })
    return
  }
  const of = { ...ref(step), target: old, scope: 'instance', copy: false, epoch: planned.fenceEpoch } as const
  await run.step(step, {
    do: async () => {
      const { closed } = await act.fence.raiseFence(of)
      const { lsn } = await act.fence.proveFenced(of)
      const written = await act.askingData.reportWritten({
        ...{ ...ref(step), live: old, fencedAt: lsn },
        acceptLaterWrites: input.acceptLaterWrites,
      })
      return { closed, lsn, ...written }
    },
    undo: () => act.lowering.lowerFence(of),
    detail: ({ closed, lsn, summary, rowsMax }) => ({
      summary: `${closed.join(', ')} closed; ${summary}`,
      closed,
      lsn,
      rowsWrittenSinceMax: rowsMax,
    }),
  })
}

/** Whoever was down for the plan may be up again. */
async function assertStillGone({ act, ref }: Pick<Replacing, 'act' | 'ref'>, planned: Planned): Promise<void> {
  const address = await act.asking.findOld(ref(STEPS.fence))
  await assertGone({ act, ref }, { ...planned, address })
}

/** What comes behind the fence. `passed`: the point of no return. */
export interface CutOver extends Replacing {
  readonly pair: Pair
  readonly passed: boolean
  /** Steps that a person had left out, or did by hand. */
  readonly left: Finding[]
}

interface Act<T> {
  readonly do: () => Promise<T>
  readonly detail: (result: T) => StepDetail
}

async function onward<T>({ run, passed, left }: CutOver, step: StepName, act: Act<T>): Promise<void> {
  if (!passed) await run.step(step, act)
  else if ((await run.forward(step, act)) === null) {
    left.push({ rule: `left:${step.id}`, message: `“${step.title}” was not done by the operation: a person decided so.` })
  }
}

/** The copy is production from here on, and that is the first that is written down. */
async function pass(cutOver: CutOver, step: StepName, why: string): Promise<CutOver> {
  if (cutOver.passed) return cutOver
  await cutOver.run.pointOfNoReturn(step, why)
  return { ...cutOver, passed: true }
}

/** `acts`: it has subscriptions. They take their publishers' slots, and what they take nobody is sent again: the old instance could not go on. */
export async function letAct(cutOver: CutOver, planned: Planned, acts: boolean): Promise<CutOver> {
  if (acts) {
    await assertLeadsStill(cutOver, planned)
    // a password that cannot be had is found out while all can still be taken back
    await adopt(cutOver)
  }
  const going = acts ? await pass(cutOver, STEPS.act, 'its subscriptions take what their publishers send') : cutOver
  const { act, ref, pair, passed } = going
  const of = { ...ref(STEPS.act), copy: pair.copy }
  const by = passed ? act.forward : act.setUp
  await onward(going, STEPS.act, {
    do: async () => {
      if (passed) await act.forward.recordTakeover(of)
      await releasedUntilDone(by, of)
      await by.proveSetUp({ ...of, parts: ['parameters'], inert: false })
    },
    detail: () => ({ summary: 'what acts by itself in it may act' }),
  })
  return going
}

/** The copy's master has the password of the fleet file. Safe to repeat, on one that is still inert, too. */
async function adopt({ act, ref, pair, passed }: CutOver): Promise<void> {
  const of = { ...ref(STEPS.admit), copy: pair.copy }
  const [cloud, data] = passed ? [act.forward, act.forwardData] : [act.setUp, act.data]
  const { adopted } = await data.adoptMaster({ ...of, wasReset: false })
  if (adopted) return
  await cloud.resetMaster(of)
  await act.instance.awaitInstance({ ...ref(STEPS.admit), instance: pair.copy.instance })
  await data.adoptMaster({ ...of, wasReset: true })
}

export async function admit(cutOver: CutOver, planned: Planned): Promise<void> {
  const { act, ref, pair, passed } = cutOver
  const of = { ...ref(STEPS.admit), copy: pair.copy }
  const cloud = passed ? act.forward : act.setUp
  const parts = ['access', 'network'] as const
  await onward(cutOver, STEPS.admit, {
    do: async () => {
      await adopt(cutOver)
      await appliedUntilDone(cloud, of, parts)
      await cloud.proveSetUp({ ...of, parts, inert: false })
      if (!passed) await assertLeadsStill(cutOver, planned)
    },
    detail: () => ({ summary: 'whoever was let into the old instance; its master has the password that the fleet file names' }),
  })
}

/** Right before there is no way back: an endpoint that cannot be moved then leaves everybody without an instance. */
async function assertLeadsStill({ act, ref, pair: { copy } }: CutOver, { endpointAt }: Planned): Promise<void> {
  const next = { host: copy.host, port: copy.port }
  const { at } = await act.askingTraffic.whereTo({ ...ref(STEPS.admit), next })
  if (at === null || endpointAt === null ? at === endpointAt : samePlace(at, endpointAt)) return
  const message = `The endpoint leads elsewhere than when it was planned: to ${at === null ? 'nobody knows where' : `${at.host}:${at.port}`}. Find out who moved it, then start again.`
  throw ApplicationFailure.nonRetryable(message, 'ENDPOINT_DRIFTED')
}

/** Nobody stops any of it any more. */
export async function takeOver(before: CutOver, planned: Planned): Promise<void> {
  const cutOver = await pass(before, STEPS.move, 'applications are led to the replacement, and write into it')
  const { act, ref, input, pair } = cutOver
  const { copy, old } = pair
  const to = { host: copy.host, port: copy.port }
  const from = planned.endpointAt ?? (old === null ? to : { host: old.host, port: old.port })
  await onward(cutOver, STEPS.move, {
    do: async () => {
      await act.forward.recordTakeover({ ...ref(STEPS.move), copy })
      return act.traffic.moveEndpoint({ ...ref(STEPS.move), from, to })
    },
    detail: ({ moved, summary }) => ({ summary, moved }),
  })
  const { instance, instanceId } = planned
  await onward(cutOver, STEPS.handOver, {
    do: () => act.forward.handOver({ ...ref(STEPS.handOver), copy, instance, instanceId }),
    detail: ({ unmarked }) => ({
      summary: `in the fleet file, the instance of ${input.database} has to be ${copy.instance}${unmarked === null ? '' : `; ${instance} could not be marked as replaced: ${unmarked}`}`,
      fleetFile: { database: input.database, instance: { was: instance, is: copy.instance } },
    }),
  })
  await onward(cutOver, STEPS.protect, {
    do: () => appliedUntilDone(act.forward, { ...ref(STEPS.protect), copy }, ['protection']),
    detail: () => ({ summary: `as ${instance} is; that one stays, closed, until somebody removes it` }),
  })
  await keepOld(cutOver)
}

/** Somebody is told when its time is over; nothing removes it by itself. */
async function keepOld(cutOver: CutOver): Promise<void> {
  const { input, pair } = cutOver
  const { operation, cloud, bundle, heartbeatTimeoutMs, endpointOn, keepOldHours: keepHours = null } = input
  const { old, copy } = pair
  if (keepHours === null || old === null) return
  await onward(cutOver, STEPS.keepOld, {
    do: () =>
      arrangeOldRetirement({
        ...{ operation, cloud, bundle, old, copy, keepHours, heartbeatTimeoutMs },
        ...(endpointOn && { endpointOn }),
      }),
    detail: () => ({
      summary: `${old.instance} stays, closed; in ${keepHours} h "capstan restore list" says that its time is over, and nothing removes it by itself`,
    }),
  })
}
