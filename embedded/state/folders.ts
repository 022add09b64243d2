/** Where things are kept outside the clone: what can be fetched again in a cache shared by all clones, what cannot in a folder
 *  of this clone alone. As root they lie under /var, since PostgreSQL then runs as another user, who cannot enter /root; an
 *  XDG folder that the other user cannot enter is passed over for the same reason. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export interface Folders {
  readonly cache: string
  readonly state: string
  /** CAPSTAN_STATE_DIR named it. */
  readonly stateGiven: boolean
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
  const usable = (path: string | null): string | null => (root && path !== null && !othersEnter(path) ? null : path)
  const cacheHome = usable(facts.xdgCacheHome) ?? (root ? '/var/cache' : join(facts.home, '.cache'))
  const stateHome = usable(facts.xdgStateHome) ?? (root ? '/var/lib' : join(facts.home, '.local', 'state'))
  return {
    cache: join(cacheHome, 'capstan'),
    state: facts.stateDir === null ? join(stateHome, 'capstan', key) : resolve(facts.stateDir),
    stateGiven: facts.stateDir !== null,
    key,
  }
}

/** Whether every folder on the way that exists lets other users through; what does not exist yet will be made so. */
function othersEnter(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  if (mode !== undefined && (mode & 0o001) === 0) return false
  const parent = dirname(path)
  return parent === path || othersEnter(parent)
}
