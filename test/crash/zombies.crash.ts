import { setTimeout as sleep } from 'node:timers/promises'
import { crashing, HEARTBEAT_TIMEOUT_MS } from './support/crashing'
import { partitionedApply, partitionedCanary } from './support/partition'
import { SLOW } from './support/scenarios'

const it = crashing()

test('a worker frozen past its heartbeat in mid-migration wakes up and does nothing', async () => {
  const { worker } = it.capstan.stack
  const frozen = worker.pid() ?? 0
  const wrong = await it.cell(SLOW, 'frozen-worker', {
    during: async (operation) => {
      await it.inMidMigration()
      process.kill(frozen, 'SIGSTOP')
      try {
        const spare = await it.capstan.spareWorker()
        await it.ended(operation)
        await spare.kill()
      } finally {
        process.kill(frozen, 'SIGCONT')
      }
      // time to do what it was about to do
      await sleep(HEARTBEAT_TIMEOUT_MS)
    },
  })
  expect({ wrong, worker: worker.pid() }).toEqual({ wrong: [], worker: frozen })
})

test('a worker that lost Temporal and does not know it applies nothing once the operation is aborted', async () => {
  expect(await partitionedApply(it, 'partitioned')).toEqual([])
})

test('a worker that lost Temporal and does not know it makes no canary once the operation is aborted', async () => {
  expect(await partitionedCanary(it, 'parted-canary')).toEqual([])
})

test('a worker that finds Temporal again in time to ask is told that the work is not its own', async () => {
  expect(await partitionedCanary(it, 'found-again', { returns: true })).toEqual([])
})
