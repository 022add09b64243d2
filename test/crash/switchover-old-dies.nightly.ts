/** The old writer dies right after writing has moved: applications are served all the same, a person hears of it, what the new writer's slot holds back for the dead
 *  one is bounded, and once that is back it is seeded anew. */
import type { OperationDocument } from '../../contracts/operation'
import { eventually, until } from '../support/eventually'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp', { maxRetained: '64MB' })
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const waits = (operation: string, step: string, said: string): Promise<OperationDocument> =>
  eventually(`${step} to wait for a person`, async () => {
    const { code, stdout } = await it.pair.cli('ops', 'show', operation, '--json')
    if (code !== 0) return undefined
    const record = JSON.parse(stdout) as OperationDocument
    const found = record.steps.find(({ id }) => id === step)
    const waiting = record.status === 'needs-operator' && JSON.stringify(found?.detail).includes(said)
    return waiting ? record : undefined
  })

test('the disk of the new writer does not fill up for it, and nobody waits for it', async () => {
  const { name } = it.pair
  it.capstan.arm('moveEndpoint#1:after')
  const deaths = it.capstan.deaths()
  const running = it.ended('moved', 'switchover', 'stock')
  await until('its worker to die', async () => it.capstan.deaths() > deaths)
  await it.pair.stopSource()
  await waits('moved', 'follow', 'holds log back for stock')
  await it.writesGoOn()
  const stateOf = async () => (await it.capstan.ledger.getStandby({ source: name, target: 'stock' }))?.state
  expect(await stateOf()).toBe('switching')

  await it.pair.onStandby(`SELECT pg_logical_emit_message(false, 'noise', repeat('x', 1000000)) FROM generate_series(1, 100)`)
  await it.pair.onStandby('SELECT pg_switch_wal()').catch(() => undefined)
  await until('its slot to be dropped', async () => {
    const slots = await it.pair.onStandby('SELECT FROM pg_replication_slots')
    return slots.length === 0 && (await stateOf()) === 'to-be-seeded'
  })
  await it.pair.startSource()
  await it.pair.cli('ops', 'resolve', 'moved', 'retry')
  await waits('moved', 'follow', 'was dropped')
  await it.pair.cli('ops', 'resolve', 'moved', 'skip')
  await running
  await until('its end', async () => (await it.capstan.ledger.getOperation('moved'))?.status === 'succeeded')
  expect(await it.capstan.ledger.getOperation('moved')).toMatchObject({ verdict: 'fail' })

  expect(await it.ended('anew', 'standby', 'reseed', name, '--to', 'stock')).toMatchObject({ status: 'succeeded' })
  await it.isFollowing(name, 'stock')
  await it.writesGoOn()
  await it.isWholeOnBothSides()
  expect(it.writers()).toEqual(['source', 'standby'])
})
