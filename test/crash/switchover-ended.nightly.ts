/** A switchover whose workflow is ended by force at each boundary past the point of no return, and one that is set back after it was through or taken back:
 *  nothing that is done with standbys takes the writer for one, one side is written to at any time, and "standby resume", the other way round, does the rest. */
import { until } from '../support/eventually'
import { Switching } from '../support/switching'

let it: Switching
/** Who is the writer, and who follows. */
let [writer, follower] = ['stock', '']
const expected = ['source']
let rounds = 0

beforeAll(async () => {
  it = await Switching.start('gcp')
  follower = it.pair.name
})
afterAll(() => it?.close())

const sideOf = (name: string): 'source' | 'standby' => (name === 'stock' ? 'source' : 'standby')

function moved(): void {
  ;[writer, follower] = [follower, writer]
  expected.push(sideOf(writer))
}

async function isRight(): Promise<void> {
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(expected)
}

const MOVED = ['moveEndpoint#1:before', 'moveEndpoint#1:after', 'openToApplications#1:after', 'letOldFollow#1:after'] as const

test.each([...MOVED, 'turnStandby#1:before', 'turnStandby#1:after'])('ended at %s', async (boundary) => {
  await it.isFollowing(writer, follower)
  rounds += 1
  const operation = `ended-${rounds}`
  it.capstan.arm(boundary)
  const deaths = it.capstan.deaths()
  const over = it.ended(operation, 'switchover', writer, '--to', follower).catch(() => undefined)
  await until('its worker to die', async () => it.capstan.deaths() > deaths)
  await it.capstan.temporal.workflow.getHandle(operation).terminate('by a person')
  await over
  for (const deed of ['reseed', 'remove', 'pause']) {
    const words = ['standby', deed, writer, '--to', follower, '--operation', `${operation}-${deed}`]
    const { code, stdout, stderr } = await it.pair.run(...words)
    expect([deed, code, `${stdout}${stderr}`]).toEqual([deed, 2, expect.stringContaining(`${writer} follows ${follower}`)])
  }
  const anew = writer === 'stock' ? await it.ended(`${operation}-anew`, 'replicate', writer, '--to', follower) : null
  if (anew !== null) expect(anew.status).toBe('failed')
  moved()
  expect(await it.ended(`${operation}-resumed`, 'standby', 'resume', writer, '--to', follower)).toMatchObject({
    status: 'succeeded',
  })
  // where it was ended before, a person moves it
  await it.leadTo(sideOf(writer))
  await it.isFollowing(writer, follower)
  await isRight()
})

test('a move that fails cannot be left out: whoever says so is asked again, and the standby stays shut until it is done', async () => {
  await it.isFollowing(writer, follower)
  it.capstan.arm('recordMoved#1:after')
  const deaths = it.capstan.deaths()
  const running = it.ended('astray', 'switchover', writer, '--to', follower)
  await until('its worker to die', async () => it.capstan.deaths() > deaths)
  await it.leadTo({ host: it.pair.source.host, port: 9 })
  const says = (said: string) =>
    until(`the move to wait, since ${said}`, async () => {
      const { code, stdout } = await it.pair.cli('ops', 'show', 'astray', '--json')
      return code === 0 && stdout.includes('"needs-operator"') && stdout.includes(said)
    })
  await says(`${it.pair.source.host}:9`)
  await it.pair.cli('ops', 'resolve', 'astray', 'skip')
  await says('cannot be left out')
  expect(it.writers()).toEqual(expected)
  moved()
  await it.leadTo(sideOf(writer))
  await it.pair.cli('ops', 'resolve', 'astray', 'done')
  await running
  await until('its end', async () => (await it.capstan.ledger.getOperation('astray'))?.status === 'succeeded')
  expect(await it.capstan.ledger.getOperation('astray')).toMatchObject({ verdict: 'fail' })
  await isRight()
})

/** To before the first call of the activity; it is ended once it was refused, since it would wait for a person. */
async function setBack(operation: string, activities: readonly string[]): Promise<void> {
  const { workflow, workflowService, options } = it.capstan.temporal
  const { runId } = await workflow.getHandle(operation).describe()
  const { events } = await workflow.getHandle(operation, runId).fetchHistory()
  for (const activity of activities) {
    const at = events?.findIndex((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity) ?? -1
    const before = events?.slice(0, at).findLast((event) => event.workflowTaskCompletedEventAttributes != null)
    if (before?.eventId == null) throw new Error(`${operation} never called ${activity}`)
    const reset = await workflowService.resetWorkflowExecution({
      ...{ namespace: options.namespace, workflowExecution: { workflowId: operation, runId } },
      ...{ reason: 'a test', requestId: `${operation}-${activity}`, workflowTaskFinishEventId: before.eventId },
    })
    const run = workflow.getHandle(operation, reset.runId)
    await until(`${activity} to be refused`, async () => {
      // an abort that was accepted before is heard again, and ends it
      if ((await run.describe()).status.name !== 'RUNNING') return true
      const since = (await run.fetchHistory()).events?.slice(at) ?? []
      return since.some((event) => event.activityTaskFailedEventAttributes != null)
    })
    await run.terminate('refused').catch(() => undefined)
  }
}

test('set back after it was through, it shuts nobody out of the writer', async () => {
  await it.isFollowing(writer, follower)
  expect(await it.ended('through', 'switchover', writer, '--to', follower)).toMatchObject({ status: 'succeeded' })
  moved()
  await isRight()
  await setBack('through', ['prepareWayBack', 'fenceAndDrain'])
  await it.isFollowing(writer, follower)
  await isRight()
})

test('set back after it was taken back, it moves nothing', async () => {
  await it.isFollowing(writer, follower)
  const running = it.ended('aborted', 'switchover', writer, '--to', follower)
  it.capstan.arm('fenceAndDrain#1:before')
  const deaths = it.capstan.deaths()
  await until('its worker to die', async () => it.capstan.deaths() > deaths)
  await it.pair.cli('ops', 'abort', 'aborted', '--reason', 'not now')
  expect((await running).status).toBe('aborted')
  await isRight()
  await setBack('aborted', ['prepareWayBack', 'fenceAndDrain'])
  await isRight()
  await it.isFollowing(writer, follower)
})
