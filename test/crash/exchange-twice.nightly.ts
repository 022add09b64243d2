/** Exchanges of which every call to the cloud arrives twice, at once or a moment later, whichever of both answers is heard: both roles are exchanged once, each way. */
import { type Exchanging, PRIMARY, REPLICA, startExchanging } from '../support/exchanging'
import { labDoor } from '../support/lab'
import { writersOf } from '../support/switching'

const CALLS = { gcp: 'instances.switchover', azure: 'Servers_Update', aws: 'SwitchoverGlobalCluster' } as const

describe.each(['gcp', 'azure', 'aws'] as const)('on %s', (cloud) => {
  let it: Exchanging
  const expected = ['source']
  beforeAll(async () => {
    it = await startExchanging(cloud)
    await it.allow(PRIMARY, REPLICA)
  })
  afterAll(() => it?.close())

  test.each([
    { operation: 'heard-second', from: PRIMARY, to: REPLICA, order: { heard: 'second' } },
    { operation: 'heard-first', from: REPLICA, to: PRIMARY, order: { heard: 'first' } },
    { operation: 'late', from: PRIMARY, to: REPLICA, order: { heard: 'first', delay: '300ms' } },
  ])('$operation: writing moves from $from to $to', async ({ operation, from, to, order }) => {
    if (from === REPLICA && cloud === 'gcp') await it.allow(REPLICA, PRIMARY)
    const lab = labDoor(it.capstan)
    const since = await lab.mark()
    await lab.order({ kind: 'deliver-twice', cloud, times: 100_000, ...order })
    const ended = await it.ended(operation, 'switchover', from, '--to', to)
    await lab.withdrawAll()
    expect(ended).toMatchObject({ kind: 'exchange', status: 'succeeded', verdict: 'pass', failure: null })
    const told = (await lab.calls(since)).filter((call) => call.operation === CALLS[cloud])
    expect([told.length > 1, told.filter(({ effect }) => effect)]).toMatchObject([
      true,
      [{ faults: [{ kind: 'deliver-twice' }] }],
    ])
    expected.push(to === REPLICA ? 'standby' : 'source')
    await it.writesGoOn()
    await it.isWhole(to === REPLICA ? 'standby' : 'source')
    expect(writersOf(it.probes)).toEqual(expected)
  })
})
