/** Schema work on a target and its canary. */
import { failure } from '../../contracts/failures'
import type { ActivityDeps } from '../deps'
import { applyToTarget, surveyApply } from './apply'
import type { SchemaActivities } from './contract'
import { proveDormant } from './dormant'
import { proveInert } from './inert'
import { judge } from './judge'
import { planTarget } from './plan'
import { type RehearsalDocument, rehearse } from './rehearse'

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
      return judge(rehearsal, database.policy.limits)
    },
    applyMigrations: (input) => applyToTarget(deps, input),
    surveyApply: (input) => surveyApply(deps, input),
  }
}
