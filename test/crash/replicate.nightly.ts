/** A standby whose worker dies at every boundary of its making, its reseeding and its removal, and whose making is aborted at every step: however it is disturbed, it
 *  ends the same, every row is there, and nothing of ours is left on either side. The boundaries are read from a run that nothing disturbs. */
import type { OperationDocument } from '../../contracts/operation'
import { REPLICATE_STEPS } from '../../contracts/replicate'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { until } from '../support/eventually'
import { isAt } from '../support/migrating'
import { MASTER_PASSWORD } from '../support/other-clouds'
import { ACCOUNTS, createPair, OPENING, type Pair, remains } from '../support/replicating'
import { activitiesOf } from './support/boundaries'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
let pair: Pair

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  pair = await createPair(capstan, 'gcp')
})
afterAll(async () => (await starting)?.close())

async function ended(operation: string, ...words: string[]): Promise<OperationDocument> {
  const { stdout, stderr } = await pair.run(...words, '--operation', operation)
  if (stdout === '') throw new Error(`capstan ${words.join(' ')} said nothing: ${stderr}`)
  return JSON.parse(stdout) as OperationDocument
}

/** What runs on the queues of others than the control plane, in order. */
async function boundariesOf(operation: string): Promise<string[]> {
  const history = await capstan.temporal.workflow.getHandle(operation).fetchHistory()
  const calls = activitiesOf(history).filter(({ queue }) => queue !== null && queue !== 'control')
  return calls.filter(({ call }) => !call.startsWith('await')).flatMap(({ call }) => [`${call}:before`, `${call}:after`])
}

const PASSES = { status: 'succeeded', verdict: 'pass', failure: null }
const SUM = 'SELECT sum(balance)::int AS sum, count(*)::int AS n FROM public.accounts'
const WHOLE = [{ sum: ACCOUNTS * OPENING, n: ACCOUNTS }]

async function wrongAfterRemoval(): Promise<string[]> {
  const left = await remains(pair)
  const record = await capstan.ledger.getStandby({ source: 'stock', target: pair.name })
  await pair.standby.reset()
  return [...left, ...(record?.state === 'gone' ? [] : [`the ledger says ${record?.state}`])]
}

const WORDS = {
  'set-up': ['replicate', 'stock'],
  reseed: ['standby', 'reseed', 'stock'],
  remove: ['standby', 'remove', 'stock'],
} as const

/** Each kind of operation once for every boundary of it; the others are not disturbed. */
async function cell(kind: 'set-up' | 'reseed' | 'remove', at: number | null): Promise<{ boundaries: string[]; wrong: string[] }> {
  const name = `${kind}-${at ?? 'golden'}`
  const boundaries: string[] = []
  const wrong: string[] = []
  for (const one of kind === 'reseed' ? (['set-up', 'reseed', 'remove'] as const) : (['set-up', 'remove'] as const)) {
    const armed = one === kind && at !== null ? golden[kind][at] : undefined
    if (armed !== undefined) capstan.arm(armed)
    const operation = await ended(`${one}-of-${name}`, ...WORDS[one])
    if (armed !== undefined && capstan.disarm(armed)) wrong.push(`${armed} was never reached`)
    if (operation.status !== PASSES.status || operation.verdict !== PASSES.verdict)
      wrong.push(`${one} ended ${operation.status}: ${operation.failure?.message}`)
    if (one !== 'remove' && JSON.stringify(await pair.onStandby(SUM)) !== JSON.stringify(WHOLE))
      wrong.push(`after ${one} rows are missing`)
    if (one === kind) boundaries.push(...(await boundariesOf(`${one}-of-${name}`)))
  }
  return { boundaries, wrong: [...wrong, ...(await wrongAfterRemoval())] }
}

const golden: Record<'set-up' | 'reseed' | 'remove', string[]> = { 'set-up': [], reseed: [], remove: [] }

describe.each(['set-up', 'reseed', 'remove'] as const)('%s', (kind) => {
  test('comes through undisturbed, and then through a death at each of its boundaries', async () => {
    const run = await cell(kind, null)
    expect(run.wrong).toEqual([])
    golden[kind] = run.boundaries
    expect(run.boundaries.length).toBeGreaterThan(4)
    const wrong: string[] = []
    for (const [at, boundary] of run.boundaries.entries()) {
      const found = await cell(kind, at)
      wrong.push(...found.wrong.map((one) => `${boundary}: ${one}`))
    }
    expect(wrong).toEqual([])
  }, 1_800_000)
})

const ABORTED = ['schema', 'publish', 'subscribe', 'copy', 'indexes', 'compare'] as const

test.each(ABORTED)('aborted at the step %s, it leaves nothing, and the next one comes through', async (key) => {
  const step = REPLICATE_STEPS[key].id
  const running = ended(`aborted-${step}`, 'replicate', 'stock')
  await until(`the step ${step}`, async () => {
    const record = await capstan.ledger.getOperation(`aborted-${step}`)
    return isAt(record, step, 'running') || isAt(record, step, 'done')
  })
  await pair.cli('ops', 'abort', `aborted-${step}`, '--reason', 'not now')
  const { status } = await running
  // one that was through before the abort came is a standby
  if (status === 'aborted') expect(await remains(pair)).toEqual([])
  else expect((await ended(`removed-${step}`, 'standby', 'remove', 'stock')).status).toBe('succeeded')
  if (status !== 'aborted') await pair.standby.reset()
  expect(await ended(`after-${step}`, 'replicate', 'stock')).toMatchObject(PASSES)
  expect(await ended(`removed-after-${step}`, 'standby', 'remove', 'stock')).toMatchObject(PASSES)
  expect(await wrongAfterRemoval()).toEqual([])
})
