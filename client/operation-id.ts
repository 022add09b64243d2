/** Names of operations: told apart at a glance, legal in every cloud's resource names. */
import { randomInt } from 'node:crypto'
import { failure } from '../contracts/failures'
import { OPERATION_ID_PATTERN, type OperationId, type OperationKind, operationIdOf } from '../contracts/operation'
import { cutInput, shownInput } from './shown-input'

/** Base 32 without look-alikes to spell out over the phone: RFC 4648's letters and digits, in lower case. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const RANDOM_LENGTH = 6

/** `migrate-shop-k3x7qa` */
export function newOperationId(kind: OperationKind, subject: string): OperationId {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return operationIdOf(kind, subject, random)
}

/** Fails with OPTION_INVALID. */
export function parseOperationId(text: string): OperationId {
  // Temporary instances carry it in their names, and RDS takes neither of the last two.
  if (OPERATION_ID_PATTERN.test(text) && !text.includes('--') && !text.endsWith('-')) return text
  const rule = '3 to 32 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen'
  throw failure('OPTION_INVALID', `${shownInput(text)} is no operation id; one has ${rule}.`, { operation: cutInput(text) })
}
