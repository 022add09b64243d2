import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OperationDocument } from '../../contracts/operation'
import { type ListedSchedule, SCHEDULED_START_WORKFLOW, type ScheduledStartInput } from '../../contracts/schedule'
import { fleetOf, scheduling } from './scheduling'

const it = scheduling()

const NEVER = { by: 'interval', everyMs: 366 * 86_400_000 } as const
const EACH_SECOND = { by: 'interval', everyMs: 1_000 } as const
const handleOf = (database: string) => it.temporal.client.schedule.getHandle(`schedule/snapshot/${database}`)

async function listed(database: string, ...args: string[]): Promise<ListedSchedule | undefined> {
  const { exit, json } = await it.cli(['schedule', 'list', '--database', database, '--json', ...args])
  expect(exit).toBe(0)
  return (json as { schedules: ListedSchedule[] }).schedules[0]
}

async function ended(id: string): Promise<OperationDocument> {
  await it.until(`the end of ${id}`, async () => ((await it.ledger.getOperation(id))?.finishedAt ?? null) !== null)
  return (await it.ledger.getOperation(id)) as OperationDocument
}

afterEach(async () => {
  for (const database of ['quick', 'fails', 'waits', 'other']) await it.cli(['schedule', 'remove', 'snapshot', database])
})

describe('adding', () => {
  test('a schedule shows its times, its jitter and its window, and the fleet entry that it works by', async () => {
    const added = await it.cli([
      'schedule',
      'add',
      'snapshot',
      'quick',
      '--at',
      '03:00',
      '--time-zone',
      'Europe/Berlin',
      '--json',
    ])
    expect(added).toMatchObject({ exit: 0, json: { schedule: 'schedule/snapshot/quick', added: true } })
    const schedule = await listed('quick')
    expect(schedule).toMatchObject({
      when: 'every day at 03:00 Europe/Berlin',
      jitterMs: 1_800_000,
      paused: false,
      runs: [],
      entry: 'same',
      details: { addedBy: 'ada', catchUpMs: 86_400_000, running: false, skipped: 0, missed: 0 },
    })
    for (const next of schedule?.next ?? []) {
      const clock = new Date(next).toLocaleTimeString('de', { timeZone: 'Europe/Berlin' })
      expect(clock).toMatch(/^(03:[0-2]\d|03:30:00)/)
    }
    expect(schedule?.next.length).toBeGreaterThan(1)
    const page = await it.cli(['schedule', 'list', '--database', 'quick'])
    expect(page.out).toMatch(/quick +snapshot +every day at 03:00 Europe\/Berlin +in \d+/)
  })

  test('added again it has the new times, and stays paused', async () => {
    await it.cli(['schedule', 'add', 'snapshot', 'quick', '--every', '6h'])
    await it.cli(['schedule', 'pause', 'snapshot', 'quick', '--note', 'the account moves', '--by', 'bob'])
    const again = await it.cli(['schedule', 'add', 'snapshot', 'quick', '--cron', '30 2 * * mon-fri', '--json'], { USER: 'eve' })
    expect(again).toMatchObject({ exit: 0, json: { added: false } })
    const schedule = await listed('quick')
    expect(schedule).toMatchObject({
      when: '30 2 * * 1-5 UTC',
      paused: true,
      note: 'bob: the account moves',
      details: { addedBy: 'eve' },
    })
    for (const next of schedule?.next ?? []) expect([1, 2, 3, 4, 5]).toContain(new Date(next).getUTCDay())
  })

  test('the list tells when the fleet file has changed since, or has the database no more', async () => {
    await it.add('quick', NEVER)
    const changed = join(it.fleetFile, '..', 'changed.yaml')
    writeFileSync(changed, fleetOf(['quick']).replace('instance: shop-db', 'instance: shop-db-2'))
    expect(await listed('quick', '--fleet', changed)).toMatchObject({ entry: 'changed' })
    const page = await it.cli(['schedule', 'list', '--database', 'quick', '--fleet', changed])
    expect(page.out).toContain('the fleet file has changed since: capstan schedule add snapshot quick')
    await it.cli(['schedule', 'add', 'snapshot', 'quick', '--every', '6h', '--fleet', changed])
    expect(await listed('quick', '--fleet', changed)).toMatchObject({ entry: 'same' })
    const without = join(it.fleetFile, '..', 'without.yaml')
    writeFileSync(without, fleetOf(['other']))
    expect(await listed('quick', '--fleet', without)).toMatchObject({ entry: 'gone' })
  })

  test('the list of all shows the same of each, in one answer, in the order of their names', async () => {
    await it.add('quick', NEVER)
    await it.cli(['schedule', 'add', 'snapshot', 'other', '--at', '04:30', '--every', '12h'])
    await it.cli(['schedule', 'pause', 'snapshot', 'other', '--note', 'until Friday'])
    const changed = join(it.fleetFile, '..', 'one-changed.yaml')
    writeFileSync(changed, fleetOf(['quick', 'other']).replace('instance: shop-db', 'instance: shop-db-2'))
    let schedules: ListedSchedule[] = []
    // Temporal lists what is new, and what has changed, only after a moment.
    await it.until('the list', async () => {
      const { json } = await it.cli(['schedule', 'list', '--json', '--fleet', changed])
      schedules = (json as { schedules: ListedSchedule[] }).schedules
      return schedules.length === 2 && schedules.some(({ paused }) => paused)
    })
    const next = expect.arrayContaining([expect.stringMatching(/^20/)])
    expect(schedules).toEqual([
      expect.objectContaining({
        id: 'schedule/snapshot/other',
        when: 'every 12 h from 04:30 UTC',
        note: 'ada: until Friday',
        next,
        entry: 'same',
      }),
      expect.objectContaining({ id: 'schedule/snapshot/quick', when: 'every 366 d', paused: false, next, entry: 'changed' }),
    ])
  })

  test.each([
    ['5/20 */6 1,15 jan-mar *', '5-59/20 */6 1,15 1-3 * UTC'],
    ['0 3 * * sun', '0 3 * * 0 UTC'],
    ['0 0,12 * * *', 'every 12 h from 00:00 UTC'],
    ['0 0,6 * * *', '0 0,6 * * * UTC'],
    ['* * * * *', '* * * * * UTC'],
  ])('Temporal reads the cron expression %s as it is meant', async (cron, when) => {
    expect(await it.cli(['schedule', 'add', 'snapshot', 'quick', '--cron', cron])).toMatchObject({ exit: 0 })
    expect(await listed('quick')).toMatchObject({ when, next: expect.arrayContaining([expect.stringMatching(/^20/)]) })
  })

  test('a time zone that only Temporal does not know is refused in its words', async () => {
    const timing = { by: 'clock', at: '03:00', everyMs: 86_400_000, timeZone: 'Middle/Earth' } as const
    const refused = { code: 'TEMPORAL_REFUSED', message: expect.stringContaining('Middle/Earth') }
    await expect(it.add('quick', timing)).rejects.toMatchObject(refused)
    await it.add('quick', NEVER)
    await expect(it.add('quick', timing)).rejects.toMatchObject(refused)
    expect(await listed('quick')).toMatchObject({ when: 'every 366 d' })
  })

  test('a schedule of somebody else under a name of ours is left alone', async () => {
    const theirs = { type: 'startWorkflow', workflowType: 'theirs', taskQueue: 'theirs' } as const
    await it.temporal.client.schedule.create({
      scheduleId: 'schedule/snapshot/other',
      spec: { intervals: [{ every: '24h' }] },
      action: theirs,
    })
    for (const args of [
      ['add', 'snapshot', 'other', '--every', '6h'],
      ['remove', 'snapshot', 'other'],
    ])
      expect(await it.cli(['schedule', ...args])).toMatchObject({ exit: 3, err: expect.stringContaining('[RESOURCE_NOT_OURS]') })
    expect(await listed('other')).toBeUndefined()
    expect((await handleOf('other').describe()).action.workflowType).toBe('theirs')
    await handleOf('other').delete()
  })
})

describe('running', () => {
  test('a run is an operation like one that a door opens, and the list shows what it came to', async () => {
    await it.withWorker(async () => {
      await it.add('quick', NEVER)
      const { exit, json } = await it.cli(['schedule', 'run', 'snapshot', 'quick', '--json'])
      expect(exit).toBe(0)
      const { operation } = json as { operation: string }
      expect(operation).toMatch(/^snapshot-quick-[a-z0-9]{10}$/)
      expect(await ended(operation)).toMatchObject({
        kind: 'snapshot',
        databases: ['quick'],
        requestedBy: 'schedule:snapshot/quick',
        status: 'succeeded',
        verdict: 'pass',
      })
      const description = await it.temporal.handle(operation).describe()
      const attributes = Object.fromEntries(description.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]))
      expect(attributes).toMatchObject({
        CapstanKind: 'snapshot',
        CapstanDatabase: 'quick',
        CapstanEnvironment: 'production',
        CapstanCloud: 'aws',
      })
      expect(await description.staticSummary()).toBe('apply quick (aws, production): kept 168 h')
      expect(await listed('quick')).toMatchObject({ runs: [{ operation, status: 'succeeded', verdict: 'pass' }] })
    })
  })

  test('a run that cannot open its operation leaves word of why', async () => {
    await it.withWorker(async () => {
      await it.add('quick', NEVER)
      await handleOf('quick').update((before) => {
        const [input] = before.action.args as [ScheduledStartInput]
        return { ...before, action: { ...before.action, args: [{ ...input, bundle: 'f'.repeat(64) }] } }
      })
      await handleOf('quick').trigger('SKIP')
      await it.until('the word', async () => (await listed('quick'))?.details?.trouble?.state === 'failed')
      expect(await listed('quick')).toMatchObject({ details: { running: false, trouble: { code: 'BUNDLE_MISSING' } } })
      const page = await it.cli(['schedule', 'list', '--database', 'quick'])
      expect(page.out).toMatch(/the run of 20.* ended failed: \[BUNDLE_MISSING\] /)
      await it.add('quick', NEVER)
      await handleOf('quick').trigger('SKIP')
      await it.until('a run that goes well', async () => (await listed('quick'))?.details?.trouble === null)
    })
  })

  test('an operation that fails does not end the schedule: it is on the record, and the next one runs', async () => {
    await it.withWorker(async () => {
      await it.add('fails', EACH_SECOND)
      await it.until('two runs', async () => (await it.runs('fails')).filter(({ finishedAt }) => finishedAt).length >= 2)
      for (const { status } of (await it.runs('fails')).slice(-2)) expect(status).toBe('failed')
    })
  })

  test('a run that is due while the one before goes on is left out; after its end the next one runs', async () => {
    await it.withWorker(async () => {
      await it.add('waits', EACH_SECOND)
      await it.until('runs that were left out', async () => ((await listed('waits'))?.details?.skipped ?? 0) >= 2)
      const [first, ...more] = await it.runs('waits')
      expect(more).toEqual([])
      expect(await listed('waits')).toMatchObject({ details: { running: true } })
      const busy = await it.cli(['schedule', 'run', 'snapshot', 'waits'])
      expect(busy).toMatchObject({ exit: 3, err: expect.stringContaining(`running already, as ${first?.operation}`) })
      expect(await it.cli(['ops', 'abort', first!.operation])).toMatchObject({ exit: 0 })
      await it.until('the next run', async () => (await it.runs('waits')).length === 2)
      await it.cli(['schedule', 'remove', 'snapshot', 'waits'])
      const [next] = await it.runs('waits')
      expect(await it.cli(['ops', 'abort', next!.operation])).toMatchObject({ exit: 0 })
      expect(await ended(next!.operation)).toMatchObject({ status: 'aborted' })
    })
  })

  test('a run that falls due while no worker runs is taken up by the next worker, once', async () => {
    await it.add('other', NEVER)
    await handleOf('other').trigger('SKIP')
    await it.until('the run', async () => (await handleOf('other').describe()).info.runningActions.length > 0)
    expect(await it.runs('other')).toEqual([])
    expect(await it.cli(['schedule', 'run', 'snapshot', 'other'])).toMatchObject({
      exit: 3,
      err: expect.stringContaining('running already, and waits for a worker'),
    })
    await it.withWorker(async () => {
      await it.until('its end', async () => (await handleOf('other').describe()).info.runningActions.length === 0)
    })
    expect(await it.runs('other')).toEqual([expect.objectContaining({ status: 'succeeded' })])
  })

  test('the same run asked for again is the same operation, whether it goes on or is over', async () => {
    await it.withWorker(async () => {
      const bundle = await bundleOf('waits')
      const input: ScheduledStartInput = {
        version: 1,
        kind: 'snapshot',
        database: 'waits',
        bundle,
        addedBy: 'ada',
        heartbeatTimeoutMs: 5_000,
        workflowTaskTimeoutMs: 10_000,
        waitForLockMs: 0,
      }
      const start = (more: Partial<ScheduledStartInput> = {}) =>
        it.temporal.client.workflow.start<(input: ScheduledStartInput) => Promise<{ operation: string; started: boolean }>>(
          SCHEDULED_START_WORKFLOW,
          { workflowId: 'schedule/snapshot/waits-2026-11-29T03:00:00Z', taskQueue: 'control', args: [{ ...input, ...more }] },
        )
      const before = (await it.runs('waits')).length
      const first = await start()
      await it.until('the operation', async () => (await it.runs('waits')).length === before + 1)
      const { operation } = (await it.runs('waits'))[0]!
      await it.until('its workflow', async () => (await it.ledger.getOperation(operation))?.status === 'running')
      await it.until('its start', async () => {
        const history = await first.fetchHistory()
        return history.events?.some(({ childWorkflowExecutionStartedEventAttributes: started }) => started) ?? false
      })
      await first.terminate()
      // with a fleet entry that has changed meanwhile
      const second = await start({ bundle: await bundleOf('quick') })
      await it.until('that it waits', async () => ((await second.describe()).raw.pendingActivities ?? []).length > 0)
      expect(await it.cli(['ops', 'abort', operation])).toMatchObject({ exit: 0 })
      expect(await second.result()).toEqual({ operation, started: false })
      expect(await (await start()).result()).toEqual({ operation, started: false })
      expect((await it.runs('waits')).length).toBe(before + 1)
    })
  })

  async function bundleOf(database: string): Promise<string> {
    await it.add(database, NEVER)
    const [input] = (await handleOf(database).describe()).action.args as [ScheduledStartInput]
    return input.bundle
  }
})

test('a paused schedule is silent, shows why and by whom, runs when asked to, and goes on when it is resumed', async () => {
  await it.withWorker(async () => {
    await it.add('quick', NEVER)
    const paused = await it.cli(['schedule', 'pause', 'snapshot', 'quick', '--note', 'moving\u001b[31m', '--by', 'bob', '--json'])
    expect(paused).toMatchObject({ exit: 0, json: { schedule: 'schedule/snapshot/quick', paused: true, by: 'bob' } })
    await it.add('quick', EACH_SECOND)
    const before = (await it.runs('quick')).length
    const { info } = await handleOf('quick').describe()
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await it.runs('quick')).toHaveLength(before)
    expect(info.numActionsTaken).toBe(0)
    const page = await it.cli(['schedule', 'list', '--database', 'quick'])
    expect(page.out).toContain('paused by bob: moving')
    expect(page.out).not.toContain('\u001b')
    expect(await it.cli(['schedule', 'run', 'snapshot', 'quick'])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('runs as'),
    })
    expect(await it.cli(['schedule', 'resume', 'snapshot', 'quick'])).toMatchObject({ exit: 0 })
    await it.until('runs by the clock', async () => (await it.runs('quick')).length >= before + 2)
    expect(await listed('quick')).toMatchObject({ paused: false, note: 'ada: resumed' })
  })
})

test.each([['pause', '--note', 'why'], ['resume'], ['run'], ['remove']])(
  'a schedule that there is not cannot be told to %s',
  async (verb, ...options) => {
    const { exit, json } = await it.cli(['schedule', verb, 'snapshot', 'nowhere', ...options, '--json'])
    expect({ exit, json }).toMatchObject({ exit: 2, json: { error: { code: 'SCHEDULE_UNKNOWN' } } })
  },
)
