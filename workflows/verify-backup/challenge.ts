/** The negative control: a verification that would pass damage is worth nothing, so its copy is damaged, once all rungs have looked at it. */
import { isCancellation } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import type { RestorePoint } from '../../contracts/restore-point'
import {
  type AroundPoint,
  type NegativeControl,
  type Rung,
  rungLevel,
  VERIFY_BACKUP_STEPS as STEPS,
} from '../../contracts/verify-backup'
import { failureRecord, isDefect } from '../kit/failures'
import { TIMED_OUT } from './time-limit'
import type { Verifying } from './verifying'

export interface Challenged {
  readonly copy: InstanceAddress
  readonly instanceId: string
  readonly point: RestorePoint
  readonly around: AroundPoint | null
}

type RungUnderControl = NegativeControl['rung']

/** Of the rungs that passed: what did not pass has nothing to be doubted. */
export async function challenge(
  { run, act, ref, limit }: Verifying,
  ladder: readonly Rung[],
  { copy, instanceId, point, around }: Challenged,
): Promise<readonly NegativeControl[]> {
  const passed = (id: RungUnderControl): boolean => ladder.some((rung) => rung.id === id && rung.outcome === 'pass')
  const step = ref(STEPS.control)
  const asked: (() => Promise<NegativeControl>)[] = []
  const ask = (rung: RungUnderControl, damage: () => Promise<NegativeControl>): void => {
    asked.push(() => orUnmade(rung, () => limit.within(damage)))
  }
  if (point.kind === 'moment' && passed('reached')) {
    const { at } = point
    ask('reached', () => act.proof.challengeReached({ ...step, copy, at, instanceId }))
  }
  if (around !== null && passed('content')) {
    ask('content', () => act.proof.challengeContent({ ...step, copy, around }))
  }
  if (asked.length === 0) return []
  return run.step(STEPS.control, {
    do: async () => {
      const controls: NegativeControl[] = []
      for (const made of asked) controls.push(await made())
      return controls
    },
    detail: (controls) => ({ summary: controls.map(({ summary }) => summary).join('; '), controls }),
  })
}

/** The rungs have spoken by now: a control that breaks, or for which no time is left, must not throw away what they found. An abort does. */
export async function orUnmade(rung: RungUnderControl, damage: () => Promise<NegativeControl>): Promise<NegativeControl> {
  try {
    return await damage()
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    const { code, message } = failureRecord(error)
    const outcome = code === TIMED_OUT ? 'not-made' : 'failed'
    return { rung, outcome, summary: `${rungLevel(rung)}: no damage: ${code} ${message}` }
  }
}
