/** A standby that follows and lacks little, before anybody is shut out. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import type { OperationId } from '../../contracts/operation'
import type { Session } from '../../postgres/connect/session'
import type { FenceToken } from '../../postgres/migrate/fence'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { SideName } from '../replication/sides'
import type { Pair } from './pair'
import { confirmedAsBefore, confirmedAtOnce } from './synced'

/** For a standby that was let go a moment ago to come back, and to be so near that the outage is short. */
const FOLLOWING_MS = 60_000
const NEAR_BYTES = 16 * 1024 ** 2
/** One that waits for its disk at each commit may not keep up: it has to show that it does, or need not wait. */
const SYNCED_MS = 10_000
const NEAR_SYNCED_BYTES = 1024 ** 2
const POLL_MS = 50
interface Near {
  readonly operation: OperationId
  readonly pair: Pair
  /** Of the source. */
  readonly keyhole: Session
  /** As the master, in both databases. */
  readonly on: Readonly<Record<SideName, Session>>
  readonly tokens: Readonly<Record<SideName, FenceToken>>
}

/** Before anybody is shut out: a standby that does not follow, or is far behind, would only make the outage long. */
export async function nearEnough(deps: ActivityDeps, { operation, pair, keyhole, on, tokens }: Near): Promise<void> {
  const { slot } = pair.forward
  await confirmedAtOnce(deps, { pair, on, tokens, operation })
  if ((await notNear(keyhole, slot, { bytes: NEAR_SYNCED_BYTES, withinMs: SYNCED_MS })) === null) return
  const standby = { admin: on.standby, token: tokens.standby }
  await confirmedAsBefore(deps, { standby, forward: pair.forward, operation })
  const found = await notNear(keyhole, slot, { bytes: NEAR_BYTES, withinMs: FOLLOWING_MS })
  if (found === null) return
  const message = `Nobody was shut out: slot ${slot} ${found}. Look why the standby does not follow, then start again.`
  throw failure('BARRIER_NOT_PASSED', message, { slot })
}

/** Null: it follows, and lacks no more than that. */
async function notNear(keyhole: Session, slot: string, near: { bytes: number; withinMs: number }): Promise<string | null> {
  const { signal } = currentAct()
  for (const until = performance.now() + near.withinMs; ; await sleep(POLL_MS, undefined, { signal })) {
    const [seen] = await keyhole.query<{ active: boolean; lost: boolean; lacking: number | null }>(
      `SELECT active, wal_status IS NOT DISTINCT FROM 'lost' AS lost, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), confirmed_flush_lsn)::bigint AS lacking
         FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
      [slot],
    )
    if (seen?.active === true && seen.lacking !== null && seen.lacking <= near.bytes) return null
    // one that is gone does not come again
    if (seen === undefined) return 'is gone'
    if (seen.lost) return 'has lost log that the standby needs: it has to be seeded anew'
    if (performance.now() > until)
      return `${seen.active ? `lacks ${seen.lacking} bytes of the log` : 'is read by nobody'} after ${near.withinMs / 1000} s`
  }
}
