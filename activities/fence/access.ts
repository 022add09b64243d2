/** How the fence's activities reach an instance: as its master, whatever database, and at its own address. What the fleet file gives as host may be
 *  the very name that an operation moves: the fence would be around the instance that it was moved to. */
import type { FenceTarget } from '../../contracts/fence'
import type { ConnectTo } from '../../postgres/fence/keyhole'
import type { ActivityDeps } from '../deps'
import { openSession } from '../schema/open-session'

/** Every managed server has it, and a customer may still have dropped it. */
const MAINTENANCE = 'postgres'

export async function access(
  deps: ActivityDeps,
  { operation, step, bundle, target, copy }: FenceTarget,
): Promise<{ readonly connectTo: ConnectTo; readonly from: readonly string[] }> {
  const { database: entry } = await deps.ledger.getBundle(bundle)
  const request = { entry, role: 'admin', operation, step, address: target, canary: copy, ownAddress: true } as const
  return { connectTo: (database) => openSession(deps, { ...request, database }), from: [entry.database, MAINTENANCE] }
}
