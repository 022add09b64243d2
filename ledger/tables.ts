/** The ledger's tables as kysely sees them. The truth is migrations/*.sql. */
import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** Written as text; read as `Date` and turned into an IsoInstant at once. */
type Instant = ColumnType<Date, string, string>
type InstantOrNull = ColumnType<Date | null, string | null | undefined, string | null>

interface Bundles {
  digest: string
  body: string
  created_at: Generated<Date>
}

interface Operations {
  id: string
  sequence: GeneratedAlways<string>
  kind: string
  databases: string[]
  cloud: string
  environment: string
  mode: string
  bundle: string
  requested_by: string
  started_at: Instant
  finished_at: InstantOrNull
  status: string
  verdict: string | null
  failure_code: string | null
  failure_message: string | null
  plan_digest: string | null
  evidence: string | null
}

interface Steps {
  operation: string
  id: string
  sequence: number
  title: string
  state: string
  attempts: number
  started_at: Instant
  finished_at: InstantOrNull
  detail: string
}

interface Documents {
  operation: string
  name: string
  digest: string
  body: string
  updated_at: Generated<Date>
}

interface Evidence {
  operation: string
  digest: string
  body: string
  written_at: Generated<Date>
}

interface EpochCounters {
  scope: string
  last: ColumnType<string, number, number>
}

interface Epochs {
  scope: string
  epoch: ColumnType<string, number, never>
  operation: string
  granted_at: Generated<Date>
}

interface Resources {
  operation: string
  cloud: string
  kind: string
  name: string
  created_at: Instant
  expires_at: InstantOrNull
  removed_at: InstantOrNull
}

interface Sweeps {
  place: string
  digest: string
  body: string
  updated_at: Generated<Date>
}

interface Standbys {
  source: string
  target: string
  digest: string
  body: string
  updated_at: Generated<Date>
}

interface StandbyComparisons {
  source: string
  target: string
  digest: string
  body: string
  updated_at: Generated<Date>
}

interface FencedInstances {
  scope: string
  digest: string
  body: string
  updated_at: Generated<Date>
}

export interface LedgerTables {
  bundles: Bundles
  operations: Operations
  steps: Steps
  documents: Documents
  evidence: Evidence
  epoch_counters: EpochCounters
  epochs: Epochs
  resources: Resources
  sweeps: Sweeps
  standbys: Standbys
  standby_comparisons: StandbyComparisons
  fenced_instances: FencedInstances
}
