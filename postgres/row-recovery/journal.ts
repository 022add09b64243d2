/** What the live database remembers of rows that were brought back to it: the plan of each run, how far it is, and how it ended. */
import { canonicalJson } from '../../contracts/canonical-json'
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { controlTables } from '../migrate/control-schema'
import type { RecoveryRequest, RowRecoveryPlan, RowRecoveryResult } from './recovered'

export interface JournalEntry {
  readonly state: 'staging' | 'staged' | 'done'
  readonly plan: RowRecoveryPlan
  /** When it is done. */
  readonly result: RowRecoveryResult | null
}

/** Null: never begun. The control schema stands. */
export async function readEntry(session: Session, digest: string): Promise<JournalEntry | null> {
  const [entry] = await session.query<JournalEntry>('SELECT state, plan, result FROM capstan.row_recovery WHERE digest = $1', [
    digest,
  ])
  return entry ?? null
}

export interface Standing {
  /** The plan of a run for the same request that was cut off after its rows were staged. */
  readonly underWay: RowRecoveryPlan | null
  /** Digest of the last run that ended over one of the request's tables. */
  readonly previous: string | null
  /** Its request was the same. */
  readonly repeats: boolean
}

const NEW: Standing = { underWay: null, previous: null, repeats: false }

/** What the live database knows of runs over these tables. Throws CONTROL_SCHEMA_FOREIGN, or ROW_RECOVERY_UNDER_WAY for a run of another request
 *  over one of them. */
export async function readStanding(session: Session, request: RecoveryRequest): Promise<Standing> {
  if (!(await controlTables(session)).has('row_recovery')) return NEW
  const entries = await session.query<Pick<JournalEntry, 'state' | 'plan'>>(
    `SELECT state, plan FROM capstan.row_recovery WHERE state <> 'staging' AND plan->'request'->'tables' ?| $1::text[] ORDER BY changed_at DESC`,
    [request.tables],
  )
  const last = entries.find(({ state }) => state === 'done')?.plan
  const standing = {
    previous: last?.digest ?? null,
    repeats: last !== undefined && canonicalJson(last.request) === canonicalJson(request),
  }
  for (const { plan } of entries.filter(({ state }) => state === 'staged')) {
    if (canonicalJson(plan.request) === canonicalJson(request)) return { ...standing, underWay: goingOn(plan) }
    const shared = request.tables.find((table) => plan.request.tables.includes(table))
    if (shared !== undefined) throw underWay(plan, shared)
  }
  return { ...standing, underWay: null }
}

/** As it was stored when it began. The copy that had its keys may be another one. */
const goingOn = ({ kept: _, ...plan }: RowRecoveryPlan): RowRecoveryPlan => ({ ...plan, underWay: true, repeats: false })

/** A plan that needs no look at the copy any more: its rows are staged, or it was carried out. Null: neither. Throws CONTROL_SCHEMA_FOREIGN. */
export async function readBegun(session: Session, digest: string): Promise<Pick<JournalEntry, 'plan' | 'result'> | null> {
  if (!(await controlTables(session)).has('row_recovery')) return null
  const entry = await readEntry(session, digest)
  if (entry?.state === 'staged') return { plan: goingOn(entry.plan), result: null }
  return entry?.state === 'done' ? { plan: entry.plan, result: entry.result } : null
}

export function underWay({ digest }: RowRecoveryPlan, table: string): Error {
  return failure(
    'ROW_RECOVERY_UNDER_WAY',
    `Rows of ${table} are being brought back by the plan ${digest}, which was cut off: give --digest ${digest}, with what was asked then, and it goes on with the rows that it staged; or give ` +
      `it up, with DROP TABLE on its capstan.rows_${digest.slice(0, 16)}_… and DELETE FROM capstan.row_recovery WHERE digest = '${digest}'.`,
    { table, digest },
  )
}
