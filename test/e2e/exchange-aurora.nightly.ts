/** What exchange-aurora.crash.ts has no time for. One stack for all: each test goes on from where the one before left both. */
import { until } from '../support/eventually'
import { type Exchanging, PRIMARY, REPLICA, startExchanging } from '../support/exchanging'
import { type LabDoor, labDoor } from '../support/lab'
import { writersOf } from '../support/switching'

let it: Exchanging
let lab: LabDoor

beforeAll(async () => {
  it = await startExchanging('aws')
  lab = labDoor(it.capstan)
})
afterAll(() => it?.close())

const CALL = 'SwitchoverGlobalCluster'
const exchanges = async (since: number): Promise<number> =>
  (await lab.calls(since)).filter(({ operation, effect }) => effect && operation === CALL).length

test('what its cloud cannot carry out leaves the source the writer, and leads nobody anywhere', async () => {
  await lab.order({ cloud: 'aws', kind: 'fail-operation', operation: CALL })
  const ended = await it.ended('failing', 'switchover', PRIMARY)
  expect(ended).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(ended.steps.find(({ id }) => id === 'exchange')?.detail.summary).toMatch(/^Global switchover to DB cluster .* failed/)
  expect(ended.steps.map(({ id }) => id)).not.toContain('move')
  await it.writesGoOn()
  expect(writersOf(it.probes)).toEqual(['source'])
})

/** Each of them within what cannot be stopped any more. */
const DEATHS = ['beginExchange#1:before', 'awaitExchange#1:before', 'proveWriter#1:before', 'moveEndpoint#1:before'] as const

test('a secondary cluster takes over once, whatever dies after it was told', async () => {
  const since = await lab.mark()
  for (const death of DEATHS) it.capstan.arm(death)
  const ended = await it.ended('there', 'switchover', PRIMARY)
  expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  expect(await exchanges(since)).toBe(1)
  await it.writesGoOn()
  await it.isWhole('standby')
})

test('the same command with the other name moves writing back, and the one that is a secondary by now is refused as a source', async () => {
  const refused = await it.ended('wrong-way', 'switchover', PRIMARY)
  expect(refused).toMatchObject({ status: 'failed', verdict: 'fail' })
  const rules = refused.steps.find(({ id }) => id === 'plan')?.detail.findings?.map(({ rule }) => rule)
  expect(rules).toEqual(expect.arrayContaining(['exchange:role', 'exchange:cloud', 'exchange:endpoint']))
  const back = await it.ended('back', 'switchover', REPLICA)
  expect(back).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await it.writesGoOn()
  await it.isWhole('source')
  await until('the replica to follow again', async () => (await it.follows('standby')) === true)
  expect(writersOf(it.probes)).toEqual(['source', 'standby', 'source'])
})
