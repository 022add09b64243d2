/** A fleet file's text with the place of everything in it: problems are reported by line and column. */

import type { Document } from 'yaml'
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseAllDocuments, visit } from 'yaml'
import { explainYaml } from './yaml-problems'

/** More is no fleet but an attempt to fill the memory. */
const ALIASES_MAX = 1_000

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
    return { problems: [{ line: 1, column: 1, message: 'the file is empty; it must be a fleet with version and databases' }] }
  if (second !== undefined) {
    return {
      problems: [
        { ...place(second.range[0]), message: 'a second YAML document begins, and a fleet file holds one; leave the rest out' },
      ],
    }
  }
  if (document.errors.length > 0) {
    return { problems: explainYaml(document.errors).map(({ offset, message }) => ({ ...place(offset), message })) }
  }
  const [tagged] = document.warnings
  if (tagged !== undefined) {
    return {
      problems: [{ ...place(tagged.pos[0]), message: 'a tag (!) stands here, and a fleet file knows none; leave it out' }],
    }
  }
  const unresolved = firstUnresolvedAlias(document)
  if (unresolved !== null) {
    // Its name is not repeated: a password that begins with * reads as one.
    const message =
      'an alias (*) stands here and no anchor (&) of its name before it; quote the text if it is meant to begin with *'
    return { problems: [{ ...place(unresolved), message }] }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX })
  } catch {
    const message = `its aliases (*) stand for more than ${ALIASES_MAX} nodes; write out what they repeat`
    return { problems: [{ line: 1, column: 1, message }] }
  }
  return {
    source: {
      value,
      placeOf: (path) => place(offsetOf(document, path, 'value')),
      placeOfName: (path) => place(offsetOf(document, path, 'name')),
    },
  }
}

function firstUnresolvedAlias(document: Document.Parsed): number | null {
  let offset: number | null = null
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined
      offset = startOf(alias)
      return visit.BREAK
    },
  })
  return offset
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
