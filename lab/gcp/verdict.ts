/** Who writes after a promotion that failed on the way. The replica's own data say it, and nothing else does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { specOf } from './cloud'
import type { Work } from './work'

/** Of a replica that did not take over for sure; `unknown`: it does not answer. */
export type Verdict = 'follows' | 'unknown'

const PATIENCE_MS = 60_000
const ASK_EVERY_MS = 200

/** Resolves when the replica writes: then there is no way back, whatever is missing still. @throws the error otherwise, after `undo`. */
export async function unlessPromoted(work: Work, error: unknown, undo: (verdict: Verdict) => Promise<void>): Promise<void> {
  const { cloud, instance, signal } = work
  if (signal.aborted) throw error
  const verdict = await verdictOf(work)
  if (verdict === 'writes') return cloud.log(`${instance.name} writes, but its promotion is not complete: ${error}`)
  await undo(verdict)
  throw error
}

/** One that is down is started: without it nobody knows. */
async function verdictOf({ cloud, instance, signal }: Work): Promise<Verdict | 'writes'> {
  const { servers, afflictions, log } = cloud
  const spec = specOf(cloud, instance)
  await afflictions.thawed(instance.name, signal)
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    try {
      await servers.ensureRunning(spec)
      if (!(await servers.isInRecovery(spec))) return 'writes'
      // a promotion may be on its way still: a server that is started has forgotten it, or ended it
      await servers.restart(spec)
      return (await servers.isInRecovery(spec)) ? 'follows' : 'writes'
    } catch (error) {
      signal.throwIfAborted()
      log(`${instance.name} does not say whether it took over: ${error}`)
      if (Date.now() > deadline) return 'unknown'
    }
    await sleep(ASK_EVERY_MS, undefined, { signal })
  }
}
