/** The plan of a search for people: what is asked, of which moments, and what that costs. */
import type { SearchPlan } from '../../../contracts/find-moment'
import type { DatabaseEntry } from '../../../contracts/fleet'
import { shownSize } from '../../../contracts/snapshot'
import { chosenDuration, duration, instant } from '../../quantities'
import type { Paint } from '../io'
import { oneLine } from './quoted'

export function searchPlanLines(plan: SearchPlan, entry: DatabaseEntry, paint: Paint): string[] {
  const { request, window, restoresMax, copy, expectedMsEach } = plan
  const takes =
    expectedMsEach === null
      ? 'nobody knows yet how long one takes'
      : `the last one took ${duration(expectedMsEach)}, so that all take ${duration(restoresMax * expectedMsEach)} at most`
  return [
    `${paint('bold', `plan for ${entry.name}`)}  ${oneLine(plan.instance)} (PostgreSQL ${oneLine(plan.engineVersion)}); it is not touched`,
    `  asks ${oneLine(request.holds)}`,
    `  from ${instant(request.from)} to ${instant(request.to)}, until both are ${chosenDuration(request.precisionMs)} apart`,
    `  restores ${restoresMax} copies at most, one after another, each removed before the next: ${takes}`,
    `  each of class ${oneLine(copy.instanceClass)}, ${shownSize(copy.sizeGib)}, which the cloud bills for as long as it is there`,
    `  could restore any moment from ${instant(window.earliest)} to ${instant(window.latest)}`,
    ...(plan.inertCopy === 'after-start'
      ? [
          '  each runs for minutes with its source’s settings before it is inert: somebody vouched that nothing acted by itself then',
        ]
      : []),
    '',
    `  plan digest ${plan.digest}`,
  ]
}
