/** What is asked of a source and a standby before anything is made, and what each question answers. One file a check in
 *  postgres/replicate/preflight/checks/. */

/** What each check looks for, in the order in which it is told. Names are stable: scripts depend on them. */
export const PREFLIGHT_CHECKS = {
  'same-database': 'whether both are one and the same database',
  versions: 'whether the standby can follow a source of that version, and be followed back',
  'standby-empty': 'whether the standby holds data already',
  'wal-level': 'whether the source writes what logical replication needs',
  'source-room': 'whether the source has slots and senders left',
  'standby-room': 'whether the standby has workers left',
  publisher: 'whether the role that follows may do so',
  subscriber: 'whether the standby’s master may subscribe, and act for the owners of tables',
  'replica-identity': 'tables without what names a row that was updated or deleted',
  'unlogged-tables': 'tables whose rows are in no log',
  'large-objects': 'large objects, which are in no publication',
  'foreign-tables': 'foreign tables, whose rows are elsewhere',
  partitions: 'partitioned tables, and what is published of them',
  'generated-columns': 'columns that the standby reckons by itself',
  sequences: 'sequences, which have to be carried over at a switchover',
  'materialized-views': 'materialized views, which have to be refreshed at a switchover',
  triggers: 'triggers that fire on a standby as well',
  extensions: 'extensions that the standby lacks, or has in another version',
  collations: 'an encoding or a collation by which text is in another order',
  roles: 'roles that own or are granted something, and are missing on the standby',
  'prepared-transactions': 'prepared transactions',
  'foreign-slots': 'slots and subscriptions of others',
  'scheduled-jobs': 'jobs that would run on the standby as well',
  'event-triggers': 'event triggers, which fire for what is applied here and there',
  'disk-room': 'whether the standby has room for the data, and the source for the log',
} as const satisfies Record<string, string>

export type PreflightCheckId = keyof typeof PREFLIGHT_CHECKS

/** `blocks`: nothing is made before it is mended; `warning`: it will hurt if it stays so; `note`: it has to be known. */
export type PreflightSeverity = 'blocks' | 'warning' | 'note'

export interface PreflightFinding {
  readonly check: PreflightCheckId
  readonly severity: PreflightSeverity
  readonly side: 'source' | 'standby'
  /** As `schema.name` or a bare name, quoted as PostgreSQL reads it; null: it is about the database or the server. */
  readonly object: string | null
  /** One sentence: what was found, with its measure. */
  readonly message: string
  /** One sentence: what it does, or will do. */
  readonly why: string
  /** What mends it: SQL, or a setting of the cloud; what has to be sure first stands behind it as a comment. */
  readonly command: string
}

/** A check that could not be answered. */
export interface PreflightUnknown {
  readonly check: PreflightCheckId
  readonly side: 'source' | 'standby'
  /** One sentence: why, and what would change it. */
  readonly why: string
}

export interface PreflightReport {
  /** Those that block first, then in the order of the checks. */
  readonly findings: readonly PreflightFinding[]
  readonly notKnown: readonly PreflightUnknown[]
  /** The SQL by which each check looked, so that a person can look himself. */
  readonly asked: Readonly<Record<PreflightCheckId, readonly string[]>>
  /** Of the source, in bytes. */
  readonly bytes: number
  /** What would be published, by `schema.table`, quoted as PostgreSQL reads it. */
  readonly tables: readonly string[]
  readonly versions: { readonly source: string; readonly standby: string }
  /** Whether the standby could be followed back, once writing has moved to it; null: yes. Else why not. */
  readonly noWayBack: string | null
}
