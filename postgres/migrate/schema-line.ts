/** The line in what a standby gets. Each file that changes the schema writes a row into `capstan.schema_line` as the first thing in its own transaction on the
 *  source, and that table is published with all others. On a standby it bears a constraint, `CHECK (line <= N)`, N being the last file that the standby has: all
 *  that came before a file is applied there, and the file itself cannot be passed. A constraint needs no session that stays alive, and holds for a standby that
 *  is paused or away. What N is stands in `capstan.standby_bound` too, where it can be read while the line is held. docs/decisions/0035-migrations-and-standbys.md. */
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'
import { behindFence, type Guarded } from '../replicate/behind-fence'
import { controlTables, ensureControlSchema } from './control-schema'
import type { HistoryRow } from './history'
import type { PlannedMigration } from './plan-script'

/** As `schema.table`: to be published with the others, and to be there on the standby before it is subscribed. */
export const LINE_TABLE = 'capstan.schema_line'

const CONSTRAINT = 'schema_line_bound'

export interface SchemaLine {
  /** From 1 on, in the order of the source's commits. */
  readonly line: number
  readonly script: string
  readonly checksum: number
}

export interface Bound {
  /** Of the last file that the standby has; 0: of none. */
  readonly line: number
  /** So many of its tables it does not follow yet: they are copied at the last line. */
  readonly deferred: number
}

const TO_GRANT = 'it has to own the schema capstan'

/** Of a source, by number; none where the table is not there. Reads only. Not to be asked of a standby, where it waits for who holds the line. */
export async function readLines(source: Session): Promise<readonly SchemaLine[]> {
  if (!(await controlTables(source)).has('schema_line')) return []
  return source.query<SchemaLine>('SELECT line, script, checksum FROM capstan.schema_line ORDER BY line')
}

/** Whether files leave a line for who follows by this publication. Reads only. */
export async function linesArePublished(source: Session, publication: string): Promise<boolean> {
  return (await linePublications(source)).includes(publication)
}

/** By which a line goes to somebody. */
export async function linePublications(source: Session): Promise<readonly string[]> {
  const rows = await source.query<{ name: string }>(
    `SELECT p.pubname::text AS name FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
      WHERE r.prrelid = pg_catalog.to_regclass('${LINE_TABLE}') ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

/** Leaves the file's line, in the transaction that is under way and before anything else in it. */
export async function stampLine(
  source: Session,
  { script, checksum }: Pick<PlannedMigration, 'script' | 'checksum'>,
): Promise<void> {
  await source.query(
    `INSERT INTO capstan.schema_line (line, script, checksum) SELECT coalesce(max(line), 0) + 1, $1, $2 FROM capstan.schema_line`,
    [script, checksum],
  )
}

const HELD_BY = `SELECT FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass('${LINE_TABLE}') AND conname = '${CONSTRAINT}'`

/** Null: none is set, as on a writer, and on a standby that was made before there were lines. Waits for nobody. Reads only. */
export async function readBound(standby: Session): Promise<Bound | null> {
  if (!(await controlTables(standby)).has('standby_bound')) return null
  const [row] = await standby.query<Bound>(
    `SELECT line, pg_catalog.cardinality(deferred) AS deferred FROM capstan.standby_bound WHERE EXISTS (${HELD_BY})`,
  )
  return row ?? null
}

/** Tables that the subscription does not know, by their numbers. */
export async function readDeferred(standby: Session): Promise<readonly number[]> {
  const rows = await standby.query<{ oid: number }>(
    'SELECT pg_catalog.unnest(deferred) AS oid FROM capstan.standby_bound WHERE singleton',
  )
  return rows.map(({ oid }) => oid)
}

export interface EnsureBoundInput extends Guarded {
  readonly line: number
  /** It may be lowered too: what is there is filled anew. */
  readonly again?: boolean
}

/** As who owns the control schema. `line` is the last file that the standby has; one that stands and is higher stays, but for `again`. Safe to repeat. Throws
 *  FENCED_OFF, NOT_READY_YET for a lock that others hold, CREDENTIALS_REJECTED. */
export async function ensureBound(standby: Session, { line, again = false, ...guarded }: EnsureBoundInput): Promise<void> {
  await ensureControlSchema(standby)
  await behindFence(standby, guarded, TO_GRANT, async () => {
    await standby.execute(`LOCK TABLE ${LINE_TABLE} IN ACCESS EXCLUSIVE MODE`)
    const standing = again ? null : await readBound(standby)
    if (standing !== null && standing.line >= line) return
    await raiseBound(standby, { line, deferred: [] })
  })
}

/** In the transaction that is under way, which holds the line's table. */
export async function raiseBound(
  standby: Session,
  { line, deferred }: { readonly line: number; readonly deferred: readonly number[] },
): Promise<void> {
  if (!Number.isSafeInteger(line)) throw new Error(`${line} is no line`)
  await standby.execute(
    `ALTER TABLE ${LINE_TABLE} DROP CONSTRAINT IF EXISTS ${CONSTRAINT}, ADD CONSTRAINT ${CONSTRAINT} CHECK (line <= ${line}) NOT VALID`,
  )
  await standby.query(
    `INSERT INTO capstan.standby_bound (line, deferred) VALUES ($1, $2::bigint[])
     ON CONFLICT (singleton) DO UPDATE SET line = $1, deferred = $2::bigint[]`,
    [line, deferred],
  )
}

const DROP = `DO $bound$
BEGIN
  IF EXISTS (SELECT FROM capstan.standby_origin) THEN RETURN; END IF;
  IF EXISTS (${HELD_BY}) THEN ALTER TABLE ${LINE_TABLE} DROP CONSTRAINT IF EXISTS ${CONSTRAINT}; END IF;
  IF pg_catalog.to_regclass('capstan.standby_bound') IS NOT NULL THEN DELETE FROM capstan.standby_bound; END IF;
END $bound$`

/** In the transaction that is under way: where it is nobody's standby any more it may leave lines itself. */
export async function dropBound(database: Session): Promise<void> {
  await database.execute(DROP)
}

/** N by what a database's own history has: the highest line with none lacking up to it. A repeatable file that ran again since counts by its later line: who was
 *  built with that content has no row of the one before. */
export function lineHad(lines: readonly SchemaLine[], history: readonly HistoryRow[]): number {
  const had = new Set(history.filter(({ success }) => success).map(({ script, checksum }) => JSON.stringify([script, checksum])))
  const scripts = new Set(history.filter(({ success, version }) => success && version !== null).map(({ script }) => script))
  const sorted = [...lines].sort((a, b) => a.line - b.line)
  // a repair of the history writes other checksums
  const isHad = ({ script, checksum }: SchemaLine) => had.has(JSON.stringify([script, checksum])) || scripts.has(script)
  const lacking = sorted.findIndex(({ script }, at) => !sorted.slice(at).some((one) => one.script === script && isHad(one)))
  return (lacking < 0 ? sorted.at(-1) : sorted[lacking - 1])?.line ?? 0
}

export interface EnsureLineInput extends Guarded {
  readonly publication: string
  /** The role by which the standby comes. */
  readonly publisher: string
}

/** `source`: as who owns the control schema and the publication. From here on files leave their lines. Who follows has to learn of the table afterwards
 *  (`refreshSubscription` with `copyData`). Safe to repeat. Throws FENCED_OFF, NOT_READY_YET, CREDENTIALS_REJECTED. */
export async function ensureLine(
  source: Session,
  { publication, publisher, ...guarded }: EnsureLineInput,
): Promise<{ readonly added: boolean }> {
  await ensureControlSchema(source)
  return behindFence(source, guarded, TO_GRANT, async () => {
    const role = quoteIdentifier(publisher)
    await source.execute(`GRANT USAGE ON SCHEMA capstan TO ${role}; GRANT SELECT ON ${LINE_TABLE} TO ${role}`)
    if (await linesArePublished(source, publication)) return { added: false }
    await source.execute(`ALTER PUBLICATION ${quoteIdentifier(publication)} ADD TABLE ONLY ${LINE_TABLE}`)
    return { added: true }
  })
}
