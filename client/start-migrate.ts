/** The one way to start a migrate operation, whichever door it came through. */
import { MIGRATE_WORKFLOW, type MigrateInput } from '../contracts/migrate'
import type { Doors } from './decide'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

/** Fails as `startOperation` does. */
export function startMigrate(doors: Doors, request: OperationRequest): Promise<StartedOperation> {
  const { database: entry, migrations } = request.bundle
  return startOperation<MigrateInput>(doors, request, {
    kind: 'migrate',
    workflow: MIGRATE_WORKFLOW,
    summary: `${request.mode} ${entry.name} (${entry.cloud}, ${entry.environment}): ${migrations.length} scripts`,
    inputOf: (common) => ({ ...common, policy: entry.policy }),
  })
}
