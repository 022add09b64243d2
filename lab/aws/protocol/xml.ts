/** Answers of the AWS Query protocol, by the service model: what a value is decides how it is written, and a member that the model does
 *  not have cannot be answered. A list is an element with one child per item, and an empty list an empty element: some clients tell it
 *  from an absent one. */
import { XMLBuilder } from 'fast-xml-parser'
import type { AwsError } from '../errors'
import { type Action, outputOf, type Shape, type Structure } from './model'

interface Element {
  [name: string]: Element | Element[] | string | string[]
}

const NAMESPACE = 'http://rds.amazonaws.com/doc/2014-10-31/'
const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: false })

/** @throws Error for a result that is not what the model says: a defect of the operation. */
export function answer(action: Action, result: object | undefined, requestId: string): string {
  const output = outputOf(action)
  const node = structureNode(output, result ?? {}, action)
  const content = output.members.size === 0 ? {} : { [`${action}Result`]: node }
  return document(`${action}Response`, { ...content, ResponseMetadata: { RequestId: requestId } })
}

export function errorAnswer(error: AwsError, requestId: string): string {
  const Type = error.status >= 500 ? 'Receiver' : 'Sender'
  const Message = error.message.replace(UNWRITABLE, '?')
  return document('ErrorResponse', { Error: { Type, Code: error.code, Message }, RequestId: requestId })
}

/** XML 1.0 has no way to write these, not even escaped. */
const UNWRITABLE = /(?![\t\n\r\u007f-\u009f])\p{Cc}|[\ufffe\uffff]|\p{Cs}/gu

function document(root: string, content: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ [root]: { '@xmlns': NAMESPACE, ...content } })}`
}

/** In the model's order. Undefined and null are left out: RDS leaves out what does not exist yet. */
function structureNode(structure: Structure, value: object, place: string): Element {
  const given = new Map(Object.entries(value).filter(([, member]) => member !== undefined && member !== null))
  for (const name of given.keys()) {
    if (!structure.members.has(name)) throw new Error(`${place}: ${structure.name} has no ${name} in the model.`)
  }
  const node: Element = {}
  for (const [name, { shape }] of structure.members) {
    if (given.has(name)) node[name] = nodeOf(shape, given.get(name), `${place}.${name}`)
  }
  return node
}

function nodeOf(shape: Shape, value: unknown, place: string): Element | string {
  if (shape.kind === 'list') return listNode(shape.item, shape.of, value, place)
  if (shape.kind === 'structure') {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return structureNode(shape, value, place)
  } else if (shape.kind === 'enumeration' ? shape.values.some((one) => one === value) : FITS[shape.kind](value)) {
    return String(value).replace(UNWRITABLE, '?')
  }
  throw new Error(`${place} is no ${shape.kind}.`)
}

function listNode(item: string, of: Shape, value: unknown, place: string): Element | string {
  if (!Array.isArray(value)) throw new Error(`${place} is no list.`)
  if (value.length === 0) return ''
  return { [item]: value.map((one) => nodeOf(of, one, place)) as Element[] | string[] }
}

const FITS = {
  string: (value: unknown) => typeof value === 'string',
  timestamp: (value: unknown) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  integer: Number.isSafeInteger,
  double: Number.isFinite,
  boolean: (value: unknown) => typeof value === 'boolean',
} as const
