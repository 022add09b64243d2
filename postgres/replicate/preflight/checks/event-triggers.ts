/** Event triggers that fire in sessions that apply, too, and those that fire for files that are carried over. */
import { typeable } from '../../../health/words'
import { FIRING } from '../../event-triggers'
import type { Check, Look, PreflightSide, Told } from '../check'

interface EventTrigger extends Record<string, unknown> {
  readonly shown: string
  readonly event: string
  readonly enabled: 'A' | 'R' | 'O'
}

const EVENT_TRIGGERS_SQL = `
  SELECT quote_ident(evtname) AS shown, evtevent::text AS event, evtenabled::text AS enabled
    FROM pg_catalog.pg_event_trigger e WHERE evtenabled IN ('A', 'R') OR ${FIRING} ORDER BY evtname`

const everywhere = (side: PreflightSide, { shown, event, enabled }: EventTrigger): Told['findings'][number] => ({
  severity: 'warning',
  side,
  object: typeable(shown),
  message: `Event trigger ${typeable(shown)} (${event}) is set to ENABLE ${enabled === 'A' ? 'ALWAYS' : 'REPLICA'}.`,
  why: 'It fires where rows are applied as well as where an application acts, and what it does then stops or doubles what came.',
  command: `ALTER EVENT TRIGGER ${typeable(shown)} ENABLE; -- it fires then only for what is done in ordinary sessions; on a standby: DISABLE`,
})

const carriedOver = (side: PreflightSide, { shown, event }: EventTrigger): Told['findings'][number] => ({
  severity: 'note',
  side,
  object: typeable(shown),
  message: `Event trigger ${typeable(shown)} (${event}) is enabled.`,
  why: 'On a standby it would fire for each file that is carried over, and what it writes comes from the source as well: none is carried over to a standby where one is enabled.',
  command: `ALTER EVENT TRIGGER ${typeable(shown)} DISABLE; -- on the standby, until it is the writer`,
})

const ofSide =
  (side: PreflightSide) =>
  async (look: Look): Promise<Told> => {
    const triggers = await look[side].query<EventTrigger>(EVENT_TRIGGERS_SQL)
    return {
      findings: triggers.map((one) => (one.enabled === 'O' ? carriedOver(side, one) : everywhere(side, one))),
    }
  }

export const EVENT_TRIGGERS: Check = { id: 'event-triggers', questions: [ofSide('source'), ofSide('standby')] }
