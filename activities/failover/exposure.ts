/** What may be lost: what the standby has for certain, what is known of the source besides, and where the sequences would go. Reads only. */
import type { Exposure } from '../../contracts/failover'
import type { IsoInstant } from '../../contracts/operation'
import type { StandbyRecord } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { lsnDistance } from '../../postgres/replicate/received'
import type { StandbyBeat } from '../../postgres/replicate/watch/beat'

/** Rows arrive in the order of commits: whatever was committed before a beat that is there is there. */
export function exposureOf(
  beat: StandbyBeat | null,
  { look }: Pick<StandbyRecord, 'look'>,
  declaredAt: IsoInstant,
): Omit<Exposure, 'unseenSequences'> {
  const heard = look?.heard ?? null
  const missing = beat === null || heard === null ? null : lsnDistance(beat.lsn, heard.flushed)
  return {
    beat: beat === null ? null : { at: beat.at, lsn: beat.lsn },
    lossMsMax: lossMsMax(beat, declaredAt),
    heard,
    missingBytesMin: missing === null ? null : Number(missing > 0n ? missing : 0n),
  }
}

export function lossMsMax(beat: Pick<StandbyBeat, 'at'> | null, declaredAt: IsoInstant): number | null {
  return beat === null ? null : Math.max(0, Date.parse(declaredAt) - Date.parse(beat.at))
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
