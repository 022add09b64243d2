/** What looking at a database's health says: the words that the checks, a worker and every door share. */
import type { IsoInstant } from './operation'

/** What each check looks for, in the order in which it hurts: of two findings of the same severity the one whose check stands first is told
 *  first. Names are stable: scripts and alerts depend on them. */
export const CHECKS = {
  'page-checksums': 'pages that are damaged on disk',
  wraparound: 'how far transaction ids and multixacts are from wrapping around',
  durability: 'settings by which a crash loses data',
  archiving: 'whether the write-ahead log is archived',
  'replication-slots': 'replication slots that hold write-ahead log back',
  connections: 'how many connections are left',
  sequences: 'sequences that run out',
  'published-tables': 'published tables whose rows can be neither updated nor deleted',
  'prepared-transactions': 'prepared transactions that nobody ended',
  sessions: 'sessions that keep a transaction open',
  collations: 'collations that changed under their indexes',
  autovacuum: 'autovacuum that is off',
  indexes: 'invalid indexes',
  constraints: 'constraints that were never validated',
  'replica-identity': 'tables without a primary key or another replica identity',
} as const satisfies Record<string, string>

export type CheckId = keyof typeof CHECKS

/** `critical`: it stops the database or loses data, and soon; `warning`: it will hurt if it stays so; `note`: it will be in the way. */
export type Severity = 'critical' | 'warning' | 'note'
/** The worst first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'note']

export interface HealthObject {
  /** In words: `table`, `index`, `replication slot`. */
  readonly kind: string
  /** Null: it is in no schema. */
  readonly schema: string | null
  readonly name: string
}

export interface HealthFinding {
  readonly check: CheckId
  readonly severity: Severity
  /** Null: it concerns the whole instance. */
  readonly database: string | null
  /** Null: it is about the instance as it is set. */
  readonly object: HealthObject | null
  /** One sentence: what was found, with its measure. Names are quoted as PostgreSQL reads them. */
  readonly message: string
  /** One sentence: what it does, or will do. */
  readonly why: string
  /** SQL that mends it or shows more of it; what has to be sure first stands behind it as a comment. */
  readonly command: string
}

/** Something that was to be looked at and could not be. */
export interface NotKnown {
  readonly check: CheckId
  /** Null: the whole instance. */
  readonly database: string | null
  /** One sentence: why, and what would change it. */
  readonly why: string
}

export interface LookedAt {
  readonly name: string
  readonly looked: boolean
  /** Why not; null: it was, or nobody asked for it. */
  readonly why: string | null
}

export interface HealthReport {
  /** The server's clock. */
  readonly at: IsoInstant
  /** For example `15.18`. */
  readonly engineVersion: string
  readonly role: string
  /** It is a standby: what only a primary knows has to be asked there. */
  readonly standby: boolean
  /** Every database of the instance that is no template. */
  readonly databases: readonly LookedAt[]
  /** What hurts first stands first. */
  readonly findings: readonly HealthFinding[]
  readonly notKnown: readonly NotKnown[]
}
