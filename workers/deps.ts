/** What a worker's activities are made from. What its queues have no use for is not there: touching it is a defect, told by name, rather
 *  than a credential or a cloud that happens to be at hand. */
import type { ActivityDeps } from '../activities/deps'
import { TASK_QUEUES, type TaskQueue } from '../contracts/messages'
import type { Ledger } from '../ledger/ledger'
import { createSecretResolver } from '../postgres/connect/secret-refs'
import { createClouds, createZones } from './clouds'
import type { WorkerConfig } from './config'
import type { Environment } from './environment'
import { createFailpoints } from './failpoint'
import type { ActivityInterceptorDeps } from './interceptors/activity'

export function createDeps(config: WorkerConfig, env: Environment, ledger: Ledger): ActivityDeps & ActivityInterceptorDeps {
  const { queues, clouds, secrets, sourceAddress, vantage, endpoints, papersFolder, failpoints } = config
  return {
    ledger,
    cloudOf: createClouds(queues, clouds),
    // a cloud's queue may have to give a master the password of the fleet file; what it was not given it refuses
    resolveSecret: queues.some((queue) => queue !== TASK_QUEUES.control)
      ? createSecretResolver(env, secrets)
      : async () => {
          throw notServed('the secrets of databases', queues)
        },
    get secretKey(): Buffer {
      if (config.secretKey === null) throw notServed('the secret key', queues)
      return config.secretKey
    },
    sourceAddress,
    ...(vantage !== undefined && { vantage }),
    endpoints: { ...endpoints, dnsOf: createZones(queues, clouds) },
    ...(papersFolder !== undefined && { papersFolder }),
    failpoints: failpoints === null ? null : createFailpoints(failpoints),
  }
}

function notServed(what: string, queues: readonly TaskQueue[]): Error {
  return new Error(`an activity asked for ${what} in a worker that serves only ${queues.join(', ')}`)
}
