/** What there is in all databases of an instance, told from any one of them: who owns what is in a catalog that they share. Of what it tells numbers alone, so
 *  that names are read elsewhere, as long as that may be. What the server's first superuser owns is not in it: that is the cloud's. */
import type { DeltaReport } from '../../contracts/replace'
import type { Session } from '../../postgres/connect/session'
import { KEYHOLE } from '../../postgres/fence/keyhole'

type Relations = NonNullable<DeltaReport['relations']>

const RELATIONS = `
  SELECT d.datname::text AS name, coalesce(string_agg(s.objid::text, ' ' ORDER BY s.objid), '') AS numbers
    FROM pg_catalog.pg_database d
    LEFT JOIN pg_catalog.pg_shdepend s ON s.dbid = d.oid AND s.classid = 'pg_catalog.pg_class'::regclass AND s.objsubid = 0 AND s.deptype = 'o'
   WHERE d.datname <> $1 GROUP BY 1 ORDER BY 1`

/** Tables, views, sequences: which of them one is, its own database alone knows. Indexes are not among them. */
export async function relationsOf(session: Session): Promise<Relations> {
  const rows = await session.query<{ name: string; numbers: string }>(RELATIONS, [KEYHOLE])
  return Object.fromEntries(rows.map(({ name, numbers }) => [name, numbers === '' ? [] : numbers.split(' ').map(Number)]))
}

/** Each in words. */
export function cameToBe(before: Relations, now: Relations): string[] {
  return Object.entries(now).flatMap(([database, numbers]) => {
    const known = before[database]
    if (known === undefined) return [`database ${database}`]
    const there = new Set(known)
    const later = numbers.filter((one) => !there.has(one))
    if (later.length === 0) return []
    const shown = later.slice(0, SHOWN_MAX).join(', ')
    const more = later.length > SHOWN_MAX ? ', …' : ''
    return [`${later.length} ${later.length === 1 ? 'relation' : 'relations'} of ${database} (oid ${shown}${more})`]
  })
}

const SHOWN_MAX = 5
