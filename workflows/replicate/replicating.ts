/** What every step of an operation on a standby has at hand. */
import { isCancellation } from '@temporalio/workflow'
import type { InstanceAddress } from '../../contracts/migrate'
import type { StepName } from '../../contracts/operation'
import type { ReplicateInput, StandbyEpochs, StandbySides, StandbyWatch } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { isDefect } from '../kit/failures'
import type { Run } from '../kit/run'
import type { replicateActivities } from './activities'

export interface Replicating {
  readonly run: Run
  readonly input: ReplicateInput
  readonly act: ReturnType<typeof replicateActivities>
  readonly ref: (step: StepName) => StepRef
  /** Of the locks; 0: none is held. */
  readonly locked: StandbyEpochs
}

/** Where both are, and under which epochs they are changed. */
export interface Sides {
  readonly sides: StandbySides
  readonly epochs: StandbyEpochs
}

/** Null: nothing is to be changed, and no lock is held. */
export function locksOf({ input, locked }: Pick<Replicating, 'input' | 'locked'>) {
  if (input.mode === 'plan') return null
  return {
    source: { scope: input.lockScope, epoch: locked.source },
    standby: { scope: input.standbyLockScope, epoch: locked.standby },
  }
}

/** Asks both clouds anew each time: an approval may come after days, and the instances of these names may be others by then. */
export async function describeSides({ act, ref }: Pick<Replicating, 'act' | 'ref'>, step: StepName): Promise<StandbySides> {
  const source = await act.asking.describeTarget(ref(step))
  return { source, standby: await act.askingStandby.describeStandby(ref(step)) }
}

/** Of a side that may be gone, or that its cloud does not tell of: null. */
export async function perhaps(asked: Promise<InstanceAddress>): Promise<InstanceAddress | null> {
  try {
    return await asked
  } catch (error) {
    if (isDefect(error) || isCancellation(error)) throw error
    return null
  }
}

export function watchOf({ input }: Pick<Replicating, 'input'>, sides: StandbySides): StandbyWatch {
  const { database: source, standby: target, bundle, cloud, standbyCloud, heartbeatTimeoutMs } = input
  return { version: 1, source, target, bundle, cloud, standbyCloud, sides, heartbeatTimeoutMs }
}

export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`
}
