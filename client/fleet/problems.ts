/** What is wrong with a fleet file, each as one sentence: where, which field, what was found, what would be right. */
import type { TLocalizedValidationError } from 'typebox/error'
import { DATABASE_SCHEMAS, FleetFileSchema } from '../../contracts/fleet.schema'
import { cutInput, shownInput } from '../shown-input'
import type { FieldPath, FleetSource, Place } from './source'
import { nearest } from './suggest'

export interface FleetProblem extends Place {
  /** `databases[0].policy.bake`; empty for the file as a whole. */
  readonly field: string
  readonly message: string
}

/** A node of the schema, as far as explaining needs it. */
interface SchemaNode {
  readonly description?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>
}

/** One problem per field, in the order of the file. */
export function explainErrors(source: FleetSource, errors: readonly TLocalizedValidationError[]): FleetProblem[] {
  const problems = new Map<string, FleetProblem>()
  const add = (problem: FleetProblem): void => {
    if (!problems.has(problem.field)) problems.set(problem.field, problem)
  }
  for (const error of errors) {
    const path = parsePointer(error.instancePath, source.value)
    if (error.keyword === 'required')
      for (const name of namesIn(error.params, 'requiredProperties')) add(missing(source, path, name))
    else if (error.keyword === 'additionalProperties') {
      for (const name of namesIn(error.params, 'additionalProperties')) add(unknownField(source, path, name))
    } else if (error.keyword !== 'boolean') add(wrongValue(source, path))
  }
  return [...problems.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

function missing(source: FleetSource, parent: FieldPath, name: string): FleetProblem {
  const path = [...parent, name]
  return {
    ...source.placeOf(parent),
    field: showPath(path),
    message: `${showPath(path)} is missing; it must be ${expected(source, path)}`,
  }
}

function unknownField(source: FleetSource, parent: FieldPath, name: string): FleetProblem {
  const known = Object.keys(schemaAt(source, parent)?.properties ?? {})
  const meant = nearest(name, known)
  const hint = meant === null ? `known here are ${known.join(', ')}` : `did you mean ${meant}?`
  const path = [...parent, name]
  return { ...source.placeOfName(path), field: showPath(path), message: `${showPath(path)} is not a field; ${hint}` }
}

export function wrongValue(source: FleetSource, path: FieldPath, rule = expected(source, path)): FleetProblem {
  return mistake(source, path, `it must be ${rule}`)
}

/** `clause`: what would be right. */
export function mistake(source: FleetSource, path: FieldPath, clause: string): FleetProblem {
  const field = showPath(path)
  const name = field === '' ? 'the file' : field
  return { ...source.placeOf(path), field, message: `${name} is ${showValue(source.value, path)}; ${clause}` }
}

function expected(source: FleetSource, path: FieldPath): string {
  return schemaAt(source, path)?.description ?? 'left out'
}

/** The schema of `databases[index]`: what is right depends on the cloud that it names. */
export function databaseSchemaAt(
  { value }: FleetSource,
  index: number,
): (typeof DATABASE_SCHEMAS)[keyof typeof DATABASE_SCHEMAS] {
  const { databases } = value as { databases: readonly unknown[] }
  const database = databases[index]
  const cloud = typeof database === 'object' && database !== null && 'cloud' in database ? database.cloud : null
  return cloud === 'aws' || cloud === 'azure' || cloud === 'gcp' ? DATABASE_SCHEMAS[cloud] : DATABASE_SCHEMAS.other
}

function schemaAt(source: FleetSource, path: FieldPath): SchemaNode | undefined {
  const [first, index, ...below] = path
  const inDatabase = first === 'databases' && typeof index === 'number'
  let node = (inDatabase ? databaseSchemaAt(source, index) : FleetFileSchema) as SchemaNode | undefined
  for (const key of inDatabase ? below : path) {
    const previous: SchemaNode | undefined = node
    node =
      typeof key === 'number'
        ? previous?.items
        : (previous?.properties?.[key] ?? Object.values(previous?.patternProperties ?? {})[0])
  }
  return node
}

export function showPath(path: FieldPath): string {
  const part = (key: string): string => cutInput(key)
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${part(key)}`)).join('')
}

const SHOWN_OF_CONNECTIONS = new Set(['user', 'host', 'port', 'tls'])

const CREDENTIALS = ['connections', 'logins', 'publisher', 'poolers'] as const
const ofCredentials = (path: FieldPath): boolean => CREDENTIALS.some((group) => path.includes(group))

/** Shortened. Around credentials only harmless fields are shown: somebody may have written the password itself. */
function showValue(root: unknown, path: FieldPath): string {
  if (ofCredentials(path) && !SHOWN_OF_CONNECTIONS.has(String(path.at(-1)))) return 'something else (not shown)'
  const value = path.reduce<unknown>((at, key) => (at as Record<string | number, unknown> | null)?.[key], root)
  if (value === null || value === undefined) return 'empty'
  if (typeof value === 'number' && !Number.isFinite(value)) return 'no number that ends'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a group of fields'
  if (looksLikeCredentials(String(value))) return 'something else (not shown)'
  return typeof value === 'string' ? shownInput(value) : `the ${typeof value} ${cutInput(String(value))}`
}

/** A URL with a password in it may stand anywhere. */
function looksLikeCredentials(text: string): boolean {
  return /:\/\/[^/]*@/.test(text)
}

/** `/databases/0/name` → `['databases', 0, 'name']`: what is a list is known from the value itself. */
function parsePointer(pointer: string, root: unknown): FieldPath {
  const path: (string | number)[] = []
  let at: unknown = root
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const key = Array.isArray(at) ? Number(name) : name
    path.push(key)
    at = (at as Record<string | number, unknown> | null | undefined)?.[key]
  }
  return path
}

function namesIn(params: object, field: string): string[] {
  const names: unknown = Object.entries(params).find(([key]) => key === field)?.[1]
  return Array.isArray(names) ? names.map(String) : []
}
