/** As exchange.crash.ts, on Azure: of an exchange whose answer got lost nothing tells but the roles. */
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { until } from '../support/eventually'
import { type Exchanging, PRIMARY, REPLICA, startExchanging } from '../support/exchanging'
import { type LabDoor, labDoor } from '../support/lab'
import { writersOf } from '../support/switching'

let it: Exchanging
let lab: LabDoor

beforeAll(async () => {
  it = await startExchanging('azure')
  lab = labDoor(it.capstan)
  await it.allow(PRIMARY, REPLICA)
})
afterAll(() => it?.close())

const exchanges = async (since: number): Promise<number> =>
  (await lab.calls(since)).filter(({ operation, effect }) => effect && operation === 'Servers_Update').length

test('its cloud exchanges both once, though the answer gets lost and the worker dies: every acknowledged row is there, and no two write at the same time', async () => {
  const since = await lab.mark()
  await lab.order({ cloud: 'azure', kind: 'drop-response', operation: 'Servers_Update' })
  for (const death of DEATHS) it.capstan.arm(death)
  const ended = await it.ended('there', 'switchover', PRIMARY)
  expect(ended).toMatchObject({ kind: 'exchange', status: 'succeeded', verdict: 'pass', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  expect(await exchanges(since)).toBe(1)
  const proven = (await it.capstan.ledger.getDocument({ operation: 'there', name: EXCHANGE_DOCUMENTS.proven })) as WriterProven
  expect(proven).toMatchObject({ writer: 'standby', other: 'follows' })
  await it.writesGoOn()
  await it.isWhole('standby')
  expect(writersOf(it.probes)).toEqual(['source', 'standby'])
})

const DEATHS = ['beginExchange#1:before', 'beginExchange#1:after', 'awaitExchange#1:after', 'proveWriter#1:after'] as const

test('one that fails in the cloud leaves the source the writer', async () => {
  await lab.order({ cloud: 'azure', kind: 'fail-operation', operation: 'Servers_Update' })
  const ended = await it.ended('failing', 'switchover', REPLICA)
  expect(ended).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(ended.steps.map(({ id }) => id)).not.toContain('move')
  await it.writesGoOn()
  expect(writersOf(it.probes)).toEqual(['source', 'standby'])
})

test('back again, without a disturbance', async () => {
  expect(await it.ended('back', 'switchover', REPLICA)).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await it.writesGoOn()
  await it.isWhole('source')
  await until('the replica to follow again', async () => (await it.follows('standby')) === true)
  expect(writersOf(it.probes)).toEqual(['source', 'standby', 'source'])
})
