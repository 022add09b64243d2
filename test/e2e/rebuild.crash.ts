/** An old writer that a failover gave up becomes a standby of the new one, whoever dies meanwhile: once fenced by its cloud while it stood still, once by its own PostgreSQL. A bank goes on through
 *  the router all the while, and the application knocks at both sides. */
import { REBUILD_DOCUMENTS, REBUILD_STEPS, type RebuildPlan } from '../../contracts/rebuild'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { type LabDoor, labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'

let it: Switching
let lab: LabDoor

beforeAll(async () => {
  it = await Switching.start('gcp')
  lab = labDoor(it.capstan)
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const rebuilt = (operation: string, ...more: string[]) =>
  it.ended(operation, 'replicate', it.pair.name, '--to', 'stock', '--rebuild', ...more)
const isAsked = (operation: string) =>
  until('the question', async () => isAt(await it.capstan.ledger.getOperation(operation), 'approve', 'running'))
const approve = (operation: string) =>
  until('an approval', async () => (await it.pair.cli('ops', 'approve', operation, '--by', 'bob')).code === 0)
const fenceIs = async () => (await it.capstan.ledger.listFences()).map(({ state, keep }) => `${state} ${keep}`)

test('one that stood still is not emptied before somebody has looked what it has alone', async () => {
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const running = it.ended('dead', 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--accept-loss', '1h')
  await until('its cloud to be told', async () => {
    return (await it.capstan.ledger.listFences()).some(({ operation, before }) => operation === 'dead' && before !== null)
  })
  await lab.withdraw(frozen)
  expect(await running).toMatchObject({ status: 'succeeded' })
  expect(await rebuilt('unseen')).toMatchObject({ status: 'failed', failure: { code: 'DATABASE_REFUSED' } })
  expect(await fenceIs()).toEqual(['fenced stopped'])
  expect(await it.ended('salvage', 'salvage', 'rows', 'stock', '--into', it.pair.name)).toMatchObject({ status: 'succeeded' })
  // it answers us by now, and what it holds is not what is written any more
  const followed = await it.ended('followed', 'replicate', 'stock', '--plan')
  expect(followed).toMatchObject({ status: 'failed', failure: { code: 'RESOURCE_NOT_OURS' } })
  expect(followed.failure?.message).toContain(`dead has given stock up and made ${it.pair.name} the writer`)
})

test('aborted amid it, it stays closed by its cloud and by itself', async () => {
  const running = rebuilt('aborted')
  await isAsked('aborted')
  const plan = (await it.capstan.ledger.getDocument({ operation: 'aborted', name: REBUILD_DOCUMENTS.plan })) as RebuildPlan
  expect(plan).toMatchObject({ givenUpBy: 'dead', fencedBy: 'cloud', salvage: 'salvage', discard: null })
  expect((await it.pair.cli('ops', 'show', 'aborted', '--plan')).stdout).toContain('somebody else has to approve it')
  // nothing goes on in it once it has died there, before somebody has said no
  it.capstan.arm('publish#1:before')
  const deaths = it.capstan.deaths()
  await approve('aborted')
  await until('the death', async () => it.capstan.deaths() > deaths)
  expect((await it.pair.cli('ops', 'abort', 'aborted', '--reason', 'not today')).code).toBe(0)
  expect(await running).toMatchObject({ status: 'aborted' })
  expect(await fenceIs()).toEqual(['fenced closed'])
  await expect(it.pair.source.admin()).rejects.toMatchObject({ facts: { sqlState: '55000' } })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})

/** One in each part: before it is open to anybody, amid the copy, and behind the lifting. */
const DEATHS = ['letUsIn#1:after', 'admitGivenUp#1:after', 'subscribe#1:after', 'liftFence#1:after'] as const

test('it follows in the end, whoever dies meanwhile, and its fence ends only then; nobody has written there', async () => {
  for (const death of DEATHS) it.capstan.arm(death)
  const running = rebuilt('rebuilt')
  await isAsked('rebuilt')
  await approve('rebuilt')
  expect(await running).toMatchObject({ status: 'succeeded', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  await recordHistory(it.capstan.temporal, 'rebuilt', 'replicate-rebuild')
  expect(await fenceIs()).toEqual(['lifted closed'])
  await it.isFollowing(it.pair.name, 'stock')
  await it.writesGoOn()
  await expect(it.pair.source.app()).rejects.toMatchObject({ facts: { sqlState: '42501' } })
  const owner = await it.pair.source.migrator()
  const written = owner.execute('UPDATE public.accounts SET holder = holder WHERE id = 1').finally(() => owner.close())
  await expect(written).rejects.toMatchObject({ sqlState: '25006' })
  expect(it.writers()).toEqual(['source', 'standby'])
})

test('one that its own PostgreSQL closed, and that lost nothing, is rebuilt unasked, in the other direction', async () => {
  const running = it.ended('back', 'failover', it.pair.name, '--to', 'stock', '--patience', '2s', '--although-it-answers', 'back')
  await isAsked('back')
  await approve('back')
  expect(await running).toMatchObject({ status: 'succeeded' })
  it.capstan.arm('admitGivenUp#1:before')
  const again = await it.ended('again', 'replicate', 'stock', '--to', it.pair.name, '--rebuild')
  expect(again).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(again.steps.map(({ id }) => id)).not.toContain(REBUILD_STEPS.lift.id)
  await it.isFollowing('stock', it.pair.name)
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby', 'source'])
})
