/** What is asked for in the instant between the request of a child and its start. A server that is in no hurry starts it later than that, which a test
 *  cannot bring about: so the instant is put into histories that were recorded, and replayed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import { readHistory } from '../support/histories'

const code = readFileSync(join(__dirname, '../../dist/workflow-bundle.js'), 'utf8')
/** As it was written first: a cancellation reaches the start. */
const HEARS = 'workflow_1.CancellationScope.nonCancellable(() => (0, workflow_1.startChild)('

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
  })
})

interface Event {
  readonly eventId: string
  readonly eventType: string
  readonly [attributes: string]: unknown
}

const eventsOf = (name: string) => (readHistory(name) as { readonly events: readonly Event[] }).events

class Told {
  readonly events: Event[]
  constructor(name: string, upTo: string) {
    const recorded = eventsOf(name)
    this.events = recorded.slice(0, recorded.findIndex(({ eventType }) => eventType === `EVENT_TYPE_${upTo}`) + 1)
  }

  /** Resolves to its number. */
  add(eventType: string, name: string, attributes: object): string {
    const eventId = String(this.events.length + 1)
    const eventTime = this.events[0]?.eventTime
    this.events.push({ eventId, eventTime, eventType: `EVENT_TYPE_${eventType}`, [`${name}EventAttributes`]: attributes })
    return eventId
  }

  /** A workflow task that was carried out. Resolves to the numbers of its first event and its last. */
  task(): { readonly began: string; readonly workflowTaskCompletedEventId: string } {
    const scheduledEventId = this.add('WORKFLOW_TASK_SCHEDULED', 'workflowTaskScheduled', { taskQueue: { name: 'control' } })
    const startedEventId = this.add('WORKFLOW_TASK_STARTED', 'workflowTaskStarted', { scheduledEventId })
    const done = { scheduledEventId, startedEventId, sdkMetadata: {} }
    return {
      began: scheduledEventId,
      workflowTaskCompletedEventId: this.add('WORKFLOW_TASK_COMPLETED', 'workflowTaskCompleted', done),
    }
  }

  /** As the recorded one, with the child's own number. */
  childStarted(name: string): void {
    const recorded = eventsOf(name).find(({ eventType }) => eventType === 'EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED')
    this.add('CHILD_WORKFLOW_EXECUTION_STARTED', 'childWorkflowExecutionStarted', {
      ...(recorded?.childWorkflowExecutionStartedEventAttributes as object),
    })
  }

  replay(bundle: string): Promise<void> {
    const workflowBundle = { code: bundle }
    return Worker.runReplayHistory({ workflowBundle }, { events: this.events }, 'in-that-instant')
  }
}

const payload = (value: object) => ({
  metadata: { encoding: Buffer.from('json/plain').toString('base64') },
  data: Buffer.from(JSON.stringify(value)).toString('base64'),
})
const NOTHING = { payloads: [{ metadata: { encoding: Buffer.from('binary/null').toString('base64') } }] }

/** An operation that is aborted while the removal of its copy is being arranged: as it goes on once the removal is arranged. */
function abortedOperation(): Told {
  const told = new Told('recover-rows-aborted', 'START_CHILD_WORKFLOW_EXECUTION_INITIATED')
  const { began } = told.task()
  const meta = { updateId: 'abort', identity: 'bob' }
  const acceptedEventId = told.add('WORKFLOW_EXECUTION_UPDATE_ACCEPTED', 'workflowExecutionUpdateAccepted', {
    protocolInstanceId: 'abort',
    acceptedRequestMessageId: 'abort/request',
    acceptedRequestSequencingEventId: began,
    acceptedRequest: { meta, input: { name: 'abort', args: { payloads: [payload({ by: 'bob', reason: '' })] } } },
  })
  told.add('WORKFLOW_EXECUTION_UPDATE_COMPLETED', 'workflowExecutionUpdateCompleted', {
    ...{ meta, acceptedEventId, outcome: { success: NOTHING } },
  })
  told.childStarted('recover-rows-aborted')
  const { workflowTaskCompletedEventId } = told.task()
  // 9 would have been the copy; the step's record: stopped by the abort, then its undo
  for (const seq of [10, 11]) {
    const activity = { seq, attempt: 1, activity_id: String(seq), activity_type: 'recordStep', backoff: null }
    const at = { seconds: 1_795_931_879, nanos: 0 }
    const data = payload({ ...activity, complete_time: at, original_schedule_time: at })
    told.add('MARKER_RECORDED', 'markerRecorded', {
      ...{ markerName: 'core_local_activity', workflowTaskCompletedEventId },
      details: { data: { payloads: [data] }, result: NOTHING },
    })
  }
  const scheduledEventId = told.add('ACTIVITY_TASK_SCHEDULED', 'activityTaskScheduled', {
    ...{ activityId: '12', activityType: { name: 'startCanaryRemoval' }, workflowTaskCompletedEventId },
  })
  const startedEventId = told.add('ACTIVITY_TASK_STARTED', 'activityTaskStarted', { scheduledEventId, attempt: 1 })
  told.add('ACTIVITY_TASK_COMPLETED', 'activityTaskCompleted', { scheduledEventId, startedEventId, result: NOTHING })
  const next = told.add('WORKFLOW_TASK_SCHEDULED', 'workflowTaskScheduled', { taskQueue: { name: 'control' } })
  told.add('WORKFLOW_TASK_STARTED', 'workflowTaskStarted', { scheduledEventId: next })
  return told
}

/** A schedule's run that is cancelled by hand while its operation is being started. */
function cancelledRun(): Told {
  const told = new Told('scheduled-start', 'START_CHILD_WORKFLOW_EXECUTION_INITIATED')
  told.add('WORKFLOW_EXECUTION_CANCEL_REQUESTED', 'workflowExecutionCancelRequested', { identity: 'bob' })
  told.task()
  told.childStarted('scheduled-start')
  const { workflowTaskCompletedEventId } = told.task()
  told.add('WORKFLOW_EXECUTION_CANCELED', 'workflowExecutionCanceled', { workflowTaskCompletedEventId })
  return told
}

describe.each([
  ['an operation that is aborted', abortedOperation],
  ["a schedule's run that is cancelled", cancelledRun],
])('%s between the request of a child and its start', (_what, told) => {
  test('goes on once the child has started', async () => {
    await told().replay(code)
  })

  test('would not, if the start heard of it', async () => {
    expect(code.split(HEARS)).toHaveLength(2)
    const hearing = code.replace(HEARS, 'workflow_1.CancellationScope.cancellable(() => (0, workflow_1.startChild)(')
    await expect(told().replay(hearing)).rejects.toThrow(expect.objectContaining({ name: 'DeterminismViolationError' }))
  })
})
