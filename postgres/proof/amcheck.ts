/** PostgreSQL's own checks of a database's files (contrib/amcheck), made available in a copy and asked with their exact types, so that nobody's
 *  function of the same name is called instead. */
import { ServerError } from '../connect/errors'
import { quoteIdentifier, quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'

/** SQL over `$1`, the relation's oid. */
export interface Amcheck {
  /** Raises what is wrong with a B-tree. Null: the role may not execute it. */
  readonly index: { readonly any: string; readonly unique: string } | null
  /** Rows `block`, `line`, `attribute` and `message` for the first page with damage. Null: the role may not execute it, or it is not there. */
  readonly heap: string | null
}

/** Of ours, in copies, and for a while in an instance that was overwritten: the schema `capstan` may belong to another role. */
const SCHEMA = 'capstan_proof'

const INSTALLED = `
  SELECT p.proname::text AS name, n.nspname::text AS schema, p.pronargs::int AS arguments, has_function_privilege(p.oid, 'EXECUTE') AS allowed
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
    JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE e.extname = 'amcheck' AND p.proname IN ('bt_index_parent_check', 'verify_heapam')`

interface Installed {
  readonly name: string
  readonly schema: string
  readonly arguments: number
  readonly allowed: boolean
}

/** A source that was once of an older major version has the extension of then, which may not know tables. Resolves to whether it was done: it may
 *  belong to another role, and what is there is used then. */
async function update(session: Session): Promise<boolean> {
  try {
    await session.execute('ALTER EXTENSION amcheck UPDATE')
    return true
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    return false
  }
}

/** Creates the extension where it is not, and brings it up to date where it is and `copy` says that it is a copy's. Resolves to why not where the
 *  role may not, or the server does not have it. Its search_path is pg_catalog. */
export async function prepareAmcheck(session: Session, { copy }: { readonly copy: boolean }): Promise<Amcheck | string> {
  try {
    let found = await session.query<Installed>(INSTALLED)
    if (found.length === 0) {
      const schema = quoteIdentifier(SCHEMA)
      await session.execute(`CREATE SCHEMA IF NOT EXISTS ${schema}; CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA ${schema}`)
      found = await session.query<Installed>(INSTALLED)
    } else if (copy && (await update(session))) found = await session.query<Installed>(INSTALLED)
    return checksAmong(found)
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    return `The extension amcheck could not be created: ${error.message} (SQLSTATE ${error.sqlState}).`
  }
}

/** What `prepareAmcheck` made in a copy that is to be more than one, or in the instance itself. */
export async function removeAmcheck(session: Session): Promise<void> {
  await session.execute(`DROP SCHEMA IF EXISTS ${quoteIdentifier(SCHEMA)} CASCADE`)
}

function checksAmong(found: readonly Installed[]): Amcheck {
  const allowed = found.filter((one) => one.allowed)
  const most = (name: string) =>
    allowed
      .filter((one) => one.name === name)
      .reduce<Installed | null>((best, one) => (best !== null && best.arguments >= one.arguments ? best : one), null)
  const index = most('bt_index_parent_check')
  const heap = most('verify_heapam')
  return {
    index: index !== null && index.arguments >= 3 ? indexChecks(index) : null,
    heap: heap === null ? null : heapCheck(heap),
  }
}

/** The version of the extension decides which arguments there are: `checkunique` since 1.4.
 *  With every row of the table looked for in the index, and the other way round for a unique index each of its entries from the root. */
function indexChecks({ schema, arguments: count }: Installed): { any: string; unique: string } {
  const call = (rootDescend: boolean) => {
    const more = count >= 4 ? ', true' : ''
    return `SELECT ${quoteQualified(schema, 'bt_index_parent_check')}($1::oid::regclass, true, ${rootDescend}${more})`
  }
  return { any: call(false), unique: call(true) }
}

function heapCheck({ schema }: Installed): string {
  return `SELECT blkno AS block, offnum AS line, attnum AS attribute, msg AS message
    FROM ${quoteQualified(schema, 'verify_heapam')}($1::oid::regclass, true, true, 'none'::text, NULL::bigint, NULL::bigint)`
}
