/** A switchover whose worker dies at each of its boundaries, and one that is aborted at each step before the point of no return: there is one writer at any time,
 *  nothing that was acknowledged is lost, and whoever was the writer before an abort still is. The boundaries are read from a run that nothing disturbs;
 *  CAPSTAN_SWITCHOVER_BOUNDARIES, a regular expression, leaves some of them out, and what it finds no boundary for is an error. */
import { SWITCHOVER_STEPS } from '../../../contracts/switchover'
import { until } from '../../support/eventually'
import { isAt } from '../../support/migrating'
import { type Front, Switching } from '../../support/switching'
import { activitiesOf } from './boundaries'

const WANTED = process.env.CAPSTAN_SWITCHOVER_BOUNDARIES
const ABORTED = ['compare', 'papers', 'wayBack', 'hold', 'cross', 'lookAgain'] as const

interface DisturbedFront {
  readonly front?: Front
  /** Whatever has to be so after each of them. */
  readonly isRight?: (it: Switching) => Promise<void>
}

export function disturbed({ front, isRight: andMore = async () => undefined }: DisturbedFront = {}): void {
  let it: Switching
  /** Who is the writer, and who follows. */
  let [writer, follower] = ['stock', '']
  const expected = ['source']

  beforeAll(async () => {
    it = await Switching.start('gcp', front === undefined ? {} : { front })
    follower = it.pair.name
  })
  afterAll(() => it?.close())

  const turned = () => {
    ;[writer, follower] = [follower, writer]
    expected.push(writer === 'stock' ? 'source' : 'standby')
  }

  async function isRight(): Promise<void> {
    await it.writesGoOn()
    await it.isWholeOnBothSides()
    expect(it.writers()).toEqual(expected)
    await andMore(it)
  }

  async function switched(operation: string): Promise<void> {
    await it.isFollowing(writer, follower)
    expect(await it.ended(operation, 'switchover', writer, '--to', follower)).toMatchObject({
      status: 'succeeded',
      failure: null,
    })
    turned()
    await isRight()
  }

  test.each(ABORTED)(
    'aborted at the step %s, the writer is who it was, and its standby follows',
    async (key) => {
      const step = SWITCHOVER_STEPS[key].id
      await it.isFollowing(writer, follower)
      const running = it.ended(`aborted-${step}`, 'switchover', writer, '--to', follower)
      await until(`the step ${step}`, async () => {
        const record = await it.capstan.ledger.getOperation(`aborted-${step}`)
        return isAt(record, step, 'running') || isAt(record, step, 'done')
      })
      await it.pair.cli('ops', 'abort', `aborted-${step}`, '--reason', 'not now')
      const { status } = await running
      // one that was through before the abort came has moved
      if (status === 'succeeded') turned()
      else expect(status).toBe('aborted')
      await isRight()
    },
    300_000,
  )

  test('comes through undisturbed, and then through a death at each of its boundaries', async () => {
    await switched('golden')
    const history = await it.capstan.temporal.workflow.getHandle('golden').fetchHistory()
    const calls = activitiesOf(history).filter(({ queue }) => queue !== null && queue !== 'control')
    const all = calls.flatMap(({ call }) => [`${call}:before`, `${call}:after`, `${call}:result`])
    expect(all.length).toBeGreaterThan(24)
    const wanted = all.filter((boundary) => WANTED === undefined || new RegExp(WANTED).test(boundary))
    if (wanted.length === 0) throw new Error(`no boundary is ${WANTED}: ${all.join(', ')}`)
    for (const boundary of wanted) {
      const deaths = it.capstan.deaths()
      it.capstan.arm(boundary)
      await switched(`killed-${all.indexOf(boundary)}`)
      expect([boundary, it.capstan.disarm(boundary), it.capstan.deaths() - deaths]).toEqual([boundary, false, 1])
    }
  }, 3_600_000)
}
