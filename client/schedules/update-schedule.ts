/** Changes a schedule on condition that nobody else has changed it meanwhile: a pause that comes at the same moment is not undone. The client's own
 *  update reads and writes without that condition. */
import type { ScheduleClient, ScheduleDescription, ScheduleUpdateOptions, WorkflowService } from '@temporalio/client'
import { failure } from '../../contracts/failures'
import { ANSWER_TIMEOUT_MS } from '../decide'
import type { TemporalDoor } from '../temporal'

type UpdateRequest = Parameters<WorkflowService['updateSchedule']>[0]

/** Somebody would have to change it each time in the milliseconds in between. */
const ATTEMPTS_MAX = 20

/** Null: it is as it should be. */
export type Change = (before: ScheduleDescription) => ScheduleUpdateOptions | null

/** Resolves to whether anything had to be changed. Looks again afterwards: some of Temporal's servers drop a change that came too late without
 *  a word. Fails with NOT_READY_YET, and as the client does. */
export async function updateSchedule(temporal: TemporalDoor, id: string, change: Change): Promise<boolean> {
  const handle = temporal.client.schedule.getHandle(id)
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const before = await temporal.within(ANSWER_TIMEOUT_MS, () => handle.describe())
    const wanted = change(before)
    if (wanted === null) return attempt > 0
    const { conflictToken } = before.raw
    try {
      const conditional = withToken(temporal.client.schedule, conflictToken).getHandle(id)
      await temporal.within(ANSWER_TIMEOUT_MS, () => conditional.update(() => wanted))
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }
  const message = `The schedule ${id} is being changed by somebody else all the time; try again.`
  throw failure('NOT_READY_YET', message, { schedule: id })
}

/** The client as it is, but that its updates name the state that they start from. */
function withToken(client: ScheduleClient, conflictToken: Uint8Array | null | undefined): ScheduleClient {
  const { workflowService } = client
  const updateSchedule = (request: UpdateRequest) =>
    workflowService.updateSchedule({ ...request, conflictToken: conflictToken ?? null })
  const conditional: WorkflowService = Object.create(workflowService, { updateSchedule: { value: updateSchedule } })
  return Object.create(client, { workflowService: { value: conditional } })
}

function isConflict(error: unknown): boolean {
  for (let link = error; link instanceof Error; link = link.cause) if (/conflict token/i.test(link.message)) return true
  return false
}
