/** Whether somebody has written on a standby that is closed to applications, and the source lacks it. The slot of the way back knows: of what it was not asked for
 *  yet it shows what did not come by replication. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { quoteIdentifier } from '../connect/quote'
import type { Session } from '../connect/session'

/** `none`: there is no way back to lose anything by. `carried`: it is on the source. */
export type Written =
  | { readonly kind: 'none' }
  | { readonly kind: 'carried' }
  | { readonly kind: 'waiting'; readonly rows: number }

const POLL_MS = 50
/** More than none is all that matters. */
const SHOWN_MAX = 1_000
/** Where `capstan` is the schema, they are ours: the marker and the beat. */
const OURS = 'capstan'

/** `standby`: in its database, as the master. Reads only. Throws NOT_READY_YET where the way back carries and is not through within `waitMs`. */
export async function countWritten(
  standby: Session,
  { slot, publication, waitMs }: { readonly slot: string; readonly publication: string; readonly waitMs: number },
): Promise<Written> {
  const began = performance.now()
  const target = await flushed(standby)
  for (;;) {
    const [seen] = await standby.query<{ active: boolean; passed: boolean }>(
      'SELECT active, coalesce(confirmed_flush_lsn >= $2::pg_catalog.pg_lsn, false) AS passed FROM pg_catalog.pg_replication_slots WHERE slot_name = $1',
      [slot, target],
    )
    if (seen === undefined) return { kind: 'none' }
    if (!seen.active) return { kind: 'waiting', rows: await peeked(standby, slot, publication) }
    if (seen.passed) return { kind: 'carried' }
    if (performance.now() - began > waitMs)
      throw failure(
        'NOT_READY_YET',
        `The way back (slot ${slot}) has not carried all of the standby's log to the source yet: try again.`,
        {
          slot,
        },
      )
    await sleep(POLL_MS)
  }
}

async function flushed(session: Session): Promise<string> {
  const [row] = await session.query<{ lsn: string }>('SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS lsn')
  if (row === undefined) throw new Error('the server does not say how far its log goes')
  return row.lsn
}

/** As pgoutput writes them: R is a relation with its number and its schema; I, U, D and T are rows of one. The manual's "Logical Replication Message Formats". */
async function peeked(standby: Session, slot: string, publication: string): Promise<number> {
  const rows = await standby.query<{ data: string }>(
    `SELECT pg_catalog.encode(pg_catalog.substr(data, 1, 200), 'hex') AS data
       FROM pg_catalog.pg_logical_slot_peek_binary_changes($1, NULL, $2, 'proto_version', '1', 'publication_names', $3, 'origin', 'none')`,
    [slot, SHOWN_MAX, quoteIdentifier(publication)],
  )
  const ours = new Set<number>()
  let written = 0
  for (const { data } of rows) {
    const message = Buffer.from(data, 'hex')
    const kind = String.fromCharCode(message[0] ?? 0)
    if (kind === 'R' && message.subarray(5, message.indexOf(0, 5)).toString() === OURS) ours.add(message.readUInt32BE(1))
    // a truncation names several: count, options, and then each
    const of = kind === 'T' ? message.readUInt32BE(6) : message.length >= 5 ? message.readUInt32BE(1) : 0
    if ('IUDT'.includes(kind) && !ours.has(of)) written += 1
  }
  return written
}
