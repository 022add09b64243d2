/** Rows that somebody changed on the standby once both were compared: found behind the fence, where the time for it was given, and nothing moves. */
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import { until } from '../support/eventually'
import { Switching } from '../support/switching'

let it: Switching
beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const first = 'WHERE id = (SELECT min(id) FROM public.transfers)'

test('a row that differs opens the source again, and is counted and not told', async () => {
  await it.writesGoOn()
  it.capstan.arm('prepareWayBack#1:after')
  const deaths = it.capstan.deaths()
  const running = it.ended('differs', 'switchover', 'stock', '--compare-within', '20s')
  await until('both to be compared', async () => it.capstan.deaths() > deaths)
  const [row] = await it.pair.onStandby<{ payer: number }>(`SELECT payer FROM public.transfers ${first}`)
  await it.pair.onStandby(`UPDATE public.transfers SET payer = 987654 ${first}`)
  const operation = await running
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'BARRIER_NOT_PASSED' } })
  expect(operation.failure?.message).toContain(
    'public.transfers: 0 rows are in the source alone, 0 in the standby alone, 1 differ',
  )
  expect(JSON.stringify(operation)).not.toContain('987654')
  await it.pair.onStandby(`UPDATE public.transfers SET payer = ${row?.payer} ${first}`)
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
})

test('equal rows are told in the evidence, and writing moves; what there was no time for is told as well', async () => {
  const hot = async (operation: string, source: string, within: string) => {
    const to = source === 'stock' ? it.pair.name : 'stock'
    await it.isFollowing(source, to)
    expect((await it.ended(operation, 'switchover', source, '--compare-within', within)).status).toBe('succeeded')
    const document = await it.capstan.ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.crossing })
    return (document as { hot: unknown }).hot
  }
  const both = ['public.accounts', 'public.transfers']
  expect(await hot('equal', 'stock', '20s')).toMatchObject({ equal: expect.arrayContaining(both), left: [] })
  expect(await hot('cut', it.pair.name, '1ms')).toMatchObject({
    equal: [],
    left: expect.arrayContaining([expect.objectContaining({ why: 'There was no time left.' })]),
  })
  await it.isWholeOnBothSides()
})
