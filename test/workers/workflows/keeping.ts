import { proxyActivities } from '@temporalio/workflow'

interface Keeping {
  work(): Promise<{ readonly attempt: number; readonly kept: unknown }>
}

const { work } = proxyActivities<Keeping>({
  startToCloseTimeout: '1m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '10ms' },
})

export function keeping(): Promise<{ readonly attempt: number; readonly kept: unknown }> {
  return work()
}
