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
import type { PlannedMigration } from '../../postgres/migrate/plan-script'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { refuseForStandbys, stretches } from '../../postgres/migrate/standby-class'
import { assertValid, validateMigrations } from '../../postgres/migrate/validate'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { assertKept } from '../traits'
import type { SchemaActivities } from './contract'
import { assertDormant } from './dormant'
import { epochAbove } from './epoch'
import { withSession } from './open-session'
import { planDocument } from './plan-document'
import { planStandbys, refuseFollower } from './plan-standbys'
import { standbysBehind } from './standbys-behind'

export async function planTarget(
  deps: ActivityDeps,
  input: Parameters<SchemaActivities['planMigration']>[0],
): Promise<PlanSummary> {
  const { operation, step, bundle, target, lock, standbys: addresses = [] } = input
  const { database: entry, migrations, standbys: requests = [] } = await deps.ledger.getBundle(bundle)
  const resolved = resolveMigrations(migrations)
  const { document, standing, stretched } = await withSession(
    deps,
    { entry, role: 'migrator', operation, step, address: target, canary: false },
    async (session) => {
      const { exists, rows } = await readHistory(session)
      await refuseFollower(deps, session, entry)
      if (!exists) await refuseForeignSchema(session, DEFAULT_HISTORY)
      assertValid(validateMigrations(resolved, rows))
      const plan = await planMigrations({ resolved, history: rows })
      const asked = {
        operation,
        step,
        entry,
        requests,
        addresses,
        source: session,
        history: rows,
        migrations,
        pending: plan.pending,
      }
      const nothing = plan.pending.length === 0
      const standbys = nothing ? await standbysBehind(deps, asked) : await planStandbys(deps, asked)
      if (standbys.length > 0) refuseForStandbys(plan.pending)
      const fingerprint = await schemaFingerprint(session, { signal: currentAct().signal })
      const standing = await standingEpoch(session)
      const document = await planDocument({ bundle, target, fingerprint, history: rows, plan, standbys })
      return { document, standing, stretched: stretches(plan.pending) }
    },
  )
  if (document.pending.length > 0) await assertCopyable(deps, { operation, step, entry, address: target })
  assertMayAct()
  await deps.ledger.putDocument({ operation, name: 'plan', document })
  const epoch = await epochAbove(deps, operation, lock, standing)
  return { ...summaryOf(document), ...followersOf(document, stretched), epoch }
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

function followersOf(
  { standbys = [] }: MigrationPlan,
  stretched: readonly (readonly PlannedMigration[])[],
): Pick<PlanSummary, 'standbys' | 'stretches'> {
  if (standbys.length === 0) return {}
  const told = standbys.map(({ standby, does, why }) => ({ standby, does, why }))
  if (!standbys.some(({ does }) => does === 'carry-over')) return { standbys: told }
  return { standbys: told, stretches: stretched.flatMap((stretch) => stretch.at(-1)?.script ?? []) }
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
