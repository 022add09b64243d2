/** Encoding and order of texts on both sides, and the collations that columns name. */
import { typeable } from '../../../health/words'
import { printable } from '../../../printable'
import type { Check, Look, SideLook, Told } from '../check'
import { historyValues, PUBLISHED, RELATIONS } from '../relations'
import { differingOrder, orderOf, type TextOrder } from '../text-order'

/** Columns that only newer versions have are read through JSON. */
const ORDER = `
  SELECT current_setting('server_encoding') AS encoding, coalesce(d.j->>'datlocprovider', 'c') AS provider,
         coalesce(d.j->>'datlocale', d.j->>'daticulocale', d.j->>'datcollate') AS locale, d.j->>'datctype' AS ctype,
         pg_database_collation_actual_version(d.oid) AS version
    FROM (SELECT oid, to_jsonb(one) AS j FROM pg_catalog.pg_database one WHERE datname = current_database()) d`

async function textOrder(side: SideLook): Promise<TextOrder> {
  const [row] = await side.query<TextOrder & Record<string, unknown>>(ORDER)
  if (row === undefined) throw new Error('the server does not say how it sorts')
  return row
}

async function ofDatabases({ source, standby }: Look): Promise<Told> {
  return { findings: differingOrder(await textOrder(source), await textOrder(standby)) }
}

interface Collation extends Pick<TextOrder, 'provider' | 'locale' | 'version'>, Record<string, unknown> {
  readonly name: string
  readonly shown: string
}

const FACTS = `k.collname::text AS name, quote_ident(k.collname) AS shown, k.collprovider::text AS provider,
         coalesce(to_jsonb(k)->>'colllocale', to_jsonb(k)->>'colliculocale', to_jsonb(k)->>'collcollate') AS locale,
         pg_collation_actual_version(k.oid) AS version`

/** Those that came with the server; others are made by migrations. */
const NAMED = `
  SELECT DISTINCT ${FACTS}
    FROM ${RELATIONS} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_collation k ON k.oid = a.attcollation
   WHERE ${PUBLISHED} AND k.collnamespace = 'pg_catalog'::regnamespace AND k.collname NOT IN ('default', 'C', 'POSIX') ORDER BY 1`

const KNOWN = `
  SELECT ${FACTS}
    FROM pg_catalog.pg_collation k JOIN pg_catalog.pg_database d ON d.datname = current_database()
   WHERE k.collnamespace = 'pg_catalog'::regnamespace AND k.collencoding IN (-1, d.encoding) AND k.collname = ANY ($1::text[])`

async function ofColumns({ source, standby, asked }: Look): Promise<Told> {
  const used = await source.query<Collation>(NAMED, historyValues(asked.history))
  const rows = await standby.query<Collation>(KNOWN, [used.map(({ name }) => name)])
  const known = new Map(rows.map((row) => [row.name, row]))
  return {
    findings: used.flatMap((here) => {
      const { name, shown, version } = here
      const there = known.get(name)
      const about = { side: 'standby', object: typeable(shown) } as const
      if (there === undefined) {
        return {
          ...about,
          severity: 'blocks' as const,
          message: `The standby's server has no collation ${typeable(shown)}, which columns of the source name.`,
          why: 'Their tables cannot be made there.',
          command: `ALTER TABLE … ALTER COLUMN … TYPE text COLLATE …; -- as a migration, one that both have, as those of ICU`,
        }
      }
      if (orderOf(here) === orderOf(there) && (there.version === version || orderOf(here) === 'bytes')) return []
      return {
        ...about,
        severity: 'note' as const,
        message: `The collation ${typeable(shown)} has version ${printable(version ?? 'none')} on the source, and ${printable(there.version ?? 'none')} on the standby.`,
        why: 'Some texts may be in another order there. Its indexes are built there and are right.',
        command: '-- compare what applications rely on the order of',
      }
    }),
  }
}

export const COLLATIONS: Check = { id: 'collations', questions: [ofDatabases, ofColumns] }
