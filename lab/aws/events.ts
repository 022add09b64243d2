/** What happened to resources, as DescribeEvents tells it: kept for 14 days, the last 2,000 of them. Source: RDS user guide, "Amazon RDS
 *  event categories and event messages". */
import type { AwsState, SourceType } from './state'

interface EventKind {
  readonly categories: readonly string[]
  readonly message: string
}

const KEPT_MS = 14 * 86_400_000
const KEPT = 2_000

/** `{}` stands for a detail, in order. */
export const EVENTS = {
  created: event('DB instance created', 'creation'),
  deleted: event('DB instance deleted', 'deletion'),
  shutdown: event('DB instance shutdown', 'availability'),
  restarted: event('DB instance restarted', 'availability'),
  stopped: event('DB instance stopped', 'notification'),
  started: event('DB instance started', 'notification'),
  startedOverdue: event(
    'DB instance is being started due to it exceeding the maximum allowed time being stopped.',
    'notification',
  ),
  backingUp: event('Backing up DB instance', 'backup'),
  backedUp: event('Finished DB Instance backup', 'backup'),
  backupsEnabled: event('Enabled automated backups', 'configuration change'),
  backupsDisabled: event('Disabled automated backups', 'configuration change'),
  recovering: event(
    'Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered.',
    'recovery',
  ),
  recovered: event('Recovery of the DB instance is complete.', 'recovery'),
  failingOver: event('Multi-AZ instance failover started.', 'failover'),
  failedOver: event('Multi-AZ instance failover completed', 'failover'),
  storageExhausted: event('Allocated storage has been exhausted. Allocate additional storage to resolve.', 'low storage'),
  passwordReset: event('Reset master credentials', 'configuration change'),
  classChanging: event('Applying modification to database instance class', 'configuration change'),
  classChanged: event('Finished applying modification to DB instance class', 'configuration change'),
  storageChanging: event('Applying modification to allocated storage', 'configuration change'),
  storageChanged: event('Finished applying modification to allocated storage', 'configuration change'),
  multiAzStarted: event('Applying modification to convert to a Multi-AZ DB Instance', 'configuration change'),
  multiAzFinished: event('Finished applying modification to convert to a Multi-AZ DB Instance', 'configuration change'),
  singleAz: event('Finished applying modification to convert to a standard (Single-AZ) DB Instance', 'configuration change'),
  groupUsed: event('Updated to use DBParameterGroup {}', 'configuration change'),
  renamed: event('Renamed instance from {} to {}', 'configuration change'),
  promoted: event('Promoted read replica to a standalone database instance', 'read replica'),
  restoredToTime: event('Restored from DB instance {} to {}', 'restoration'),
  restoredFromSnapshot: event('Restored from snapshot {}', 'restoration'),
  incompatible: event('Database instance put into {}. {}', 'failure'),
  clusterCreated: event('DB cluster created', 'creation'),
  clusterDeleted: event('DB cluster deleted', 'deletion'),
  clusterRestored: event('Restored from {}', 'creation'),
  clusterStopped: event('DB cluster stopped', 'notification'),
  clusterStarted: event('DB cluster started', 'notification'),
  clusterStartedOverdue: event(
    'DB cluster is being started due to it exceeding the maximum allowed time being stopped.',
    'notification',
  ),
  clusterFailingOver: event('Started failover to DB instance: {}', 'failover'),
  clusterFailedOver: event('Completed failover to DB instance: {}', 'failover'),
  globalSwitchover: event('Global switchover to DB cluster {} in Region {} started.', 'global-failover'),
  globalSwitchedOver: event('Global switchover to DB cluster {} in Region {} finished.', 'global-failover'),
  globalNotSwitchedOver: event('Global switchover to DB cluster {} in Region {} failed.', 'global-failover'),
  globalFailover: event('Global failover to DB cluster {} in Region {} started.', 'global-failover'),
  globalFailedOver: event('Global failover to DB cluster {} in Region {} completed.', 'global-failover'),
  clusterPromoted: event('Promoted secondary DB cluster to a standalone DB cluster', 'notification'),
  clusterSnapshotCreated: event('Manual cluster snapshot created', 'backup'),
  snapshotStarted: event('Creating manual snapshot', 'creation'),
  snapshotCreated: event('Manual snapshot created', 'creation'),
  snapshotDeleted: event('Deleted user snapshot', 'deletion'),
  snapshotFailed: event('Creating the manual snapshot failed', 'failure'),
  copyStarted: event('Started copy of snapshot {}', 'notification'),
  copyFinished: event('Finished copy of snapshot {}', 'notification'),
  deploymentReady: event(
    'Blue/green deployment tasks completed. You can make more modifications to the green environment databases or switch over the deployment.',
    'creation',
  ),
  deploymentFailed: event('Creation of blue/green deployment failed because {}', 'failure'),
  deploymentDeleted: event('Blue/green deployment deleted.', 'deletion'),
  switchoverStarted: event('Switchover started on blue/green deployment.', 'notification'),
  switchoverCompleted: event('Switchover completed on blue/green deployment.', 'notification'),
  switchoverCanceled: event('Switchover canceled on blue/green deployment.', 'failure'),
  memberSwitching: event('Switchover from {} to {} started.', 'notification'),
  memberSwitched: event('Switchover from {} to {} completed; renamed {} to {} and {} to {}.', 'notification'),
  memberNotSwitched: event('Switchover from {} to {} was canceled due to {}', 'failure'),
  parameterChanged: event('Updated parameter {} to {} with apply method {}', 'configuration change'),
} as const satisfies Record<string, EventKind>

export type EventName = keyof typeof EVENTS

export interface EventSource {
  region: string
  id: string
}

export function note(
  state: AwsState,
  sourceType: SourceType,
  { region, id }: EventSource,
  name: EventName,
  ...details: readonly string[]
): void {
  const { message, categories }: EventKind = EVENTS[name]
  const rest = [...details]
  state.events.push({
    seq: state.eventsNoted++,
    at: new Date().toISOString(),
    region,
    sourceType,
    sourceId: id,
    message: message.replace(/\{\}/g, () => rest.shift() ?? ''),
    categories: [...categories],
  })
  const since = new Date(Date.now() - KEPT_MS).toISOString()
  const first = state.events.findIndex(({ at }) => at >= since)
  state.events.splice(0, Math.max(first, state.events.length - KEPT))
}

export const EVENTS_KEPT_MS = KEPT_MS

function event(message: string, ...categories: string[]): EventKind {
  return { message, categories }
}
