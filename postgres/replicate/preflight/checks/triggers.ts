/** Triggers that fire for what is applied, too: what they do comes twice, as rows from the source and by the standby's own trigger. */
import { typeable } from '../../../health/words'
import type { Check } from '../check'
import { BY_NAME, CARRIED, historyValues, NAME, RELATIONS } from '../relations'

interface Trigger extends Record<string, unknown> {
  readonly shown: string
  readonly trigger: string
  readonly enabled: 'A' | 'R'
}

const TRIGGERS_SQL = `
  SELECT ${NAME} AS shown, quote_ident(t.tgname) AS trigger, t.tgenabled::text AS enabled
    FROM ${RELATIONS} JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid
   WHERE NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') AND ${CARRIED} ORDER BY ${BY_NAME}, t.tgname`

export const TRIGGERS: Check = {
  id: 'triggers',
  questions: [
    async ({ source, asked }) => {
      const triggers = await source.query<Trigger>(TRIGGERS_SQL, historyValues(asked.history))
      return {
        findings: triggers.map(({ shown, trigger, enabled }) => {
          const [table, name] = [typeable(shown), typeable(trigger)]
          const always = enabled === 'A'
          return {
            severity: 'warning',
            side: 'source',
            object: table,
            message: `Trigger ${name} of ${table} is set to ENABLE ${always ? 'ALWAYS' : 'REPLICA'}.`,
            why: always
              ? 'It fires on the standby for each row that is applied, besides what it did on the source and what of that is sent.'
              : 'It fires on the standby alone, for each row that is applied, and no longer once applications write there.',
            command: `ALTER TABLE ${table} ENABLE TRIGGER ${name}; -- as a migration; it fires then only where an application writes`,
          }
        }),
      }
    },
  ],
}
