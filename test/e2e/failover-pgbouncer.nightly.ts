/** A source on RDS dies, and applications come by two PgBouncers: whoever was left waiting there goes on at the standby, and a pooler that died with the source is told. */
import { until } from '../support/eventually'
import { isAt } from '../support/migrating'
import { describeWithPgBouncer } from '../support/pgbouncer'
import { pooledFront } from '../support/pooled'
import { bankOn, Switching } from '../support/switching'

/** Each with a pair of its own, since a failover uses it up. */
function behindPoolers() {
  const front = pooledFront()
  const held: { it: Switching | undefined } = { it: undefined }
  beforeAll(async () => {
    held.it = await Switching.start('gcp', { front })
    await held.it.isFollowing('stock', held.it.pair.name)
  })
  afterAll(() => held.it?.close())
  const it = (): Switching => {
    if (held.it === undefined) throw new Error('it has not started')
    return held.it
  }
  return {
    ...{ front, it },
    failover: (operation: string) =>
      it().ended(operation, 'failover', 'stock', '--to', it().pair.name, '--patience', '3s', '--accept-loss', '1h'),
    /** Whatever was acknowledged is there before the source dies, so that none of it may be missing. */
    async hasAll(): Promise<void> {
      const all = [...it().bank.acknowledged.keys()]
      await until('the standby to have all', async () => {
        const there = new Set((await bankOn(it().pair.onStandby)).transfers.map(({ amount }) => amount))
        return all.every((number) => there.has(number))
      })
    },
    async eachOnce(): Promise<void> {
      const all = [...it().bank.acknowledged].map(([amount, id]) => `${id} ${amount}`)
      const { transfers } = await bankOn(it().pair.onStandby)
      const there = new Set(transfers.map(({ id, amount }) => `${id} ${amount}`))
      expect(all.filter((one) => !there.has(one))).toEqual([])
      expect(new Set(transfers.map(({ amount }) => amount)).size).toBe(transfers.length)
    },
  }
}

describeWithPgBouncer('clients whom a switchover left waiting', () => {
  const { front, it, failover, hasAll, eachOnce } = behindPoolers()

  test('it is ended by force behind its fence, and then the source dies: they go on at the standby, and see no error', async () => {
    const { capstan, pair, bank } = it()
    capstan.arm('fenceAndDrain#1:after')
    const deaths = capstan.deaths()
    const crossing = it()
      .ended('left', 'switchover', 'stock')
      .catch(() => undefined)
    await until('the death inside the fence', async () => capstan.deaths() > deaths)
    await capstan.temporal.workflow.getHandle('left').terminate('by a person')
    await crossing
    expect([await front.paused(), bank.errors]).toEqual([[true, true], []])
    await hasAll()
    await pair.stopSource()
    const operation = await failover('dead')
    expect(operation).toMatchObject({ status: 'succeeded', failure: null })
    expect(operation.steps.find(({ id }) => id === 'move')?.detail.summary).toContain('clients of the endpoint go on')
    await it().writesGoOn()
    await eachOnce()
    expect([await front.paused(), bank.errors]).toEqual([[false, false], []])
    expect(it().writers()).toEqual(['source', 'standby'])
  })
})

describeWithPgBouncer('a pooler that dies with the source', () => {
  const { front, it, failover, hasAll, eachOnce } = behindPoolers()
  const goesOn = async (by: 'one' | 'two') => {
    const client = await front.client(`by ${by}`, by)
    const { rowCount } = await client.query('UPDATE public.accounts SET holder = holder WHERE id = 1').finally(() => client.end())
    return rowCount
  }

  test('somebody has to approve it; whoever waits at the other goes on, and a person is asked for the one that is gone', async () => {
    const { capstan, pair, bank } = it()
    await front.pause()
    await hasAll()
    await front.kill('two')
    await pair.stopSource()
    const followed = failover('half')
    await until('the question', async () => isAt(await capstan.ledger.getOperation('half'), 'approve', 'running'))
    const shown = await pair.cli('ops', 'show', 'half', '--plan')
    expect(shown.stdout).toContain('somebody else has to approve it: the endpoint does not say')
    expect(shown.stdout).toContain('a person is asked for the rest')
    await until('an approval', async () => (await pair.cli('ops', 'approve', 'half', '--by', 'bob')).code === 0)
    expect(await followed).toMatchObject({ status: 'needs-operator' })
    const asked = await pair.cli('ops', 'show', 'half')
    expect(asked.stdout).toContain(front.addressOf('two'))
    // of the other pooler nobody waits any more, and no client of it has seen an error
    await it().writesGoOn()
    expect([await goesOn('one'), bank.errors.length]).toEqual([1, 2])
    expect(it().writers()).toEqual(['source', 'standby'])
    // one that starts again reads the file as it is
    await front.start('two')
    expect(await goesOn('two')).toBe(1)
    expect((await pair.cli('ops', 'resolve', 'half', 'retry')).code).toBe(0)
    await until('its end', async () => (await capstan.ledger.getOperation('half'))?.status === 'succeeded')
    await eachOnce()
    expect(await front.paused()).toEqual([false, false])
  })
})
