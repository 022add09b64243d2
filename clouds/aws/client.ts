/** The vendor's client, made on first use: it costs 160 ms and 19 MiB, which a worker without this cloud should not pay. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { RDS, RDSClientConfig } from '@aws-sdk/client-rds'
import { Failure } from '../../contracts/failures'
import type { CallOptions, ChangeOptions } from '../port'
import { rdsFailure } from './failures'

export interface Rds {
  /** Runs calls that only read, and take the signal; `action` names them in failures. */
  call<T>(action: string, options: CallOptions, act: (rds: RDS) => Promise<T>): Promise<T>
  /** Runs calls that change something. Before each of them, and before each of the SDK's own repeats, it is asked whether that is still the
   *  caller's to do. They are let finish: one that was cut off in mid-flight may still take effect, after an undo has looked and found nothing. */
  change<T>(action: string, options: ChangeOptions, act: (rds: RDS) => Promise<T>): Promise<T>
}

/** For each of the SDK's attempts. All of them together have to fit into an activity's two minutes; an answer takes seconds at most. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true } as const

/** The change in progress, for the calls that belong to it. */
const changes = new AsyncLocalStorage<ChangeOptions>()

/** One of the SDK's middlewares: what every attempt of every call passes. */
function asking<Args, Output>(next: (args: Args) => Promise<Output>, { commandName = '' }: { readonly commandName?: string }) {
  return async (args: Args): Promise<Output> => {
    if (!/^(Describe|List)/.test(commandName)) await mayChange(commandName)
    return next(args)
  }
}

function makeClient(config: RDSClientConfig): Promise<RDS> {
  return import('@aws-sdk/client-rds').then(({ RDS }) => {
    const client = new RDS({ requestHandler: TIMEOUTS, ...config })
    // after the SDK's retries: what they repeat passes here again
    client.middlewareStack.addRelativeTo(asking, { name: 'asking', relation: 'after', toMiddleware: 'retryMiddleware' })
    return client
  })
}

async function mayChange(command: string): Promise<void> {
  const options = changes.getStore()
  if (options === undefined) throw new Error(`${command} changes something, and nobody was asked whether it may`)
  await options.mayChange()
}

export function lazyRds(config: RDSClientConfig): Rds {
  let client: Promise<RDS> | null = null
  const rds: Rds = {
    async call(action, options, act) {
      try {
        client ??= makeClient(config)
        const made = await client
        options.signal.throwIfAborted()
        return await act(made)
      } catch (error) {
        throw error instanceof Failure ? error : rdsFailure(action, error, options.signal)
      }
    },
    change: (action, options, act) => changes.run(options, () => rds.call(action, options, act)),
  }
  return rds
}
