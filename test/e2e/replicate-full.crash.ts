/** The standby's disk is full while rows are copied: its cloud shuts it down. The copy waits and says what is lacking, and goes on once there is room; aborted meanwhile it leaves
 *  nothing that holds the source's log back. On Google Cloud, one stack for both. */
import type { OperationDocument } from '../../contracts/operation'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { until } from '../support/eventually'
import { type LabDoor, labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { createPair, type Pair, remains } from '../support/replicating'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let pair: Pair
let lab: LabDoor

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  lab = labDoor(capstan)
  pair = await createPair(capstan, 'gcp')
})
afterAll(async () => (await starting)?.close())

const found = (operation: string) => capstan.ledger.getOperation(operation)
const stepOf = async (operation: string, step: string) => (await found(operation))?.steps.find(({ id }) => id === step)

/** Amid the copy, which a lock on the source holds up until then. Resolves once the operation says what is lacking. */
async function full(operation: string) {
  capstan.arm('subscribe#1:before')
  const running = pair.run('replicate', 'stock', '--operation', operation)
  await until('the publication', async () => isAt(await found(operation), 'publish', 'done'))
  const keeper = await pair.source.admin()
  await keeper.execute('BEGIN; LOCK TABLE public.transfers IN ACCESS EXCLUSIVE MODE')
  await until('the copy', async () => isAt(await found(operation), 'copy', 'running'))
  const fault = await lab.order({ cloud: 'gcp', kind: 'fill-disk', instance: 'stock', for: '1h' })
  await until('what is lacking', async () => {
    const { summary = '' } = (await stepOf(operation, 'copy'))?.detail ?? {}
    return /^waits: .*the disk of 10 GiB of stock is full: make it larger.*the source holds back .* of log/.test(summary)
  })
  await keeper.close()
  expect(await found(operation)).toMatchObject({ status: 'running' })
  const ended = async (): Promise<OperationDocument> => JSON.parse((await running).stdout) as OperationDocument
  return { ended, makeRoom: () => lab.withdraw(fault) }
}

test('aborted while it is full, all of it is taken back once there is room: no slot is left, and nothing that follows', async () => {
  const { ended, makeRoom } = await full('aborted')
  expect(await pair.cli('ops', 'abort', 'aborted', '--reason', 'not now')).toMatchObject({ code: 0 })
  await until('the undo', async () => (await stepOf('aborted', 'subscribe'))?.state === 'undoing')
  await makeRoom()
  expect(await ended()).toMatchObject({ status: 'aborted' })
  expect(await remains(pair)).toEqual([])
})

test('begun anew and full once more, it goes on by itself once there is room, to the last row', async () => {
  const { ended, makeRoom } = await full('again')
  await makeRoom()
  expect(await ended()).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect((await stepOf('again', 'copy'))?.detail.summary).toMatch(/tables follow/)
})
