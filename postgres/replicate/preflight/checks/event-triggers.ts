/** Event triggers that fire in sessions that apply, too. */
import { typeable } from '../../../health/words'
import type { Check, Look, PreflightSide, Told } from '../check'

interface EventTrigger extends Record<string, unknown> {
  readonly shown: string
  readonly event: string
  readonly enabled: 'A' | 'R'
}

const EVENT_TRIGGERS_SQL = `
  SELECT quote_ident(evtname) AS shown, evtevent::text AS event, evtenabled::text AS enabled
    FROM pg_catalog.pg_event_trigger WHERE evtenabled IN ('A', 'R') ORDER BY evtname`

const ofSide =
  (side: PreflightSide) =>
  async (look: Look): Promise<Told> => {
    const triggers = await look[side].query<EventTrigger>(EVENT_TRIGGERS_SQL)
    return {
      findings: triggers.map(({ shown, event, enabled }) => ({
        severity: 'warning',
        side,
        object: typeable(shown),
        message: `Event trigger ${typeable(shown)} (${event}) is set to ENABLE ${enabled === 'A' ? 'ALWAYS' : 'REPLICA'}.`,
        why: 'It fires where rows are applied as well as where an application acts, and what it does then stops or doubles what came.',
        command: `ALTER EVENT TRIGGER ${typeable(shown)} ENABLE; -- it fires then only for what is done in ordinary sessions`,
      })),
    }
  }

export const EVENT_TRIGGERS: Check = { id: 'event-triggers', questions: [ofSide('source'), ofSide('standby')] }
