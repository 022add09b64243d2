/** Plans against the target. Reads only. */

import { failure } from '../../contracts/failures'
import { retentionHoursMax } from '../../contracts/generations'
import type { MigrationPlan, PlanSummary } from '../../contracts/migrate'
import type { OperationId } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'
import { schemaFingerprint } from '../../postgres/inspect/fingerprint'
import { standingEpoch } from '../../postgres/migrate/fence'
import { DEFAULT_HISTORY, readHistory, refuseForeignSchema } from '../../postgres/migrate/history'
import { planMigrations } from '../../postgres/migrate/plan'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { assertValid, validateMigrations } from '../../postgres/migrate/validate'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { assertKept } from '../traits'
import type { SchemaActivities } from './contract'
import { assertDormant } from './dormant'
import { epochAbove } from './epoch'
import { withSession } from './open-session'
import { planDocument } from './plan-document'

export async function planTarget(
  deps: ActivityDeps,
  input: Parameters<SchemaActivities['planMigration']>[0],
): Promise<PlanSummary> {
  const { operation, step, bundle, target, lock } = input
  const { database: entry, migrations } = await deps.ledger.getBundle(bundle)
  const resolved = resolveMigrations(migrations)
  const { document, standing } = await withSession(
    deps,
    { entry, role: 'migrator', operation, step, address: target, canary: false },
    async (session) => {
      const { exists, rows } = await readHistory(session)
      if (!exists) await refuseForeignSchema(session, DEFAULT_HISTORY)
      assertValid(validateMigrations(resolved, rows))
      const plan = await planMigrations({ resolved, history: rows })
      const fingerprint = await schemaFingerprint(session, { signal: currentAct().signal })
      const standing = await standingEpoch(session)
      return { document: await planDocument({ bundle, target, fingerprint, history: rows, plan }), standing }
    },
  )
  if (document.pending.length > 0) await assertCopyable(deps, { operation, step, entry, address: target })
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: 'plan', document })
  return { ...summaryOf(document), epoch: await epochAbove(deps, operation, lock, standing) }
}

/** What the cloud cannot promise is refused before anything is done: a snapshot for as long as it is wanted, a copy that does not act. */
async function assertCopyable(deps: ActivityDeps, asked: Parameters<typeof assertDormant>[1]): Promise<void> {
  const { entry, address } = asked
  assertKept(address.instance, retentionHoursMax(entry.policy), address.traits)
  if (address.traits?.inertCopy === 'after-start') await assertDormant(deps, asked)
}

function summaryOf({ digest, current, target, pending }: MigrationPlan): Omit<PlanSummary, 'epoch'> {
  const statementCount = pending.reduce((sum, { statements }) => sum + statements.length, 0)
  return { digest, current, target, pendingCount: pending.length, statementCount }
}

/** The plan that was approved, or that needed no approval. */
export async function readPlan(ledger: Ledger, operation: OperationId, planDigest: string): Promise<MigrationPlan> {
  const document = (await ledger.getDocument({ operation, name: 'plan' })) as MigrationPlan | null
  if (document?.digest === planDigest) return document
  throw failure(
    'PLAN_DRIFTED',
    `The ledger's plan is ${document?.digest ?? 'missing'}, not ${planDigest}: start the operation again.`,
    { planDigest },
  )
}
