/** What a standby has of its source, when the source cannot be asked: by its own worker alone. */
import type { Session } from '../connect/session'

export interface Heard {
  /** By the standby's clock, to be given back as `since`. */
  readonly now: string
  /** Its worker runs, and so has a connection or is about to have one. */
  readonly working: boolean
  /** False: it is paused, or somebody has disabled it: no worker is to be expected. */
  readonly enabled: boolean
  /** Something of the source has come since. */
  readonly heard: boolean
}

/** `since` null: nothing counts as heard yet. As who owns the subscription. Reads only. */
export async function heardSince(standby: Session, subscription: string, since: string | null): Promise<Heard> {
  const [row] = await standby.query<Heard>(
    `SELECT pg_catalog.clock_timestamp()::text AS now,
            coalesce((SELECT bool_or(s.subenabled) FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
                       WHERE s.subname = $1 AND d.datname = pg_catalog.current_database()), false) AS enabled,
            coalesce(bool_or(w.pid IS NOT NULL AND w.received_lsn IS NOT NULL), false) AS working,
            coalesce(bool_or(w.last_msg_receipt_time > $2::timestamptz), false) AS heard
       FROM pg_catalog.pg_stat_subscription w WHERE w.subname = $1 AND w.relid IS NULL`,
    [subscription, since],
  )
  if (row === undefined) throw new Error('an aggregate answered no row')
  return row
}

export interface InHand {
  readonly working: boolean
  /** Log that it has taken; null: none since it was started. */
  readonly received: string | null
  /** It waits for more: what it took it has applied, or holds as an unfinished transaction that never was committed. */
  readonly waits: boolean
}

/** As who owns the subscription. Reads only. */
export async function inHand(standby: Session, subscription: string): Promise<InHand> {
  const [row] = await standby.query<InHand>(
    `SELECT w.pid IS NOT NULL AS working, w.received_lsn::text AS received, coalesce(a.wait_event = 'LogicalApplyMain', false) AS waits
       FROM pg_catalog.pg_stat_subscription w LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
      WHERE w.subname = $1 AND w.relid IS NULL ORDER BY w.pid NULLS LAST LIMIT 1`,
    [subscription],
  )
  return row ?? { working: false, received: null, waits: false }
}

/** Positions of the log, as `16/B374D848`. */
export function lsnDistance(from: string, to: string): bigint {
  return lsnOf(to) - lsnOf(from)
}

function lsnOf(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}
