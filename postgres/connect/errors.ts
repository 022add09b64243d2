/** What the driver throws, in our words. PostgreSQL's DETAIL, HINT and CONTEXT stay behind: they hold row values. Of its primary message
 *  stays what `shown-message.ts` lets through. */
import { types } from 'node:util'
import { DatabaseError } from 'pg'
import { type Failure, failure } from '../../contracts/failures'
import { shownMessage } from './shown-message'

/** An SQL statement that the server refused. Callers decide what it means; uncaught it is a defect. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  /** Five characters, see the manual's appendix "PostgreSQL Error Codes". */
  readonly sqlState: string
  /** 0-based character offset in the statement's text, null when the server gave none. */
  readonly position: number | null
  constructor(message: string, sqlState: string, position: number | null) {
    super(message)
    this.sqlState = sqlState
    this.position = position
  }
}

export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** SQLSTATEs that end the session: shutdowns, terminated backends, protocol and connection failures. */
const SESSION_ENDED = /^(08|57P0[1-5]|25P0[34])/
const SOCKET_LOST = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EPROTO',
])
const TLS_REFUSED = /^(CERT_|ERR_TLS|ERR_SSL|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/

/** The failure of an attempt to connect. */
export function connectFailure(error: unknown, at: Endpoint): Failure {
  const where = `${at.host}:${at.port}`
  const facts = { host: at.host, port: at.port, database: at.database, user: at.user }
  if (error instanceof DatabaseError) return refusedByServer(error, at, facts)
  const { code, message } = describe(error)
  if (message.startsWith('SASL:') || message.includes('client password must be')) {
    return failure('CREDENTIALS_REJECTED', `${where} asks for a password that was not given or not understood: set it.`, facts)
  }
  if (message.includes('does not support SSL')) {
    return failure(
      'OPTION_INVALID',
      `${where} offers no TLS and the connection demands it: enable it there, or set TLS to disable.`,
      facts,
    )
  }
  if (TLS_REFUSED.test(code) || message.includes('certificate')) {
    return failure(
      'OPTION_INVALID',
      `The TLS certificate of ${where} was not accepted (${code || 'no code'}): trust its authority.`,
      facts,
    )
  }
  const why = code || (message.includes('timeout') ? 'no answer in time' : 'the connection was closed')
  return failure('DATABASE_UNREACHABLE', `${where} cannot be reached (${why}): check the address, the network and the server.`, {
    ...facts,
    reason: why,
  })
}

function refusedByServer(error: DatabaseError, at: Endpoint, facts: Record<string, string | number>): Failure {
  const state = error.code ?? ''
  const where = `${at.host}:${at.port}`
  if (state === '3D000') {
    return failure('DATABASE_UNKNOWN', `There is no database ${at.database} on ${where}: check the name.`, facts)
  }
  if (state.startsWith('28')) {
    return failure('CREDENTIALS_REJECTED', `${where} rejected the user ${at.user}: check the password and who may log in.`, {
      ...facts,
      sqlState: state,
    })
  }
  if (state === '42501') {
    return failure(
      'CREDENTIALS_REJECTED',
      `The user ${at.user} may not connect to ${at.database} on ${where}: grant CONNECT.`,
      facts,
    )
  }
  if (state.startsWith('22') || state.startsWith('42')) {
    return failure('OPTION_INVALID', `${where} refused a setting of the session (${state}): ${shownMessage(error, '')}.`, facts)
  }
  return failure(
    'DATABASE_UNREACHABLE',
    `${where} is there and takes no connection now (${state}): it starts, stops or is full.`,
    {
      ...facts,
      sqlState: state,
    },
  )
}

/** The failure of the statement `sql`: a lost session, or the server's refusal as a `ServerError`. */
export function statementFailure(error: unknown, at: Endpoint, sql: string): Error {
  if (error instanceof DatabaseError) {
    const state = error.code ?? 'XX000'
    const refusal = new ServerError(shownMessage(error, sql), state, position(error.position))
    // with what was said: a server that did not reach another one has the same states
    if (SESSION_ENDED.test(state) || error.severity === 'FATAL' || error.severity === 'PANIC') return lost(at, state, refusal)
    return refusal
  }
  const { code, message } = describe(error)
  const cut = /terminated|not queryable|closed the connection|Connection ended|connection error/i
  if (SOCKET_LOST.has(code) || cut.test(message)) return lost(at, code)
  return error instanceof Error ? error : new Error(message)
}

export function lost(at: Endpoint, why: string, cause?: ServerError): Failure {
  return failure(
    'CONNECTION_LOST',
    `The connection to ${at.host}:${at.port} was lost${why === '' ? '' : ` (${why})`}: what was not committed is undone; try again.`,
    { host: at.host, port: at.port, database: at.database, reason: why },
    { cause },
  )
}

function position(text: string | undefined): number | null {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value - 1 : null
}

function describe(error: unknown): { code: string; message: string } {
  if (!types.isNativeError(error)) return { code: '', message: String(error) }
  // Node joins the attempts on each address of a host name into one error with an empty message.
  const first: unknown = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error
  const code = types.isNativeError(first) && 'code' in first && typeof first.code === 'string' ? first.code : ''
  return { code, message: error.message }
}
