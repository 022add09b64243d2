/** PostgreSQL URLs as people write them. Only what a migration needs is understood; anything else is refused rather than
 *  ignored, since an ignored `sslmode` would be a silent loss of safety. No message repeats the password. */
import { failure } from '../../contracts/failures'
import { printable } from '../printable'
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
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const user = identifier(url.username, 'user name')
  if (user === '') throw invalid(`The database URL names no user: write ${FORM}.`)
  const path = url.pathname.replace(/^\//, '')
  if (path.includes('/'))
    throw invalid('The database URL names two databases: one follows the host, and a / in its name is written %2F.')
  const database = identifier(path, 'database name')
  if (url.port === '0') throw invalid('The port in the database URL is 0; it must be one from 1 to 65535.')
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

const FORM = 'postgres://user@host:5432/database'
/** NAMEDATALEN - 1. PostgreSQL would cut a longer name, and perhaps find another one. */
const IDENTIFIER_BYTES_MAX = 63

/** What is wrong is looked for in the text, since the parser does not say; nothing of the text but its scheme is repeated. */
function parseUrl(text: string): URL {
  if (text === '') throw invalid(`The database URL is empty: write ${FORM}.`)
  const [, scheme, authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(text) ?? []
  if (scheme === undefined) throw invalid(`The database URL has no scheme: write ${FORM}.`)
  if (!/^postgres(ql)?$/i.test(scheme)) {
    throw invalid(`A database URL starts with postgres:// and this one starts with ${printable(scheme.slice(0, 20))}://.`)
  }
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  if (/^(:\d*)?$/.test(host)) {
    throw invalid(
      `The database URL names no host: write ${FORM}, with the folder of a socket as the host in the form %2Frun%2Fpostgresql.`,
    )
  }
  try {
    return new URL(text)
  } catch {
    throw invalid(whyUnreadable(host))
  }
}

function whyUnreadable(host: string): string {
  if (!host.startsWith('[') && host.split(':').length > 2) {
    return 'The host in the database URL looks like IPv6: write it in brackets, as in postgres://user@[::1]:5432/database.'
  }
  if (host.startsWith('[')) return 'The host in the database URL is no IPv6 address: write one in the brackets, such as [::1].'
  const port = /:([^:]*)$/.exec(host)?.[1]
  if (port !== undefined && /^\d+$/.test(port))
    return 'The port in the database URL is above 65535: it must be one from 1 to 65535.'
  if (port !== undefined) {
    return 'The port in the database URL is no number: write one from 1 to 65535, and special characters of a password as %XX.'
  }
  return `The database URL cannot be read: write ${FORM}, with special characters as %XX.`
}

/** A user's or a database's name. */
function identifier(encoded: string, what: string): string {
  const name = decode(encoded, what)
  if (name.includes('\0'))
    throw invalid(`The ${what} in the database URL holds a NUL (%00), which PostgreSQL cannot store: remove it.`)
  if (Buffer.byteLength(name) <= IDENTIFIER_BYTES_MAX) return name
  const found = `The ${what} in the database URL has ${Buffer.byteLength(name)} bytes`
  throw invalid(`${found}, and PostgreSQL's names have ${IDENTIFIER_BYTES_MAX} at most: write the name as the server knows it.`)
}

function parseParameters(parameters: URLSearchParams): { tls: TlsMode; applicationName: string | null } {
  let tls: TlsMode = 'disable'
  let applicationName: string | null = null
  for (const [key, value] of parameters) {
    if (parameters.getAll(key).length > 1) {
      throw invalid(`The database URL gives ${shown(key)} twice: leave one of them out.`)
    }
    if (key === 'sslmode') {
      const mode = TLS_BY_SSLMODE[value]
      if (mode === undefined) {
        throw invalid(
          `The database URL's sslmode is ${shown(value)}; it must be one of ${Object.keys(TLS_BY_SSLMODE).join(', ')}.`,
        )
      }
      tls = mode
    } else if (key === 'application_name') applicationName = value
    else throw invalid(`The database URL's parameter ${shown(key)} is not known here: only sslmode and application_name are.`)
  }
  return { tls, applicationName }
}

function shown(text: string): string {
  return printable(text.slice(0, 60))
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(`The ${what} in the database URL holds a % without its two hexadecimal digits: write a % itself as %25.`)
  }
}

function invalid(message: string): Error {
  return failure('OPTION_INVALID', message, { option: 'url' })
}
