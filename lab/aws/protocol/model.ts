/** The RDS API's service model (../generated/model.ts), made ready to be walked: what an action may be asked, and what it may answer. */
import { MODEL_ENUMERATIONS, MODEL_LISTS, MODEL_OPERATIONS, MODEL_STRUCTURES } from '../generated/model'

export type Action = keyof typeof MODEL_OPERATIONS

export type Shape = Scalar | Enumeration | List | Structure

export interface Scalar {
  readonly kind: 'string' | 'integer' | 'double' | 'boolean' | 'timestamp'
}

export interface Enumeration {
  readonly kind: 'enumeration'
  readonly values: readonly string[]
}

export interface List {
  readonly kind: 'list'
  /** The element of each item; in a request, what stands before its number. */
  readonly item: string
  readonly of: Shape
}

export interface Structure {
  readonly kind: 'structure'
  readonly name: string
  readonly members: ReadonlyMap<string, Member>
}

export interface Member {
  readonly shape: Shape
  readonly required: boolean
}

const NOTHING: Structure = { kind: 'structure', name: 'nothing', members: new Map() }
const SCALARS = new Map<string, Scalar>(
  (['string', 'integer', 'double', 'boolean', 'timestamp'] as const).map((kind) => [kind, { kind }]),
)
const STRUCTURES = new Map<string, string>(Object.entries(MODEL_STRUCTURES))
const LISTS = new Map<string, readonly [string, string]>(Object.entries(MODEL_LISTS))
const ENUMERATIONS = new Map<string, readonly string[]>(Object.entries(MODEL_ENUMERATIONS))

const known = new Map<string, Shape>()

export function isAction(name: string): name is Action {
  return Object.hasOwn(MODEL_OPERATIONS, name)
}

export function inputOf(action: Action): Structure {
  return structure(MODEL_OPERATIONS[action][0])
}

export function outputOf(action: Action): Structure {
  return structure(MODEL_OPERATIONS[action][1])
}

function structure(name: string | null): Structure {
  const shape = name === null ? NOTHING : shapeOf(name)
  if (shape.kind !== 'structure') throw new Error(`${name} is no structure of the model.`)
  return shape
}

function shapeOf(name: string): Shape {
  const scalar = SCALARS.get(name) ?? known.get(name)
  if (scalar) return scalar
  const shape = readShape(name)
  known.set(name, shape)
  return shape
}

function readShape(name: string): Shape {
  const values = ENUMERATIONS.get(name)
  if (values) return { kind: 'enumeration', values }
  const [item, type] = LISTS.get(name) ?? []
  if (item !== undefined && type !== undefined) return { kind: 'list', item, of: shapeOf(type) }
  const members = STRUCTURES.get(name)
  if (members === undefined) throw new Error(`The model has no ${name}.`)
  return { kind: 'structure', name, members: new Map(members.split(' ').map(readMember)) }
}

/** `Name`, `Name!` when required, `Name:Type` unless it is a string. */
function readMember(text: string): [string, Member] {
  const [, name = '', required, type = 'string'] = /^(\w+)(!?)(?::(\w+))?$/.exec(text) ?? []
  return [name, { shape: shapeOf(type), required: required === '!' }]
}
