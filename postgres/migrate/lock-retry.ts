/** Bounded retries around whatever may not get its locks, and a look at who stands in the way while it waits: afterwards nobody knows. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../connect/session'
import type { Blocker } from './events'
import type { PlannedMigration } from './plan-script'
import { isContention, lockTimeoutFailure, problemLine } from './problems'
import type { RunContext } from './run-context'

/** Runs `attempt` until it succeeds, fails otherwise, or the attempts are used up: then MIGRATION_LOCK_TIMEOUT, which also ends it as
 *  soon as `mayRepeat` says no. */
export async function withLockRetry<T>(
  context: RunContext,
  migration: PlannedMigration,
  lockTimeoutMs: number,
  attempt: () => Promise<T>,
  mayRepeat: () => boolean = () => true,
): Promise<T> {
  const { attempts, delayMs, delayMsMax } = context.limits.lockRetries
  for (let number = 1; ; number++) {
    context.signal?.throwIfAborted()
    const watch = watchBlockers(context.monitor, context.work.backendPid, lockTimeoutMs)
    try {
      return await attempt()
    } catch (error) {
      if (!isContention(error)) throw error
      const blocker = await watch.stop()
      if (number >= attempts || !mayRepeat())
        throw lockTimeoutFailure(migration, error, { attempts: number, lockTimeoutMs, blocker })
      const pauseMs = Math.round(Math.min(delayMs * 2 ** (number - 1), delayMsMax) * (0.75 + Math.random() / 2))
      context.emit({
        type: 'lock-retry',
        script: migration.script,
        line: problemLine(error),
        attempt: number,
        attemptsMax: attempts,
        delayMs: pauseMs,
        blocker,
      })
      await sleep(pauseMs, undefined, context.signal === undefined ? {} : { signal: context.signal }).catch(() => undefined)
    } finally {
      await watch.stop()
    }
  }
}

const LOOK_WAIT_MS = 2_000

/** Looks a few times within `lockTimeoutMs` at what blocks backend `pid`. Most statements are done before the first look. */
function watchBlockers(monitor: Session, pid: number, lockTimeoutMs: number): { stop(): Promise<Blocker | null> } {
  const everyMs = Math.min(Math.max(lockTimeoutMs / 4, 10), 250)
  let last: Blocker | null = null
  let looking: Promise<void> = Promise.resolve()
  let stopped = false
  let timer = setTimeout(look, everyMs)
  function look(): void {
    looking = readBlocker(monitor, pid).then(
      (blocker) => {
        last = blocker ?? last
      },
      () => undefined,
    )
    void looking.then(() => {
      if (!stopped && monitor.open) timer = setTimeout(look, everyMs)
    })
  }
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      // A server that does not answer this must not hold up what it answers to.
      await Promise.race([looking, sleep(LOOK_WAIT_MS, undefined, { ref: false })])
      return last
    },
  }
}

async function readBlocker(monitor: Session, pid: number): Promise<Blocker | null> {
  const [blocker] = await monitor.query<Blocker>(
    `SELECT b.pid, a.application_name AS application, a.state, (
       SELECT n.nspname || '.' || c.relname
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE l.pid = $1 AND NOT l.granted AND l.locktype IN ('relation', 'tuple', 'extend', 'page') LIMIT 1) AS relation
       FROM unnest(pg_blocking_pids($1)) AS b(pid) LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
      ORDER BY a.xact_start NULLS LAST LIMIT 1`,
    [pid],
  )
  return blocker ?? null
}
