/** The vendor's client, made on first use: it costs 160 ms and 19 MiB, which a worker without this cloud should not pay. */
import type { RDS, RDSClientConfig } from '@aws-sdk/client-rds'
import { Failure } from '../../contracts/failures'
import type { CallOptions, ChangeOptions } from '../port'
import { rdsFailure } from './failures'

export interface Rds {
  /** Runs calls that only read, and take the signal; `action` names them in failures. */
  call<T>(action: string, options: CallOptions, act: (rds: RDS) => Promise<T>): Promise<T>
  /** Runs calls that change something, if that is still the caller's to do. They are let finish: one that was cut off in mid-flight may
   *  still take effect, after an undo has looked and found nothing. */
  change<T>(action: string, options: ChangeOptions, act: (rds: RDS) => Promise<T>): Promise<T>
}

/** For each of the SDK's attempts. All of them together have to fit into an activity's two minutes; an answer takes seconds at most. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true } as const

export function lazyRds(config: RDSClientConfig): Rds {
  let client: Promise<RDS> | null = null
  const rds: Rds = {
    async call(action, options, act) {
      try {
        client ??= import('@aws-sdk/client-rds').then(({ RDS }) => new RDS({ requestHandler: TIMEOUTS, ...config }))
        const made = await client
        options.signal.throwIfAborted()
        return await act(made)
      } catch (error) {
        throw error instanceof Failure ? error : rdsFailure(action, error, options.signal)
      }
    },
    change: (action, options, act) =>
      rds.call(action, options, async (made) => {
        await options.mayChange()
        return await act(made)
      }),
  }
  return rds
}
