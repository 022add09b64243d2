/** What a materialized view holds is not sent; the standby fills its own, from what it has. */
import { typeable } from '../../../health/words'
import type { Check } from '../check'
import { BY_NAME, MATERIALIZED_VIEW, NAME, RELATIONS } from '../relations'

/** Without their sizes: one that is being refreshed is locked, and nobody waits for it here. */
const VIEWS = `SELECT ${NAME} AS shown FROM ${RELATIONS} WHERE ${MATERIALIZED_VIEW} ORDER BY ${BY_NAME}`

export const MATERIALIZED_VIEWS: Check = {
  id: 'materialized-views',
  questions: [
    async ({ source }) => {
      const views = await source.query<{ shown: string }>(VIEWS)
      return {
        findings: views.map(({ shown }) => ({
          severity: 'note',
          side: 'source',
          object: typeable(shown),
          message: `${typeable(shown)} is a materialized view.`,
          why: 'It is not sent: what the standby’s shows is as old as its last refresh there. It is refreshed once the rows are there, before a switchover closes the source, and after a failover.',
          command: `REFRESH MATERIALIZED VIEW ${typeable(shown)}; -- on the standby, for readers of it`,
        })),
      }
    },
  ],
}
