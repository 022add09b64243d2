/** What the acts behind the fence need of both sides, opened while the source is still written to (activities/replication/ready.ts). */
import { openKeyhole } from '../../postgres/fence/keyhole'
import { ensureControlSchema } from '../../postgres/migrate/control-schema'
import type { FenceToken } from '../../postgres/migrate/fence'
import type { ActivityDeps } from '../deps'
import { MAINTENANCE, masterOf } from '../replication/keyhole'
import { type Door, putReady } from '../replication/ready'
import { opener, type Place } from '../replication/sides'
import type { Pair } from './pair'

/** One that cannot be had is left out: whoever needs it opens his own. `token`: of the attempt, in the standby's database. */
export async function standReady(deps: ActivityDeps, { places: { source, standby } }: Pair, token: FenceToken): Promise<void> {
  const doors: readonly (readonly [Place, Door])[] = [
    [source, 'keyhole'],
    [standby, 'keyhole'],
    [standby, 'admin'],
    [standby, 'migrator'],
  ]
  await Promise.allSettled(doors.map(([place, door]) => stand(deps, place, door, token)))
}

async function stand(deps: ActivityDeps, place: Place, door: Door, token: FenceToken): Promise<void> {
  if (door === 'keyhole') {
    const from = [place.entry.database, MAINTENANCE]
    return putReady(place, door, await openKeyhole({ connectTo: masterOf(deps, place), from }))
  }
  const session = await opener(deps, place, door, token)()
  try {
    if (door === 'migrator') await ensureControlSchema(session)
  } catch (error) {
    await session.close()
    throw error
  }
  putReady(place, door, session)
}
