/** The verify-backup runbook's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { BackupActivities, BackupProofActivities } from '../../activities/backup/contract'
import type { InstanceActivities } from '../../activities/instance/contract'
import type { ManifestActivities } from '../../activities/proof/contract'
import type { SchemaActivities } from '../../activities/schema/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { VerifyBackupInput } from '../../contracts/verify-backup'
import { askFirst, canaryAct, longAct, optionalAct, quickAct, undoAct, undoWait } from '../kit/proxies'

export function verifyBackupActivities({ cloud, heartbeatTimeoutMs }: Pick<VerifyBackupInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const quick = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  return {
    asking: proxyActivities<BackupActivities>(askFirst(quick)),
    backup: proxyActivities<BackupActivities>(quick),
    instance: proxyActivities<InstanceActivities>(quick),
    source: proxyActivities<BackupProofActivities>(askFirst(long)),
    /** On the copy. */
    proof: proxyActivities<BackupProofActivities>(canaryAct(long)),
    copySchema: proxyActivities<SchemaActivities>(canaryAct(long)),
    /** Of production, for as long as the fleet file allows; a verification goes on without it. */
    manifest: proxyActivities<ManifestActivities>(optionalAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    recording: proxyActivities<BackupProofActivities>(quickAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)),
    undoing: proxyActivities<InstanceActivities>(undoAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    undoWaiting: proxyActivities<InstanceActivities>(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
  }
}
