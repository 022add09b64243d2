/** From which place of the network this worker looks: two workers of one machine that leave it by one address see one network, and are one witness. */
import { hostname } from 'node:os'
import type { ActivityDeps } from '../deps'

/** `vantage`: what its operator says, of containers and pods above all, whose names tell nothing of the path by which they leave. */
export function vantageOf({ sourceAddress, vantage }: Pick<ActivityDeps, 'sourceAddress' | 'vantage'>): string {
  if (vantage !== undefined) return vantage
  return sourceAddress === null ? hostname() : `${hostname()}, ${sourceAddress}`
}
