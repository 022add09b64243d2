/** Sequences above 80 % of what they can give, or of what the column that they feed can hold. */

import type { HealthFinding } from '../../../contracts/health'
import type { Check } from '../check'
import { type SequenceRoom, sequenceRoom } from '../sequence-room'
import { typeable } from '../words'

const WARNING_PERCENT = 80
const CRITICAL_PERCENT = 95

interface SequenceRow extends Record<string, unknown> {
  readonly schema: string
  readonly name: string
  readonly shown: string
  readonly readable: boolean
  /** Null: not used yet, or not readable. */
  readonly last: string | null
  readonly min: string
  readonly max: string
  readonly increment: string
  readonly cycles: boolean
  readonly type: string
  /** The column that it feeds, and how many bytes that has. */
  readonly shownColumn: string | null
  readonly shownTable: string | null
  readonly columnBytes: number | null
}

/** The narrowest integer column that owns the sequence or takes its default from it. A sequence that nobody can read on a standby (it is
 *  not logged) is left out. */
const SEQUENCES_SQL = `
  SELECT n.nspname::text AS schema, c.relname::text AS name, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS shown, r.readable,
         CASE WHEN r.readable THEN pg_sequence_last_value(c.oid)::text END AS last,
         q.seqmin::text AS min, q.seqmax::text AS max, q.seqincrement::text AS increment, q.seqcycle AS cycles,
         q.seqtypid::regtype::text AS type, fed.*
    FROM pg_catalog.pg_sequence q
    JOIN pg_catalog.pg_class c ON c.oid = q.seqrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT has_sequence_privilege(c.oid, 'SELECT, USAGE') AS readable) r
    LEFT JOIN LATERAL (
      SELECT quote_ident(a.attname) AS "shownColumn", quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS "shownTable",
             y.typlen::int4 AS "columnBytes"
        FROM (SELECT d.refobjid AS relation, d.refobjsubid AS number FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
              UNION
              SELECT f.adrelid, f.adnum FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
               WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
                 AND pg_get_expr(f.adbin, f.adrelid) ~ '^\\(?nextval\\(''.*''::regclass\\)\\)?(::(smallint|integer|bigint))?$') AS of
        JOIN pg_catalog.pg_attribute a ON a.attrelid = of.relation AND a.attnum = of.number
        JOIN pg_catalog.pg_class t ON t.oid = of.relation
        JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_catalog.pg_type declared ON declared.oid = a.atttypid
        JOIN pg_catalog.pg_type y ON y.oid = coalesce(nullif(declared.typbasetype, 0), declared.oid)
       WHERE y.oid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
       ORDER BY y.typlen, 2, 1 LIMIT 1) AS fed ON true
   WHERE c.relpersistence <> 't' AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())`

export const SEQUENCES: Check = {
  id: 'sequences',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<SequenceRow>(SEQUENCES_SQL)
    const full = rows.flatMap((row) => {
      const room = roomOf(row)
      return room !== null && room.usedPercent >= WARNING_PERCENT ? [{ row, room }] : []
    })
    full.sort((a, b) => b.room.usedPercent - a.room.usedPercent || (a.row.shown < b.row.shown ? -1 : 1))
    const findings = full.map(({ row, room }) => told(row, room, database))
    const hidden = rows.filter(({ readable }) => !readable).length
    if (hidden === 0) return { findings }
    return { findings, unseen: `Hidden from this role: ${hidden} of ${rows.length} sequences; grant it SELECT on them.` }
  },
}

function roomOf({ last, min, max, increment, cycles, columnBytes }: SequenceRow): SequenceRoom | null {
  if (last === null) return null
  const half = columnBytes === null ? null : 2n ** (8n * BigInt(columnBytes) - 1n)
  return sequenceRoom({
    last: BigInt(last),
    min: BigInt(min),
    max: BigInt(max),
    increment: BigInt(increment),
    cycles,
    column: half === null ? null : { min: -half, max: half - 1n },
  })
}

function told(row: SequenceRow, { usedPercent, left, endedBy }: SequenceRoom, database: string): HealthFinding {
  const shown = typeable(row.shown)
  const end = BigInt(row.increment.startsWith('-') ? row.min : row.max).toLocaleString('en-US')
  const column = `${typeable(row.shownTable ?? '')}.${typeable(row.shownColumn ?? '')}`
  return {
    check: 'sequences',
    severity: usedPercent >= CRITICAL_PERCENT ? 'critical' : 'warning',
    database,
    object: { kind: 'sequence', schema: row.schema, name: row.name },
    message: `Sequence ${shown} has used ${usedPercent} % of ${endedBy === 'column' ? `what ${column} can hold` : `its range, which ends at ${end}`}; ${left.toLocaleString('en-US')} are left.`,
    why: 'When none are left, every INSERT that needs one fails.',
    command: widening(row, shown),
  }
}

/** What is narrow is widened: the column, the sequence's type (which a serial column does not take along), or the end that it was given. */
function widening({ type, increment, columnBytes, shownTable, shownColumn }: SequenceRow, shown: string): string {
  const sequence = type === 'bigint' ? [] : [`ALTER SEQUENCE ${shown} AS bigint;`]
  if (columnBytes !== null && columnBytes < 8 && shownTable !== null && shownColumn !== null) {
    const column = `ALTER TABLE ${typeable(shownTable)} ALTER COLUMN ${typeable(shownColumn)} TYPE bigint;`
    return [column, ...sequence, '-- rewrites the table under a lock: as a migration, with a canary'].join(' ')
  }
  return sequence[0] ?? `ALTER SEQUENCE ${shown} NO ${increment.startsWith('-') ? 'MINVALUE' : 'MAXVALUE'};`
}
