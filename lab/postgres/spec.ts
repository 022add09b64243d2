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
  settings: Settings
  /** Source networks that are let in. */
  networks: readonly string[]
  /** Names the archive that its log goes to; none when left out. One that is made or restored begins a history, and with it an archive
   *  of a new name, so a new one for each attempt, as with folders. A replica may have its primary's when it is to go on
   *  where that ended; two that both write may not share one. A change takes effect when the server starts. */
  archive?: string | undefined
  /** Whom it follows for as long as it is a replica. What it is, its data says: after a promotion this has no effect. */
  replicaOf?: Primary | undefined
  /** `offered`: clients choose. `required`: customers without it are refused. `off` when left out. Replicas and the administrator
   *  are no customers. All our binaries have it built in. */
  tls?: 'off' | 'offered' | 'required' | undefined
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
  /** A server ended that nobody had asked to. */
  ended(folder: string): void
  log(line: string): void
}

export function newFolderName(): string {
  return randomBytes(6).toString('hex')
}
