/** The vendor's client, made on first use: it costs 160 ms and 19 MiB, which a worker without this cloud should not pay. */
import type { RDS, RDSClientConfig } from '@aws-sdk/client-rds'
import { Failure } from '../../contracts/failures'
import type { CallOptions } from '../port'
import { rdsFailure } from './failures'

export interface Rds {
  /** Runs calls; `action` names them in failures. Those that only read take the signal. Those that change something are let finish: one
   *  that was cut off in mid-flight may still take effect, after an undo has looked and found nothing. */
  call<T>(action: string, options: CallOptions, act: (rds: RDS) => Promise<T>): Promise<T>
}

/** For each of the SDK's attempts. All of them together have to fit into an activity's two minutes; an answer takes seconds at most. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true } as const

export function lazyRds(config: RDSClientConfig): Rds {
  let client: Promise<RDS> | null = null
  return {
    async call(action, options, act) {
      try {
        client ??= import('@aws-sdk/client-rds').then(({ RDS }) => new RDS({ requestHandler: TIMEOUTS, ...config }))
        const rds = await client
        options.signal.throwIfAborted()
        return await act(rds)
      } catch (error) {
        throw error instanceof Failure ? error : rdsFailure(action, error, options.signal)
      }
    },
  }
}
