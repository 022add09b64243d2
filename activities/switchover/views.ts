/** Before anybody is shut out, so that applications find on the new writer what they found on the old one. */
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { raisedOn } from '../replication/sides'
import { fillViews } from '../replication/views'
import type { SwitchoverActivities } from './contract'
import { assertNotMoved } from './moved'
import { pairOf } from './pair'

type Input = Parameters<SwitchoverActivities['fillViews']>[0]

export async function fillViewsOf(deps: ActivityDeps, input: Input): ReturnType<SwitchoverActivities['fillViews']> {
  const { standby } = (await pairOf(deps, input)).places
  await assertNotMoved(deps, input.operation)
  const token = await raisedOn(deps, standby, input.epochs.standby)
  assertMayAct()
  return fillViews(deps, standby, { token, views: input.views })
}
