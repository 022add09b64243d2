/** Where things are kept outside the clone: what can be fetched again in a cache shared by all clones, what cannot in a folder
 *  of this clone alone. As root they lie under /var, since PostgreSQL then runs as another user, who cannot enter /root. */
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'

export interface Folders {
  readonly cache: string
  readonly state: string
  /** Twelve hexadecimal digits: the clone's path and the user, so that two users of one clone do not meet either. */
  readonly key: string
}

export interface FolderFacts {
  readonly clone: string
  readonly uid: number
  readonly home: string
  readonly xdgCacheHome: string | null
  readonly xdgStateHome: string | null
  /** Used as it is, instead of a folder named by the key. */
  readonly stateDir: string | null
}

export function chooseFolders(facts: FolderFacts): Folders {
  const identity = facts.stateDir === null ? facts.clone : resolve(facts.stateDir)
  const key = createHash('sha256').update(`${facts.uid}\0${identity}`).digest('hex').slice(0, 12)
  const root = facts.uid === 0
  const cacheHome = facts.xdgCacheHome ?? (root ? '/var/cache' : join(facts.home, '.cache'))
  const stateHome = facts.xdgStateHome ?? (root ? '/var/lib' : join(facts.home, '.local', 'state'))
  return {
    cache: join(cacheHome, 'capstan'),
    state: facts.stateDir === null ? join(stateHome, 'capstan', key) : resolve(facts.stateDir),
    key,
  }
}
