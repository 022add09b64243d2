/** What starting an operation takes, whichever door it comes through: a person's command, or a schedule. The doors differ in who asks and in who
 *  waits; what the ledger and Temporal are told is the same, and is made here. */
import type { DatabaseEntry } from './fleet'
import { lockScope } from './fleet'
import { SEARCH_ATTRIBUTES } from './messages'
import type { IsoInstant, OperationId, OperationInput, OperationKind, Sha256 } from './operation'

/** What differs from one kind of operation to another. */
export interface OperationStarter<Input extends OperationInput> {
  readonly kind: OperationKind
  /** The workflow's name. */
  readonly workflow: string
  /** One line for people, on Temporal's own page. */
  readonly summary: string
  /** Further databases of the fleet file that it is about; absent: none. */
  readonly others?: readonly string[]
  readonly inputOf: (common: OperationInput) => Input
}

/** What is asked for. */
export interface Asked {
  readonly operation: OperationId
  readonly entry: DatabaseEntry
  /** Digest of the bundle that holds the entry. */
  readonly bundle: Sha256
  readonly mode: 'plan' | 'apply'
  readonly requestedBy: string
  readonly heartbeatTimeoutMs: number
  /** Absent: a lock that is held is told at once. */
  readonly waitForLockMs?: number
}

/** What the workflow of any kind is told. */
export function commonInput({
  operation,
  entry,
  bundle,
  mode,
  requestedBy,
  heartbeatTimeoutMs,
  waitForLockMs = 0,
}: Asked): OperationInput {
  return {
    version: 1,
    operation,
    database: entry.name,
    cloud: entry.cloud,
    environment: entry.environment,
    bundle,
    lockScope: lockScope(entry),
    requestedBy,
    mode,
    heartbeatTimeoutMs,
    ...(waitForLockMs > 0 && { waitForLockMs }),
  }
}

/** The record with which the operation is opened in the ledger. */
export function openingRecord(
  { operation, entry, bundle, mode, requestedBy }: Asked,
  { kind, others = [] }: { readonly kind: OperationKind; readonly others?: readonly string[] },
  startedAt: IsoInstant,
) {
  const { name, cloud, environment } = entry
  return { id: operation, kind, databases: [name, ...others], requestedBy, startedAt, bundle, cloud, environment, mode }
}

/** By name; all of type Keyword. */
export function searchAttributeValues(input: OperationInput, kind: OperationKind): Readonly<Record<string, string>> {
  return {
    [SEARCH_ATTRIBUTES.kind]: kind,
    [SEARCH_ATTRIBUTES.database]: input.database,
    [SEARCH_ATTRIBUTES.environment]: input.environment,
    [SEARCH_ATTRIBUTES.cloud]: input.cloud,
    [SEARCH_ATTRIBUTES.status]: 'running',
  }
}
