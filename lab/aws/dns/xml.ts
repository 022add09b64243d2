/** The REST-XML of Route 53, as far as hosted zones and their records go. Source: Amazon Route 53 API reference, 2013-04-01. */
import { XMLBuilder, XMLParser } from 'fast-xml-parser'
import { AwsError } from '../errors'

export interface Element {
  [name: string]: Element | Element[] | string | number | boolean | undefined
}

const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/'
const LISTS = new Set(['Change', 'ResourceRecord'])
const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: false })
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, isArray: (name) => LISTS.has(name) })

export function write(root: string, content: Element): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ [root]: { '@xmlns': NAMESPACE, ...content } })}`
}

export function writeError({ code, message, status }: AwsError, requestId: string): string {
  const Type = status >= 500 ? 'Receiver' : 'Sender'
  return write('ErrorResponse', { Error: { Type, Code: code, Message: message }, RequestId: requestId })
}

/** @throws AwsError InvalidInput. */
export function read(body: Buffer, root: string): Reading {
  let parsed: unknown
  try {
    parsed = parser.parse(body.toString('utf8'))
  } catch {
    throw invalid('Could not parse XML')
  }
  const content = isElement(parsed) ? parsed[root] : undefined
  if (!isElement(content)) throw invalid(`The request has no ${root}`)
  return new Reading(content)
}

export function invalid(message: string): AwsError {
  return new AwsError('InvalidInput', message)
}

/** An element that was sent. */
export class Reading {
  constructor(private readonly element: Readonly<Record<string, unknown>>) {}

  /** Undefined: it was not sent. */
  text(name: string): string | undefined {
    const value = this.element[name]
    return typeof value === 'string' ? value.trim() : undefined
  }

  /** @throws AwsError InvalidInput. */
  required(name: string): string {
    const value = this.text(name)
    if (value !== undefined && value !== '') return value
    throw invalid(`${name} is missing`)
  }

  child(name: string): Reading | undefined {
    const value = this.element[name]
    return isElement(value) ? new Reading(value) : undefined
  }

  list(name: string, item: string): Reading[] {
    const value = this.child(name)?.element[item]
    return Array.isArray(value) ? value.map((one) => new Reading(isElement(one) ? one : {})) : []
  }

  /** What is kept as it came. */
  raw(name: string): unknown {
    return this.element[name]
  }
}

function isElement(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
