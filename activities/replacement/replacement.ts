/** What a replacement asks of the database's cloud. */
import type { ActivityDeps } from '../deps'
import type { ReplacementActivities } from './contract'
import { lookAtOld } from './old-at-cloud'
import { assertStillAsPlanned, findOld, planReplacement, writeReplacementPlan } from './plan'
import { setUpActivities } from './set-up'

export function createReplacementActivities(
  deps: Pick<ActivityDeps, 'ledger' | 'cloudOf' | 'resolveSecret'>,
): ReplacementActivities {
  return {
    planReplacement: (input) => planReplacement(deps, input),
    writeReplacementPlan: (input) => writeReplacementPlan(deps, input),
    assertStillAsPlanned: (input) => assertStillAsPlanned(deps, input),
    findOld: (input) => findOld(deps, input),
    lookAtOld: (input) => lookAtOld(deps, input),
    ...setUpActivities(deps),
  }
}
