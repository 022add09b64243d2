/** What PostgreSQL keeps of a password, made on this side: a statement with a password in it can be read in logs and in
 *  pg_stat_statements. Passwords are printable ASCII here, which SASLprep leaves as it is.
 *  Source: RFC 5802, section 3; the format is that of `pg_authid.rolpassword`. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** PostgreSQL's own number. */
const ITERATIONS = 4096

/** `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, with a salt of its own each time. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256')
  const storedKey = createHash('sha256').update(keyed(salted, 'Client Key')).digest('base64')
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${keyed(salted, 'Server Key').toString('base64')}`
}

function keyed(salted: Buffer, text: string): Buffer {
  return createHmac('sha256', salted).update(text).digest()
}
