/** Makes a database of another instance, perhaps in another cloud, follow this one, and hands it over to whoever watches it from then on; and what is done
 *  with it afterwards. Nothing is made before the ledger has its names, so that no slot is ever nobody's. */
import type { OperationResult, StepName } from '../../contracts/operation'
import type { ReplicateInput } from '../../contracts/replicate'
import type { StepRef } from '../../contracts/step-ref'
import { runOperation } from '../kit/operation'
import { actOnStandby } from './act-on-standby'
import { replicateActivities } from './activities'
import { rebuild } from './rebuild'
import { setUp } from './set-up'

export async function replicate(input: ReplicateInput): Promise<OperationResult> {
  const act = replicateActivities(input)
  const ref = ({ id: step }: StepName): StepRef => ({ operation: input.operation, step, bundle: input.bundle })
  const planOnly = input.mode === 'plan'
  const lockScope = planOnly ? null : input.lockScope
  const otherLockScope = planOnly ? null : input.standbyLockScope
  return runOperation({ ...input, lockScope, otherLockScope }, (run, { epoch, otherEpoch }) => {
    const replicating = { run, input, act, ref, locked: { source: epoch, standby: otherEpoch } }
    if (input.action !== 'set-up') return actOnStandby(replicating, input.action)
    return input.rebuild === true ? rebuild(replicating) : setUp(replicating)
  })
}
