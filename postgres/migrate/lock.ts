/** The lock that keeps two migration runs apart, Flyway's included: a session advisory lock on Flyway's own key, held by a connection
 *  that is idle and outside any transaction, since a held snapshot would block every concurrent index build forever. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { quoteQualified } from '../connect/quote'
import type { Session } from '../connect/session'
import { DEFAULT_HISTORY, type HistoryLocation } from './history'

/** The letters "Flyway". */
const FLYWAY = 0x466c_7977_6179n

/** Flyway's key: its letters as a number plus Java's hash of the quoted table name. */
export function lockKey(at: HistoryLocation = DEFAULT_HISTORY): bigint {
  let hash = 0
  const name = quoteQualified(at.schema, at.table)
  for (let i = 0; i < name.length; i++) hash = (Math.imul(31, hash) + name.charCodeAt(i)) | 0
  return FLYWAY + BigInt(hash)
}

const POLL_MS = 100

/** Takes the lock on `session`, which holds it until it closes or `releaseLock`. Throws MIGRATION_LOCK_HELD after `waitMs`, naming the holder. */
export async function acquireLock(
  session: Session,
  options: { readonly at?: HistoryLocation; readonly waitMs: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const key = lockKey(options.at).toString()
  const deadline = performance.now() + options.waitMs
  for (;;) {
    const [row] = await session.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1::bigint) AS got', [key], {
      signal: options.signal,
    })
    if (row?.got === true) return
    if (performance.now() + POLL_MS > deadline) throw await held(session, key, options.waitMs)
    await sleep(POLL_MS)
    options.signal?.throwIfAborted()
  }
}

export async function releaseLock(session: Session, at?: HistoryLocation): Promise<void> {
  if (session.open) await session.query('SELECT pg_advisory_unlock($1::bigint)', [lockKey(at).toString()])
}

async function held(session: Session, key: string, waitMs: number): Promise<Error> {
  const [holder] = await session.query<{ pid: number; name: string | null }>(
    `SELECT l.pid, a.application_name AS name
       FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
        AND l.classid = (($1::bigint >> 32) & 4294967295)::oid AND l.objid = ($1::bigint & 4294967295)::oid`,
    [key],
  )
  const who = holder === undefined ? 'another session' : `process ${holder.pid} (${holder.name || 'no application name'})`
  return failure(
    'MIGRATION_LOCK_HELD',
    `Another migration run holds the lock: ${who}. Waited ${waitMs} ms; let it end, then try again.`,
    { pid: holder?.pid ?? null, application: holder?.name ?? null, waitMs },
  )
}
