/** A switchover whose worker dies at each of its boundaries, and one that is aborted at each step before the point of no return: there is one writer at any time,
 *  nothing that was acknowledged is lost, and whoever was the writer before an abort still is. The boundaries are read from a run that nothing disturbs. */
import { SWITCHOVER_STEPS } from '../../contracts/switchover'
import { until } from '../support/eventually'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'
import { activitiesOf } from './support/boundaries'

let it: Switching
/** Who is the writer, and who follows. */
let [writer, follower] = ['stock', '']
const expected = ['source']

beforeAll(async () => {
  it = await Switching.start('gcp')
  follower = it.pair.name
})
afterAll(() => it?.close())

async function isRight(): Promise<void> {
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(expected)
}

async function switched(operation: string): Promise<void> {
  await it.isFollowing(writer, follower)
  expect(await it.ended(operation, 'switchover', writer, '--to', follower, '--unproven')).toMatchObject({
    status: 'succeeded',
    failure: null,
  })
  ;[writer, follower] = [follower, writer]
  expected.push(writer === 'stock' ? 'source' : 'standby')
  await isRight()
}

const ABORTED = ['compare', 'papers', 'wayBack', 'cross', 'lookAgain'] as const

test.each(ABORTED)(
  'aborted at the step %s, the writer is who it was, and its standby follows',
  async (key) => {
    const step = SWITCHOVER_STEPS[key].id
    await it.isFollowing(writer, follower)
    const running = it.ended(`aborted-${step}`, 'switchover', writer, '--to', follower, '--unproven')
    await until(`the step ${step}`, async () => {
      const record = await it.capstan.ledger.getOperation(`aborted-${step}`)
      return isAt(record, step, 'running') || isAt(record, step, 'done')
    })
    await it.pair.cli('ops', 'abort', `aborted-${step}`, '--reason', 'not now')
    const { status } = await running
    // one that was through before the abort came has moved
    if (status === 'succeeded') {
      ;[writer, follower] = [follower, writer]
      expected.push(writer === 'stock' ? 'source' : 'standby')
    } else expect(status).toBe('aborted')
    await isRight()
  },
  300_000,
)

test('comes through undisturbed, and then through a death at each of its boundaries', async () => {
  await switched('golden')
  const history = await it.capstan.temporal.workflow.getHandle('golden').fetchHistory()
  const calls = activitiesOf(history).filter(({ queue }) => queue !== null && queue !== 'control')
  const boundaries = calls.flatMap(({ call }) => [`${call}:before`, `${call}:after`])
  expect(boundaries.length).toBeGreaterThan(16)
  for (const [at, boundary] of boundaries.entries()) {
    it.capstan.arm(boundary)
    await switched(`killed-${at}`)
    expect([boundary, it.capstan.disarm(boundary)]).toEqual([boundary, false])
  }
}, 1_800_000)
