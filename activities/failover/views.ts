/** Once applications are served: what views show is as old as the standby's last filling, and somebody waits for a writer, not for them. */
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { raisedOn } from '../replication/sides'
import { fillViews } from '../replication/views'
import type { FailoverActivities } from './contract'
import { failoverPair } from './pair'

type Input = Parameters<FailoverActivities['fillOpenedViews']>[0]

/** Of one view: who reads it may have to wait for as long, and nobody can abort what comes after the opening. */
const VIEW_MS_MAX = 600_000

export async function fillOpenedViews(deps: ActivityDeps, input: Input): ReturnType<FailoverActivities['fillOpenedViews']> {
  const { standby } = (await failoverPair(deps, input)).places
  const token = await raisedOn(deps, standby, input.epoch)
  assertMayAct()
  return fillViews(deps, standby, { token, views: input.views, servedMsMax: VIEW_MS_MAX })
}
