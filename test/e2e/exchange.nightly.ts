/** Writing moves to a read replica in another region of Google Cloud, and back, by the cloud's own act, while a bank goes on through the router and each side is
 *  asked all the time: what exchange.crash.ts has no time for. One stack for all: each test goes on from where the one before left both. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../../contracts/exchange'
import { until } from '../support/eventually'
import { type Exchanging, PRIMARY, REPLICA, startExchanging } from '../support/exchanging'
import { recordHistory } from '../support/histories'
import { type LabDoor, labDoor } from '../support/lab'
import { writersOf } from '../support/switching'

let it: Exchanging
let lab: LabDoor

beforeAll(async () => {
  it = await startExchanging()
  lab = labDoor(it.capstan)
})
afterAll(() => it?.close())

const switchover = (operation: string, from: string, to: string, ...more: string[]) =>
  it.ended(operation, 'switchover', from, '--to', to, ...more)

const exchanges = async (since: number): Promise<number> =>
  (await lab.calls(since)).filter(({ operation, effect }) => effect && operation === 'instances.switchover').length

test('a plan says by which act, and what its cloud wants first; nothing is begun', async () => {
  const since = await lab.mark()
  const planned = await switchover('undesignated', PRIMARY, REPLICA)
  expect(planned).toMatchObject({ kind: 'exchange', status: 'failed', verdict: 'fail', failure: null })
  const [block, ...others] = planned.steps.find(({ id }) => id === 'plan')?.detail.findings ?? []
  expect([block?.rule, block?.message, others]).toEqual([
    'exchange:cloud',
    expect.stringContaining('--failover-dr-replica-name'),
    [],
  ])
  const plan = (await it.capstan.ledger.getDocument({ operation: 'undesignated', name: EXCHANGE_DOCUMENTS.plan })) as ExchangePlan
  expect(plan.act).toMatchObject({
    called: 'Cloud SQL switchover',
    byHand: [expect.stringContaining('gcloud sql instances switchover')],
  })
  expect(await exchanges(since)).toBe(0)
  await it.allow(PRIMARY, REPLICA)
})

test('what the cloud cannot carry out leaves the source the writer, and leads nobody anywhere', async () => {
  await lab.order({ cloud: 'gcp', kind: 'fail-operation', operation: 'instances.switchover' })
  const ended = await switchover('failing', PRIMARY, REPLICA)
  expect(ended).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(ended.steps.map(({ id }) => id)).not.toContain('move')
  await it.writesGoOn()
  expect(writersOf(it.probes)).toEqual(['source'])
})

/** Each of them within what cannot be stopped any more. */
const DEATHS = ['beginExchange#1:before', 'awaitExchange#1:before', 'proveWriter#1:before', 'moveEndpoint#1:before'] as const

test('its cloud exchanges both once, whatever dies after it was told', async () => {
  const since = await lab.mark()
  for (const death of DEATHS) it.capstan.arm(death)
  const ended = await switchover('there', PRIMARY, REPLICA)
  expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  expect(await exchanges(since)).toBe(1)
  await it.writesGoOn()
  await it.isWhole('standby')
})

test('the same command with the other name moves writing back, and the one that is a replica by now is refused as a source', async () => {
  await it.allow(REPLICA, PRIMARY)
  const refused = await switchover('wrong-way', PRIMARY, REPLICA)
  expect(refused).toMatchObject({ status: 'failed', verdict: 'fail' })
  const rules = refused.steps.find(({ id }) => id === 'plan')?.detail.findings?.map(({ rule }) => rule)
  expect(rules).toEqual(expect.arrayContaining(['exchange:role', 'exchange:cloud', 'exchange:endpoint']))
  const back = await switchover('back', REPLICA, PRIMARY)
  await recordHistory(it.capstan.temporal, 'back', 'exchange')
  expect(back).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await it.writesGoOn()
  await it.isWhole('source')
  await until('the replica to follow again', async () => (await it.follows('standby')) === true)
  expect(writersOf(it.probes)).toEqual(['source', 'standby', 'source'])
})
