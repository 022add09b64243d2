/** The standby's disk, made larger before rows are copied. */
import { patched } from '@temporalio/workflow'
import type { StepName } from '../../contracts/operation'
import { type DiskGrowth, type DiskOfInstance, REPLICATE_STEPS as STEPS } from '../../contracts/replicate'
import type { Replicating, Sides } from './replicating'

/** Undefined: of an operation that was begun before anybody asked for them. */
export async function describeDisks(
  { act, ref }: Pick<Replicating, 'act' | 'ref'>,
  step: StepName,
): Promise<{ source: DiskOfInstance; standby: DiskOfInstance } | undefined> {
  if (!patched('disks')) return undefined
  const source = await act.askingSource.describeDisk({ ...ref(step), side: 'source' })
  return { source, standby: await act.askingStandby.describeDisk({ ...ref(step), side: 'standby' }) }
}

/** No cloud makes it smaller again: nothing takes it back. */
export async function growStandby({ run, act, ref }: Replicating, { sides }: Sides, { toGib }: DiskGrowth): Promise<void> {
  const on = { ...ref(STEPS.grow), toGib }
  await run.step(STEPS.grow, {
    do: async () => {
      await act.growing.growStandby({ ...on, instanceId: sides.standby.instanceId })
      return act.growing.awaitGrown(on)
    },
    detail: ({ summary }) => ({ summary }),
  })
}
