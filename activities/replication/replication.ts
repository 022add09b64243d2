/** A standby in another cloud, step by step: docs/decisions/0027-a-standby-in-another-cloud.md. */
import { finishSeeding } from '../../postgres/replicate/seeding'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { carryOverTo, prepareCarryOver } from './carry-over'
import { compareBoth } from './compare'
import { compareByClock } from './compare-by-clock'
import type { ReplicationActivities } from './contract'
import { awaitCopy, buildIndexes } from './copy'
import { discardStandby } from './discard'
import { lookAtDisk } from './disk-by-clock'
import { onSide, publish, subscribe, unpublish, unsubscribe } from './make'
import { planReplication } from './plan'
import { change, openStandby, startWatch } from './record'
import { removeStandby } from './remove'
import { leaveToBeSeeded, stopFollowing } from './reseed'
import { buildSchema } from './schema'
import { bothOf } from './sides'
import { examineStandby, pauseStandby, resumeStandby, takeBackPause } from './stand'
import { lookAtStandby } from './watch'

export function createReplicationActivities(deps: ActivityDeps): ReplicationActivities {
  return {
    planReplication: (input) => planReplication(deps, input),
    openStandby: (input) => openStandby(deps, input),
    buildSchema: (input) => buildSchema(deps, input),
    publish: (input) => publish(deps, input),
    subscribe: (input) => subscribe(deps, input),
    awaitCopy: (input) => awaitCopy(deps, input),
    buildIndexes: (input) => buildIndexes(deps, input),
    compareBoth: (input) => compareBoth(deps, input),
    startWatch: ({ watch }) => startWatch(watch),
    async settleStandby(input) {
      const { operation } = input
      const { id } = await bothOf(deps, input.bundle)
      await onSide(deps, input, 'standby', ({ migrator, token }) =>
        finishSeeding(migrator, { source: id.source, operation, token, signal: currentAct().signal }),
      )
      await change(deps, id, ['building'], { to: 'following', reason: null, operation })
      return { summary: `${id.target} follows ${id.source}` }
    },
    unsubscribe: (input) => unsubscribe(deps, input),
    unpublish: (input) => unpublish(deps, input),
    discardStandby: (input) => discardStandby(deps, input),
    examineStandby: (input) => examineStandby(deps, input),
    pauseStandby: (input) => pauseStandby(deps, input),
    takeBackPause: (input) => takeBackPause(deps, input),
    resumeStandby: (input) => resumeStandby(deps, input),
    prepareCarryOver: (input) => prepareCarryOver(deps, input),
    carryOver: (input) => carryOverTo(deps, input),
    stopFollowing: (input) => stopFollowing(deps, input),
    leaveToBeSeeded: (input) => leaveToBeSeeded(deps, input),
    removeStandby: (input) => removeStandby(deps, input),
    lookAtStandby: (input) => lookAtStandby(deps, input),
    compareByClock: (input) => compareByClock(deps, input),
    lookAtDisk: (input) => lookAtDisk(deps, input),
  }
}
