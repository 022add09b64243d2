/** Operations: opened once, moved through their statuses, closed once. A final status is never overwritten by another. */
import { sql } from 'kysely'
import { failure } from '../contracts/failures'
import {
  type FailureRecord,
  FINAL_STATUSES,
  type IsoInstant,
  type OperationDocument,
  type OperationId,
  type OperationKind,
  type OperationStatus,
  type Sha256,
  type StepRecord,
  type StepState,
  type Verdict,
} from '../contracts/operation'
import type { LedgerDatabase } from './connect'

export interface NewOperation {
  readonly id: OperationId
  readonly kind: OperationKind
  readonly databases: readonly string[]
  readonly requestedBy: string
  readonly startedAt: IsoInstant
  readonly bundle: Sha256
  readonly cloud: string
  readonly environment: string
  readonly mode: 'plan' | 'apply'
}

/** Safe to repeat with the same content; who asked and when are the first caller's. False: it was there. */
export async function openOperation(db: LedgerDatabase, operation: NewOperation): Promise<boolean> {
  const content = {
    kind: operation.kind,
    cloud: operation.cloud,
    environment: operation.environment,
    mode: operation.mode,
    bundle: operation.bundle,
  }
  const inserted = await db
    .insertInto('operations')
    .values({
      id: operation.id,
      databases: [...operation.databases],
      requested_by: operation.requestedBy,
      started_at: operation.startedAt,
      status: 'running',
      ...content,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows === 1n) return true
  const held = await db
    .selectFrom('operations')
    .select(['kind', 'databases', 'cloud', 'environment', 'mode', 'bundle'])
    .where('id', '=', operation.id)
    .executeTakeFirstOrThrow()
  const wanted = { ...content, databases: operation.databases.join(' ') }
  const found = { ...held, databases: held.databases.join(' ') }
  const differing = (Object.keys(wanted) as (keyof typeof wanted)[]).filter((field) => wanted[field] !== found[field])
  if (differing.length === 0) return false
  const message =
    `Operation ${operation.id} exists already with another content (${differing.join(', ')} differ); ` +
    'choose another id, or repeat it with the very same files.'
  throw failure('OPERATION_EXISTS', message, { operation: operation.id, differing: differing.join(' ') })
}

export interface StatusUpdate {
  readonly operation: OperationId
  readonly status: OperationStatus
  /** Left out: as it is. */
  readonly verdict?: Verdict | null
  readonly failure?: FailureRecord | null
  readonly planDigest?: Sha256
  readonly finishedAt?: IsoInstant
}

/** Safe to repeat. On an operation that is over only what is still empty is filled in, and only under the same status. */
export async function setStatus(db: LedgerDatabase, update: StatusUpdate): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const held = await tx
      .selectFrom('operations')
      .select(['status', 'verdict', 'failure_code', 'plan_digest', 'finished_at'])
      .where('id', '=', update.operation)
      .forUpdate()
      .executeTakeFirst()
    if (held === undefined) throw operationUnknown(update.operation)
    const over = isFinal(held.status)
    if (over && held.status !== update.status) {
      const message = `Operation ${update.operation} ended ${held.status}; it cannot become ${update.status}.`
      throw failure('OPERATION_CLOSED', message, { operation: update.operation, status: held.status })
    }
    const open = (field: unknown): boolean => !over || field === null
    const change = {
      status: update.status,
      ...(update.verdict !== undefined && open(held.verdict) ? { verdict: update.verdict } : {}),
      ...(update.planDigest !== undefined && open(held.plan_digest) ? { plan_digest: update.planDigest } : {}),
      ...(update.finishedAt !== undefined && open(held.finished_at) ? { finished_at: update.finishedAt } : {}),
      ...(update.failure !== undefined && open(held.failure_code)
        ? { failure_code: update.failure?.code ?? null, failure_message: update.failure?.message ?? null }
        : {}),
    }
    await tx.updateTable('operations').set(change).where('id', '=', update.operation).execute()
  })
}

export function isFinal(status: string): boolean {
  return FINAL_STATUSES.some((final) => final === status)
}

export function operationUnknown(operation: string): Error {
  const message = `The ledger holds no operation ${operation}; "capstan ops list" shows those it holds.`
  return failure('OPERATION_UNKNOWN', message, { operation })
}

export async function getOperation(db: LedgerDatabase, id: OperationId): Promise<OperationDocument | null> {
  const rows = await db.selectFrom('operations').selectAll().where('id', '=', id).execute()
  return (await toDocuments(db, rows))[0] ?? null
}

/** What was asked for when the operation was opened. */
export type OperationOrigin = Pick<NewOperation, 'bundle' | 'cloud' | 'environment' | 'mode'>

export async function getOrigin(db: LedgerDatabase, id: OperationId): Promise<OperationOrigin> {
  const row = await db
    .selectFrom('operations')
    .select(['bundle', 'cloud', 'environment', 'mode'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw operationUnknown(id)
  return { ...row, mode: row.mode as OperationOrigin['mode'] }
}

/** What is left out does not matter. */
export interface OperationsQuery {
  /** Fleet name. */
  readonly database?: string
  readonly kind?: string
  /** One of these. */
  readonly statuses?: readonly OperationStatus[]
  readonly mode?: NewOperation['mode']
  /** Started then or later. */
  readonly since?: IsoInstant
  /** Started then or earlier. */
  readonly until?: IsoInstant
  readonly limit: number
}

/** Newest first. */
export async function listOperations(db: LedgerDatabase, q: OperationsQuery): Promise<OperationDocument[]> {
  let query = db.selectFrom('operations').selectAll()
  const { database, kind, statuses, mode, since, until } = q
  if (database !== undefined) query = query.where('databases', '@>', sql<string[]>`array[${database}]`)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (statuses !== undefined) query = query.where(sql<boolean>`status = any(${[...statuses]})`)
  if (mode !== undefined) query = query.where('mode', '=', mode)
  if (since !== undefined) query = query.where('started_at', '>=', sql<Date>`${since}::timestamptz`)
  if (until !== undefined) query = query.where('started_at', '<=', sql<Date>`${until}::timestamptz`)
  const rows = await query.orderBy('started_at', 'desc').orderBy('sequence', 'desc').limit(q.limit).execute()
  return await toDocuments(db, rows)
}

/** Newest first. */
export async function listOperationIds(db: LedgerDatabase, { limit }: { limit: number }): Promise<OperationId[]> {
  const rows = await db.selectFrom('operations').select('id').orderBy('sequence', 'desc').limit(limit).execute()
  return rows.map(({ id }) => id)
}

interface OperationRow {
  readonly id: string
  readonly kind: string
  readonly databases: string[]
  readonly status: string
  readonly verdict: string | null
  readonly requested_by: string
  readonly started_at: Date
  readonly finished_at: Date | null
  readonly evidence: string | null
  readonly failure_code: string | null
  readonly failure_message: string | null
  readonly plan_digest: string | null
}

async function toDocuments(db: LedgerDatabase, rows: readonly OperationRow[]): Promise<OperationDocument[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const steps = await db.selectFrom('steps').selectAll().where('operation', 'in', ids).orderBy('sequence').orderBy('id').execute()
  const stepsOf = new Map<string, StepRecord[]>(ids.map((id) => [id, []]))
  for (const step of steps) stepsOf.get(step.operation)?.push(toStep(step))
  return rows.map((row) => ({
    version: 1,
    id: row.id,
    kind: row.kind as OperationKind,
    databases: row.databases,
    status: row.status as OperationStatus,
    verdict: row.verdict as Verdict | null,
    requestedBy: row.requested_by,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    steps: stepsOf.get(row.id) ?? [],
    evidence: row.evidence,
    failure: row.failure_code === null ? null : { code: row.failure_code, message: row.failure_message ?? '' },
    planDigest: row.plan_digest,
  }))
}

interface StepRow {
  readonly id: string
  readonly title: string
  readonly state: string
  readonly attempts: number
  readonly started_at: Date
  readonly finished_at: Date | null
  readonly detail: string
}

function toStep(row: StepRow): StepRecord {
  return {
    id: row.id,
    title: row.title,
    state: row.state as StepState,
    attempts: row.attempts,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    detail: JSON.parse(row.detail),
  }
}
