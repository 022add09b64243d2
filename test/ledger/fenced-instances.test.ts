/** The ledger's row of a fenced instance, which operations, the watch and whoever lifts it write at the same time. */
import { type Ledger, openLedger } from '../../ledger/ledger'
import { startTestServer, type TestServer } from './postgres-server'

let server: TestServer
let ledger: Ledger
beforeAll(async () => {
  server = await startTestServer()
  ledger = openLedger({ url: await server.freshDatabase() })
  await ledger.migrate()
})
afterAll(async () => {
  await ledger?.close()
  await server?.stop()
})

let count = 0
async function fenced() {
  const place = { cloud: 'aws', account: '1', region: 'eu-central-1', instance: `Shop-${++count}` } as const
  const asked = {
    ...{ ...place, instanceId: 'db-1', database: 'shop', operation: 'failover-1', bundle: 'b'.repeat(64) },
    ...{ since: '2026-11-30T03:00:00.000Z', requestedBy: 'ada', reason: 'dead', leftIn: ['sg-us'] },
  }
  const opened = await ledger.openFence(asked)
  const change = { place, instanceId: 'db-1' } as const
  const before = { running: true, rules: ['sg-app'], ruleNames: {}, notGivenBack: [] }
  return { place, asked, opened, change, before }
}

test('a fence is begun once by an operation, and another one takes it over with how it was before', async () => {
  const { place, asked, opened, change, before } = await fenced()
  expect(opened).toMatchObject({ version: 1, state: 'fencing', keep: 'stopped', before: null, reasserted: 0 })
  await ledger.changeFence({ ...change, from: ['fencing'], before })
  expect(await ledger.openFence({ ...asked, since: '2027-01-01T00:00:00.000Z' })).toEqual({ ...opened, before })
  await ledger.changeFence({ ...change, from: ['fencing'], to: 'fenced', means: ['networks', 'stop'] })
  expect(await ledger.openFence({ ...asked, operation: 'failover-2' })).toMatchObject({ operation: 'failover-2', before })
  // how it was is written once: what it looks like behind the fence is not what has to be put back
  const closed = { ...before, running: false, rules: [] }
  expect(await ledger.changeFence({ ...change, from: ['fencing'], before: closed })).toMatchObject({ before })
  // of another instance of the name it knows nothing
  expect(await ledger.openFence({ ...asked, instanceId: 'db-2', operation: 'failover-3' })).toMatchObject({ before: null })
  expect(await ledger.getFence({ ...place, instance: place.instance.toLowerCase() })).toMatchObject({ instanceId: 'db-2' })
})

test('one that was lifted is closed by nobody who was at work before, and by a new operation anew', async () => {
  const { asked, change } = await fenced()
  const lifted = { by: 'ada', reason: 'taken back', at: '2026-11-30T04:00:00.000Z' }
  await ledger.changeFence({ ...change, from: ['fencing'], to: 'lifting', lifted })
  const late = [() => ledger.openFence(asked), () => ledger.changeFence({ ...change, from: ['fencing', 'fenced'] })]
  for (const act of late)
    await expect(act()).rejects.toMatchObject({ code: 'FENCE_LIFTED', message: expect.stringContaining('by ada: taken back') })
  await ledger.changeFence({ ...change, from: ['lifting'], to: 'lifted' })
  await expect(ledger.openFence(asked)).rejects.toMatchObject({ code: 'FENCE_LIFTED' })
  expect(await ledger.openFence({ ...asked, operation: 'failover-2' })).toMatchObject({ state: 'fencing', lifted: null })
})

test('one that two want stays while either does, under the name of that one', async () => {
  const { place, asked, change } = await fenced()
  const leave = (operation: string) => ledger.leaveFence({ ...change, operation })
  await ledger.openFence({ ...asked, operation: 'failover-2', bundle: 'c'.repeat(64) })
  expect(await ledger.openFence(asked)).toMatchObject({ operation: 'failover-2', heldFor: [{ operation: 'failover-1' }] })
  for (const _twice of [1, 2])
    expect(await leave('failover-2')).toEqual({ others: [{ operation: 'failover-1', bundle: asked.bundle }] })
  expect(await ledger.getFence(place)).toMatchObject({ ...asked, state: 'fencing' })
  expect(await ledger.getFence(place)).not.toHaveProperty('heldFor')
  // the last one lifts it
  expect(await leave('failover-1')).toEqual({ others: [] })
  expect(await ledger.getFence(place)).toMatchObject({ operation: 'failover-1', state: 'fencing' })
})

test('one whose lifting hangs is taken over, and whoever lifts it finds that out', async () => {
  const { asked, change, before } = await fenced()
  await ledger.changeFence({ ...change, from: ['fencing'], before })
  const lifting = { ...change, operation: asked.operation, from: ['fencing', 'lifting'] } as const
  await ledger.changeFence({ ...lifting, to: 'lifting' })
  const taken = await ledger.openFence({ ...asked, operation: 'failover-2' })
  expect(taken).toMatchObject({ operation: 'failover-2', state: 'fencing', before, lifted: null })
  expect(taken).not.toHaveProperty('heldFor')
  await expect(ledger.changeFence({ ...lifting, to: 'lifted' })).rejects.toMatchObject({ code: 'FENCE_LIFTED' })
})

test('what is counted together is counted whole', async () => {
  const { change, place } = await fenced()
  await Promise.all([1, 2, 3].map(() => ledger.changeFence({ ...change, from: ['fencing'], again: true })))
  expect(await ledger.getFence(place)).toMatchObject({ reasserted: 3 })
  expect((await ledger.listFences()).map(({ instance }) => instance)).toContain(place.instance)
  await expect(
    ledger.changeFence({ ...change, place: { ...place, instance: 'nobody' }, from: ['fencing'] }),
  ).rejects.toMatchObject({
    code: 'FENCE_LIFTED',
  })
})
