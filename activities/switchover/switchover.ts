/** Writing moves to a standby: docs/decisions/0027-a-standby-in-another-cloud.md, docs/decisions/0028-guests-of-a-fence.md. */
import type { ActivityDeps } from '../deps'
import type { SwitchoverActivities } from './contract'
import { fenceAndDrain, takeBackFence } from './cross'
import { letOldFollow, openToApplications, turnStandby } from './forward'
import { recordMoved } from './moved'
import { observeWriter } from './observe'
import { leaveOldClosed } from './one-way'
import { writePapers } from './papers'
import { planSwitchover } from './plan'
import { rehearseCrossing } from './rehearse'
import { lookOnceMore } from './stands'
import { fillViewsOf } from './views'
import { dropWayBack, prepareWayBack } from './way-back'

export function createSwitchoverActivities(deps: ActivityDeps): SwitchoverActivities {
  return {
    planSwitchover: (input) => planSwitchover(deps, input),
    fillViews: (input) => fillViewsOf(deps, input),
    writePapers: (input) => writePapers(deps, input),
    prepareWayBack: (input) => prepareWayBack(deps, input),
    dropWayBack: (input) => dropWayBack(deps, input),
    rehearseCrossing: (input) => rehearseCrossing(deps, input),
    fenceAndDrain: (input) => fenceAndDrain(deps, input),
    takeBackFence: (input) => takeBackFence(deps, input),
    lookOnceMore: (input) => lookOnceMore(deps, input),
    recordMoved: (input) => recordMoved(deps, input),
    openToApplications: (input) => openToApplications(deps, input),
    letOldFollow: (input) => letOldFollow(deps, input),
    turnStandby: (input) => turnStandby(deps, input),
    leaveOldClosed: (input) => leaveOldClosed(deps, input),
    observeWriter: (input) => observeWriter(deps, input),
  }
}
