/** The worst of workers: it was given an activity, lost Temporal, and goes on believing that the work is its own. Its clock never stopped,
 *  so it does not notice by itself: the database's fence has to stop it, and where there is none it has to ask before it acts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryName } from '../../../contracts/operation'
import { controlAddress } from '../../../embedded/worker-program'
import { startCuttingProxy } from '../../postgres/support/cutting-proxy'
import type { Crashing } from './crashing'
import { PASSES, type Scenario, UNTOUCHED } from './scenarios'

/** Long, so that no pause of a busy machine makes the worker stop by its own clock: then it would be no worst one. */
const heartbeatTimeoutMs = 6_000

const ABORTED: Scenario = { ...PASSES, ...UNTOUCHED, ends: { status: 'aborted', verdict: null } }

/** What it does when nobody stops it takes less than this. */
const ACTS_WITHIN_MS = 1_500

interface CutOff {
  /** It has lost Temporal; another worker serves its queue. */
  lose(): Promise<void>
  /** It reaches Temporal again. */
  find(): void
  end(): Promise<void>
}

/** Parts the queues, so that a worker of its own serves one of them; it reaches Temporal until it is told to lose it. The stack's own worker
 *  is gone then: a suite does this last. */
async function cutOffWorker(it: Crashing, queue: string, others: string): Promise<CutOff> {
  const { stack } = it.capstan
  const [host = '', port = ''] = stack.endpoints.temporal.address.split(':')
  const temporal = await startCuttingProxy({ host, port: Number(port) })
  await stack.worker.stop(2_000)
  const workers = [
    await it.capstan.spareWorker({ queues: others }),
    await it.capstan.spareWorker({ queues: queue, temporalAddress: `127.0.0.1:${temporal.port}` }),
  ]
  return {
    async lose() {
      temporal.cutOff()
      workers.push(await it.capstan.spareWorker({ queues: queue }))
    },
    find: () => temporal.takeAgain(),
    async end() {
      for (const worker of workers) await worker.kill()
      await temporal.close()
    },
  }
}

/** Cuts a worker off right before its apply connects to the target, aborts the operation, and lets the worker go on. Resolves to what is
 *  wrong afterwards: nothing of the apply may be there. */
export async function partitionedApply(it: Crashing, operation: string): Promise<string[]> {
  const { host, port } = it.target
  const postgres = await startCuttingProxy({ host, port, localAddress: controlAddress(it.capstan.stack.block) })
  const worker = await cutOffWorker(it, 'postgres', 'control,aws')
  try {
    return await it.cell(ABORTED, operation, {
      heartbeatTimeoutMs,
      fleet: (yaml) => yaml.replace('user: stock_migrator', `user: stock_migrator, host: 127.0.0.1, port: ${postgres.port}`),
      during: async () => {
        await it.reaches(operation, 'judge', 'done')
        const held = await postgres.holdNext()
        await worker.lose()
        await it.abort(operation)
        await it.ended(operation)
        await held.letThrough()
        await sleep(3 * ACTS_WITHIN_MS)
      },
    })
  } finally {
    await worker.end()
    await postgres.close()
  }
}

/** A worker that asks whether it may act, and gets no answer, has given up after this: the client tries again for about ten seconds. */
const GIVES_UP_WITHIN_MS = 13_000

/** Resolves when the cloud was not called for so long that whoever was at it has stopped. */
async function callsNothingMore({ lab }: Crashing): Promise<void> {
  for (let mark = await lab.mark(), calls = 1; calls > 0; mark = await lab.mark()) {
    await sleep(GIVES_UP_WITHIN_MS)
    calls = (await lab.calls(mark)).length
  }
}

/** Cuts a worker off while its look whether the canary is there already hangs, aborts the operation, whose undo finds none, and lets the worker go
 *  on; `returns`: after it has found Temporal again. Resolves to what is wrong afterwards: no canary may be there. */
export async function partitionedCanary(it: Crashing, operation: string, { returns } = { returns: false }): Promise<string[]> {
  const look = { operation: 'DescribeDBInstances', resource: temporaryName(operation, 'canary') }
  const worker = await cutOffWorker(it, 'aws', 'control,postgres')
  const since = await it.lab.mark()
  let hanging = ''
  const answered = async (): Promise<boolean> => (await it.lab.calls(since)).some(({ faults }) => faults.length > 0)
  const unknown = { ...ABORTED, leaves: (id: string) => [temporaryName(id, 'snapshot')] }
  try {
    return await it.cell(unknown, operation, {
      heartbeatTimeoutMs,
      before: async () => {
        hanging = await it.lab.order({ kind: 'hang', times: 1, ...look })
      },
      during: async () => {
        await it.until('the look', async () => (await it.lab.struck(hanging)) > 0)
        await worker.lose()
        await it.abort(operation)
        await it.ended(operation)
        if (returns) worker.find()
        await it.lab.withdraw(hanging)
        await it.until('the answer to the look', answered)
        await callsNothingMore(it)
      },
      after: () => it.lab.withdrawAll(),
    })
  } finally {
    await worker.end()
  }
}
