/** The upgrade's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { UpgradeActivities, UpgradeDataActivities } from '../../activities/upgrade/contract'
import { TASK_QUEUES } from '../../contracts/messages'
import type { UpgradeInput } from '../../contracts/upgrade'
import { askFirst, canaryAct, forwardAct, longAct, quickAct, undoWait } from '../kit/proxies'

export function upgradeActivities({ cloud, heartbeatTimeoutMs }: Pick<UpgradeInput, 'cloud' | 'heartbeatTimeoutMs'>) {
  const ofCloud = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  return {
    /** Before anything was changed: who asks is told soon what is out of reach. */
    asking: proxyActivities<UpgradeActivities>(askFirst(ofCloud)),
    askingData: proxyActivities<UpgradeDataActivities>(askFirst(long)),
    /** Production goes on without green, as it does without a canary; and what took hours to copy is not thrown away for a minute of silence. */
    making: proxyActivities<UpgradeActivities>(canaryAct(ofCloud)),
    holding: proxyActivities<UpgradeDataActivities>(canaryAct(long)),
    /** A copy of much data takes hours, and an upgrade of it as well; one that is not there after two days never will be. */
    awaitingGreen: proxyActivities<UpgradeActivities>({ ...ofCloud, scheduleToCloseTimeout: '2 days' }),
    undoing: proxyActivities<UpgradeActivities>(undoWait(TASK_QUEUES[cloud], heartbeatTimeoutMs)),
    /** The cloud may be at it while it does not answer: a person is asked after ten minutes of that. By attempts, since a switchover whose answer got lost is waited for
     *  here. */
    beginning: proxyActivities<UpgradeActivities>({ ...ofCloud, retry: { ...ofCloud.retry, maximumAttempts: 66 } }),
    /** The cloud takes its own switchover back after an hour at most. */
    awaiting: proxyActivities<UpgradeActivities>({ ...ofCloud, scheduleToCloseTimeout: '2 hours' }),
    proving: proxyActivities<UpgradeDataActivities>(forwardAct(long)),
  }
}
