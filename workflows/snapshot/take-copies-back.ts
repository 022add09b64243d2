/** The undo of copies in other regions. A region that is out of reach has it wait for a person within the hour, who is told what stays there: it must not
 *  hold the instance's lock for as long as it hangs. */
import { ApplicationFailure } from '@temporalio/workflow'
import { temporaryName } from '../../contracts/operation'
import { copyStepOf } from '../../contracts/snapshot'
import { failureRecord, isDefect } from '../kit/failures'
import { patienceWith, whileReached } from './reached'
import type { Taken, Taking } from './taking'

/** All at once, and all of them whatever becomes of one. Safe to repeat. */
export async function takeCopiesBack(taking: Taking, taken: Taken, regions: readonly string[]): Promise<void> {
  const stays = (await Promise.all(regions.map((region) => takeBack(taking, taken, region)))).filter((one) => one !== null)
  if (stays.length === 0) return
  const message = `${stays.join(' ')} Once that is mended, "retry" removes what is left; by "skip" it stays until its retention is over.`
  throw ApplicationFailure.nonRetryable(message, 'RESOURCE_FAILED')
}

/** Resolves to what stays, and why; null: nothing. */
async function takeBack({ input, act, ref }: Taking, { instanceId }: Taken, region: string): Promise<string | null> {
  const step = copyStepOf(region)
  const place = { ...ref(step), region, snapshot: temporaryName(input.operation, step) }
  try {
    const removal = () => act.takingBack.awaitSnapshotRemoval({ ...place, instanceId })
    await whileReached(removal, patienceWith(act.copying, place))
    return null
  } catch (error) {
    if (isDefect(error)) throw error
    return `Copy ${place.snapshot} in ${region} was not removed: ${failureRecord(error).message}`
  }
}
