/** What an attempt keeps reaches the next one, by a real server: also what the one before it had kept, where it died before it kept anything. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NativeConnection, Worker } from '@temporalio/worker'
import { currentAct } from '../../activities/act'
import { connectTemporal } from '../../client/temporal'
import { failure } from '../../contracts/failures'
import { activityInterceptor } from '../../workers/interceptors/activity'
import { startTestTemporal, type TestTemporal } from '../client/temporal-server'
import { until } from '../support/eventually'

let server: TestTemporal
beforeAll(async () => {
  server = await startTestTemporal()
})
afterAll(() => server?.stop())

const ID = 'keeping'

test('what an attempt kept is the next one’s, and the one’s after that', async () => {
  const temporal = await connectTemporal({ address: server.address, namespace: 'default' })
  const connection = await NativeConnection.connect({ address: server.address })
  /** As the server has it. */
  const hasKept = () =>
    until('what was kept', async () => {
      const { raw } = await temporal.client.workflow.getHandle(ID).describe()
      return (raw.pendingActivities?.[0]?.heartbeatDetails?.payloads?.length ?? 0) > 0
    })
  const worker = await Worker.create({
    connection,
    taskQueue: 'keeping',
    workflowsPath: require.resolve('./workflows/keeping.ts'),
    maxHeartbeatThrottleInterval: '200ms',
    interceptors: {
      activity: [
        (context) => ({
          inbound: activityInterceptor(context, { ledger: { noteAttempt: async () => undefined }, failpoints: null }),
        }),
      ],
    },
    activities: {
      async work() {
        const { attempt, kept, keep } = currentAct()
        if (attempt === 1) {
          keep?.({ tables: ['a'] })
          keep?.({ tables: ['a', 'b'] })
          await hasKept()
        }
        // long enough for a heartbeat or two
        if (attempt === 2) await sleep(1_200)
        if (attempt < 3) throw failure('CONNECTION_LOST', 'lost')
        return { attempt, kept }
      },
    },
  })
  try {
    const result = await worker.runUntil(
      temporal.client.workflow.execute('keeping', { workflowId: ID, taskQueue: 'keeping', args: [] }),
    )
    expect(result).toEqual({ attempt: 3, kept: { tables: ['a', 'b'] } })
  } finally {
    await connection.close()
    await temporal.close()
  }
})
