/** Kills the worker while the target is building an index concurrently. To be sure to hit it, a customer's transaction is kept open
 *  on the table: CREATE INDEX CONCURRENTLY waits for such transactions, as it would in life; without it the build of this small
 *  table could be over before anybody looks. The transaction ends once the killed build is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from '../stack'
import { openShop, type ShopAddress, type ShopSession } from './shop-database'
import { adminLogin, applicationLogin } from './shop-schema'

const POLL_MS = 10
const GONE_MS = 20_000

export interface Killed {
  readonly pid: number
  readonly successor: number
  /** The build left its index behind, marked invalid. */
  readonly leftInvalidIndex: boolean
}

export interface KillPlan {
  /** Resolves to null when `cancel` was called before a build was seen. */
  readonly killed: Promise<Killed | null>
  cancel(): void
}

export async function killInsideIndexBuild(stack: Stack, address: ShopAddress, onKill: (pid: number) => void): Promise<KillPlan> {
  const watcher = await openShop(address, adminLogin(stack))
  const customer = await openShop(address, applicationLogin(stack))
  await customer.script('BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE')
  const cancelled = new AbortController()
  const killed = kill(stack, watcher, customer, onKill, cancelled.signal).finally(() =>
    Promise.all([watcher.close(), customer.close()]),
  )
  // Whoever starts this awaits it at the end of the operation; until then a failure must not go unhandled.
  killed.catch(() => undefined)
  return { killed, cancel: () => cancelled.abort() }
}

async function kill(
  stack: Stack,
  watcher: ShopSession,
  customer: ShopSession,
  onKill: (pid: number) => void,
  cancelled: AbortSignal,
): Promise<Killed | null> {
  let backend: number | null = null
  while (backend === null) {
    if (cancelled.aborted) return null
    backend = await indexBuilder(watcher)
    if (backend === null) await sleep(POLL_MS)
  }
  const pid = stack.worker.pid()
  if (pid === null) throw new Error('an index is being built and no worker runs')
  process.kill(pid, 'SIGKILL')
  onKill(pid)
  const successor = stack.worker.successor(pid)
  const deadline = Date.now() + GONE_MS
  while ((await isBuilding(watcher, backend)) && Date.now() < deadline) await sleep(POLL_MS)
  const leftInvalidIndex = await invalidIndexThere(watcher)
  await customer.script('ROLLBACK')
  return { pid, successor: (await successor).identity.pid, leftInvalidIndex }
}

async function indexBuilder(shop: ShopSession): Promise<number | null> {
  const [row] = await shop.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'active' AND query ~* '^\\s*CREATE (UNIQUE )?INDEX CONCURRENTLY'`,
  )
  return row?.pid ?? null
}

async function isBuilding(shop: ShopSession, pid: number): Promise<boolean> {
  const rows = await shop.query('SELECT FROM pg_stat_activity WHERE pid = $1 AND state = $2', [pid, 'active'])
  return rows.length > 0
}

async function invalidIndexThere(shop: ShopSession): Promise<boolean> {
  const rows = await shop.query('SELECT FROM pg_index WHERE NOT indisvalid LIMIT 1')
  return rows.length > 0
}
