/** What a migration does with the standbys of its database. The source gets a stretch of files first, and each standby the same at the line behind which it has
 *  all that came before and nothing that comes after: docs/decisions/0035. A standby that cannot be had stays at its line, and stops nobody else; the verdict
 *  says so. */
import { isCancellation } from '@temporalio/workflow'
import {
  type DeclaredFollower,
  type FollowerAddress,
  type InstanceAddress,
  type MigrateInput,
  type PlanSummary,
  MIGRATE_STEPS as STEPS,
} from '../../contracts/migrate'
import type { Finding, StepName } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'
import { failureRecord, isDefect } from '../kit/failures'
import { withLock } from '../kit/locks'
import type { Run } from '../kit/run'
import { followerActivities } from './activities'

export interface ToCarryOver {
  readonly run: Run
  readonly input: MigrateInput
  readonly ref: (step: string) => StepRef
}

/** Each as its cloud says. One whose cloud does not tell of it is planned as one that is out of reach. */
export async function describeFollowers({ input, ref }: ToCarryOver, step: string): Promise<FollowerAddress[]> {
  const { standbys = [] } = input
  return Promise.all(
    standbys.map(async (follower): Promise<FollowerAddress> => {
      const { standby } = follower
      try {
        return { standby, address: await followerActivities(input, follower).planning.describeStandby({ ...ref(step), standby }) }
      } catch (error) {
        if (isDefect(error) || isCancellation(error)) throw error
        return { standby, address: null }
      }
    }),
  )
}

/** What `apply` does for each stretch, and after it the standbys. Resolves to a finding for each that is left at its line. What the source has got of a stretch
 *  that failed is carried over as well. */
export async function inStretches(
  carrying: ToCarryOver,
  { target, plan: { standbys = [], stretches = [] } }: { readonly target: InstanceAddress; readonly plan: PlanSummary },
  apply: (step: StepName, upTo: string | null) => Promise<void>,
): Promise<readonly Finding[]> {
  const { run, input } = carrying
  const waiting = standbys.flatMap(({ standby, does, why }) =>
    does === 'wait' ? [waits(input.database, standby, why ?? 'it was not asked')] : [],
  )
  const followers = followersOf(carrying, standbys)
  if (followers.length === 0) {
    await apply(STEPS.apply, null)
    return waiting
  }
  let left: readonly Finding[] = []
  for (const [at, upTo] of stretches.entries()) {
    try {
      await apply(nth(STEPS.apply, at), upTo)
    } catch (error) {
      if (isDefect(error) || isCancellation(error) || run.isAborting()) throw error
      await carryOver(carrying, nth(STEPS.carryOver, at), { source: target, followers })
      throw error
    }
    left = await carryOver(carrying, nth(STEPS.carryOver, at), { source: target, followers })
  }
  return [...waiting, ...left]
}

/** Where nothing is pending: who was left at its line by a run before gets what it lacks. Resolves to a finding for each that does not. */
export async function carryOverLeft(
  carrying: ToCarryOver,
  { target, plan: { standbys = [] } }: { readonly target: InstanceAddress; readonly plan: PlanSummary },
): Promise<readonly Finding[]> {
  const { database } = carrying.input
  const waiting = standbys.flatMap(({ standby, does, why }) =>
    does === 'wait' ? [lacks(database, standby, why ?? 'it was not asked')] : [],
  )
  const followers = followersOf(carrying, standbys)
  const left = followers.length === 0 ? [] : await carryOver(carrying, STEPS.carryOver, { source: target, followers })
  return [...waiting, ...left]
}

function followersOf({ input }: ToCarryOver, standbys: NonNullable<PlanSummary['standbys']>): readonly DeclaredFollower[] {
  const carried = new Set(standbys.flatMap(({ standby, does }) => (does === 'carry-over' ? [standby] : [])))
  return (input.standbys ?? []).filter(({ standby }) => carried.has(standby))
}

/** A step runs once: of a second stretch it is one of its own, under the same title. */
function nth({ id, title }: StepName, at: number): StepName {
  return at === 0 ? { id, title } : { id: `${id}-${at + 1}`, title }
}

/** One after the other, so that no more than two instances are locked at a time. */
async function carryOver(
  carrying: ToCarryOver,
  step: StepName,
  { source, followers }: { readonly source: InstanceAddress; readonly followers: readonly DeclaredFollower[] },
): Promise<readonly Finding[]> {
  const { findings } = await carrying.run.step(step, {
    do: async () => {
      const done: string[] = []
      const findings: Finding[] = []
      for (const follower of followers) {
        const outcome = await carryOverTo(carrying, { step: step.id, source }, follower)
        if (typeof outcome === 'string') done.push(`${follower.standby}: ${outcome}`)
        else findings.push(outcome)
      }
      return { done, findings }
    },
    detail: ({ done, findings }) => ({ summary: [...done, ...findings.map(({ message }) => message)].join('; '), findings }),
  })
  return findings
}

/** A sentence: it is done. A finding: it is left at its line. */
async function carryOverTo(
  { run, input, ref }: ToCarryOver,
  { step, source }: { readonly step: string; readonly source: InstanceAddress },
  follower: DeclaredFollower,
): Promise<string | Finding> {
  const { standby, lockScope: scope } = follower
  const { asking, carrying } = followerActivities(input, follower)
  const { operation, heartbeatTimeoutMs } = input
  try {
    return await withLock({ operation, step, scope, heartbeatTimeoutMs }, async (epoch) => {
      const sides = { source, standby: await asking.describeStandby({ ...ref(step), standby }) }
      const on = { ...ref(step), standby, sides }
      const prepared = await carrying.prepareCarryOver({ ...on, lock: { scope, epoch } })
      const { summary } = await carrying.carryOver({ ...on, epoch: prepared.epoch })
      return summary
    })
  } catch (error) {
    if (isDefect(error) || isCancellation(error) || run.isAborting()) throw error
    return waits(input.database, standby, failureRecord(error).message)
  }
}

function waits(source: string, standby: string, why: string): Finding {
  const said = why.replace(/\.$/, '')
  return {
    rule: 'standby-waits',
    message: `${standby} waits at its line and gets nothing until this is carried over: ${said}. Then "capstan standby resume ${source} --to ${standby}".`,
  }
}

function lacks(source: string, standby: string, why: string): Finding {
  return {
    rule: 'standby-waits',
    message: `Nothing is pending on ${source}, and ${standby} may not have all that it has applied: ${why}. "capstan standby resume ${source} --to ${standby}" brings it there.`,
  }
}
