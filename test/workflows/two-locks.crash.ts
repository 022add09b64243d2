/** Operations on two instances, with real locks, a real ledger and a real Temporal. */
import { parseFleet } from '../../client/fleet/parse-fleet'
import type { OperationDocument } from '../../contracts/operation'
import { smallest } from '../client/fleet-file'
import { scheduling } from '../client/scheduling'

const it = scheduling({ workflows: require.resolve('../client/workflows/both-locks.ts') })
jest.setTimeout(120_000)

interface Wanted {
  readonly own: string
  readonly other?: string
  readonly holds?: true
  readonly waits?: true
}

let count = 0

/** Resolves to its id. */
async function begin({ own, other, holds, waits }: Wanted): Promise<string> {
  count += 1
  const operation = `both-${count}`
  const entry = { kind: 'replicate', databases: ['shop'], cloud: 'aws', environment: 'test', mode: 'apply' } as const
  const startedAt = new Date().toISOString()
  await it.ledger.openOperation({ ...entry, id: operation, requestedBy: 'ada', startedAt, bundle: await bundle() })
  const input = {
    ...{ operation, requestedBy: 'ada', heartbeatTimeoutMs: 5_000, holds: holds === true },
    ...{ lockScope: own, otherLockScope: other ?? null, ...(waits && { waitForLockMs: 60_000 }) },
  }
  await it.temporal.client.workflow.start('holdsBoth', { workflowId: operation, taskQueue: 'control', args: [input] })
  return operation
}

const bundle = () => it.ledger.putBundle({ version: 1, database: parseFleet(smallest, 'f').databases[0]!, migrations: [] })

async function operation(id: string): Promise<OperationDocument> {
  const found = await it.ledger.getOperation(id)
  if (found === null) throw new Error(`there is no ${id}`)
  return found
}

async function ended(id: string): Promise<OperationDocument> {
  await it.until(`the end of ${id}`, async () => (await operation(id)).finishedAt !== null)
  return operation(id)
}

const stepsOf = async (id: string) => (await operation(id)).steps.map((step) => `${step.id} ${step.state}`)
const reached = (id: string, step: string) => it.until(step, async () => (await stepsOf(id)).includes(step))
const abort = async (id: string) => expect(await it.cli(['ops', 'abort', id])).toMatchObject({ exit: 0 })

/** The lock's workflow lives while it is held. One that was not given back would go to the next all the same, once its holder is found dead. */
const released = (scope: string) =>
  it.until(`the release of ${scope}`, async () => (await it.temporal.handle(scope).describe()).status.name === 'COMPLETED')

/** Both are free: who does not wait gets them. */
async function bothFree(own: string, other: string): Promise<void> {
  expect(await ended(await begin({ own, other }))).toMatchObject({ status: 'succeeded' })
}

test('operations that want the same two locks crosswise all come through, each with the epochs of both', async () => {
  await it.withWorker(async () => {
    const crosswise = [
      { own: 'lock/a', other: 'lock/b' },
      { own: 'lock/b', other: 'lock/a' },
      { own: 'lock/a', other: 'lock/b' },
      { own: 'lock/b', other: 'lock/a' },
    ]
    const ids = await Promise.all(crosswise.map((wanted) => begin({ ...wanted, waits: true })))
    const epochs = await Promise.all(
      ids.map(async (id, at) => {
        expect(await ended(id)).toMatchObject({ status: 'succeeded' })
        const { findings } = (await it.temporal.handle(id).result()) as { findings: { message: string }[] }
        const [own, other] = (findings[0]?.message ?? '').split(' ').map(Number)
        return crosswise[at]?.own === 'lock/a' ? { a: own, b: other } : { a: other, b: own }
      }),
    )
    for (const lock of ['a', 'b'] as const) expect(epochs.map((one) => one[lock]).sort()).toEqual([1, 2, 3, 4])
    for (const scope of ['lock/a', 'lock/b']) await released(scope)
    const [, second = ''] = ids
    expect(await stepsOf(second)).toEqual(['lock-other done', 'lock done', 'evidence done', 'unlock done'])
  })
})

test('one that is refused the second lock gives the first one back', async () => {
  await it.withWorker(async () => {
    const holder = await begin({ own: 'lock/d', holds: true })
    await reached(holder, 'lock done')
    const refused = await begin({ own: 'lock/c', other: 'lock/d' })
    const failure = { code: 'INSTANCE_LOCKED', message: expect.stringContaining(holder) }
    expect(await ended(refused)).toMatchObject({ status: 'failed', failure })
    expect(await stepsOf(refused)).toEqual(['lock done', 'lock-other failed', 'evidence done', 'unlock done'])
    await released('lock/c')
    await abort(holder)
    await ended(holder)
    await bothFree('lock/d', 'lock/c')
  })
})

test('one that is aborted between its locks gives the first back, and leaves the queue of the second', async () => {
  await it.withWorker(async () => {
    const holder = await begin({ own: 'lock/f', holds: true })
    await reached(holder, 'lock done')
    const waiting = await begin({ own: 'lock/f', other: 'lock/e', waits: true })
    await it.until('that it waits', async () => {
      const { steps } = await operation(waiting)
      return steps.some(({ id, detail }) => id === 'lock' && detail.waitsFor === holder)
    })
    expect(await stepsOf(waiting)).toEqual(['lock-other done', 'lock running'])
    await abort(waiting)
    expect(await ended(waiting)).toMatchObject({ status: 'aborted' })
    await released('lock/e')
    await abort(holder)
    await ended(holder)
    await released('lock/f')
    await bothFree('lock/e', 'lock/f')
  })
})
