/** An old writer that its own PostgreSQL has closed, and that lost nothing, is rebuilt as a standby of the new one, after an abort. A bank goes on through the router
 *  all the while, and the application knocks at both sides. */
import { REBUILD_STEPS } from '../../contracts/rebuild'
import { until } from '../support/eventually'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const isAsked = (operation: string) =>
  until('the question', async () => isAt(await it.capstan.ledger.getOperation(operation), 'approve', 'running'))
const approve = (operation: string) =>
  until('an approval', async () => (await it.pair.cli('ops', 'approve', operation, '--by', 'bob')).code === 0)
const rebuilt = (operation: string) => it.ended(operation, 'replicate', it.pair.name, '--to', 'stock', '--rebuild')

test('aborted amid it, it is closed as it was', async () => {
  const leaving = it.ended(
    'leaving',
    'failover',
    'stock',
    '--to',
    it.pair.name,
    '--patience',
    '2s',
    '--although-it-answers',
    'it is left',
  )
  await isAsked('leaving')
  await approve('leaving')
  expect(await leaving).toMatchObject({ status: 'succeeded' })
  it.capstan.arm('publish#1:before')
  const deaths = it.capstan.deaths()
  const running = rebuilt('aborted')
  await until('the death', async () => it.capstan.deaths() > deaths)
  expect((await it.pair.cli('ops', 'abort', 'aborted', '--reason', 'not today')).code).toBe(0)
  expect(await running).toMatchObject({ status: 'aborted' })
  await expect(it.pair.source.admin()).rejects.toMatchObject({ facts: { sqlState: '55000' } })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})

test('asked for again it follows, unasked; its own roles are turned away, and a standby of it there can be none', async () => {
  it.capstan.arm('admitGivenUp#1:after')
  const operation = await rebuilt('rebuilt')
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(it.capstan.disarm('admitGivenUp#1:after')).toBe(false)
  expect(operation.steps.map(({ id }) => id)).not.toContain(REBUILD_STEPS.lift.id)
  await it.isFollowing(it.pair.name, 'stock')
  await it.writesGoOn()
  const followed = await it.ended('followed', 'replicate', 'stock', '--plan')
  expect(followed).toMatchObject({ status: 'failed', failure: { code: 'RESOURCE_NOT_OURS' } })
  expect(followed.failure?.message).toContain(`leaving has moved writing from stock to ${it.pair.name}`)
  expect(it.writers()).toEqual(['source', 'standby'])
})
