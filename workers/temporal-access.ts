/** Where Temporal is and how it lets us in, by the variables that all of Temporal's own programs understand: TEMPORAL_ADDRESS,
 *  TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS, TEMPORAL_TLS_*. A configuration file is read only when TEMPORAL_CONFIG_FILE names it:
 *  a profile that happens to lie in somebody's home folder never decides where operations run. The command line has the same reader in its
 *  own room, for the two share none that may know Temporal; one test holds both to the same answers.
 *
 *  What is half said is refused, never half done: a certificate without its key, or a word that is neither yes nor no, would end in a
 *  connection that is less protected than was meant. No message repeats a key, a header or a line of the configuration file. */
import { types } from 'node:util'
import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig'
import type { NativeConnectionOptions } from '@temporalio/worker'
import { type Failure, failure } from '../contracts/failures'
import { contentOf, type Environment, errorCode, optional } from './environment'

export interface TemporalAccess {
  readonly address: string
  readonly namespace: string
  /** Shown to nobody: it holds keys. */
  readonly connection: NativeConnectionOptions
}

/** What fits into an HTTP header; anything else would be refused by a library, with the value in its message. */
const HEADER_VALUE = /^[\x20-\x7e]*$/
const HEADER_NAME = /^[0-9a-z_.-]+$/

/** Fails with OPTION_INVALID: no address, a file that cannot be read, half a certificate, something that cannot be sent. */
export function readTemporalAccess(env: Environment): TemporalAccess {
  const variables = given(env)
  refuseHalves(variables)
  const { namespace, connectionOptions } = load(variables)
  const { address, apiKey, tls, metadata } = connectionOptions
  if (typeof address !== 'string' || address === '') {
    const message =
      'TEMPORAL_ADDRESS is not set; a worker needs the address of a Temporal server, like temporal.example.com:7233.'
    throw failure('OPTION_INVALID', message, { variable: 'TEMPORAL_ADDRESS' })
  }
  if (apiKey !== undefined && (typeof apiKey !== 'string' || !HEADER_VALUE.test(apiKey))) {
    throw notSendable('The API key for Temporal', 'TEMPORAL_API_KEY')
  }
  for (const [name, value] of Object.entries(metadata ?? {})) {
    const sendable = HEADER_NAME.test(name) && !name.endsWith('-bin') && typeof value === 'string' && HEADER_VALUE.test(value)
    if (!sendable) throw notSendable(`The header "${name}" for Temporal`, 'TEMPORAL_GRPC_META_*')
  }
  const connection = {
    address,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  }
  return { address, namespace: namespace ?? 'default', connection }
}

function notSendable(what: string, variable: string): Failure {
  return failure('OPTION_INVALID', `${what} holds characters that cannot be sent, like a line break; set it anew.`, { variable })
}

/** An empty variable is one that a template left out. */
function given(env: Environment): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) if (name.startsWith('TEMPORAL_') && value) variables[name] = value
  const apiKey = optional(env, 'TEMPORAL_API_KEY')
  if (apiKey !== null) variables.TEMPORAL_API_KEY = apiKey
  return variables
}

/** What Temporal's own reader would pass over in silence. */
function refuseHalves(variables: Readonly<Record<string, string>>): void {
  const { TEMPORAL_TLS: tls, TEMPORAL_CONFIG_FILE: file } = variables
  if (tls !== undefined && !['true', 'false', '1', '0'].includes(tls)) {
    throw failure('OPTION_INVALID', `TEMPORAL_TLS is "${tls}"; it has to be true or false.`, { variable: 'TEMPORAL_TLS' })
  }
  if (file !== undefined) {
    contentOf('TEMPORAL_CONFIG_FILE', file)
    return
  }
  const half = (part: string): boolean =>
    variables[`TEMPORAL_TLS_CLIENT_${part}_PATH`] !== undefined || variables[`TEMPORAL_TLS_CLIENT_${part}_DATA`] !== undefined
  if (half('CERT') === half('KEY')) return
  const [has, lacks] = half('CERT') ? ['CERT', 'KEY'] : ['KEY', 'CERT']
  const message = `TEMPORAL_TLS_CLIENT_${has}_PATH is set and TEMPORAL_TLS_CLIENT_${lacks}_PATH is not; mutual TLS needs both.`
  throw failure('OPTION_INVALID', message, { variable: `TEMPORAL_TLS_CLIENT_${lacks}_PATH` })
}

function load(variables: Record<string, string>): ReturnType<typeof toClientOptions> {
  const options = { overrideEnvVars: variables, disableFile: variables.TEMPORAL_CONFIG_FILE === undefined }
  try {
    const profile = loadClientConfigProfile(options)
    const { clientCert, clientKey } = profile.tls ?? {}
    if ((clientCert === undefined) !== (clientKey === undefined)) {
      throw new Error('it has a client certificate or a client key, and mutual TLS needs both')
    }
    return toClientOptions(profile)
  } catch (cause) {
    throw unreadable(cause, variables)
  }
}

function unreadable(cause: unknown, variables: Readonly<Record<string, string>>): Failure {
  const error = types.isNativeError(cause) ? cause : new Error(String(cause))
  if ('path' in error && typeof error.path === 'string') {
    const { path } = error
    const variable = Object.keys(variables).find((name) => variables[name] === path) ?? 'TEMPORAL_CONFIG_FILE'
    const names = variables[variable] === path ? `${variable} names` : `The profile in ${variables.TEMPORAL_CONFIG_FILE} names`
    const message = `${names} ${path}, which cannot be read (${errorCode(error)}): check that it is there, and its mode.`
    return failure('OPTION_INVALID', message, { variable }, { cause })
  }
  // A parser's message goes on with lines of the file, which may hold a key.
  const said = error.name === 'TypeError' ? 'it has no such profile' : error.message.split('\n')[0]
  const line = 'line' in error ? ` (line ${error.line})` : ''
  const where = variables.TEMPORAL_CONFIG_FILE ?? 'TEMPORAL_TLS_*'
  const message = `How to reach Temporal cannot be read from ${where}: ${said}${line}.`
  return failure('OPTION_INVALID', message, { variable: 'TEMPORAL_CONFIG_FILE' })
}
