/** A backup that was taken behind a fence holds closed databases, as its instance had them then. What was restored of it has to be opened before anybody
 *  can look into it: whoever had closed it is gone. */

import type { Session } from '../../postgres/connect/session'
import { type ConnectTo, enterKeyhole } from '../../postgres/fence/keyhole'
import { openAllDatabases } from '../../postgres/fence/lower'
import { type FenceToken } from '../../postgres/migrate/fence'
import { assertMayAct, currentAct } from '../act'

/** Resolves to what was opened; nothing, where nothing was closed. `tokenFor`: under which it may be opened, in the database that stays open; `staysMovedBut`: as of
 *  `openAllDatabases`. Safe to
 *  repeat. Fails with FENCE_REFUSED for one that is not ours to open. */
export async function openContent(
  connectTo: ConnectTo,
  tokenFor: (session: Session) => Promise<FenceToken>,
  staysMovedBut?: string,
): Promise<readonly string[]> {
  const session = await enterKeyhole(connectTo)
  if (session === null) return []
  try {
    const token = await tokenFor(session)
    assertMayAct()
    return await openAllDatabases(session, { token, signal: currentAct().signal, staysMovedBut })
  } finally {
    await session.close()
  }
}
