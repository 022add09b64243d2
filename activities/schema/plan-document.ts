/** The plan as the ledger keeps it and as an approval binds to it. */

import { type Failure, failure } from '../../contracts/failures'
import type { InstanceAddress, MigrationPlan, PlannedScript } from '../../contracts/migrate'
import type { Sha256 } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import type { HistoryRow } from '../../postgres/migrate/history'
import type { ApplyPlan, PlannedMigration } from '../../postgres/migrate/plan'
import { withoutLiterals } from '../../postgres/migrate/without-literals'

const SQL_LENGTH_MAX = 200

/** What of a history row makes it the same history: not when it ran, nor how long it took. */
function identity({ version, description, type, script, checksum, success }: HistoryRow) {
  return { version, description, type, script, checksum, success }
}

function plannedScript({ script, version, description, checksum, statements }: PlannedMigration): PlannedScript {
  return {
    script,
    version,
    description,
    checksum,
    statements: statements.map(({ index, line, kind, sql, transactional }) => ({
      index,
      line,
      kind,
      sql: withoutLiterals(sql, SQL_LENGTH_MAX),
      transactional,
    })),
  }
}

export interface PlanFacts {
  readonly bundle: Sha256
  readonly target: InstanceAddress
  readonly fingerprint: Sha256
  readonly history: readonly HistoryRow[]
  readonly plan: ApplyPlan
}

export function planDocument({ bundle, target, fingerprint, history, plan }: PlanFacts): MigrationPlan {
  const body = {
    version: 1 as const,
    bundle,
    instanceId: target.instanceId,
    engineVersion: target.engineVersion,
    history: sha256Of(history.map(identity)),
    historyRows: history.length,
    fingerprint,
    current: plan.current,
    target: plan.target,
    pending: plan.pending.map(plannedScript),
  }
  return { ...body, digest: sha256Of(body) }
}

/** Null when the history is what was planned on, plus what this plan itself has applied since, in its order. */
export function historyDrift(planned: MigrationPlan, rows: readonly HistoryRow[]): Failure | null {
  const base = rows.slice(0, planned.historyRows)
  const since = rows.slice(planned.historyRows)
  const own = since.every((row, at) => {
    const script = planned.pending[at]
    return script !== undefined && row.script === script.script && row.checksum === script.checksum && row.success
  })
  if (sha256Of(base.map(identity)) === planned.history && own) return null
  return failure(
    'PLAN_DRIFTED',
    'The migration history has changed since the plan was made: somebody else migrated this database. Start the operation again to plan anew.',
    { planDigest: planned.digest, historyRows: rows.length },
  )
}
