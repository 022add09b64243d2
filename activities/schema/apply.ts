/** Applies to the target, under the fence. A repeat goes on where the first attempt stopped. */

import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { ApplySummary, ApplySurvey, MigrationPlan } from '../../contracts/migrate'
import type { Session } from '../../postgres/connect/session'
import { schemaFingerprint } from '../../postgres/inspect/fingerprint'
import type { ApplyEvent } from '../../postgres/migrate/events'
import { healedIndexes } from '../../postgres/migrate/healed-indexes'
import { readHistory } from '../../postgres/migrate/history'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { currentVersion } from '../../postgres/migrate/state'
import { countRows } from '../../postgres/verify/checks'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { rememberOnce } from '../remember'
import { applyBehindFence, raiseOwnFence } from './apply-behind-fence'
import type { SchemaActivities } from './contract'
import { type SessionRequest, withSession } from './open-session'
import { readPlan } from './plan'

type Input = Parameters<SchemaActivities['applyMigrations']>[0]

/** Pause between attempts to get a lock; it doubles up to the maximum, so that a queue of writers can pass in between. */
const LOCK_RETRY = { delayMs: 500, delayMsMax: 10_000 }

export async function applyToTarget(deps: ActivityDeps, input: Input): Promise<ApplySummary> {
  const { operation, step, bundle, target, epoch, planDigest, upTo } = input
  const { database: entry, migrations } = await deps.ledger.getBundle(bundle)
  const planned = await readPlan(deps.ledger, operation, planDigest)
  const on: SessionRequest = { entry, role: 'migrator', operation, step, address: target, canary: false }
  const progress = createProgress(deps, input, planned)
  await withSession(deps, on, async (session) => {
    await beforeAnyChange(deps, on, session, planned)
    await applyBehindFence(deps, on, session, {
      resolved: resolveMigrations(migrations),
      planned,
      epoch,
      name: `capstan ${operation}`,
      limits: limitsOf(entry),
      ...(upTo === undefined ? {} : { upTo }),
      onEvent: progress.onEvent,
    })
  })
  await progress.settle()
  return summarize(deps, on, planned, epoch)
}

function limitsOf({ policy }: DatabaseEntry) {
  const { lockTimeoutMs, lockAttempts } = policy
  return { lockTimeoutMs, lockRetries: { ...LOCK_RETRY, attempts: lockAttempts } }
}

/** Once per operation: the target still has the schema that was planned on, and its rows are counted for the later comparison. */
async function beforeAnyChange(
  { ledger }: ActivityDeps,
  { operation, entry }: SessionRequest,
  session: Session,
  planned: MigrationPlan,
): Promise<void> {
  await rememberOnce(ledger, { operation, name: 'rows-target' }, async () => {
    await assertSchemaHolds(session, planned)
    return countRows(session, entry.checks.rowCounts, { signal: currentAct().signal })
  })
}

async function assertSchemaHolds(session: Session, planned: MigrationPlan): Promise<void> {
  if ((await schemaFingerprint(session, { signal: currentAct().signal })) === planned.fingerprint) return
  throw failure(
    'PLAN_DRIFTED',
    "The target's schema has changed since the plan was made, so the rehearsal no longer speaks for it. Nothing was applied: start the operation again.",
    { planDigest: planned.digest },
  )
}

/** Live progress for the record. */
function createProgress({ ledger }: ActivityDeps, { operation, step }: Input, planned: MigrationPlan) {
  let chain: Promise<void> = Promise.resolve()
  const note = (summary: string): void => {
    // Progress is for people: losing a line of it must not stop a migration.
    chain = chain.then(() => ledger.noteProgress({ operation, step, detail: { summary } })).catch(() => undefined)
  }
  const onEvent = (event: ApplyEvent): void => {
    if (event.type === 'statement-started') note(`${event.script}:${event.line} ${event.kind}`)
    if (event.type === 'migration-applied') note(`${event.script} applied (${planned.pending.length} in all)`)
    if (event.type === 'lock-retry') note(`${event.script}: waiting for a lock, attempt ${event.attempt} of ${event.attemptsMax}`)
    if (event.type === 'index-healed') note(`${event.script}: invalid index ${event.index} dropped, building it again`)
  }
  return { onEvent, settle: () => chain }
}

/** From the target's own history, since earlier attempts applied part of it. */
async function summarize(deps: ActivityDeps, on: SessionRequest, planned: MigrationPlan, epoch: number): Promise<ApplySummary> {
  const summary = await withSession(deps, on, async (session): Promise<ApplySummary> => {
    const { rows } = await readHistory(session)
    const applied = rows.slice(planned.historyRows).map(({ script }) => script)
    const healed = await healedIndexes(session, applied, { epoch })
    return { applied, current: currentVersion(rows), healedIndexes: healed, finishedAt: new Date().toISOString() }
  })
  assertMayAct()
  await deps.ledger.putDocument({ operation: on.operation, name: 'apply', document: { version: 1, ...summary } })
  return summary
}

/** After a failure or an abort: what stays. It raises the fence first: an attempt that Temporal has given up, and that nobody could tell so,
 *  must not go on after the operation has said how it ended. */
export async function surveyApply(
  deps: ActivityDeps,
  { operation, step, bundle, target, epoch, planDigest }: Parameters<SchemaActivities['surveyApply']>[0],
): Promise<ApplySurvey> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const planned = await readPlan(deps.ledger, operation, planDigest)
  const on: SessionRequest = { entry, role: 'migrator', operation, step, address: target, canary: false }
  const survey = await withSession(deps, on, async (session): Promise<ApplySurvey> => {
    await raiseOwnFence(session, operation, epoch)
    const { rows } = await readHistory(session)
    const invalid = await session.query<{ name: string }>(
      `SELECT n.nspname || '.' || c.relname AS name FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT x.indisvalid ORDER BY 1`,
    )
    const applied = rows.slice(planned.historyRows).map(({ script }) => script)
    return { applied, current: currentVersion(rows), invalidIndexes: invalid.map(({ name }) => name) }
  })
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: 'apply', document: { version: 1, ...survey } })
  return survey
}
