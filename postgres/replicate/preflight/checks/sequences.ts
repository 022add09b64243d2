/** Sequences are in no publication (until 18): a switchover carries them over, owned by a column or not. */
import { typeable } from '../../../health/words'
import { type Check, NOTHING } from '../check'
import { counted, named } from '../in-words'
import { BY_NAME, NAME, notOfExtension, ofUsers, RELATIONS } from '../relations'

interface Sequence extends Record<string, unknown> {
  readonly shown: string
  readonly owned: boolean
  readonly readable: boolean
  readonly me: string
}

const SEQUENCES_SQL = `
  SELECT ${NAME} AS shown, quote_ident(current_user) AS me,
         has_sequence_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AS readable,
         EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) AS owned
    FROM ${RELATIONS} WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND ${ofUsers('n')} AND ${notOfExtension('c')} ORDER BY ${BY_NAME}`

export const SEQUENCES: Check = {
  id: 'sequences',
  questions: [
    async ({ source }) => {
      const sequences = await source.query<Sequence>(SEQUENCES_SQL)
      if (sequences.length === 0) return NOTHING
      const free = sequences.filter(({ owned }) => !owned).map(({ shown }) => shown)
      const whose =
        free.length === 0
          ? 'each owned by a column'
          : `of which ${free.length} ${free.length === 1 ? 'belongs' : 'belong'} to no column: ${named(free)}`
      return {
        findings: [
          ...sequences
            .filter(({ readable }) => !readable)
            .map(({ shown, me }) => ({
              severity: 'warning' as const,
              side: 'source' as const,
              object: typeable(shown),
              message: `The role ${typeable(me)} may not read the sequence ${typeable(shown)}.`,
              why: 'A switchover could not carry it over, and the standby would give out values that were given out before.',
              command: `GRANT SELECT ON SEQUENCE ${typeable(shown)} TO ${typeable(me)};`,
            })),
          {
            severity: 'note',
            side: 'source',
            object: null,
            message: `The source has ${counted(sequences.length, 'sequence')}, ${whose}.`,
            why: 'What they have given out is not sent: whoever moves writing by hand has to carry all of them over.',
            command: 'SELECT schemaname, sequencename, last_value FROM pg_sequences; -- a switchover sets them on the standby',
          },
        ],
      }
    },
  ],
}
