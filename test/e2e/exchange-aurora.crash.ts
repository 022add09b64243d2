/** As exchange.crash.ts, on a global database of Aurora: its clusters have an address for each role, and each region answers for its own. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan, type WriterProven } from '../../contracts/exchange'
import { type Exchanging, PRIMARY, startExchanging } from '../support/exchanging'
import { type LabDoor, labDoor } from '../support/lab'
import { routed, writersOf } from '../support/switching'

let it: Exchanging
let lab: LabDoor

beforeAll(async () => {
  it = await startExchanging('aws')
  lab = labDoor(it.capstan)
})
afterAll(() => it?.close())

const CALL = 'SwitchoverGlobalCluster'
const DEATH = 'beginExchange#1:after'

test('a secondary cluster takes over once, though a worker dies and the answer gets lost: every acknowledged row is there, and no two write at the same time', async () => {
  const since = await lab.mark()
  const { to: before } = await routed(it.capstan, 'stock')
  await lab.order({ cloud: 'aws', kind: 'drop-response', operation: CALL })
  it.capstan.arm(DEATH)
  const ended = await it.ended('there', 'switchover', PRIMARY)
  expect(ended).toMatchObject({ kind: 'exchange', status: 'succeeded', verdict: 'pass', failure: null })
  expect(it.capstan.disarm(DEATH)).toBe(false)
  const told = (await lab.calls(since)).filter(({ operation, effect }) => effect && operation === CALL)
  expect(told).toHaveLength(1)
  const document = (name: string) => it.capstan.ledger.getDocument({ operation: 'there', name })
  const proven = (await document(EXCHANGE_DOCUMENTS.proven)) as WriterProven
  expect(proven).toMatchObject({ writer: 'standby', other: 'follows' })
  const { source, standby, act } = (await document(EXCHANGE_DOCUMENTS.plan)) as ExchangePlan
  expect(act).toMatchObject({
    called: 'Aurora global database switchover',
    byHand: [expect.stringContaining('aws rds switchover-global-cluster --region us-east-1')],
  })
  // led from the one's address as a writer to the other's, which was nobody's before
  expect([before, (await routed(it.capstan, 'stock')).to]).toMatchObject([
    { host: source.host },
    { host: standby.afterwards?.host },
  ])
  await it.writesGoOn()
  await it.isWhole('standby')
  expect(writersOf(it.probes)).toEqual(['source', 'standby'])
})
