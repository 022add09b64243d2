/** PostgreSQL URLs as people write them. Only what a migration needs is understood; anything else is refused rather than
 *  ignored, since an ignored `sslmode` would be a silent loss of safety. No message repeats the password. */
import { failure } from '../../contracts/failures'
import type { ConnectOptions, TlsMode } from './connect-options'

const TLS_BY_SSLMODE: Readonly<Record<string, TlsMode>> = {
  disable: 'disable',
  require: 'require',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
}

export type ParsedUrl = Pick<ConnectOptions, 'host' | 'port' | 'database' | 'user' | 'password' | 'applicationName' | 'tls'>

/** Parses `postgres://user:password@host:port/database?sslmode=…&application_name=…`. Port 5432, TLS off and the user's name as the
 *  database are the defaults. Throws OPTION_INVALID with one sentence. */
export function parsePostgresUrl(text: string, defaults: { applicationName: string }): ParsedUrl {
  const url = parseUrl(text)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw invalid(`A database URL starts with postgres:// and this one starts with ${url.protocol}//.`)
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '') throw invalid('The database URL names no host: write postgres://user@host:5432/database.')
  const user = decode(url.username, 'user name')
  if (user === '') throw invalid('The database URL names no user: write postgres://user@host:5432/database.')
  const database = decode(url.pathname.replace(/^\//, ''), 'database name')
  const { tls, applicationName } = parseParameters(url.searchParams)
  return {
    host: decode(host, 'host'),
    port: url.port === '' ? 5432 : Number(url.port),
    database: database === '' ? user : database,
    user,
    password: decode(url.password, 'password'),
    applicationName: applicationName ?? defaults.applicationName,
    tls,
  }
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    throw invalid(
      'The database URL cannot be read: write postgres://user:password@host:5432/database, with special characters as %XX.',
    )
  }
}

function parseParameters(parameters: URLSearchParams): { tls: TlsMode; applicationName: string | null } {
  let tls: TlsMode = 'disable'
  let applicationName: string | null = null
  for (const [key, value] of parameters) {
    if (key === 'sslmode') {
      const mode = TLS_BY_SSLMODE[value]
      if (mode === undefined) throw invalid(`sslmode=${value} is not known here: use ${Object.keys(TLS_BY_SSLMODE).join(', ')}.`)
      tls = mode
    } else if (key === 'application_name') applicationName = value
    else throw invalid(`The database URL's parameter ${key} is not known here: only sslmode and application_name are.`)
  }
  return { tls, applicationName }
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(`The ${what} in the database URL holds a % that is not followed by two hexadecimal digits.`)
  }
}

function invalid(message: string): Error {
  return failure('OPTION_INVALID', message, { option: 'url' })
}
