/** Constraints that were added NOT VALID and never validated. */
import type { Check } from '../check'
import { typeable } from '../words'

interface Unvalidated extends Record<string, unknown> {
  readonly schema: string
  readonly name: string
  readonly shown: string
  readonly shownTable: string
  readonly kind: string
}

const KINDS: Readonly<Record<string, string>> = { f: 'Foreign key', c: 'Check', n: 'Not-null constraint' }

export const CONSTRAINTS: Check = {
  id: 'constraints',
  scope: 'database',
  async find({ query, database }) {
    const rows = await query<Unvalidated>(
      `SELECT n.nspname::text AS schema, k.conname::text AS name, quote_ident(k.conname) AS shown,
              quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS "shownTable", k.contype::text AS kind
         FROM pg_catalog.pg_constraint k
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT k.convalidated AND k.conparentid = 0 AND k.coninhcount = 0 ORDER BY 1, c.relname, 2`,
    )
    return {
      findings: rows.map(({ schema, name, shown, shownTable, kind }) => ({
        check: 'constraints',
        severity: 'note',
        database,
        object: { kind: 'constraint', schema, name },
        message: `${KINDS[kind] ?? 'Constraint'} ${typeable(shown)} of ${typeable(shownTable)} was never validated.`,
        why: 'Rows from before it may break it, so that a restore from a dump stops there, and the planner does not count on it.',
        command: `ALTER TABLE ${typeable(shownTable)} VALIDATE CONSTRAINT ${typeable(shown)}; -- reads the table; writes go on`,
      })),
    }
  },
}
