/** The one way to start an operation that brings rows back, whichever door it came through. */
import type { MigrationBundle } from '../contracts/bundle'
import { failure } from '../contracts/failures'
import { approvalOf, RECOVER_ROWS_WORKFLOW, type RecoverRowsInput, type RowsRequest } from '../contracts/recover-rows'
import { refuseNoExpression } from '../postgres/row-recovery/predicate'
import type { Doors } from './decide'
import { findDatabase, readFleet } from './fleet/read-fleet'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

export interface RowsQuestion extends RowsRequest {
  readonly fleetFile: string
  readonly database: string
}

export interface RowsBundle extends MigrationBundle {
  readonly rows: RowsRequest
}

/** The bundle: the fleet entry, and what was asked for. Fails with the codes of the fleet file, DATABASE_UNKNOWN, and OPTION_INVALID for a moment that
 *  is still to come, and for a `where` that is no expression or is of many tables. */
export async function prepareRecoverRows({ fleetFile, database, ...rows }: RowsQuestion): Promise<RowsBundle> {
  const { point, where, tables, schemas } = rows
  if (point.kind === 'moment' && Date.parse(point.at) > Date.now()) {
    const message = `--to is ${point.at}, which is still to come; name a moment that is over.`
    throw failure('OPTION_INVALID', message, { option: 'to', at: point.at })
  }
  if (where !== null) {
    if (new Set(tables).size > 1 || schemas.length > 0) throw failure('OPTION_INVALID', WHERE_OF_MANY, { option: 'where' })
    await refuseNoExpression(where)
  }
  return { version: 1, database: findDatabase(await readFleet(fleetFile), database), migrations: [], rows }
}

const WHERE_OF_MANY =
  '--where is given with several tables: it says something of the rows of one, so name one table at a time, parents first.'

/** Fails as `startOperation` does. */
export function startRecoverRows(
  doors: Doors,
  request: Omit<OperationRequest, 'bundle'> & { bundle: RowsBundle },
): Promise<StartedOperation> {
  const { database, rows } = request.bundle
  const { name, cloud, environment } = database
  const what = [...rows.tables, ...rows.schemas].join(', ')
  return startOperation<RecoverRowsInput>(doors, request, {
    kind: 'recover-rows',
    workflow: RECOVER_ROWS_WORKFLOW,
    summary: `${request.mode} ${name} (${cloud}, ${environment}): rows of ${what}`,
    inputOf: (common) => ({ ...common, ...rows, approval: approvalOf(database) }),
  })
}
