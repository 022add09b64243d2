/** The connection string by which a standby's server reaches its source, in libpq's own quoting: whatever a value holds, it stays one. */
import { failure } from '../../contracts/failures'
import type { TlsMode } from '../connect/connect-options'
import { printable } from '../printable'

export interface Publisher {
  /** As the standby's server sees it. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly tls: TlsMode
}

/** From here on a server's libpq knows the system's authorities and may be told how to prove itself. */
const LIBPQ_16 = 160_000

/** A server that is dead is noticed within a minute, whatever the system's own patience. */
const LIVELINESS = { connect_timeout: '10', keepalives_idle: '10', keepalives_interval: '5', keepalives_count: '3' }

/** `serverVersionNum`: of the standby, whose libpq it is. Throws OPTION_INVALID for what that cannot do, or what would be no host's name. */
export function conninfoOf({ host, port, database, user, password, tls }: Publisher, serverVersionNum: number): string {
  if (host === '' || /[,/@\0]/.test(host.slice(0, 1)) || host.includes(',')) {
    throw failure('OPTION_INVALID', `"${printable(host)}" is no host that a standby could follow: give one name or address.`, {})
  }
  const words = {
    host,
    port: String(port),
    dbname: database,
    user,
    password,
    ...encryption(tls, serverVersionNum),
    ...LIVELINESS,
  }
  return Object.entries(words)
    .map(([key, value]) => `${key}=${quoted(key, value)}`)
    .join(' ')
}

/** Never in clear text, nor as an MD5 hash, to whoever answers in the source's place. */
function encryption(tls: TlsMode, serverVersionNum: number): Readonly<Record<string, string>> {
  const modern = serverVersionNum >= LIBPQ_16
  if (tls === 'disable')
    return { sslmode: 'disable', gssencmode: 'disable', ...(modern ? { require_auth: 'scram-sha-256' } : {}) }
  // whoever sits in between has another certificate, and what is proven is bound to that
  if (tls === 'require') return { sslmode: 'require', channel_binding: 'require' }
  if (modern) return { sslmode: 'verify-full', sslrootcert: 'system' }
  throw failure(
    'OPTION_INVALID',
    'A standby of PostgreSQL 15 cannot ask the public authorities who its source is, from 16 on it can: set tls of the publisher to require, or make the standby of a newer version.',
    { tls, serverVersionNum },
  )
}

/** Always in quotes (manual, "Keyword/Value Connection Strings"). */
function quoted(key: string, value: string): string {
  if (value.includes('\0'))
    throw failure('OPTION_INVALID', `The ${key} of a publisher holds a NUL, which no connection string can: remove it.`, {})
  return `'${value.replace(/[\\']/g, '\\$&')}'`
}
