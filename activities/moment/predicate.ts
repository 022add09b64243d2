/** The predicate of a search, asked of a copy. */
import { failure } from '../../contracts/failures'
import { FIND_MOMENT_DOCUMENTS } from '../../contracts/find-moment'
import { askPredicate, preparePredicate } from '../../postgres/inspect/predicate'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { copyDoor } from '../rows/doors'
import { withSession } from '../schema/open-session'
import type { PredicateActivities } from './contract'

export function createPredicateActivities(deps: ActivityDeps): PredicateActivities {
  return {
    async preparePredicate({ operation, step, bundle, source, holds }) {
      const { database: entry } = await deps.ledger.getBundle(bundle)
      const on = { entry, role: 'migrator', operation, step, address: source, canary: false } as const
      const why = await withSession(deps, on, (session) => preparePredicate(session, holds))
      if (why !== null) throw refused(`The database as it is now cannot answer --holds: ${why}.`)
    },
    async askPredicate({ copy, holds, at, ...ref }) {
      const { database: entry } = await deps.ledger.getBundle(ref.bundle)
      const session = await copyDoor(deps, { entry, ref, address: copy })()
      const { signal } = currentAct()
      const answer = await askPredicate(session, holds, { signal }).finally(() => session.close())
      if ('why' in answer) throw refused(`Of ${at} --holds cannot be answered: ${answer.why}.`)
      return { good: answer.holds, role: answer.role }
    },
    async recordSearch({ operation, result }) {
      assertMayAct()
      await deps.ledger.putDocument({ operation, name: FIND_MOMENT_DOCUMENTS.result, document: result })
    },
  }
}

const refused = (message: string): Error => failure('OPTION_INVALID', message, { option: 'holds' })
