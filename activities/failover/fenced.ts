/** Whether anybody can still write where the source was, as far as its address tells; and what the standby has in hand. */
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '../../contracts/failures'
import { greet } from '../../postgres/connect/greeting'
import { inHand } from '../../postgres/replicate/received'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { looking } from '../replication/sides'
import type { FailingOver, FailoverActivities } from './contract'
import { failoverPair } from './pair'

type Judged = Awaited<ReturnType<FailoverActivities['judgeSource']>>

const LOOKS = 3
const BETWEEN_MS = 200
const TRY_MS = 1_000

/** A stopped server keeps no session alive, and the way to see that it is stopped is that nobody listens: its cloud may say so before it is so. */
export async function judgeSource(
  { sourceAddress }: Pick<ActivityDeps, 'sourceAddress'>,
  { address: { host, port }, closing }: Parameters<FailoverActivities['judgeSource']>[0],
): Promise<Judged> {
  const { signal } = currentAct()
  const evidence = [...(closing?.done ?? ['its cloud was told nothing'])]
  let absent = true
  for (let look = 1; look <= LOOKS && absent; look += 1) {
    if (look > 1) await sleep(BETWEEN_MS, undefined, { signal })
    const { greeting, said } = await greet({ host, port, timeoutMs: TRY_MS, sourceAddress, signal })
    absent = greeting === 'absent'
    if (look === LOOKS || !absent) evidence.push(`at ${host}:${port}: ${said}`)
  }
  return { proven: absent && closing !== null && (closing.stopped || closing.gone), evidence }
}

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
