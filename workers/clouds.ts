/** Adapters by cloud and region, made once. */

import type { ActivityDeps } from '../activities/deps'
import { createRds } from '../clouds/aws/rds'
import type { ManagedPostgres } from '../clouds/port'

export function createClouds(): ActivityDeps['cloudOf'] {
  const adapters = new Map<string, ManagedPostgres>()
  return ({ cloud, region }) => {
    const key = `${cloud}/${region}`
    const adapter = adapters.get(key) ?? createRds({ region, maxAttempts: 3 })
    adapters.set(key, adapter)
    return adapter
  }
}
