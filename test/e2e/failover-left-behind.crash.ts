/** What the source holds that goes to no standby, once while it lives and is to be drained, and once when it is dead: neither is given up for that without a word. */
import { FAILOVER_DOCUMENTS, type FailoverKept } from '../../contracts/failover'
import { controlAddress } from '../../embedded/worker-program'
import { connect, type Session } from '../../postgres/connect/session'
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

/** Beside the source's database: from there its closing can be held up, once nothing speaks against it any more. */
async function besideTheSource(): Promise<Session> {
  const { host, port } = it.pair.source
  const { block, secrets } = it.capstan.stack
  const login = { user: 'stock_admin', password: secrets.shopAdmin, database: 'postgres', sourceAddress: controlAddress(block) }
  return connect({ host, port, ...login, tls: 'disable', applicationName: 'beside' })
}

test('what is made behind the last look is found behind the fence: the source is opened again, and the standby never was', async () => {
  const running = failover('behind', ...ALTHOUGH)
  await awaited('behind')
  const beside = await besideTheSource()
  await beside.execute('BEGIN; ALTER DATABASE stock CONNECTION LIMIT -1')
  await approved('behind')
  await until('the closing', async () => {
    const waiting = `SELECT FROM pg_stat_activity WHERE query LIKE '%ALLOW_CONNECTIONS false%' AND wait_event_type = 'Lock'`
    return (await it.pair.onSource(waiting)).length > 0
  })
  const [made] = await it.pair.onSource<{ oid: number }>('SELECT lo_create(0)::int AS oid')
  await beside.execute('ROLLBACK')
  await beside.close()
  const operation = await running
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'PLAN_DRIFTED' } })
  expect(operation.failure?.message).toMatch(/made after the look before the fence is not carried: The source has a large object/)
  expect(operation.steps.find(({ id }) => id === 'fence')).toMatchObject({ state: 'undone' })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
  await it.pair.onSource(`SELECT lo_unlink(${made?.oid})`)
})

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
