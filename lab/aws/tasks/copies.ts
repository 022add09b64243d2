/** Copies of snapshots: the record is a new one, the data is shared, since nobody changes it. What a copy takes is time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TIMER_MAX_MS } from '../../duration'
import { createTaskRunner, type TaskRunner } from '../../tasks'
import { keyOfSnapshot } from '../backups'
import type { AwsCloud } from '../cloud'
import { note } from '../events'
import type { DbSnapshot, SnapshotTask, SourceType } from '../state'

export function createCopyTasks(cloud: () => AwsCloud): TaskRunner<DbSnapshot> {
  return createTaskRunner<SnapshotTask, DbSnapshot>({
    async perform(snapshot, { doom }, signal) {
      await cloud().pace.lasts('snapshotMs', keyOfSnapshot(snapshot), signal)
      if (doom) {
        if (doom.delayMs > 0) await sleep(Math.min(doom.delayMs, TIMER_MAX_MS), undefined, { signal })
        throw new Error(`ordered by the fault ${doom.fault}`)
      }
      return () => {
        if (!isThere(cloud(), snapshot)) return
        Object.assign(snapshot, { status: 'available', createdAt: new Date().toISOString() })
        note(cloud().state, typeOf(snapshot), snapshot, 'copyFinished', snapshot.source ?? '')
      }
    },
    async failed(snapshot, _task, error) {
      cloud().log(`copy ${snapshot.id} failed: ${error}`)
      return () => {
        if (!isThere(cloud(), snapshot)) return
        snapshot.status = 'failed'
        note(cloud().state, typeOf(snapshot), snapshot, 'snapshotFailed')
      }
    },
    nameOf: ({ id }) => id,
    save: () => cloud().save(),
    log: (line) => cloud().log(line),
  })
}

/** One that was deleted meanwhile comes to nothing. */
function isThere({ state }: AwsCloud, snapshot: DbSnapshot): boolean {
  return state.snapshots[keyOfSnapshot(snapshot)] === snapshot
}

function typeOf({ ofCluster }: DbSnapshot): SourceType {
  return ofCluster ? 'db-cluster-snapshot' : 'db-snapshot'
}
