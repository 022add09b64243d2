/** What has to be true before a switchover begins; afterwards nothing is looked at but what it needs itself. Source: RDS user guide,
 *  "Switchover guardrails". How long a write may have been under way is not said there (assumed). */

import { slotOf } from '../../postgres/slots'
import { type AwsCloud, keyOf, specOf } from '../cloud'
import type { Pair } from './members'

const WRITE_SECONDS_MAX = 5

/** @throws Error with the reason why not. */
export async function requireReady(cloud: AwsCloud, { blue, green }: Pair, timeoutSeconds: number): Promise<void> {
  if (cloud.servers.isDown(blue.folder) || cloud.afflictions.isFrozen(keyOf(blue))) {
    throw new Error(`The source DB instance ${blue.id} does not answer.`)
  }
  const row = await cloud.servers.administer(specOf(cloud, blue), async (client) => {
    const { rows } = await client.query<Readiness>(READINESS, [slotOf(green.folder), WRITE_SECONDS_MAX])
    return rows[0]
  })
  if (!row?.streaming) throw new Error(`Replication health: ${green.id} does not replicate from ${blue.id}.`)
  if (row.lag > timeoutSeconds) {
    throw new Error(`Replication lag: ${green.id} is ${Math.round(row.lag)} seconds behind, and ${timeoutSeconds} are allowed.`)
  }
  if (row.writing)
    throw new Error(`Active writes: a transaction that writes to ${blue.id} takes longer than ${WRITE_SECONDS_MAX} s.`)
  if (row.publishes) throw new Error(`External replication: ${blue.id} has logical replication slots.`)
  if (row.subscribes) throw new Error(`External replication: ${blue.id} has subscriptions that are enabled.`)
}

interface Readiness {
  streaming: boolean
  /** Seconds. */
  lag: number
  writing: boolean
  publishes: boolean
  subscribes: boolean
}

/** Asked of blue alone: a green that stands still is seen as one that falls behind. */
const READINESS = `
  SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming') AS streaming,
    coalesce((SELECT extract(epoch FROM max(replay_lag)) FROM pg_stat_replication WHERE application_name = $1), 0)::float8 AS lag,
    EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND backend_xid IS NOT NULL
      AND clock_timestamp() - xact_start > make_interval(secs => $2)) AS writing,
    EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'logical') AS publishes,
    EXISTS (SELECT FROM pg_subscription WHERE subenabled) AS subscribes`
