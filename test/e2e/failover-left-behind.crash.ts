/** What the source holds that goes to no standby, once while it lives and is to be drained, and once when it is dead: neither is given up for that without a word. */
import { FAILOVER_DOCUMENTS, type FailoverKept } from '../../contracts/failover'
import { until } from '../support/eventually'
import { labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'

let it: Switching

beforeAll(async () => {
  it = await Switching.start('gcp')
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const failover = (operation: string, ...more: string[]) =>
  it.ended(operation, 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', ...more)
const ALTHOUGH = ['--although-it-answers', 'the region is to be left'] as const
const awaited = (operation: string) =>
  until('the question', async () => isAt(await it.capstan.ledger.getOperation(operation), 'approve', 'running'))
const approved = (operation: string) =>
  until('an approval', async () => (await it.pair.cli('ops', 'approve', operation, '--by', 'bob')).code === 0)

/** As the migrations’ role, on both sides, as one does by hand: no publication has it. */
async function madeByHand(): Promise<void> {
  for (const open of [it.pair.source.migrator, it.pair.standby.migrator]) {
    const session = await open()
    await session.execute('CREATE TABLE public.audit (id int PRIMARY KEY)').finally(() => session.close())
  }
  await it.pair.onSource('INSERT INTO public.audit SELECT generate_series(1, 7)')
}

test('a source that lives and holds what no standby gets is not drained: what it is, is named, in the plan and right before the closing', async () => {
  const running = failover('between', ...ALTHOUGH)
  await awaited('between')
  // its last look is over once it has died there: what comes now only the next attempt can find
  it.capstan.arm('fenceInside#1:before')
  const deaths = it.capstan.deaths()
  await approved('between')
  await until('the death', async () => it.capstan.deaths() > deaths)
  await madeByHand()
  const operation = await running
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'PLAN_DRIFTED' } })
  expect(operation.failure?.message).toMatch(/Nobody was shut out.*public\.audit/)
  const planned = await failover('planned', ...ALTHOUGH, '--plan')
  expect(planned.status).toBe('planned')
  const blocks = planned.steps.find(({ id }) => id === 'plan')?.detail.findings ?? []
  expect(blocks).toEqual([{ rule: 'failover:left-behind', message: expect.stringContaining('public.audit') }])
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
})

test('of one that is dead it is known still, and a loss of time that was allowed does not allow it', async () => {
  await until('the watch to see it', async () => {
    const record = await it.capstan.ledger.getStandby({ source: 'stock', target: it.pair.name })
    return record?.look?.uncarried?.tables.includes('public.audit') === true
  })
  const lab = labDoor(it.capstan)
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const running = failover('dead', '--accept-loss', '1h')
  await awaited('dead')
  const shown = await it.pair.cli('ops', 'show', 'dead', '--plan')
  expect(shown.stdout).toContain('somebody else has to approve it: rows of public.audit go to no standby')
  await approved('dead')
  await until('its cloud to be told', async () => {
    return (await it.capstan.ledger.listFences()).some(({ operation, before }) => operation === 'dead' && before !== null)
  })
  await lab.withdraw(frozen)
  const operation = await running
  // for this alone: it is proven fenced, and stays shut
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  const kept = (await it.capstan.ledger.getDocument({ operation: 'dead', name: FAILOVER_DOCUMENTS.kept })) as FailoverKept
  expect(kept.uncarried).toEqual([expect.stringContaining('public.audit')])
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})
