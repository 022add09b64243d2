/** Where Temporal is and how it lets us in, by the variables that all of Temporal's own programs understand: TEMPORAL_ADDRESS,
 *  TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS and TEMPORAL_TLS_*. A configuration file is read only when TEMPORAL_CONFIG_FILE
 *  names it: a profile that happens to lie in somebody's home folder never decides where operations run. */
import { loadClientConnectConfig } from '@temporalio/envconfig'
import type { NativeConnectionOptions } from '@temporalio/worker'
import { failure } from '../contracts/failures'
import { type Environment, optional } from './environment'

export interface TemporalAccess {
  readonly address: string
  readonly namespace: string
  readonly connection: NativeConnectionOptions
}

/** Fails with OPTION_INVALID when there is no address, or when a file that is named cannot be read. */
export function readTemporalAccess(env: Environment): TemporalAccess {
  const { namespace, connectionOptions } = load(env)
  const { address, apiKey, tls, metadata } = connectionOptions
  if (!address) {
    const message =
      'TEMPORAL_ADDRESS is not set; a worker needs the address of a Temporal server, like temporal.example.com:7233.'
    throw failure('OPTION_INVALID', message, { variable: 'TEMPORAL_ADDRESS' })
  }
  const connection = {
    address,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  }
  return { address, namespace: namespace ?? 'default', connection }
}

function load(env: Environment): ReturnType<typeof loadClientConnectConfig> {
  // An empty variable is one that a template left out.
  const given = Object.entries(env).filter(([name, value]) => name.startsWith('TEMPORAL_') && value)
  const variables = Object.fromEntries(given) as Record<string, string>
  const apiKey = optional(env, 'TEMPORAL_API_KEY')
  if (apiKey !== null) variables.TEMPORAL_API_KEY = apiKey
  try {
    return loadClientConnectConfig({ overrideEnvVars: variables, disableFile: !env.TEMPORAL_CONFIG_FILE })
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    const message = `How to reach Temporal cannot be read from TEMPORAL_CONFIG_FILE and TEMPORAL_TLS_*: ${said}`
    throw failure('OPTION_INVALID', message, { variable: 'TEMPORAL_CONFIG_FILE' }, { cause })
  }
}
