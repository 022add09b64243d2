/** How many rows the instance has now in the tables whose rows are counted, beside those of the copy. Counts alone, a moment apart: that they are equal
 *  proves nothing. An instance that cannot be asked is no failure: its copy is wanted just then. */
import { Failure } from '../../contracts/failures'
import { RESTORE_DOCUMENTS, type RowsSince } from '../../contracts/restore'
import { ServerError } from '../../postgres/connect/errors'
import { type CheckResult, countRows } from '../../postgres/verify/checks'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { withSession } from '../schema/open-session'
import type { CheckActivities } from './contract'

export async function rowsSince(
  deps: ActivityDeps,
  input: Parameters<CheckActivities['rowsSince']>[0],
): Promise<{ summary: string }> {
  const { operation, bundle } = input
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const tables = entry.checks.rowCounts
  if (tables.length === 0) return { summary: 'no tables are declared whose rows could be counted' }
  const copy = await countedInCopy(deps, input)
  const now = await countedNow(deps, input)
  const rows = tables.map((table) => ({ table, copy: copy.get(table) ?? null, instance: now.counts?.[table] ?? null }))
  const document: RowsSince = { version: 1, asOf: new Date().toISOString(), rows, why: now.why }
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: RESTORE_DOCUMENTS.rows, document })
  return { summary: summaryOf(document) }
}

/** By the check that counted them; a table that is not there has none. */
async function countedInCopy(
  { ledger }: ActivityDeps,
  { operation }: Parameters<CheckActivities['rowsSince']>[0],
): Promise<Map<string, number | null>> {
  const checks = (await ledger.getDocument({ operation, name: RESTORE_DOCUMENTS.checks })) as {
    readonly results: readonly CheckResult[]
  } | null
  const counts = checks?.results.filter(({ kind }) => kind === 'row-count') ?? []
  return new Map(counts.map(({ id, measured }) => [id.replace(/^rows-/, ''), measured]))
}

interface Counted {
  /** Null: it could not be asked. */
  readonly counts: Readonly<Record<string, number>> | null
  readonly why: string | null
}

async function countedNow(
  deps: ActivityDeps,
  { operation, step, bundle, source }: Parameters<CheckActivities['rowsSince']>[0],
): Promise<Counted> {
  if (source === null)
    return { counts: null, why: 'The instance is not ready, the copy is not of it, or the copy is in another region.' }
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const { signal } = currentAct()
  const request = { entry, role: 'migrator', operation, step, address: source, canary: false } as const
  try {
    const counts = await withSession(deps, request, (session) => countRows(session, entry.checks.rowCounts, { signal }))
    return { counts, why: null }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Failure) return { counts: null, why: error.message }
    if (error instanceof ServerError) return { counts: null, why: `Counting failed with SQLSTATE ${error.sqlState}.` }
    throw error
  }
}

const SHOWN_MAX = 3

/** `since then public.items 2,000 → 0`. */
function summaryOf({ rows, why }: RowsSince): string {
  if (why !== null) return 'the instance could not be asked how many rows it has now'
  const changed = rows.filter(({ copy, instance }) => copy !== instance)
  if (changed.length === 0) return 'the instance has as many rows now'
  const shown = changed.slice(0, SHOWN_MAX).map(({ table, copy, instance }) => `${table} ${count(copy)} → ${count(instance)}`)
  const more = changed.length > SHOWN_MAX ? ` and ${changed.length - SHOWN_MAX} more tables` : ''
  return `since then ${shown.join(', ')}${more}`
}

function count(rows: number | null): string {
  return rows === null ? 'none there' : rows.toLocaleString('en-US')
}
