/** The one way to start a search for a moment, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { FIND_MOMENT_WORKFLOW, type FindMomentInput, type MomentRequest } from '../contracts/find-moment'
import { refuseNoPredicate } from '../postgres/inspect/predicate'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface MomentQuestion extends MomentRequest {
  readonly fleetFile: string
  readonly database: string
}

export interface MomentBundle extends MigrationBundle {
  readonly moment: MomentRequest
}

/** Clouds restore to whole seconds. */
const SECOND_MS = 1000

/** The bundle: the fleet entry, and what was asked. Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID. */
export async function prepareFindMoment({ fleetFile, database, ...asked }: MomentQuestion): Promise<MomentBundle> {
  const { from, to, precisionMs, holds } = asked
  if (Date.parse(to) > Date.now()) {
    throw failure('OPTION_INVALID', `--to is ${to}, which is still to come; name a moment that is over.`, {
      option: 'to',
      at: to,
    })
  }
  if (from >= to) {
    const message = `--from is ${from}, which is not before --to, ${to}: give the time in which it happened.`
    throw failure('OPTION_INVALID', message, { option: 'from' })
  }
  if (precisionMs < SECOND_MS) {
    const message = `--precision is ${precisionMs} ms; clouds restore to whole seconds, so that it must be at least 1s.`
    throw failure('OPTION_INVALID', message, { option: 'precision' })
  }
  await refuseNoPredicate(holds)
  return { version: 1, database: findDatabase(await readFleet(fleetFile), database), migrations: [], moment: asked }
}

/** Fails as `startOperation` does. */
export function startFindMoment(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: MomentBundle },
): Promise<StartedOperation> {
  const { database, moment } = request.bundle
  const { name, cloud, environment } = database
  return startOperation<FindMomentInput>(doors, request, {
    kind: 'find-moment',
    workflow: FIND_MOMENT_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): ${moment.from} to ${moment.to}`,
    inputOf: (common) => ({ ...common, ...moment }),
  })
}
