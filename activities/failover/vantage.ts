/** From which place of the network this worker looks: two workers of one machine that leave it by one address see one network, and are one witness. */
import { hostname } from 'node:os'
import type { ActivityDeps } from '../deps'

export function vantageOf({ sourceAddress }: Pick<ActivityDeps, 'sourceAddress'>): string {
  return sourceAddress === null ? hostname() : `${hostname()}, ${sourceAddress}`
}
