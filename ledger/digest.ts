/** Digests of documents: SHA-256 over their canonical JSON, lower-case hexadecimal. One value, one digest. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../contracts/canonical-json'
import type { Sha256 } from '../contracts/operation'

/** A document as it is stored: the very text that the digest was taken over. */
export interface SealedDocument {
  readonly body: string
  readonly digest: Sha256
}

export function sealDocument(document: unknown): SealedDocument {
  const body = canonicalJson(document)
  return { body, digest: createHash('sha256').update(body, 'utf8').digest('hex') }
}

export function sha256Of(value: unknown): Sha256 {
  return sealDocument(value).digest
}

/** Reads a stored document back. A body that no longer has its digest was altered: a defect, never returned. */
export function unsealDocument(stored: SealedDocument, what: string): unknown {
  const digest = createHash('sha256').update(stored.body, 'utf8').digest('hex')
  if (digest !== stored.digest) throw new Error(`${what} in the ledger has digest ${digest}, recorded was ${stored.digest}`)
  return JSON.parse(stored.body)
}
