/** What PostgreSQL itself would keep of a password under `scram-sha-256`. Given instead of the password, so that no server log and no
 *  activity view ever shows it. https://www.postgresql.org/docs/17/catalog-pg-authid.html */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { failure } from '../contracts/failures'

const ITERATIONS = 4_096

/** Printable ASCII alone: anything else would need RFC 4013's preparation. Fails with OPTION_INVALID. */
export function scramVerifier(password: string): string {
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw failure('OPTION_INVALID', 'The password of the ledger role is empty or not plain ASCII; use letters, digits and signs.')
  }
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const keyed = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${keyed('Server Key').toString('base64')}`
}
