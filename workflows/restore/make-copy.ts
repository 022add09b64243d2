/** An inert copy of an instance, from the arrangement of its removal to the proof that it cannot act. To be done in a step whose undo removes it. */
import type { InstanceActivities } from '../../activities/instance/contract'
import type { SchemaActivities } from '../../activities/schema/contract'
import type { InstanceAddress } from '../../contracts/migrate'
import { type IsoInstant, type OperationInput, temporaryName } from '../../contracts/operation'
import type { RestorePlanSummary } from '../../contracts/restore'
import type { RestorePoint } from '../../contracts/restore-point'
import type { StepRef } from '../../contracts/step-ref'
import { arrangeCopyRetirement } from '../retire-copy/arrange'

interface CopyOrder {
  readonly act: {
    /** Of the source. */
    readonly asking: Pick<SchemaActivities, 'proveDormant'>
    readonly instance: Pick<InstanceActivities, 'startCopy' | 'awaitInstance' | 'startTakeover'>
    /** On the copy. */
    readonly schema: Pick<SchemaActivities, 'proveInert'>
  }
  readonly input: OperationInput
  readonly point: RestorePoint
  /** The copy is named after its step. */
  readonly ref: StepRef
  readonly planned: Pick<RestorePlanSummary, 'source' | 'afterStart'>
  /** After the operation's end; null: its removal is arranged already. */
  readonly keepHours: number | null
  /** When retention may remove it; null: the operation removes it itself. */
  readonly expiresAt: () => IsoInstant | null
}

export async function makeInertCopy({
  act,
  input,
  point,
  ref,
  planned,
  keepHours,
  expiresAt,
}: CopyOrder): Promise<InstanceAddress> {
  const { source, afterStart } = planned
  // As when it was planned: whatever has begun to act since would act in the copy as well.
  if (afterStart && source !== null) await act.asking.proveDormant({ ...ref, target: source })
  // Its retirement is arranged before it exists: no crash in between can leave a copy that nobody will ever remove.
  if (keepHours !== null) await arrangeCopyRetirement({ ...input, keepHours, copy: temporaryName(ref.operation, ref.step) })
  const { instance } = await act.instance.startCopy({ ...ref, point, expiresAt: expiresAt() })
  await act.instance.awaitInstance({ ...ref, instance })
  await act.instance.startTakeover({ ...ref, instance })
  const copy = await act.instance.awaitInstance({ ...ref, instance })
  await act.schema.proveInert({ ...ref, canary: copy })
  return copy
}
