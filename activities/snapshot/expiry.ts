/** Removal by retention. What may go is decided right before each removal, over what the cloud lists at that moment. */
import { Failure } from '../../contracts/failures'
import type { SnapshotStanding } from '../../contracts/snapshot'
import { changing } from '../act'
import { recordRemoval } from '../resources'
import { type JudgedSnapshot, judgeSeries, type Series } from './series'

/** Oldest first, so that whatever stops the expiry, the newer ones are still there. */
export async function listExpired(series: Series): Promise<string[]> {
  const judged = await judgeSeries(series)
  return judged
    .filter(({ standing }) => standing === 'expired')
    .map(({ facts }) => facts.name)
    .reverse()
}

export type Removal =
  | { readonly removed: true }
  /** `refusal`: the cloud would not. */
  | { readonly removed: false; readonly why: string; readonly refusal?: Failure }

/** What a retirement comes to. `removal`: null where it was not up for removal any more when that was asked once more. Null: it was `expired` and stays,
 *  since what others did meanwhile made it one that has to; whoever judges anew knows why. */
export function retiredAs(standing: SnapshotStanding, removal: Removal | null): SnapshotStanding | 'gone' | null {
  if (removal?.removed) return 'gone'
  return standing === 'expired' ? null : standing
}

/** Safe to repeat: one that is not there has been removed. */
export async function removeIfExpired(series: Series, name: string): Promise<Removal> {
  const found = (await judgeSeries(series)).find(({ facts }) => facts.name === name)
  if (found === undefined || found.standing === 'being-removed') return { removed: true }
  if (found.standing !== 'expired') return { removed: false, why: found.standing }
  return remove(series, found)
}

async function remove(series: Series, { description }: JudgedSnapshot): Promise<Removal> {
  const { name, owner } = description
  if (owner === null) return { removed: false, why: 'not-ours' }
  const options = changing()
  try {
    await series.cloud.startSnapshotRemoval({ snapshot: name, instanceId: series.instanceId, owner }, options)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    // Something is being restored from it, or somebody else is at it: it goes the next time.
    if (error.code === 'CLOUD_BUSY') return { removed: false, why: 'busy', refusal: error }
    // One that may not be removed must not keep the others from it.
    if (error.kind === 'refused') return { removed: false, why: error.code, refusal: error }
    throw error
  }
  await recordRemoval(series.ledger, { operation: owner.operation, kind: 'snapshot', name })
  return { removed: true }
}
