/** What a server should be, in words of PostgreSQL alone. The caller's state is the truth; a spec is a view of it. */
import { randomBytes } from 'node:crypto'
import type { PostgresMajor } from '../../pgserver/binaries'
import type { Settings } from '../../pgserver/settings'
import type { Authority } from '../tls'
import type { Flavour } from './flavour'

export interface ServerSpec {
  /** Names the server's folder. A new one for each attempt to make a server: an earlier attempt may still be writing. */
  folder: string
  major: PostgresMajor
  address: string
  /** Other addresses that lead to it: its certificate is good for them too. */
  aliases?: readonly string[] | undefined
  settings: Settings
  /** Source networks that are let in. */
  networks: readonly string[]
  /** Names the archive that its log goes to; none when left out. One that is made or restored begins a history, and with it an archive
   *  of a new name, so a new one for each attempt, as with folders. A replica may have its primary's when it is to go on
   *  where that ended; two that both write may not share one. A change takes effect when the server starts. */
  archive?: string | undefined
  /** Whom it follows for as long as it is a replica. What it is, its data says: after a promotion this has no effect. */
  replicaOf?: Primary | undefined
  /** It asks for no log, which is kept for it all the same. */
  paused?: boolean | undefined
  /** `offered`: clients choose. `required`: customers without it are refused. `mutual`: so are those who show no certificate of one of
   *  `clientAuthorities`. `off` when left out. Replicas and the administrator are no customers. All our binaries have it built in. */
  tls?: 'off' | 'offered' | 'required' | 'mutual' | undefined
  /** PEM; for `mutual`. With none, no customer is let in. */
  clientAuthorities?: readonly string[] | undefined
  /** Another number, another certificate; 0 when left out. */
  certificateNumber?: number | undefined
  /** Set: customers connect elsewhere, and whom the lab itself lets in is not asked for a password of PostgreSQL's. With TLS only. A change
   *  of it takes effect when the server starts. */
  front?: FrontSpec | undefined
}

export interface FrontSpec {
  /** Where customers connect: there the lab listens for the server, which itself is at `address`. */
  address: string
  /** Members of this role are let in by the lab (`ServersOptions.admits`), over TLS, and by nothing else. */
  role: string
  /** A role that keeps its password, whatever it is a member of. Letters, digits and underscores. */
  exempt?: string | undefined
}

/** Of somebody whom the lab itself lets in. */
export interface Login {
  user: string
  password: string
}

export type Primary = Pick<ServerSpec, 'folder' | 'address'>

export interface ServersOptions {
  stateDir: string
  cacheDir: string
  port: number
  administratorAddress: string
  administratorPassword: string
  flavour: Flavour
  /** Certifies servers that serve TLS. */
  authority?: Promise<Authority> | undefined
  /** How long a replica may take until it streams; two minutes when left out. */
  streamingTimeoutMs?: number | undefined
  /** Whether the lab lets somebody into the server of this folder. Nobody when left out. */
  admits?(folder: string, login: Login): boolean
  /** A server takes over: where it can come apart. What this throws is what the promotion fails with. */
  passes?(moment: Moment, folder: string): Promise<void>
  /** By how much a recovery from this archive stops earlier than it was told to, in milliseconds. */
  stopsShortMs?(archive: string): number
  /** A server ended that nobody had asked to. */
  ended(folder: string): void
  log(line: string): void
}

/** `marked`: of a switchover, the old writer is stopped and is none any more; `before`: the new one follows still; `after`: it
 *  writes. */
export type Moment = 'marked' | 'before' | 'after'

export function newFolderName(): string {
  return randomBytes(6).toString('hex')
}
