/** What may be lost: what the standby has for certain, what is known of the source besides, and where the sequences would go. Reads only. */
import type { Exposure } from '../../contracts/failover'
import type { IsoInstant } from '../../contracts/operation'
import type { ClockSkew, StandbyRecord } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { lsnDistance } from '../../postgres/replicate/received'
import type { StandbyBeat } from '../../postgres/replicate/watch/beat'
import { aheadMsMax } from '../../postgres/replicate/watch/skew'

/** Rows arrive in the order of commits: whatever was committed before a beat that is there is there. */
export function exposureOf(
  beat: StandbyBeat | null,
  { look }: Pick<StandbyRecord, 'look'>,
  declaredAt: IsoInstant,
): Omit<Exposure, 'unseenSequences'> {
  const heard = look?.heard ?? null
  const skew = look?.skew
  const missing = beat === null || heard === null ? null : lsnDistance(beat.lsn, heard.flushed)
  return {
    beat: beat === null ? null : { at: beat.at, lsn: beat.lsn },
    lossMsMax: lossMsMax(beat, declaredAt, skew),
    ...(skew !== undefined && { skew }),
    heard,
    missingBytesMin: missing === null ? null : Number(missing > 0n ? missing : 0n),
  }
}

/** A beat bears the source's clock, and what it is held against is ours. One that is ahead makes the loss too small, so that as much is added as it may be ahead; one that
 *  is behind makes it too large, and is told instead: by the time of the last beat somebody may have set it right. A beat that is later all the same says that nobody knows
 *  what either clock says: null, and never that nothing is lost. */
export function lossMsMax(beat: Pick<StandbyBeat, 'at'> | null, until: IsoInstant, skew: ClockSkew | undefined): number | null {
  if (beat === null) return null
  const lossMs = Date.parse(until) - Date.parse(beat.at) + aheadMsMax(skew)
  return lossMs < 0 ? null : lossMs
}

/** Tables of which rows are still to come for the first time, or that were given up half way. */
export async function uncopiedTables(standby: Session, subscription: string): Promise<string[]> {
  const rows = await standby.query<{ name: string }>(
    `SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
       FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid
       JOIN pg_catalog.pg_class c ON c.oid = r.srrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE s.subname = $1 AND r.srsubstate <> 'r' ORDER BY 1`,
    [subscription],
  )
  return rows.map(({ name }) => name)
}
