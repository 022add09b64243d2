/** A password as PostgreSQL keeps it, so that it can be set by SQL without standing in a statement, and so in a log. RFC 5802, RFC 7677. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** PostgreSQL's own default of `scram_iterations`. */
const ITERATIONS = 4096
const SALT_BYTES = 16

export function scramVerifier(password: string): string {
  const salt = randomBytes(SALT_BYTES)
  // as both sides prepare a password (RFC 4013), as far as it concerns what people can type
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, ITERATIONS, 32, 'sha256')
  const keyed = (what: string): Buffer => createHmac('sha256', salted).update(what).digest()
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${keyed('Server Key').toString('base64')}`
}
