/** Adapters by cloud and region, made once, for the clouds whose queues this worker serves. */

import type { ActivityDeps } from '../activities/deps'
import { createRds } from '../clouds/aws/rds'
import type { ManagedPostgres } from '../clouds/port'
import type { TaskQueue } from '../contracts/messages'

export function createClouds(queues: readonly TaskQueue[]): ActivityDeps['cloudOf'] {
  const adapters = new Map<string, ManagedPostgres>()
  return ({ cloud, region }) => {
    if (!queues.includes(cloud))
      throw new Error(`an activity asked for ${cloud} in a worker that serves only ${queues.join(', ')}`)
    const key = `${cloud}/${region}`
    const adapter = adapters.get(key) ?? createRds({ region, maxAttempts: 3 })
    adapters.set(key, adapter)
    return adapter
  }
}
