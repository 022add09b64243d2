/** An old writer that its own PostgreSQL has closed, and that lost nothing, is rebuilt as a standby of the new one, after an abort; then the other one is retired. A bank goes on through the router
 *  all the while, and the application knocks at both sides. */
import { REBUILD_STEPS } from '../../contracts/rebuild'
import { labHeaders } from '../../embedded/worker-program'
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

const RETIRING = ['startSnapshot#1:after', 'removeStandby#1:after', 'shutRetired#1:after'] as const

async function stateOn(cloud: string): Promise<string | undefined> {
  const { lab: at } = it.capstan.stack
  const answer = await fetch(`${at.api}/_lab/status`, { headers: labHeaders(at) })
  const { instances } = (await answer.json()) as { instances: { cloud: string; id: string; state: string }[] }
  return instances.find((one) => one.cloud === cloud && one.id === 'stock')?.state
}

test('retired, it leaves a last snapshot and nothing of the pair, and its cloud keeps it stopped; its writer serves on', async () => {
  for (const death of RETIRING) it.capstan.arm(death)
  const running = it.ended('retired', 'standby', 'retire', it.pair.name, '--to', 'stock', '--stop')
  await isAsked('retired')
  expect((await it.pair.cli('ops', 'show', 'retired', '--plan')).stdout).toContain('aws rds delete-db-instance')
  await approve('retired')
  expect(await running).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(RETIRING.filter((death) => it.capstan.disarm(death))).toEqual([])
  expect(await it.capstan.ledger.getStandby({ source: it.pair.name, target: 'stock' })).toMatchObject({ state: 'gone' })
  const made = 'SELECT slot_name FROM pg_replication_slots UNION ALL SELECT pubname FROM pg_publication'
  expect(await it.pair.onStandby(made)).toEqual([])
  expect(await it.capstan.ledger.listResources({ operation: 'retired' })).toMatchObject([{ kind: 'snapshot', removedAt: null }])
  expect(await stateOn('aws')).toBe('stopped')
  expect(await it.capstan.ledger.listFences()).toMatchObject([{ operation: 'retired', state: 'fenced', keep: 'stopped' }])
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})
