/** The worst of workers: it was given an activity, lost Temporal, and goes on believing that the work is its own. Nothing inside it can know
 *  better, since its clock never stopped; only what guards the database can stop it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { controlAddress } from '../../../embedded/worker-program'
import { startCuttingProxy } from '../../postgres/support/cutting-proxy'
import type { Crashing } from './crashing'
import { PASSES, type Scenario, UNTOUCHED } from './scenarios'

const ABORTED: Scenario = { ...PASSES, ...UNTOUCHED, ends: { status: 'aborted', verdict: null } }

/** Cuts a worker off right before its apply connects to the target, aborts the operation, and lets the worker go on. Resolves to what is
 *  wrong afterwards: nothing of the apply may be there. The stack's own worker is gone then: a suite does this last. */
export async function partitionedWorker(it: Crashing, operation: string): Promise<string[]> {
  const { stack } = it.capstan
  const [temporalHost = '', temporalPort = ''] = stack.endpoints.temporal.address.split(':')
  const temporal = await startCuttingProxy({ host: temporalHost, port: Number(temporalPort) })
  const { host, port } = it.target
  const postgres = await startCuttingProxy({ host, port, localAddress: controlAddress(stack.block) })
  // The queues are parted, so that it is this worker that gets the apply.
  await stack.worker.stop(2_000)
  const others = await it.capstan.spareWorker({ queues: 'control,aws' })
  const cutOff = await it.capstan.spareWorker({ queues: 'postgres', temporalAddress: `127.0.0.1:${temporal.port}` })
  try {
    return await it.cell(ABORTED, operation, {
      fleet: (yaml) => yaml.replace('user: stock_migrator', `user: stock_migrator, host: 127.0.0.1, port: ${postgres.port}`),
      during: async () => {
        await it.reaches(operation, 'judge', 'done')
        const held = await postgres.holdNext()
        temporal.cutOff()
        const successor = await it.capstan.spareWorker({ queues: 'postgres' })
        await it.abort(operation)
        await it.ended(operation)
        await held.letThrough()
        // what it does when nobody stops it takes less than this
        await sleep(1_500)
        await successor.kill()
      },
    })
  } finally {
    await cutOff.kill()
    await others.kill()
    await temporal.close()
    await postgres.close()
  }
}
