/** A server that answers nobody who comes anew, as behind a network that is cut, while whoever is connected goes on: its first process stands still, and the queue of those
 *  whom the kernel takes in for it is full, so that it drops the next one's packets. */
import { readFileSync } from 'node:fs'
import { connect as openSocket, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { greet } from '../../postgres/connect/greeting'
import type { Session } from '../../postgres/connect/session'
import { until } from './eventually'

const BATCH = 50
const TAKEN_IN_MS = 300

/** `inside`: a session of a program on this machine. Resolves to what ends it. */
export async function silence(inside: Session, { host, port }: { host: string; port: number }): Promise<() => void> {
  const first = parentOf(inside.backendPid)
  const waiting: Socket[] = []
  process.kill(first, 'SIGSTOP')
  const end = (): void => {
    for (const socket of waiting) socket.destroy()
    process.kill(first, 'SIGCONT')
  }
  try {
    for (let taken = BATCH; taken === BATCH; ) {
      const batch = Array.from({ length: BATCH }, () => openSocket({ host, port }))
      for (const socket of batch) socket.on('error', () => undefined)
      waiting.push(...batch)
      await sleep(TAKEN_IN_MS)
      taken = batch.filter(({ connecting, destroyed }) => !connecting && !destroyed).length
    }
    await until('silence', async () => {
      return (await greet({ host, port, timeoutMs: TAKEN_IN_MS, sourceAddress: null })).greeting === 'absent'
    })
    return end
  } catch (error) {
    end()
    throw error
  }
}

/** Behind the last bracket of /proc/<pid>/stat: the state, then the parent. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}
