/** Writing moves to a read replica in another region of Google Cloud by the cloud's own act, while a bank goes on through the router and each side is asked all the
 *  time. What else may happen, and the way back: exchange.nightly.ts. */
import { EXCHANGE_DOCUMENTS, EXCHANGE_STEPS, type WriterProven } from '../../contracts/exchange'
import { type Exchanging, PRIMARY, REPLICA, startExchanging } from '../support/exchanging'
import { type LabDoor, labDoor } from '../support/lab'
import { writersOf } from '../support/switching'

let it: Exchanging
let lab: LabDoor

beforeAll(async () => {
  it = await startExchanging()
  lab = labDoor(it.capstan)
  await it.allow(PRIMARY, REPLICA)
})
afterAll(() => it?.close())

const switchover = (operation: string, from: string, to: string, ...more: string[]) =>
  it.ended(operation, 'switchover', from, '--to', to, ...more)

const exchanges = async (since: number): Promise<number> =>
  (await lab.calls(since)).filter(({ operation, effect }) => effect && operation === 'instances.switchover').length

/** When the cloud was told, and its answer got lost. */
const DEATH = 'beginExchange#1:after'

test('its cloud exchanges both once, though a worker dies and the answer gets lost: every acknowledged row is there, and no two write at the same time', async () => {
  const since = await lab.mark()
  await lab.order({ cloud: 'gcp', kind: 'drop-response', operation: 'instances.switchover' })
  it.capstan.arm(DEATH)
  const ended = await switchover('there', PRIMARY, REPLICA)
  expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(it.capstan.disarm(DEATH)).toBe(false)
  const others: readonly string[] = ['approve', 'probe', 'fence']
  const steps = Object.values(EXCHANGE_STEPS).flatMap(({ id }) => (others.includes(id) ? [] : [id]))
  expect(ended.steps.map(({ id }) => id).sort()).toEqual(steps.sort())
  expect(await exchanges(since)).toBe(1)
  const proven = (await it.capstan.ledger.getDocument({ operation: 'there', name: EXCHANGE_DOCUMENTS.proven })) as WriterProven
  expect(proven).toMatchObject({ writer: 'standby', other: 'follows' })
  await it.writesGoOn()
  await it.isWhole('standby')
  expect(writersOf(it.probes)).toEqual(['source', 'standby'])
})
