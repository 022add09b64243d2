/** What is done at a time of its own: a stopped instance or cluster is started when it was stopped for too long, since RDS does not let it miss
 *  its maintenance; and once a day, in an instance's window, an automated backup is taken. */
import { nextDaily, Schedule } from '../schedule'
import { addAutomatedSnapshot } from './backups'
import type { AwsCloud } from './cloud'
import { beginStart } from './clusters'
import { note } from './events'
import type { AwsState, DbCluster, DbInstance } from './state'

export function instanceSchedule(state: AwsState, cloud: () => AwsCloud): Schedule<DbInstance> {
  return new Schedule<DbInstance>({
    all: () => Object.values(state.instances),
    at: ({ status, restartsAt, archive, nextBackupAt }) => {
      const due = status === 'stopped' ? restartsAt : status === 'available' && archive !== null ? nextBackupAt : undefined
      return due === undefined ? undefined : Date.parse(due)
    },
    act: (instance) => act(cloud(), instance),
    log: (line) => cloud().log(line),
  })
}

/** For as long as this what is stopped is left alone. Source: RDS user guide, "Stopping an Amazon RDS DB instance temporarily", and
 *  Aurora user guide, "Stopping and starting an Amazon Aurora DB cluster". */
const STOPPED_MAX_MS = 7 * 86_400_000

/** Of what is stopped now. */
export function restartDue(): string {
  return new Date(Date.now() + STOPPED_MAX_MS).toISOString()
}

export function clusterSchedule(state: AwsState, cloud: () => AwsCloud): Schedule<DbCluster> {
  return new Schedule<DbCluster>({
    all: () => Object.values(state.clusters),
    at: ({ status, restartsAt }) => (status === 'stopped' && restartsAt !== undefined ? Date.parse(restartsAt) : undefined),
    act: (cluster) => startOverdue(cloud(), cluster),
    log: (line) => cloud().log(line),
  })
}

/** Nobody asked for it. */
export async function startOverdue(cloud: AwsCloud, cluster: DbCluster): Promise<void> {
  note(cloud.state, 'db-cluster', cluster, 'clusterStartedOverdue')
  beginStart(cloud.state, cluster)
  cluster.tasks.push({ kind: 'start' })
  await cloud.save()
  cloud.clusterTasks.wake(cluster)
}

async function act(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  if (instance.status === 'stopped') return await startStopped(cloud, instance)
  instance.status = 'backing-up'
  // one that fails is not tried again at once: the next window is the next time
  instance.nextBackupAt = nextWindow(instance.settings.backupWindow)
  instance.tasks.push({ kind: 'back-up', snapshot: addAutomatedSnapshot(cloud, instance) })
  await cloud.save()
  cloud.tasks.wake(instance)
}

/** Nobody asked for it. */
export async function startStopped(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  note(cloud.state, 'db-instance', instance, 'startedOverdue')
  instance.status = 'starting'
  instance.tasks.push({ kind: 'start' })
  await cloud.save()
  cloud.tasks.wake(instance)
}

/** The next time that a window of the form 03:00-03:30 begins, in UTC, later than `after`. */
export function nextWindow(window: string, after = Date.now()): string {
  return new Date(nextDaily(window.slice(0, 5), after)).toISOString()
}
