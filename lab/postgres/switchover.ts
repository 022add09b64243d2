/** Two servers swap their roles, and no acknowledged commit is lost: the writer is stopped cleanly, which sends the end of its log
 *  to the replica; once that has replayed it, the writer is marked as a follower, the replica promoted, and the old writer follows
 *  it into its new timeline. A server that was stopped like this has written nothing that the other one lacks, so it needs no rewinding.
 *
 *  The mark is made before the promotion: whenever the lab dies, at most one of the two starts as a writer, and the same
 *  call finds what is done already from the data alone. Until the mark, whatever fails brings the writer back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { readControlFile } from './control-file'
import { isReplica, makeFollower } from './follower'
import type { Places } from './places'
import { isFollowing, type Patience, promote, untilStreaming } from './replica'
import type { RunningServers } from './running'
import { dropAll, makeSlot } from './slots'
import type { ServerSpec } from './spec'

export interface Pair extends Patience {
  writer: ServerSpec
  replica: ServerSpec
}

/** The writer may stop for as long as its replica needs to receive the end of the log. */
const STOP_GRACE_MS = 30_000
const REPLAY_TIMEOUT_MS = 30_000
/** Less is sent in no time while the writer stops. */
const LAG_BYTES_MAX = 16 * 1024 * 1024
const POLL_MS = 20

/** Resolves when the replica writes and the writer follows it; fails when one of them cannot follow, or does not in time. Safe to repeat, also after a crash at any point. */
export async function switchOver(running: RunningServers, places: Places, pair: Pair): Promise<void> {
  const { writer, replica } = pair
  await running.ensure(replica)
  const marked = isReplica(places.data(writer.folder))
  const following = await running.asAdministrator(replica, isFollowing)
  if (!following && !marked) {
    throw new Error(`The servers at ${writer.address} and ${replica.address} have both become writers: they have parted.`)
  }
  if (!marked) await handOver(running, places, pair)
  // before anybody writes there: the old writer needs the log from the promotion on, however long the lab is down after it
  await running.asAdministrator(replica, (client) => makeSlot(client, writer.folder))
  // its old primary is no more: there is nobody to tell
  if (following) await promote(running, { ...replica, replicaOf: undefined })
  const follower = { ...writer, replicaOf: replica }
  await running.ensure(follower)
  await running.configure(follower)
  // whoever read from these reads from the new writer now, or nowhere; here they would keep the log for ever
  await running.asAdministrator(follower, dropAll)
  await untilStreaming(running, follower, { ...pair, lagBytesMax: LAG_BYTES_MAX })
}

/** Ends with a writer that is down and marked, and a replica that has everything. */
async function handOver(running: RunningServers, places: Places, pair: Pair): Promise<void> {
  await stopBehind(running, places, pair)
  makeFollower(places.data(pair.writer.folder))
  await running.passes('marked', pair.replica.folder)
}

/** Resolves when the writer is stopped, and its replica, which follows it still, has everything that it ever wrote. When it fails the
 *  writer is back. Safe to repeat. */
export async function stopBehind(running: RunningServers, places: Places, pair: Pair): Promise<void> {
  const { writer, replica } = pair
  await running.ensure(writer)
  await untilStreaming(running, { ...replica, replicaOf: writer }, { ...pair, lagBytesMax: LAG_BYTES_MAX })
  pair.signal.throwIfAborted()
  try {
    await running.stop(writer.folder, 'fast', STOP_GRACE_MS)
    await untilComplete(running, places, pair)
  } catch (error) {
    await running.ensure(writer)
    throw error
  }
}

/** A clean stop ends the log with a checkpoint: who has replayed that has replayed everything. */
async function untilComplete(running: RunningServers, places: Places, { writer, replica, signal }: Pair): Promise<void> {
  const { shutDown, checkpoint } = readControlFile(places.data(writer.folder))
  if (!shutDown) throw new Error(`The server at ${writer.address} did not stop cleanly: its replica may lack the end of its log.`)
  const end = `${(checkpoint >> 32n).toString(16)}/${(checkpoint & 0xffffffffn).toString(16)}`
  const deadline = Date.now() + REPLAY_TIMEOUT_MS
  await running.asAdministrator(replica, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ complete: boolean }>('SELECT pg_last_wal_replay_lsn() > $1::pg_lsn AS complete', [
        end,
      ])
      if (rows[0]?.complete) return
      if (Date.now() > deadline) throw new Error(`The replica at ${replica.address} did not receive the end of the log.`)
      await sleep(POLL_MS, undefined, { signal })
    }
  })
}
