/** What the standby has in hand. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { inHand } from '../../postgres/replicate/received'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import type { FailingOver } from './contract'
import { failoverPair } from './pair'

const POLL_MS = 200

/** Two looks that find it waiting for more, with nothing taken in between. */
export async function awaitApplied(deps: ActivityDeps, input: FailingOver): Promise<{ summary: string }> {
  const { signal } = currentAct()
  const { places, forward, request } = await failoverPair(deps, input)
  return looking(deps, places.standby, 'admin', async (session) => {
    const until = performance.now() + request.drainMsMax
    for (let before: string | null = null; ; await sleep(POLL_MS, undefined, { signal })) {
      const { working, received, waits } = await inHand(session, forward.subscription)
      if (!working) return { summary: 'its worker is not connected: what had come is applied' }
      if (waits && received === before && received !== null) return { summary: `all is applied that had come, up to ${received}` }
      before = waits ? received : null
      if (performance.now() < until) continue
      const message = `The standby still applies what it has received, up to ${received ?? 'nobody knows where'}, ${request.drainMsMax / 1000} s after it was asked: opened now, it would lose that. Give it longer with --drain-within.`
      throw failure('BARRIER_NOT_PASSED', message, { received })
    }
  })
}
