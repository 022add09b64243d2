/** Answers of the AWS Query protocol. A list is an element with one child per item, and an empty list an empty element: some
 *  clients tell it from an absent one. */
import { XMLBuilder } from 'fast-xml-parser'
import type { AwsError } from '../errors'

export type XmlValue = string | number | boolean | null | undefined | XmlNode | readonly XmlValue[]
export interface XmlNode {
  readonly [element: string]: XmlValue
}

const NAMESPACE = 'http://rds.amazonaws.com/doc/2014-10-31/'
const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: false })

/** A list whose items are called `item`. */
export function list(item: string, values: readonly XmlValue[]): XmlNode | '' {
  return values.length === 0 ? '' : { [item]: values }
}

export function answer(action: string, result: XmlNode | undefined, requestId: string): string {
  const content = { ...(result && { [`${action}Result`]: result }), ResponseMetadata: { RequestId: requestId } }
  return document(`${action}Response`, content)
}

export function errorAnswer(error: AwsError, requestId: string): string {
  const type = error.status >= 500 ? 'Receiver' : 'Sender'
  return document('ErrorResponse', { Error: { Type: type, Code: error.code, Message: error.message }, RequestId: requestId })
}

function document(root: string, content: XmlNode): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ [root]: { '@xmlns': NAMESPACE, ...present(content) } })}`
}

/** Without the members that are undefined or null: RDS leaves out what does not exist yet. */
function present(node: XmlNode): XmlNode {
  const members: Record<string, XmlValue> = {}
  for (const [name, value] of Object.entries(node)) {
    if (value !== undefined && value !== null) members[name] = pruned(value)
  }
  return members
}

function pruned(value: XmlValue): XmlValue {
  if (isList(value)) return value.map(pruned)
  return typeof value === 'object' && value !== null ? present(value) : value
}

function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value)
}
