/** The real locks and the kit's life of an operation that takes two. In the runbook's place one that tells the epochs, or holds the locks for ever. */
import { condition } from '@temporalio/workflow'
import type { OperationResult } from '../../../contracts/operation'
import { type OperationSpec, runOperation } from '../../../workflows/kit/operation'

export { instanceLock } from '../../../workflows/instance-lock/instance-lock'

export async function holdsBoth(input: OperationSpec & { readonly holds: boolean }): Promise<OperationResult> {
  return runOperation(input, async (_run, { epoch, otherEpoch }) => {
    if (input.holds) await condition(() => false)
    return { status: 'succeeded', verdict: 'pass', findings: [{ rule: 'epochs', message: `${epoch} ${otherEpoch}` }] }
  })
}
