/** The plan as the ledger keeps it and as an approval binds to it. */

import { type Failure, failure } from '../../contracts/failures'
import type { InstanceAddress, MigrationPlan, PlannedScript, PlannedStandby, PlannedStatement } from '../../contracts/migrate'
import type { Sha256 } from '../../contracts/operation'
import { sha256Of } from '../../ledger/digest'
import type { HistoryRow } from '../../postgres/migrate/history'
import type { ApplyPlan } from '../../postgres/migrate/plan'
import type { PlannedMigration } from '../../postgres/migrate/plan-script'
import { withoutLiterals } from '../../postgres/migrate/without-literals'
import { createPace } from '../../postgres/pace'

/** Of one statement: a whole function, as a rule. A cut says what it leaves out; the bundle, which the digest covers, holds the files whole. */
const SQL_LENGTH_MAX = 4_000
/** Of all statements together; those behind it are shown by their beginnings. The evidence repeats the plan. */
const SQL_LENGTH_SUM_MAX = 4_000_000
const BEGINNING_LENGTH = 200

/** What of a history row makes it the same history: not when it ran, nor how long it took. */
function identity({ version, description, type, script, checksum, success }: HistoryRow) {
  return { version, description, type, script, checksum, success }
}

type Pace = ReturnType<typeof createPace>

/** How many characters may still be shown. */
interface Room {
  left: number
}

async function plannedScript(migration: PlannedMigration, room: Room, pace: Pace): Promise<PlannedScript> {
  const { script, version, description, checksum } = migration
  const statements: PlannedStatement[] = []
  for (const { index, line, kind, sql, transactional } of migration.statements) {
    const shown = withoutLiterals(sql, Math.min(SQL_LENGTH_MAX, Math.max(BEGINNING_LENGTH, room.left)))
    room.left -= shown.length
    statements.push({ index, line, kind, sql: shown, transactional })
    await pace()
  }
  return { script, version, description, checksum, statements }
}

export interface PlanFacts {
  readonly bundle: Sha256
  readonly target: InstanceAddress
  readonly fingerprint: Sha256
  readonly history: readonly HistoryRow[]
  readonly plan: ApplyPlan
  /** Absent: nobody follows it. */
  readonly standbys?: readonly PlannedStandby[]
}

/** Takes turns with the rest of the process: a plan may hold some hundred thousand statements. */
export async function planDocument({
  bundle,
  target,
  fingerprint,
  history,
  plan,
  standbys = [],
}: PlanFacts): Promise<MigrationPlan> {
  const pace = createPace()
  const pending: PlannedScript[] = []
  const room = { left: SQL_LENGTH_SUM_MAX }
  for (const migration of plan.pending) {
    const script = await plannedScript(migration, room, pace)
    pending.push(standbys.length === 0 ? script : { ...script, onStandbys: migration.standby.class })
  }
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
    pending,
    ...(target.traits === undefined ? {} : { traits: target.traits }),
    ...(standbys.length === 0 ? {} : { standbys }),
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
