/** The schedule that keeps an instance fenced: put by the operation that fences it, and gone with the fence. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError, type ScheduleOptions } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import { KEEP_FENCED_WORKFLOW, type KeepFencedInput, keepFencedId } from '../../contracts/instance-fence'
import { TASK_QUEUES } from '../../contracts/messages'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { KeepFencedActivities } from './contract'
import { openRow, placeOf } from './place'

export function createKeepFencedActivities({ ledger }: Pick<ActivityDeps, 'ledger'>): KeepFencedActivities {
  return {
    async openFence(input) {
      assertMayAct()
      await openRow(ledger, input)
    },
    async keepFenced({ operation, bundle, target, everyMs, heartbeatTimeoutMs }) {
      const { database } = await ledger.getBundle(bundle)
      const { cloud } = database
      const scheduleId = keepFencedId(placeOf(database, target))
      const told: KeepFencedInput = { version: 1, cloud, operation, bundle, target, heartbeatTimeoutMs }
      const options: Omit<ScheduleOptions, 'scheduleId'> = {
        spec: { intervals: [{ every: everyMs }] },
        policies: { overlap: 'SKIP', catchupWindow: '1 minute', pauseOnFailure: false },
        action: {
          type: 'startWorkflow',
          workflowType: KEEP_FENCED_WORKFLOW,
          workflowId: scheduleId,
          taskQueue: TASK_QUEUES.control,
          args: [told],
          staticSummary: `Keeps ${target.instance} (${cloud}) fenced`,
        },
      }
      const { client } = assertMayAct()
      try {
        await client.schedule.create({ scheduleId, ...options })
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw unreached(target.instance, error)
        // of an earlier fence, whose operation and bundle it would go by
        await client.schedule
          .getHandle(scheduleId)
          .update(({ state }) => ({ ...options, state }))
          .catch((why: unknown) => {
            throw unreached(target.instance, why)
          })
      }
    },
    async endKeeping({ bundle, target }) {
      const { database } = await ledger.getBundle(bundle)
      const place = placeOf(database, target)
      const held = await ledger.getFence(place)
      // somebody has fenced it anew meanwhile
      if (held !== null && (held.state === 'fencing' || held.state === 'fenced')) return
      const { client } = assertMayAct()
      try {
        await client.schedule.getHandle(keepFencedId(place)).delete()
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw unreached(target.instance, error)
      }
    },
  }
}

function unreached(instance: string, cause: unknown) {
  return failure('TEMPORAL_UNREACHABLE', `Temporal did not say whether ${instance} is kept fenced.`, { instance }, { cause })
}
