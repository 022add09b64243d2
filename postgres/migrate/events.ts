/** What an apply run tells while it runs. Plain values, in order; nothing depends on anyone listening. */

/** Who stood in the way. The text of its statement is not asked for: it holds values. */
export interface Blocker {
  readonly pid: number
  readonly application: string | null
  /** pg_stat_activity's: `active`, `idle in transaction`… */
  readonly state: string | null
  /** The relation waited for, `schema.table`, where the wait was for one. */
  readonly relation: string | null
}

interface AtStatement {
  readonly script: string
  /** 0-based. */
  readonly index: number
  readonly line: number
  readonly kind: string
}

export type ApplyEvent =
  | { readonly type: 'migration-started'; readonly script: string; readonly version: string | null; readonly statements: number }
  | ({ readonly type: 'statement-started' } & AtStatement)
  | ({ readonly type: 'statement-finished'; readonly durationMs: number } & AtStatement)
  /** It ran before an interruption. */
  | ({ readonly type: 'statement-skipped' } & AtStatement)
  | {
      readonly type: 'lock-retry'
      readonly script: string
      readonly line: number | null
      /** The attempt that failed, from 1. */
      readonly attempt: number
      readonly attemptsMax: number
      readonly delayMs: number
      readonly blocker: Blocker | null
    }
  /** An invalid index left by an interrupted build was dropped; the build starts again. */
  | { readonly type: 'index-healed'; readonly script: string; readonly index: string }
  /** An interrupted build turns out to have finished. */
  | { readonly type: 'index-adopted'; readonly script: string; readonly index: string }
  /** The build failed for good and its invalid index was dropped. */
  | { readonly type: 'index-removed'; readonly script: string; readonly index: string }
  | {
      readonly type: 'migration-applied'
      readonly script: string
      readonly version: string | null
      readonly executionTimeMs: number
    }
