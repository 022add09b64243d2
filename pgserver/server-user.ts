/** The operating-system user that PostgreSQL runs as. PostgreSQL refuses root, so as root we step down to a user with a
 *  passwd entry (initdb looks itself up there); as anybody else the server is simply ours. Reads /etc/passwd only: the
 *  result must not depend on a directory service that may be slow or away. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { PostgresServerError } from './failure'

export interface ServerUser {
  name: string
  uid: number
  gid: number
  /** True when the server's user is not ours: spawn with uid and gid, hand files over with chown. */
  steppedDown: boolean
}

/** The best first: one that nothing else runs as, since whatever does owns every database. */
const STEP_DOWN_TO = ['capstan', 'postgres', 'nobody'] as const

/** @throws PostgresServerError USER_MISSING when we are root and no user to step down to exists. */
export function serverUser(): ServerUser {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) return { name: ownName(), uid, gid: process.getgid?.() ?? uid, steppedDown: false }
  const passwd = readFileSync('/etc/passwd', 'utf8')
  const found = STEP_DOWN_TO.map((name) => passwdEntry(passwd, name)).find((entry) => entry !== undefined)
  if (!found) {
    throw new PostgresServerError(
      'USER_MISSING',
      `PostgreSQL does not run as root, and /etc/passwd has none of the users it could step down to (${STEP_DOWN_TO.join(', ')}). Add the first, or run as a normal user.`,
    )
  }
  return { ...found, steppedDown: true }
}

/** The entry of `name` in the text of a passwd file. A root alias (uid 0) is no use and is left out. */
export function passwdEntry(passwd: string, name: string): { name: string; uid: number; gid: number } | undefined {
  for (const line of passwd.split('\n')) {
    const [entry, , uid, gid] = line.split(':')
    if (entry === name && Number(uid) > 0) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

function ownName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.())
  }
}
