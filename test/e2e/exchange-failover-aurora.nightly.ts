/** A secondary cluster of an Aurora global database becomes the writer by the cloud's own failover because the leading one stands still, while a bank goes on through
 *  the router. One stack for all: each test goes on from where the one before left both. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan, type WriterProven } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS, type FailoverFence } from '../../contracts/failover'
import type { OperationDocument } from '../../contracts/operation'
import { until } from '../support/eventually'
import { type Exchanging, PRIMARY, REPLICA, startExchanging } from '../support/exchanging'
import { type LabDoor, labDoor } from '../support/lab'
import { routed } from '../support/switching'

let it: Exchanging
let lab: LabDoor

beforeAll(async () => {
  it = await startExchanging('aws')
  lab = labDoor(it.capstan)
})
afterAll(() => it?.close())

const CALL = 'FailoverGlobalCluster'
/** All workers are in one place of the network, by whose word alone nothing is dead. */
const ALTHOUGH = ['--although-it-answers', 'its region is under water'] as const
const failover = (operation: string, ...more: string[]) =>
  it.ended(operation, 'failover', PRIMARY, '--to', REPLICA, '--patience', '3s', '--fence-within', '6s', ...more)
const told = async (since: number): Promise<number> =>
  (await lab.calls(since)).filter(({ operation, effect }) => effect && operation === CALL).length
const document = async <T>(operation: string, name: string) => (await it.capstan.ledger.getDocument({ operation, name })) as T
const asksForOne = (operation: string) =>
  until(
    'an approval to be asked for',
    async () => (await it.capstan.ledger.getOperation(operation))?.status === 'awaiting-approval',
  )
async function approved(operation: string): Promise<void> {
  await asksForOne(operation)
  expect(await it.capstan.capstan(['ops', 'approve', operation, '--by', 'bob'])).toMatchObject({ code: 0 })
}
const stepOf = ({ steps }: OperationDocument, id: string) => steps.find((step) => step.id === id)

test('a source that serves is not given up, and the switchover is named', async () => {
  const since = await lab.mark()
  const operation = await failover('healthy', '--accept-loss', '1h')
  expect(operation).toMatchObject({ kind: 'exchange', status: 'failed', verdict: 'fail', failure: null })
  expect(stepOf(operation, 'plan')?.detail.findings).toMatchObject([
    { rule: 'failover:answers', message: expect.stringContaining('capstan switchover stock') },
  ])
  expect(operation.steps.map(({ id }) => id)).not.toContain('fence')
  expect(await told(since)).toBe(0)
  await it.writesGoOn()
})

test('one that stands still, and that its cloud does not stop, is not proven fenced: nothing is promoted, and it goes on', async () => {
  const since = await lab.mark()
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: `${PRIMARY}-1`, for: '1h' })
  // an allowance is for what is dead
  const refused = await failover('ill', '--accept-loss', '1h')
  expect(refused).toMatchObject({ status: 'failed', verdict: 'fail' })
  expect(stepOf(refused, 'plan')?.detail.findings).toMatchObject([{ rule: 'failover:answers' }])
  const running = failover('unfenced', ...ALTHOUGH, '--accept-loss', '1h')
  await approved('unfenced')
  await until('the fence to be given up', async () => {
    const steps = (await it.capstan.ledger.getOperation('unfenced'))?.steps ?? []
    return steps.some(({ id, state }) => id === 'fence' && state !== 'running')
  })
  await lab.withdraw(frozen)
  const operation = await running
  expect(operation).toMatchObject({ status: 'failed', failure: { code: 'FENCE_NOT_PROVEN' } })
  expect(stepOf(operation, 'fence')).toMatchObject({ state: 'undone' })
  expect(await told(since)).toBe(0)
  await it.writesGoOn()
})

test('where somebody answers for it another one approves what may be lost, and the replica takes over once, whatever dies meanwhile', async () => {
  const since = await lab.mark()
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: `${PRIMARY}-1`, for: '1h' })
  await lab.order({ cloud: 'aws', kind: 'drop-response', operation: CALL })
  const deaths = ['beginExchange#1:after', 'proveWriter#1:before'] as const
  for (const death of deaths) it.capstan.arm(death)
  const running = failover('dead', ...ALTHOUGH, '--acknowledge-unfenced', 'its region is under water')
  await asksForOne('dead')
  const { takeOver } = await document<ExchangePlan>('dead', EXCHANGE_DOCUMENTS.plan)
  expect(takeOver).toMatchObject({
    probed: { verdict: 'ill', asked: { places: 1, silent: 1 } },
    unfenced: 'its region is under water',
    asks: expect.any(String),
  })
  expect(takeOver?.exposure.lossMsMax).toBeGreaterThan(0)
  await approved('dead')
  const operation = await running
  expect(operation).toMatchObject({ status: 'succeeded', failure: null })
  expect(deaths.filter((death) => it.capstan.disarm(death))).toEqual([])
  expect(await told(since)).toBe(1)
  const fenced = await document<FailoverFence>('dead', FAILOVER_DOCUMENTS.fenced)
  expect(fenced).toMatchObject({ outcome: 'not-proven', acknowledged: { reason: 'its region is under water' } })
  expect(await document<WriterProven>('dead', EXCHANGE_DOCUMENTS.proven)).toMatchObject({ writer: 'standby' })
  const { standby } = await document<ExchangePlan>('dead', EXCHANGE_DOCUMENTS.plan)
  expect((await routed(it.capstan, 'stock')).to.host).toBe(standby.afterwards?.host)
  await it.writesGoOn()
  await lab.withdraw(frozen)
  await until('the old one to follow', async () => (await it.follows('source')) === true)
})

test('the old writer stays closed until a person opens it and names the new one', async () => {
  const lift = (...more: string[]) =>
    it.capstan.capstan(['fence', 'lift', PRIMARY, '--reason', 'it follows by now', '--by', 'bob', '--yes', ...more])
  expect((await lift()).code).not.toBe(0)
  expect(await lift('--writer', REPLICA)).toMatchObject({ code: 0 })
  const fences = await it.capstan.ledger.listFences()
  expect(fences.find(({ instance }) => instance === PRIMARY)).toMatchObject({ state: 'lifted' })
})
