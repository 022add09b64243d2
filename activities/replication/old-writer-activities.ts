/** What is done with an old writer once writing has moved away from it for good: docs/decisions/0032-the-source-is-dead.md. */
import type { ActivityDeps } from '../deps'
import type { OldWriterActivities } from './contract'
import { findGivenUp } from './given-up'
import { admitGivenUp, proveShut, shutGivenUp } from './rebuild'

export function createOldWriterActivities(deps: ActivityDeps): OldWriterActivities {
  return {
    findGivenUp: (input) => findGivenUp(deps, input),
    admitGivenUp: (input) => admitGivenUp(deps, input),
    shutGivenUp: (input) => shutGivenUp(deps, input),
    proveShut: (input) => proveShut(deps, input),
  }
}
