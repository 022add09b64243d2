/** The exchange's activities, each group with its queue and time-outs. */
import { proxyActivities } from '@temporalio/workflow'
import type { ExchangeActivities, ExchangeDataActivities } from '../../activities/exchange/contract'
import type { TrafficActivities } from '../../activities/traffic/contract'
import type { ExchangeInput } from '../../contracts/exchange'
import { TASK_QUEUES } from '../../contracts/messages'
import { askFirst, claimedOrAsked, claimedSoon, forwardAct, longAct, quickAct } from '../kit/proxies'

export function exchangeActivities({
  cloud,
  endpointOn,
  heartbeatTimeoutMs,
}: Pick<ExchangeInput, 'cloud' | 'endpointOn' | 'heartbeatTimeoutMs'>) {
  const ofCloud = quickAct(TASK_QUEUES[cloud], heartbeatTimeoutMs)
  const long = longAct(TASK_QUEUES.postgres, heartbeatTimeoutMs)
  const ofEndpoint = longAct(endpointOn, heartbeatTimeoutMs)
  return {
    /** Before anything was changed: who asks is told soon what is out of reach. */
    asking: proxyActivities<ExchangeActivities>(askFirst(ofCloud)),
    askingData: proxyActivities<ExchangeDataActivities>(askFirst(long)),
    askingTraffic: proxyActivities<TrafficActivities>(claimedSoon(askFirst(ofEndpoint))),
    /** The cloud may be at it while it does not answer: a person is asked after ten minutes of that. By attempts, since an exchange whose answer got lost is waited
     *  for here. */
    beginning: proxyActivities<ExchangeActivities>({ ...ofCloud, retry: { ...ofCloud.retry, maximumAttempts: 66 } }),
    /** As long as a cloud takes for it at most, by their own words: minutes. After an hour a person looks. */
    awaiting: proxyActivities<ExchangeActivities>({ ...ofCloud, scheduleToCloseTimeout: '1 hour' }),
    proving: proxyActivities<ExchangeDataActivities>(forwardAct(long)),
    traffic: proxyActivities<TrafficActivities>(claimedOrAsked(forwardAct(ofEndpoint))),
  }
}
