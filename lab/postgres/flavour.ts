/** What differs between the managed clouds in the database itself: who the cloud's own administrator is, what the customer's
 *  master may do, and which extensions it may create. */
import type { PostgresMajor } from '../../pgserver/binaries'

export interface Master {
  name: string
  /** Of its password (verifier.ts). */
  verifier: string
  /** The database made for it; the server always has `postgres` as well. */
  database: string
}

export interface Flavour {
  name: string
  /** The cloud's superuser, and its own database, into which nobody else is let. */
  administrator: string
  /** Extensions that the master may create although it is no superuser, beyond PostgreSQL's own trusted ones. */
  extensions: readonly string[]
  /** Statements that make the master and the roles it stands on, run once, in order, in `postgres`, by the administrator. */
  bootstrap(master: Master, major: PostgresMajor): string[]
}
