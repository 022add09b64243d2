/** A standby becomes the writer because its source is dead: docs/decisions/0032-the-source-is-dead.md. */
import type { ActivityDeps } from '../deps'
import { awaitApplied } from './applied'
import type { FailoverActivities } from './contract'
import { fenceInside, markSource, openSource } from './fence-inside'
import { recordFenced } from './fenced-since'
import { refuseMarked } from './mark'
import { openAsWriter, recordOpening } from './open'
import { planFailover } from './plan'
import { probeAsMigrator, probeByStandby } from './probe'
import { recallSource } from './recall'
import { stateLoss } from './stated'
import { fillOpenedViews } from './views'

export function createFailoverActivities(deps: ActivityDeps): FailoverActivities {
  return {
    recallSource: ({ bundle }) => recallSource(deps, bundle),
    probeAsMigrator: (input) => probeAsMigrator(deps, input),
    probeByStandby: (input) => probeByStandby(deps, input),
    planFailover: (input) => planFailover(deps, input),
    refuseMarked: (input) => refuseMarked(deps, input),
    fenceInside: (input) => fenceInside(deps, input),
    openSource: (input) => openSource(deps, input),
    recordFenced: ({ operation, fenced }) => recordFenced(deps, operation, fenced),
    awaitApplied: (input) => awaitApplied(deps, input),
    stateLoss: (input) => stateLoss(deps, input),
    recordOpening: ({ operation }) => recordOpening(deps, operation),
    markSource: (input) => markSource(deps, input),
    openAsWriter: (input) => openAsWriter(deps, input),
    fillOpenedViews: (input) => fillOpenedViews(deps, input),
  }
}
