/** That nobody has begun since, as the rows of who may act in both keyholes say: for who acts where nothing compares them. */
import { Failure, failure } from '../../contracts/failures'
import { KEYHOLE } from '../../postgres/fence/keyhole'
import { standingFence } from '../../postgres/migrate/fence'
import type { ActivityDeps } from '../deps'
import { isAway } from '../replication/away'
import { masterOf } from '../replication/keyhole'
import type { Place, SideName } from '../replication/sides'
import type { Switching } from './contract'
import { pairOf } from './pair'

/** Once it was recorded that writing moves. A source that is away is passed over: whoever has begun since, with writing moved, has raised the standby's row too. Changes
 *  nothing. Throws FENCED_OFF. */
export async function assertOursStill(deps: ActivityDeps, input: Switching): Promise<void> {
  const { places } = await pairOf(deps, input)
  await assertOurs(deps, places.standby, { side: 'standby', epoch: input.epochs.standby })
  try {
    await assertOurs(deps, places.source, { side: 'source', epoch: input.fenceEpoch })
  } catch (error) {
    if (!(error instanceof Failure) || !isAway(error)) throw error
  }
}

async function assertOurs(
  deps: ActivityDeps,
  place: Place,
  { side, epoch }: { readonly side: SideName; readonly epoch: number },
) {
  const session = await masterOf(deps, place)(KEYHOLE)
  const standing = await standingFence(session).finally(() => session.close())
  if (standing.operation === place.ref.operation && standing.epoch === epoch) return
  const message = `The ${side} is in the hands of ${standing.operation ?? 'nobody'} (epoch ${standing.epoch}, and ours is ${epoch}): ${place.ref.operation} was overtaken, and leads nobody anywhere.`
  throw failure('FENCED_OFF', message, { side, epoch, standingEpoch: standing.epoch })
}
