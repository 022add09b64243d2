/** A request of the API: path, query and body → the fields of its request message, in one spelling whatever client sent them. */
import { type FieldViolation, GcpError } from '../errors'
import { MESSAGES } from '../generated/model'
import { type Json, type Message, type Reading, readField, readMessage } from './json'
import type { Route } from './routes'

export interface ApiRequest {
  /** Path and query. */
  readonly fields: Message
  /** Empty when there is none. */
  readonly body: Message
  /** Whether the caller asked for enumerations as numbers, as the Node client does. */
  readonly enumsAsNumbers: boolean
}

/** Every Google API takes these, beside a call's own. Source: Google Cloud, "System parameters". */
const SYSTEM = new Set([
  '$.xgafv',
  '$alt',
  '$callback',
  '$fields',
  '$key',
  '$prettyPrint',
  '$userProject',
  'access_token',
  'alt',
  'callback',
  'fields',
  'key',
  'oauth_token',
  'prettyPrint',
  'quotaUser',
  'uploadType',
  'upload_protocol',
  'userIp',
])

/** @throws GcpError badRequest, with every field that is wrong. */
export function readRequest(route: Route, query: URLSearchParams, body: string): ApiRequest {
  const { method } = route
  const violations: FieldViolation[] = []
  const reading: Reading = { violations, keepNulls: method.verb === 'PATCH' }
  const fields = { ...readQuery(route, query, reading), ...pathFields(route, reading) }
  const read = method.verb === 'GET' || method.verb === 'DELETE' ? {} : readBody(route, parseJson(body), reading)
  if (violations.length > 0) {
    throw new GcpError('badRequest', violations.map(({ description }) => description).join('\n'), { violations })
  }
  const alt = query.get('$alt') ?? query.get('alt') ?? 'json'
  return { fields, body: read, enumsAsNumbers: /;\s*enum-encoding=int\b/.test(alt) }
}

function readQuery({ method }: Route, query: URLSearchParams, reading: Reading): Message {
  const types = MESSAGES[method.request] ?? {}
  const read: [string, Json][] = []
  for (const name of new Set(query.keys())) {
    if (SYSTEM.has(name)) continue
    const type = name !== method.body && Object.hasOwn(types, name) ? types[name] : undefined
    if (type === undefined || MESSAGES[type]) {
      const said = JSON.stringify(name.slice(0, 200))
      const description = `Invalid JSON payload received. Unknown name ${said}: Cannot bind query parameter. Field ${said} could not be found in request message.`
      reading.violations.push({ field: '', description })
      continue
    }
    const list = type.startsWith('list ')
    const values = query.getAll(name).map((value) => typed(list ? type.slice(5) : type, value))
    const value = readField(type, list ? values : (values.at(-1) ?? null), name, reading)
    if (value !== undefined) read.push([name, value])
  }
  return Object.fromEntries(read)
}

/** A path's own field: of the request, or of what is its body (`backup.name`). */
function pathFields({ method, fields }: Route, reading: Reading): Message {
  const types = MESSAGES[method.request] ?? {}
  const entries = Object.entries(fields).map(([name, text]) => {
    const type = types[name] ?? 'string'
    return [name, readField(type, typed(type, text), name, reading)]
  })
  return Object.fromEntries(entries)
}

function readBody({ method }: Route, json: Json, reading: Reading): Message {
  // what has no body is sent as an empty string by some clients
  const given = json === '' || json === null ? {} : json
  if (method.body === null) return readMessage('Empty', given, '', reading)
  const [type, path] = method.body === '*' ? [method.request, ''] : [MESSAGES[method.request]?.[method.body] ?? '', method.body]
  return readMessage(type, given, path, reading)
}

function typed(type: string, text: string): Json {
  if ((type === 'bool' || type === 'BoolValue') && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function parseJson(text: string): Json {
  if (text.trim() === '') return null
  let json: Json
  try {
    json = JSON.parse(text) as Json
  } catch {
    throw new GcpError('badRequest', `Invalid JSON payload received. Unexpected token.\n${text.slice(0, 100)}\n^`)
  }
  if (isTooDeep(json))
    throw new GcpError('badRequest', 'Invalid JSON payload received. Message too deep. Max recursion depth reached.')
  return json
}

const DEPTH_MAX = 100

/** Level by level: a walk that called itself could be led off the stack. */
function isTooDeep(json: Json): boolean {
  let level: readonly Json[] = [json]
  for (let depth = 0; depth <= DEPTH_MAX; depth++) {
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
    if (level.length === 0) return false
  }
  return true
}
