/** Extensions of the source that the standby's server does not have, or has otherwise. */
import type { PreflightFinding } from '../../../../contracts/preflight'
import { typeable } from '../../../health/words'
import { printable } from '../../../printable'
import type { Check, Look, Told } from '../check'
import { named } from '../in-words'

interface Installed extends Record<string, unknown> {
  readonly name: string
  readonly shown: string
  readonly version: string
  /** Tables of its own that hold what its users put in, as spatial_ref_sys. */
  readonly tables: readonly string[] | null
}

const INSTALLED = `
  SELECT e.extname::text AS name, quote_ident(e.extname) AS shown, e.extversion AS version,
         (SELECT json_agg(quote_ident(n.nspname) || '.' || quote_ident(c.relname) ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C")
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
           WHERE c.oid = ANY (e.extconfig) AND c.relkind = 'r') AS tables
    FROM pg_catalog.pg_extension e ORDER BY e.extname`

interface Available extends Record<string, unknown> {
  readonly name: string
  readonly installed: string | null
  readonly byDefault: string | null
  readonly versions: readonly string[]
}

const AVAILABLE = `
  SELECT a.name::text AS name, a.installed_version AS installed, a.default_version AS "byDefault", coalesce(v.versions, '[]') AS versions
    FROM pg_catalog.pg_available_extensions a
    LEFT JOIN (SELECT name, json_agg(version ORDER BY version) AS versions FROM pg_catalog.pg_available_extension_versions GROUP BY name) v ON v.name = a.name
   WHERE a.name = ANY ($1::text[])`

async function extensions({ source, standby }: Look): Promise<Told> {
  const installed = await source.query<Installed>(INSTALLED)
  const rows = await standby.query<Available>(AVAILABLE, [installed.map(({ name }) => name)])
  const available = new Map(rows.map((row) => [row.name, row]))
  return {
    findings: installed.flatMap((extension) => [...differing(extension, available.get(extension.name)), ...ownTables(extension)]),
  }
}

type Finding = Omit<PreflightFinding, 'check'>

function differing({ shown, version }: Installed, there: Available | undefined): Finding[] {
  const name = typeable(shown)
  const about = { side: 'standby', object: name } as const
  if (there === undefined) {
    return [
      {
        ...about,
        severity: 'blocks',
        message: `The standby's server has no extension ${name}, of which the source uses ${printable(version)}.`,
        why: 'What belongs to it cannot be made there, nor what is built upon it.',
        command: `DROP EXTENSION ${name}; -- on the source, as a migration, if nothing needs it; else another cloud or version for the standby`,
      },
    ]
  }
  const { installed, byDefault, versions } = there
  const gets = installed ?? byDefault
  if (gets === version || gets === null) return []
  const why = 'What it answers, orders or writes may differ between the two.'
  const has = installed === null ? `would get ${printable(gets)}` : `has ${printable(gets)}`
  const message = `The source uses ${printable(version)} of the extension ${name}, and the standby ${has}.`
  if (installed === null && versions.includes(version))
    return [
      {
        ...about,
        severity: 'note',
        message,
        why,
        command: `CREATE EXTENSION ${name} VERSION '${version.replaceAll("'", "''")}'; -- in the migration`,
      },
    ]
  return [
    { ...about, severity: 'warning', message, why, command: `ALTER EXTENSION ${name} UPDATE; -- on the side that is behind` },
  ]
}

function ownTables({ shown, tables }: Installed): Finding[] {
  if (tables === null) return []
  return [
    {
      severity: 'note',
      side: 'source',
      object: typeable(shown),
      message: `The extension ${typeable(shown)} keeps what its users put in in tables of its own: ${named(tables)}.`,
      why: 'They are not published, since the extension fills them on the standby itself.',
      command: `SELECT * FROM ${typeable(tables[0] ?? '')}; -- what was added to it has to be added on the standby`,
    },
  ]
}

export const EXTENSIONS: Check = { id: 'extensions', questions: [extensions] }
