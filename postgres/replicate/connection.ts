/** Hands a subscription its connection string, which has to hold a password in clear, without the password standing anywhere else.
 *
 *  A statement's text and its parameters go into a server's log, depending on settings that are not ours; what COPY brings does not, and in the binary
 *  format no error repeats it either. So the string comes by COPY into a table of the transaction's own, and code inside the server makes the statement of it.
 *  That statement is only ever ALTER SUBSCRIPTION … CONNECTION: it asks nobody and warns of nothing. CREATE SUBSCRIPTION and its like connect, which may
 *  take minutes, and a warning meanwhile, or the end of the session, would write into the log what was being done: the whole statement. Errors are caught
 *  inside for the same reason. What is left is told by `keepersOf`. docs/decisions/0029. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { printable } from '../printable'

export interface ConnectionInput {
  readonly subscription: string
  readonly conninfo: string
  /** Cut out of whatever the server says. */
  readonly password: string
}

const TABLE = 'CREATE TEMPORARY TABLE capstan_connection (subscription text, conninfo text, password text) ON COMMIT DROP'
const COPY = 'COPY pg_temp.capstan_connection FROM STDIN (FORMAT binary)'

const SET = `DO $capstan$
DECLARE
  own_name text; own_conninfo text; own_password text;
BEGIN
  SELECT subscription, conninfo, password INTO STRICT own_name, own_conninfo, own_password FROM pg_temp.capstan_connection;
  PERFORM pg_catalog.set_config('capstan.refusal', '', true);
  EXECUTE pg_catalog.format('ALTER SUBSCRIPTION %I CONNECTION %L', own_name, own_conninfo);
EXCEPTION WHEN query_canceled OR assert_failure OR others THEN
  PERFORM pg_catalog.set_config('capstan.refusal', SQLSTATE || ' ' || pg_catalog.replace(SQLERRM, coalesce(own_password, ''), '…'), true);
END $capstan$`

/** Inside a transaction that already holds the subscription's lock, so that nothing is waited for while the string is at hand. Throws DATABASE_REFUSED,
 *  NOT_READY_YET where it was cancelled. */
export async function setConnection(standby: Session, { subscription, conninfo, password }: ConnectionInput): Promise<void> {
  await standby.execute(TABLE)
  await standby.copyIn(COPY, binaryRow([subscription, conninfo, password]))
  await standby.execute(SET)
  const [row] = await standby.query<{ refusal: string | null }>(
    `SELECT pg_catalog.current_setting('capstan.refusal', true) AS refusal`,
  )
  const refusal = row?.refusal ?? ''
  if (refusal === '') return
  const sqlState = refusal.slice(0, 5)
  const { host, database } = standby.endpoint
  throw failure(
    sqlState === '57014' ? 'NOT_READY_YET' : 'DATABASE_REFUSED',
    `${host} did not take the connection of the subscription ${subscription} in ${database} (${sqlState}: ${printable(refusal.slice(6, 300))}): nothing was changed.`,
    { host, database, subscription, sqlState },
  )
}

/** The manual's "Binary Format" of COPY: its signature, no flags, no extension; one row; the end. */
function binaryRow(fields: readonly string[]): Uint8Array {
  const int16 = (value: number) => {
    const bytes = Buffer.alloc(2)
    bytes.writeInt16BE(value)
    return bytes
  }
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const parts = fields.flatMap((field) => {
    const text = Buffer.from(field, 'utf8')
    return [int32(text.length), text]
  })
  return Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
    int32(0),
    int32(0),
    int16(fields.length),
    ...parts,
    int16(-1),
  ])
}

/** Where a server that is set so keeps every statement that code inside it runs, and with it the password; one sentence each, with what to do. None is as it
 *  is by default. A superuser of the standby reads it anyhow, and so does whoever gets its files or its backups: PostgreSQL keeps it in clear. */
export async function keepersOf(standby: Session): Promise<string[]> {
  const [row] = await standby.query<{ track: string | null; utility: string | null; audit: string | null; messages: string }>(
    `SELECT pg_catalog.current_setting('pg_stat_statements.track', true) AS track, pg_catalog.current_setting('pg_stat_statements.track_utility', true) AS utility,
            pg_catalog.current_setting('pgaudit.log', true) AS audit, pg_catalog.current_setting('log_min_messages') AS messages`,
  )
  if (row === undefined) return []
  const where = `on ${standby.endpoint.host}`
  const keepers: string[] = []
  if (row.track === 'all' && row.utility !== 'off') {
    keepers.push(
      `pg_stat_statements ${where} keeps the statements of code as well (track = all), the password of the publisher among them: set it to top, then SELECT pg_stat_statements_reset().`,
    )
  }
  if (auditsDefinitions(row.audit ?? '')) {
    keepers.push(
      `pgaudit ${where} writes definitions into the log (pgaudit.log = ${row.audit}), the password of the publisher among them: leave ddl out for the role that subscribes.`,
    )
  }
  if (row.messages.startsWith('debug')) {
    keepers.push(
      `The log ${where} has what only developers need (log_min_messages = ${row.messages}), and may have the password of the publisher with it: set it to warning.`,
    )
  }
  return keepers
}

/** Classes are added, or with a minus taken away. */
function auditsDefinitions(classes: string): boolean {
  const words = classes.toLowerCase().split(/[\s,]+/)
  return (
    words.lastIndexOf('-ddl') < Math.max(words.lastIndexOf('ddl'), words.lastIndexOf('all')) &&
    (words.includes('ddl') || words.includes('all'))
  )
}
