/** Worker, Temporal and ledger are killed while clients wait at two PgBouncers: once behind the fence, and once where the endpoint has moved and nobody has heard of it. A
 *  person goes on by the papers that an instance holds, lets the clients go on, who see no error, and tells the ledger once it is there again. */
import type { Session } from '../../postgres/connect/session'
import { ByHand } from '../support/by-hand'
import { type MortalControlPlane, mortalControlPlane } from '../support/control-plane'
import { until } from '../support/eventually'
import { describeWithPgBouncer } from '../support/pgbouncer'
import { pooledFront } from '../support/pooled'
import { Switching } from '../support/switching'

describeWithPgBouncer('going on by hand behind poolers', () => {
  let it: Switching
  let hand: ByHand
  let mortal: MortalControlPlane
  const front = pooledFront()
  beforeAll(async () => {
    it = await Switching.start('gcp', { front })
    await it.isFollowing('stock', it.pair.name)
    mortal = mortalControlPlane(it.capstan)
    hand = new ByHand(it, front.env)
  })
  afterAll(() => it?.close())

  const from = (side: 'source' | 'standby') => {
    const { host, port } = it.pair[side]
    return ['--from', `${side === 'source' ? 'stock' : it.pair.name}@${host}:${port}`]
  }
  const isWhole = async () => {
    await it.writesGoOn()
    await it.isWholeOnBothSides()
    expect([it.bank.errors, await front.paused()]).toEqual([[], [false, false]])
  }

  test('killed behind the fence: taken back by what the source holds, whoever waited goes on there', async () => {
    await hand.behindTheFence('back', mortal.kill)
    expect(await front.paused()).toEqual([true, true])
    const { standing, papers } = await hand.standing('back', ...from('source'))
    expect([standing.stage, papers.operation]).toEqual(['closed', 'back'])
    const { exit, json, err } = await hand.run('revert', 'back', ...from('source'))
    expect({ exit, json, err }).toMatchObject({ exit: 0, json: { left: [], deed: 'revert', endpoint: { moved: true } } })
    await it.writesGoOn()
    expect([it.bank.errors, await front.paused()]).toEqual([[], [false, false]])
    await mortal.comeBack()
    await hand.reconciled('back', 'reverted-by-hand', 'was overtaken by')
    await it.isFollowing('stock', it.pair.name)
    await isWhole()
    expect(it.writers()).toEqual(['source'])
  })

  test('killed where the poolers lead to the standby already: finished by what the standby holds, whoever waited goes on there, and nobody writes in two places', async () => {
    it.capstan.arm('moveEndpoint#1:after')
    expect(await it.pair.run('switchover', 'stock', '--operation', 'onward', '--no-wait')).toMatchObject({
      code: 0,
    })
    await until('the worker to die', async () => mortal.worker() === null)
    await mortal.kill()
    expect([it.capstan.disarm('moveEndpoint#1:after'), await front.paused()]).toEqual([false, [true, true]])
    expect(await lets(it.pair.source.app)).toBe(false)
    const { exit, json, err } = await hand.run('finish', 'onward', ...from('standby'))
    expect({ exit, json, err }).toMatchObject({ exit: 0, json: { left: [], deed: 'finish', endpoint: { moved: true } } })
    await it.writesGoOn()
    expect([it.bank.errors, await front.paused()]).toEqual([[], [false, false]])
    expect((await hand.standing('onward', ...from('source'))).standing.stage).toBe('turned')
    await mortal.comeBack()
    await hand.reconciled('onward', 'succeeded-by-hand', 'was overtaken by')
    await it.isFollowing(it.pair.name, 'stock')
    await isWhole()
    expect(it.writers()).toEqual(['source', 'standby'])
  })

  test('afterwards the same command moves writing back', async () => {
    expect(await it.ended('again', 'switchover', it.pair.name, '--to', 'stock')).toMatchObject({
      status: 'succeeded',
      failure: null,
    })
    await isWhole()
    expect(it.writers()).toEqual(['source', 'standby', 'source'])
  })
})

const lets = async (open: () => Promise<Session>): Promise<boolean> => {
  const session = await open().catch(() => null)
  await session?.close()
  return session !== null
}
