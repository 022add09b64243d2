/** The one way to start a migrate operation, whichever door it came through. */
import { lockScope } from '../contracts/fleet'
import { MIGRATE_WORKFLOW, type MigrateInput } from '../contracts/migrate'
import type { Doors } from './decide'
import { type OperationRequest, type StartedOperation, startOperation } from './start-operation'

/** Fails as `startOperation` does. */
export function startMigrate(doors: Doors, request: OperationRequest): Promise<StartedOperation> {
  const { database: entry, migrations, standbys = [] } = request.bundle
  const followers = standbys.map(({ standby }) => ({
    standby: standby.name,
    cloud: standby.cloud,
    lockScope: lockScope(standby),
  }))
  return startOperation<MigrateInput>(doors, request, {
    kind: 'migrate',
    workflow: MIGRATE_WORKFLOW,
    summary: `${request.mode} ${entry.name} (${entry.cloud}, ${entry.environment}): ${migrations.length} scripts`,
    inputOf: (common) => ({ ...common, policy: entry.policy, ...(followers.length === 0 ? {} : { standbys: followers }) }),
  })
}
