import type { FencedTarget } from '../../contracts/instance-fence'
import type { InstanceAddress } from '../../contracts/migrate'
import type { NewWriterAtCloud, NewWriterInside, NotAsked, OldWriterAtCloud, OldWriterInside } from '../../contracts/old-writer'
import type { Sha256 } from '../../contracts/operation'
import type { StepRef } from '../../contracts/step-ref'

/** On the queue of either's cloud. Reads only. */
export interface OldWriterCloudActivities {
  /** By its immutable id, under whatever name where a cloud renames. `leftIn`: as in `LookAtOldWriterInput`. */
  describeOldWriter(input: {
    bundle: Sha256
    instanceId: FencedTarget['instanceId']
    leftIn: readonly string[] | null
  }): Promise<OldWriterAtCloud>
  describeNewWriter(input: { bundle: Sha256 }): Promise<NewWriterAtCloud>
}

/** On the queue of those that serve databases; each at the address that its cloud gives. Reads only, and what cannot be asked is told. */
export interface OldWriterDataActivities {
  /** Whether it is still closed and bears its mark, and what else its instance holds. */
  lookIntoOldWriter(
    input: StepRef & { address: InstanceAddress; publishers: readonly string[] },
  ): Promise<OldWriterInside | NotAsked>
  /** Whether it is the writer, and open. */
  lookIntoNewWriter(input: StepRef & { address: InstanceAddress }): Promise<NewWriterInside | NotAsked>
}
