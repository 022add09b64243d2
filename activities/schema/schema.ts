/** Schema work on a target and its canary. */
import { failure } from '../../contracts/failures'
import type { MigrationPlan } from '../../contracts/migrate'
import type { Finding, OperationId } from '../../contracts/operation'
import type { ActivityDeps } from '../deps'
import { applyToTarget, surveyApply } from './apply'
import type { SchemaActivities } from './contract'
import { proveDormant } from './dormant'
import { proveInert } from './inert'
import { judge } from './judge'
import { planTarget } from './plan'
import { type RehearsalDocument, rehearse } from './rehearse'
import { standbyStall } from './standby-stall'

export function createSchemaActivities(deps: ActivityDeps): SchemaActivities {
  return {
    planMigration: (input) => planTarget(deps, input),
    proveDormant: (input) => proveDormant(deps, input),
    proveInert: (input) => proveInert(deps, input),
    rehearse: (input) => rehearse(deps, input),
    async judgeRehearsal({ operation, bundle }) {
      const { database } = await deps.ledger.getBundle(bundle)
      const rehearsal = (await deps.ledger.getDocument({ operation, name: 'rehearsal' })) as RehearsalDocument | null
      if (rehearsal === null) throw failure('DEFECT', `Operation ${operation} has no rehearsal to judge.`)
      const judgement = judge(rehearsal, database.policy.limits)
      const stall = await stallOf(deps, operation, database.name, rehearsal)
      return { ...judgement, findings: [...judgement.findings, ...(rehearsal.standbyFindings ?? []), ...stall] }
    },
    applyMigrations: (input) => applyToTarget(deps, input),
    surveyApply: (input) => surveyApply(deps, input),
  }
}

/** Of the standbys that the plan carries the files over to. */
async function stallOf(
  { ledger }: ActivityDeps,
  operation: OperationId,
  source: string,
  { records, logBytesPerSecond }: RehearsalDocument,
): Promise<readonly Finding[]> {
  if (logBytesPerSecond === undefined) return []
  const plan = (await ledger.getDocument({ operation, name: 'plan' })) as MigrationPlan | null
  const carried = (plan?.standbys ?? []).filter(({ does }) => does === 'carry-over')
  const held = await Promise.all(carried.map(({ standby }) => ledger.getStandby({ source, target: standby })))
  const standbys = held.filter((record) => record !== null)
  return standbyStall({ pending: plan?.pending ?? [], records, bytesPerSecond: logBytesPerSecond, standbys })
}
