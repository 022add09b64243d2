/** Runs of schedules that find another operation at work on their instance: all databases of this fleet lie in one. */
import { runAct } from '../../activities/act'
import { createLockActivities } from '../../activities/lock/lock'
import { LOCK_UPDATES } from '../../contracts/lock'
import type { OperationDocument } from '../../contracts/operation'
import { recordHistory } from '../support/histories'
import { scheduling } from './scheduling'

const it = scheduling({ workflows: require.resolve('./workflows/locking.ts') })
jest.setTimeout(240_000)

const NEVER = { by: 'interval', everyMs: 366 * 86_400_000 } as const
const HOUR = { waitForLockMs: 3_600_000 }

async function operation(id: string): Promise<OperationDocument> {
  const found = await it.ledger.getOperation(id)
  if (found === null) throw new Error(`there is no ${id}`)
  return found
}

async function ended(id: string): Promise<OperationDocument> {
  await it.until(`the end of ${id}`, async () => (await operation(id)).finishedAt !== null)
  return operation(id)
}

const lockOf = async (id: string) => (await operation(id)).steps.find((step) => step.id === 'lock')

/** Somebody's operation that holds the lock. */
async function holder(id: string): Promise<string> {
  expect(await it.cli(['snapshot', 'waits', '--no-wait', '--operation', id])).toMatchObject({ exit: 0 })
  await it.until('the lock', async () => (await lockOf(id))?.state === 'done')
  return id
}

async function begun(database: string, terms: { waitForLockMs: number }): Promise<string> {
  await it.add(database, NEVER, terms)
  const before = (await it.runs(database)).length
  await it.temporal.client.schedule.getHandle(`schedule/snapshot/${database}`).trigger('SKIP')
  await it.until('the run', async () => (await it.runs(database)).length > before)
  return (await it.runs(database))[0]!.operation
}

async function waiting(database: string, held: string): Promise<string> {
  const id = await begun(database, HOUR)
  await it.until('that it waits', async () => (await lockOf(id))?.detail.waitsFor === held)
  return id
}

const abort = async (id: string) => expect(await it.cli(['ops', 'abort', id])).toMatchObject({ exit: 0 })

afterEach(async () => {
  for (const database of ['quick', 'fails', 'other']) await it.cli(['schedule', 'remove', 'snapshot', database])
})

test('a run waits for the lock, also while no worker runs, says for whom, and goes on under its own id once it is released', async () => {
  const [held, id] = await it.withWorker(async () => {
    const first = await holder('holds-first')
    return [first, await waiting('quick', first)] as const
  })
  await it.withWorker(async () => {
    const page = await it.cli(['ops', 'show', id])
    expect(page.out).toContain(`waits for ${held}, which holds the lock, until 20`)
    expect((await it.cli(['schedule', 'list', '--database', 'quick'])).out).toContain(`waits for ${held}`)
    expect(await it.cli(['schedule', 'run', 'snapshot', 'quick'])).toMatchObject({ exit: 3 })
    const person = await it.cli(['snapshot', 'other'])
    expect(person).toMatchObject({ exit: 3, out: expect.stringContaining(`locked by operation ${held}`) })
    await abort(held)
    expect(await ended(id)).toMatchObject({ status: 'succeeded', requestedBy: 'schedule:snapshot/quick' })
    expect((await it.runs('quick')).map((run) => run.operation)).toEqual([id])
  })
})

test('those that wait get the lock in the order in which they came', async () => {
  await it.withWorker(async () => {
    const held = await holder('holds-in-order')
    const first = await waiting('quick', held)
    // the later one polls more often at this moment
    const second = await waiting('other', held)
    await abort(held)
    for (const id of [first, second]) expect(await ended(id)).toMatchObject({ status: 'succeeded' })
    const [one, two] = await Promise.all([lockOf(first), lockOf(second)])
    expect(Number(two?.detail.epoch)).toBe(Number(one?.detail.epoch) + 1)
  })
})

test('who is aborted while it waits leaves the queue, and who died in it is passed over', async () => {
  await it.withWorker(async () => {
    const held = await holder('holds-on')
    const aborted = await waiting('quick', held)
    const dead = await waiting('fails', held)
    const last = await waiting('other', held)
    await abort(aborted)
    expect(await ended(aborted)).toMatchObject({ status: 'aborted' })
    await it.temporal.handle(dead).terminate('as its machine burnt')
    await abort(held)
    expect(await ended(last)).toMatchObject({ status: 'succeeded' })
    const free = await it.cli(['snapshot', 'other'])
    expect(free).toMatchObject({ exit: 0 })
  })
})

test.each([0, 1_000])(
  'a lock that is held for longer than the %d ms of its window is told, naming the holder',
  async (waitForLockMs) => {
    await it.withWorker(async () => {
      const held = await holder(`holds-over-${waitForLockMs}`)
      const id = await begun('quick', { waitForLockMs })
      const failure = { code: 'INSTANCE_LOCKED', message: expect.stringContaining(held) }
      expect(await ended(id)).toMatchObject({ status: 'failed', failure })
      await abort(held)
      await ended(held)
      expect(await it.cli(['snapshot', 'other'])).toMatchObject({ exit: 0 })
    })
  },
)

test('whoever takes the lock from a dead holder for one that waits is told that it is in no queue, and enters it', async () => {
  await it.withWorker(async () => {
    const first = await holder('waits-first')
    const scope = 'a-lock-of-its-own'
    const { client } = it.temporal
    const told = (update: string, input: object) => client.workflow.getHandle(scope).executeUpdate(update, { args: [input] })
    const act = {
      ...{ attempt: 1, scheduledAtMs: 1, signal: new AbortController().signal, stale: () => false },
      ...{ client, isCurrent: async () => true },
    }
    const { acquireLock, awaitLock } = createLockActivities({ ledger: it.ledger })
    const step = { step: 'lock', scope }
    // Nobody is at work on the one that holds it.
    await runAct(act, () => acquireLock({ ...step, operation: 'dead' }))
    await told(LOCK_UPDATES.queue, { operation: first })
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const rescued = runAct(act, () => awaitLock({ ...step, operation: 'rescuer', until }))
    await expect(rescued).rejects.toMatchObject({ code: 'NOT_READY_YET', message: expect.stringContaining(first) })
    await told(LOCK_UPDATES.release, { operation: first })
    expect(await told(LOCK_UPDATES.queue, { operation: 'later' })).toBe('rescuer')
    await told(LOCK_UPDATES.release, { operation: 'later' })
    await told(LOCK_UPDATES.release, { operation: 'rescuer' })
    await client.workflow.getHandle(scope).result()
    await recordHistory(client, scope, 'instance-lock')
    await abort(first)
    await ended(first)
  })
})
