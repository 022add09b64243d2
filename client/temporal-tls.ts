/** Why TLS with a Temporal server does not come about. gRPC says only that the time was up; a single handshake of our own says the reason.
 *  It sends nothing but that handshake: no key, no header. */
import { isIP } from 'node:net'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import { types } from 'node:util'
import { failure } from '../contracts/failures'
import type { TemporalCredentials } from './temporal-access'

const DEFAULT_PORT = 7233
/** A server of HTTP/2 speaks first, right after the handshake; one that wants another certificate hangs up instead. */
const PROBE_TIMEOUT_MS = 900

type Certificates = Exclude<TemporalCredentials['tls'], boolean | null | undefined>

/** Null: in clear text. As Temporal's client decides: a key brings TLS with it. */
export function certificatesOf({ tls, apiKey }: TemporalCredentials): Certificates | null {
  const wanted = tls ?? apiKey !== undefined
  if (typeof wanted === 'boolean') return wanted ? {} : null
  return wanted
}

/** Fails with OPTION_INVALID when a certificate or a key is none, or when the two do not belong together. */
export function secureContextOf({ serverRootCACertificate: ca, clientCertPair: pair }: Certificates): SecureContext {
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
      ...(pair === undefined ? {} : { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
    })
  } catch (cause) {
    const said = types.isNativeError(cause) && 'reason' in cause ? String(cause.reason) : 'it is no PEM'
    const message = `A certificate or key for Temporal cannot be used: ${said}; check the files of TEMPORAL_TLS_* or of the profile.`
    throw failure('OPTION_INVALID', message, { variable: 'TEMPORAL_TLS_*' }, { cause })
  }
}

export interface TlsTrouble {
  /** What was found, and what a person would have to change. */
  readonly message: string
  /** A server that hangs up without a word may be one that is just ending. */
  readonly transient: boolean
}

/** Null when it is not TLS that keeps the two apart. */
export async function whyNoTls(address: string, credentials: TemporalCredentials): Promise<TlsTrouble | null> {
  const certificates = certificatesOf(credentials)
  const seen = await handshake(address, certificates)
  const message = certificates === null ? inClearText(seen) : inTls(seen, certificates)
  return message === null ? null : { message, transient: seen.kind === 'hung-up' }
}

function inClearText({ kind }: Seen): string | null {
  if (kind !== 'open' && kind !== 'alert' && kind !== 'hung-up') return null
  return 'it speaks TLS, and this command does not: set TEMPORAL_TLS=true, or the TEMPORAL_TLS_* it asks for'
}

function inTls({ kind, said }: Seen, { clientCertPair }: Certificates): string | null {
  switch (kind) {
    case 'certificate':
      return `its certificate is not accepted (${said}); TEMPORAL_TLS_SERVER_CA_CERT_PATH names who signed it, TEMPORAL_TLS_SERVER_NAME the name it bears`
    case 'clear-text':
      return 'it speaks no TLS: check the port, or set TEMPORAL_TLS=false for a server in clear text'
    case 'alert':
    case 'hung-up':
      return clientCertPair === undefined
        ? `it ends the TLS handshake (${said}); it may want a client certificate: TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH`
        : `it ends the TLS handshake (${said}); it may want another client certificate than that of TEMPORAL_TLS_CLIENT_CERT_PATH`
    default:
      return null
  }
}

interface Seen {
  /** `silent`: nobody there, or no answer in time. */
  readonly kind: 'open' | 'silent' | 'certificate' | 'clear-text' | 'alert' | 'hung-up'
  readonly said: string
}

function handshake(address: string, certificates: Certificates | null): Promise<Seen> {
  const { host, port } = placeOf(address)
  const name = certificates?.serverNameOverride ?? (isIP(host) === 0 ? host : undefined)
  const socket = connect({
    host,
    port,
    ...(name === undefined ? {} : { servername: name }),
    secureContext: secureContextOf(certificates ?? {}),
    ALPNProtocols: ['h2'],
    rejectUnauthorized: certificates !== null,
  })
  return new Promise<Seen>((resolve) => {
    let secured = false
    const timer = setTimeout(() => settle({ kind: secured ? 'open' : 'silent', said: 'no answer' }), PROBE_TIMEOUT_MS)
    const settle = (seen: Seen): void => {
      clearTimeout(timer)
      resolve(seen)
      socket.destroy()
    }
    socket.on('secureConnect', () => {
      secured = true
    })
    socket.on('data', () => settle({ kind: 'open', said: 'an answer' }))
    socket.on('error', (error) => settle(seenIn(error, secured)))
    socket.on('close', () => settle({ kind: secured ? 'hung-up' : 'silent', said: 'it hung up' }))
  })
}

function seenIn(error: Error, secured: boolean): Seen {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message
  if (/ALERT/.test(code)) return { kind: 'alert', said: reason }
  if (/CERT|ISSUER|SIGNATURE/.test(code)) return { kind: 'certificate', said: reason }
  if (/^ERR_SSL|^EPROTO$/.test(code)) return { kind: 'clear-text', said: reason }
  return { kind: secured ? 'hung-up' : 'silent', said: reason }
}

/** `host:port`, `[::1]:port`, or a host alone. */
function placeOf(address: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(address) ?? []
  return { host: bracketed ?? plain ?? address, port: port === undefined ? DEFAULT_PORT : Number(port) }
}
