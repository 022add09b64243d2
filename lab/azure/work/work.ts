/** What every task works with. */
import type { Durations } from '../../profile'
import type { Outcome } from '../../tasks'
import { type AzureCloud, specOf } from '../cloud'
import { type AzureServer, type Job, serverKey } from '../state'

export interface Work {
  readonly cloud: AzureCloud
  readonly server: AzureServer
  readonly signal: AbortSignal
}

/** Resolves with what its end changes. */
export type Perform<Kind extends Job['kind']> = (work: Work, job: Extract<Job, { kind: Kind }>) => Promise<Outcome>

/** Resolves when a state has lasted. */
export function lasts({ cloud, server, signal }: Work, state: keyof Durations): Promise<void> {
  return cloud.pace.lasts(state, `azure/${serverKey(server.name)}`, signal)
}

/** Network rules and settings that can change while it runs. */
export function configured({ cloud, server }: Work): Promise<void> {
  return cloud.servers.configure(specOf(cloud, server))
}

/** It is ready, and may still refuse changes for a while. */
export function becomeReady({ cloud, server }: Work, tail = false): void {
  server.state = 'Ready'
  server.readyAt = new Date().toISOString()
  const tailMs = tail ? cloud.pace.durationMs('tailMs', `azure/${serverKey(server.name)}`) : 0
  server.busyUntil = tailMs > 0 ? new Date(Date.now() + tailMs).toISOString() : null
}
