/** Servers that follow another one: a base copy that streams its primary's log, held there by a slot of its own, and can be read
 *  meanwhile. A promoted replica stays promoted, whatever is asked of it afterwards. A promoted replica has no logical slots, and of physical ones those of replicas
 *  that follow it; PostgreSQL keeps slots with the server, not with the data.
 *  PostgreSQL manual, "Log-Shipping Standby Servers". */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { ensureEnterable } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'
import { backUp } from './backup'
import { makeFollower } from './follower'
import type { Places } from './places'
import type { RunningServers } from './running'
import { dropSlot, makeSlot, slotOf } from './slots'
import type { Primary, ServerSpec } from './spec'

export interface Replication {
  /** `primary`: it follows nobody. `disconnected`: it asks for the log again and again. `halted`: it replays nothing until it is
   *  restarted, since its primary allows itself more (`max_connections` and its like) than it had at its start. */
  state: 'primary' | 'streaming' | 'disconnected' | 'halted'
  /** What its primary has written and it has not replayed; what it last heard of when the primary does not answer. */
  lagBytes: number
  /** Since the last commit that it replayed; 0 when it has replayed everything, null when it never replayed one. */
  lagSeconds: number | null
}

const OBJECT_NOT_IN_PREREQUISITE_STATE = '55000'
const POLL_MS = 20
const STREAMING_TIMEOUT_MS = 120_000
/** Before it writes it replays what it has received. */
const PROMOTION_TIMEOUT_MS = 120_000

/** Resolves when the new replica can be read and streams; fails when it does not in time. */
export async function createReplica(
  running: RunningServers,
  places: Places,
  { spec, primary, ...patience }: { spec: ServerSpec; primary: ServerSpec } & Patience,
): Promise<void> {
  if (spec.major !== primary.major) throw new Error('A replica has the major version of its primary.')
  const dataDir = places.data(spec.folder)
  ensureEnterable(places.server(spec.folder), serverUser())
  await running.asAdministrator(primary, async (client) => {
    await makeSlot(client, spec.folder)
    await backUp(client, places.data(primary.folder), dataDir, patience.signal)
  })
  makeFollower(dataDir)
  const replica = { ...spec, replicaOf: primary }
  await running.start(replica)
  await untilStreaming(running, replica, patience)
}

export interface Patience {
  signal: AbortSignal
  timeoutMs?: number | undefined
}

/** @throws Error at once when it cannot begin to any more, and when it does not in time. */
export async function untilStreaming(
  running: RunningServers,
  replica: ServerSpec & { replicaOf: Primary },
  { signal, timeoutMs = STREAMING_TIMEOUT_MS, lagBytesMax = Infinity }: Patience & { lagBytesMax?: number },
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const { state, lagBytes } = await replicationOf(running, replica)
    if (state === 'streaming' && lagBytes < lagBytesMax) return
    if (state === 'halted') throw halted(replica)
    const { folder, address } = replica.replicaOf
    if (running.isDown(folder)) throw new Error(`The primary at ${address} went down.`)
    if (Date.now() > deadline)
      throw new Error(`The replica at ${replica.address} does not stream from ${address}: it is ${state}.`)
    await sleep(POLL_MS, undefined, { signal })
  }
}

function halted({ address }: ServerSpec): Error {
  return new Error(`The replica at ${address} replays nothing until it is restarted: its primary allows itself more than it has.`)
}

/** Resolves when it is writable; fails at once when it is halted, since PostgreSQL promotes no such replica. Safe to repeat. */
export async function promote(running: RunningServers, spec: ServerSpec): Promise<void> {
  await running.asAdministrator(spec, async (client) => {
    if (!(await isFollowing(client))) return
    await running.passes('before', spec.folder)
    const deadline = Date.now() + PROMOTION_TIMEOUT_MS
    while (await isFollowing(client)) {
      if (await isHalted(client)) throw halted(spec)
      if (Date.now() > deadline) throw new Error(`The replica at ${spec.address} does not become a writer.`)
      await client.query('SELECT pg_promote(true, 10)').catch(unlessPromoted)
    }
    await running.passes('after', spec.folder)
  })
  await release(running, spec)
  await running.configure({ ...spec, replicaOf: undefined })
}

/** The replica streams from whom its spec names now. What it lacks must still be there. Safe to repeat. */
export async function follow(running: RunningServers, spec: ServerSpec & { replicaOf: Primary }): Promise<void> {
  await running.asAdministrator(spec.replicaOf, (client) => makeSlot(client, spec.folder))
  await running.configure(spec)
}

/** The slot goes that the primary held for it. A primary that is away, or goes away meanwhile, keeps it until it is asked which
 *  slots to keep; what was done before is not undone by that. */
export async function release(running: RunningServers, { folder, replicaOf }: Follower): Promise<void> {
  if (!replicaOf || !running.answers(replicaOf.folder)) return
  await running.asAdministrator(replicaOf, (client) => dropSlot(client, slotOf(folder))).catch(() => {})
}

export type Follower = Pick<ServerSpec, 'folder' | 'replicaOf'>

export async function replicationOf(running: RunningServers, spec: ServerSpec): Promise<Replication> {
  // first: what the replica replays meanwhile is no lag
  const written =
    spec.replicaOf && running.answers(spec.replicaOf.folder) ? await writtenBy(running, spec.replicaOf).catch(() => null) : null
  return running.asAdministrator(spec, async (client) => {
    const { rows } = await client.query<ReplicationRow>(REPLICATION, [written])
    const [row] = rows
    if (!row || row.state === 'primary') return { state: 'primary', lagBytes: 0, lagSeconds: 0 }
    const lagBytes = Number(row.lag ?? 0)
    return { state: row.state, lagBytes, lagSeconds: lagBytes === 0 ? 0 : row.seconds }
  })
}

/** It was asked before, and became a server of its own between our two questions. */
function unlessPromoted(error: unknown): void {
  if ((error as { code?: string }).code !== OBJECT_NOT_IN_PREREQUISITE_STATE) throw error
}

export async function isFollowing(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ following: boolean }>('SELECT pg_is_in_recovery() AS following')
  return rows[0]?.following ?? false
}

interface ReplicationRow {
  state: Replication['state']
  lag: string | null
  seconds: number | null
}

/** Nobody but the server itself halts the replay: customers may not. */
const REPLICATION = `
  SELECT CASE WHEN NOT pg_is_in_recovery() THEN 'primary'
      WHEN pg_get_wal_replay_pause_state() = 'paused' THEN 'halted'
      WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN 'streaming'
      ELSE 'disconnected' END AS state,
    greatest(0, pg_wal_lsn_diff(
      greatest($1::pg_lsn, (SELECT latest_end_lsn FROM pg_stat_wal_receiver), pg_last_wal_receive_lsn()),
      pg_last_wal_replay_lsn())) AS lag,
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS seconds`

async function isHalted(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ halted: boolean }>(
    `SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() = 'paused' ELSE false END AS halted`,
  )
  return rows[0]?.halted ?? false
}

async function writtenBy(running: RunningServers, primary: Primary): Promise<string | null> {
  const question = `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END AS lsn`
  const { rows } = await running.asAdministrator(primary, (client) => client.query<{ lsn: string | null }>(question))
  return rows[0]?.lsn ?? null
}
