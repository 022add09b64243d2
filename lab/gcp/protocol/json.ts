/** The JSON of protocol buffers, both ways, by the generated tables. Inwards any client's spelling is taken: enumerations as names or
 *  numbers, 64-bit integers as strings or numbers, fields in camel or snake case. What comes out is one spelling: names, strings,
 *  camel case; what a caller left unspecified is absent. Source: protobuf.dev, "ProtoJSON Format". */
import type { FieldViolation } from '../errors'
import { ENUMS, MESSAGES } from '../generated/model'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export interface Message {
  readonly [field: string]: Json | undefined
}

const PACKAGE = 'type.googleapis.com/google.cloud.sql.v1'
const INT32 = 2n ** 31n
const INT64 = 2n ** 63n

export interface Reading {
  readonly violations: FieldViolation[]
  /** Keeps nulls, which in a patch take something away. */
  readonly keepNulls: boolean
}

/** Reads a message; what is wrong with it goes to `violations`, each with the sentence of Google's own parser.
 *  `path` is the message's own, empty for the request itself. */
export function readMessage(type: string, json: Json, path: string, reading: Reading): Message {
  if (!isObject(json)) return wrong(reading, path, `${PACKAGE}.${type}`, json) ?? {}
  const fields = MESSAGES[type] ?? {}
  const read: [string, Json][] = []
  for (const [given, value] of Object.entries(json)) {
    const name = camelCase(given, fields)
    const fieldType = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (fieldType === undefined) {
      reading.violations.push({ field: path, description: unknownField(given, path) })
      continue
    }
    const result =
      value === null ? (reading.keepNulls ? null : undefined) : readField(fieldType, value, below(path, name), reading)
    if (result !== undefined) read.push([name, result])
  }
  return Object.fromEntries(read)
}

/** One field's value, or undefined when it says nothing. */
export function readField(type: string, value: Json, path: string, reading: Reading): Json | undefined {
  if (type.startsWith('list ')) {
    if (!isList(value)) return wrong(reading, path, named(type.slice(5)), value)
    // lists are replaced as a whole: nothing in them can be taken away
    const whole = { ...reading, keepNulls: false }
    return value.flatMap((item, index) => readField(type.slice(5), item, `${path}[${index}]`, whole) ?? [])
  }
  if (type.startsWith('map ')) {
    if (!isObject(value)) return wrong(reading, path, 'Map', value)
    const entries = Object.entries(value).flatMap(([key, item]): [string, Json][] => {
      if (item === null) return reading.keepNulls ? [[key, null]] : []
      const read = readField(type.slice(4), item, `${path}[${key}]`, reading)
      return read === undefined ? [] : [[key, read]]
    })
    return Object.fromEntries(entries)
  }
  if (ENUMS[type]) return readEnum(type, value, path, reading)
  if (MESSAGES[type]) return readMessage(type, value, path, reading) as Json
  return readScalar(type, value, path, reading)
}

/** Writes a view as the answer `type`. @throws Error for a field that the answer does not have: a mistake of ours. */
export function writeMessage(type: string, message: Message, enumsAsNumbers: boolean): Record<string, Json> {
  const fields = MESSAGES[type] ?? {}
  const written: Record<string, Json> = {}
  for (const [name, value] of Object.entries(message)) {
    if (value === undefined || value === null) continue
    const fieldType = fields[name]
    if (fieldType === undefined) throw new Error(`${type} has no field ${name}.`)
    written[name] = writeField(fieldType, value, enumsAsNumbers)
  }
  return written
}

function writeField(type: string, value: Json, enumsAsNumbers: boolean): Json {
  if (type.startsWith('list ')) return (value as Json[]).map((item) => writeField(type.slice(5), item, enumsAsNumbers))
  if (MESSAGES[type]) return writeMessage(type, value as Message, enumsAsNumbers)
  const numbers = ENUMS[type]
  if (!numbers) return value
  const number = numbers[String(value)]
  if (number === undefined) throw new Error(`${type} has no value ${String(value)}.`)
  return enumsAsNumbers ? number : value
}

function readEnum(type: string, value: Json, path: string, reading: Reading): Json | undefined {
  const numbers = ENUMS[type] ?? {}
  const name =
    typeof value === 'string' && Object.hasOwn(numbers, value)
      ? value
      : Object.keys(numbers).find((candidate) => String(numbers[candidate]) === String(value))
  if (name === undefined) return wrong(reading, path, `${PACKAGE}.${type}`, value)
  return numbers[name] === 0 ? undefined : name
}

function readScalar(type: string, value: Json, path: string, reading: Reading): Json | undefined {
  switch (type) {
    case 'string':
    case 'FieldMask':
      return typeof value === 'string' ? value : wrong(reading, path, 'TYPE_STRING', value)
    case 'bool':
    case 'BoolValue':
      return typeof value === 'boolean' ? value : wrong(reading, path, 'TYPE_BOOL', value)
    case 'int32':
    case 'Int32Value':
    case 'uint32': {
      const integer = integerOf(value, type === 'uint32' ? 0n : -INT32, type === 'uint32' ? 2n * INT32 : INT32)
      return integer === undefined
        ? wrong(reading, path, `TYPE_${type === 'uint32' ? 'UINT32' : 'INT32'}`, value)
        : Number(integer)
    }
    case 'int64':
    case 'Int64Value':
      return integerOf(value, -INT64, INT64)?.toString() ?? wrong(reading, path, 'TYPE_INT64', value)
    case 'float':
      return typeof value === 'number' ? value : wrong(reading, path, 'TYPE_FLOAT', value)
    case 'Timestamp':
      return timestampOf(value) ?? wrong(reading, path, 'type.googleapis.com/google.protobuf.Timestamp', value)
    case 'Duration':
      if (typeof value === 'string' && /^-?\d{1,12}(\.\d{1,9})?s$/.test(value)) return value
      return wrong(reading, path, 'type.googleapis.com/google.protobuf.Duration', value)
    default:
      return value
  }
}

/** From `low` up to, but not including, `high`. */
function integerOf(value: Json, low: bigint, high: bigint): bigint | undefined {
  const text = typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : value
  if (typeof text !== 'string' || !/^-?\d{1,20}$/.test(text)) return undefined
  const integer = BigInt(text)
  return integer >= low && integer < high ? integer : undefined
}

/** RFC 3339, in UTC and milliseconds. */
function timestampOf(value: Json): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i.test(value)) return undefined
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

function wrong(reading: Reading, path: string, type: string, value: Json): undefined {
  const field = snakeCase(path)
  const said = JSON.stringify(value).slice(0, 200)
  reading.violations.push({ field, description: `Invalid value at '${field}' (${type}), ${said}` })
  return undefined
}

function unknownField(name: string, path: string): string {
  const where = path === '' ? '' : ` at '${snakeCase(path)}'`
  return `Invalid JSON payload received. Unknown name ${JSON.stringify(name.slice(0, 200))}${where}: Cannot find field.`
}

function named(type: string): string {
  return MESSAGES[type] || ENUMS[type] ? `${PACKAGE}.${type}` : `TYPE_${type.toUpperCase()}`
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function camelCase(name: string, fields: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(fields, name) || !name.includes('_')) return name
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** As the parser names fields: `body.settings.data_disk_size_gb`. */
function snakeCase(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function isObject(json: Json): json is { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json)
}
