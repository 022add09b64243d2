/** Writing moves to Cloud SQL and back behind two PgBouncers, while a bank goes on whose clients never connect anew: what they see is a wait. */
import { until } from '../support/eventually'
import { describeWithPgBouncer } from '../support/pgbouncer'
import { pooledFront } from '../support/pooled'
import { Switching } from '../support/switching'

describeWithPgBouncer('a switchover behind poolers', () => {
  let it: Switching
  const front = pooledFront()
  beforeAll(async () => {
    it = await Switching.start('gcp', { front })
    await it.isFollowing('stock', it.pair.name)
  })
  afterAll(() => it?.close())

  const isWhole = async () => {
    await it.writesGoOn()
    await it.isWholeOnBothSides()
    expect([it.bank.errors, await front.paused()]).toEqual([[], [false, false]])
  }

  test('a transaction that does not end in time: nobody is held, its client is named, and nothing moves', async () => {
    const stuck = await front.client('nightly report')
    await stuck.query('BEGIN')
    await stuck.query('SELECT balance FROM public.accounts WHERE id = 1')
    const operation = await it.ended('stuck', 'switchover', 'stock')
    await stuck.query('COMMIT')
    await stuck.end()
    expect(operation).toMatchObject({ status: 'failed', failure: { code: 'ENDPOINT_REFUSED' } })
    expect(operation.failure?.message).toContain('nightly report')
    const undone = operation.steps.filter(({ state }) => state === 'undone').map(({ id }) => id)
    expect(undone.sort()).toEqual(['cross', 'hold', 'way-back'])
    await isWhole()
  })

  test('a worker that dies while clients are held: its successor lets them go on and begins anew, and they see no error', async () => {
    it.capstan.arm('fenceAndDrain#1:after')
    const deaths = it.capstan.deaths()
    const running = it.ended('there', 'switchover', 'stock')
    await until('the death inside the fence', async () => it.capstan.deaths() > deaths)
    expect(await front.paused()).toEqual([true, true])
    expect(await running).toMatchObject({ status: 'succeeded', failure: null })
    await isWhole()
  })

  test('and back: one that dies before it lets them go on has a successor that does', async () => {
    await it.isFollowing(it.pair.name, 'stock')
    it.capstan.arm('resumeEndpoint#1:before')
    const operation = await it.ended('back', 'switchover', it.pair.name)
    expect([operation.status, it.capstan.disarm('resumeEndpoint#1:before')]).toEqual(['succeeded', false])
    expect(operation.steps.find(({ id }) => id === 'resume')?.detail.summary).toBe('clients of the endpoint go on')
    await isWhole()
  })
})
