/** A fleet file's text with the place of everything in it: problems are reported by line and column. */

import type { Document } from 'yaml'
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseAllDocuments } from 'yaml'

export type FieldPath = readonly (string | number)[]

export interface Place {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface SourceProblem extends Place {
  readonly message: string
}

export interface FleetSource {
  /** Plain values, with anchors and merges resolved. */
  readonly value: unknown
  /** Where a field's value stands; for a field that is not there, where its nearest parent stands. */
  placeOf(path: FieldPath): Place
  /** Where the name of a field stands. */
  placeOfName(path: FieldPath): Place
}

export function parseFleetSource(text: string): { source: FleetSource } | { problems: SourceProblem[] } {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: true })
  const [document, second] = Array.isArray(documents) ? documents : []
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  if (document === undefined || document.contents === null)
    return { problems: [{ line: 1, column: 1, message: 'the file is empty' }] }
  if (second !== undefined) {
    return { problems: [{ ...place(second.range[0]), message: 'a second YAML document begins; a fleet file holds one' }] }
  }
  if (document.errors.length > 0) {
    return { problems: document.errors.map((error) => ({ ...place(error.pos[0]), message: firstLine(error.message) })) }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 1000 })
  } catch (error) {
    return { problems: [{ line: 1, column: 1, message: error instanceof Error ? firstLine(error.message) : 'unreadable' }] }
  }
  return {
    source: {
      value,
      placeOf: (path) => place(offsetOf(document, path, 'value')),
      placeOfName: (path) => place(offsetOf(document, path, 'name')),
    },
  }
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}

/** Walks down as far as the path exists. A field of a merged or aliased map stands where it was written. */
function offsetOf(document: Document, path: FieldPath, what: 'value' | 'name'): number {
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    const last = depth === path.length - 1
    if (isSeq(node) && typeof key === 'number') {
      node = node.items[key]
    } else if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key))
      if (pair === undefined) return offset
      if (last && what === 'name') return startOf(pair.key) || offset
      node = pair.value
      // `field:` with nothing after it has no value to point at: its name stands for it.
      offset = startOf(pair.key) || offset
    } else return offset
    offset = startOf(node) || offset
  }
  return offset
}

function startOf(node: unknown): number {
  const range = (node as Node | ParsedNode | null | undefined)?.range
  return range?.[0] ?? 0
}
