/** A source that becomes silent behind its fence: nobody has answered for that beforehand, and the failover asks, with all that was tried and met. One stack for all: each test
 *  goes on from where the one before left both. */
import { FAILOVER_DOCUMENTS, type FailoverFence, type FailoverKept, type FailoverPlan } from '../../contracts/failover'
import { until } from '../support/eventually'
import { type LabDoor, labDoor } from '../support/lab'
import { isAt } from '../support/migrating'
import { Switching } from '../support/switching'

let it: Switching
let lab: LabDoor

beforeAll(async () => {
  it = await Switching.start('gcp')
  lab = labDoor(it.capstan)
  await it.isFollowing('stock', it.pair.name)
})
afterAll(() => it?.close())

const failover = (operation: string, ...more: string[]) =>
  it.ended(operation, 'failover', 'stock', '--to', it.pair.name, '--patience', '3s', '--accept-loss', '1h', ...more)

const document = async <T>(operation: string, name: string) => (await it.capstan.ledger.getDocument({ operation, name })) as T
const found = (operation: string) => it.capstan.ledger.getOperation(operation)
const freeze = () => lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
const refuse = (operation: string) => lab.order({ cloud: 'aws', kind: 'throttle', operation, times: 100_000 })

/** Nothing is opened as long as it asks. */
async function asks(operation: string): Promise<FailoverPlan> {
  await until('the question', async () => {
    const record = await found(operation)
    return isAt(record, 'approve', 'running') && record?.status === 'awaiting-approval'
  })
  expect((await found(operation))?.steps.map(({ id }) => id)).not.toContain('open')
  expect(await document(operation, FAILOVER_DOCUMENTS.opened)).toBeNull()
  expect(await it.pair.cli('ops', 'fences')).toMatchObject({ stdout: expect.stringContaining('waits for a person to decide') })
  return document<FailoverPlan>(operation, FAILOVER_DOCUMENTS.plan)
}

test('fenced and proven, its cloud says nothing more right before the opening: somebody is asked, and a no takes all back once its cloud hears', async () => {
  const frozen = await freeze()
  const death = 'recordFenced#1:after'
  it.capstan.arm(death)
  const running = failover('unsaid', '--fence-within', '20s')
  await until('its cloud to be told', async () => (await it.capstan.ledger.listFences()).some(({ before }) => before !== null))
  await lab.withdraw(frozen)
  await until('the proof', async () => (await document('unsaid', FAILOVER_DOCUMENTS.fenced)) !== null)
  const dumb = await refuse('DescribeDBInstances')
  const { unproven, asks: why } = await asks('unsaid')
  expect(it.capstan.disarm(death)).toBe(false)
  expect(why).toContain('answers for it by name')
  expect(unproven).toMatchObject({ outcome: 'unreachable-cloud', by: 'cloud' })
  expect(unproven?.evidence.join(' ')).toMatch(/its cloud did not say right before the opening.*From the worker of gcp: silent/s)
  await lab.withdraw(dumb)
  await until(
    'a no',
    async () => (await it.pair.cli('ops', 'reject', 'unsaid', '--by', 'bob', '--reason', 'it lives')).code === 0,
  )
  const operation = await running
  expect(operation).toMatchObject({ status: 'rejected', failure: null })
  expect(operation.steps.find(({ id }) => id === 'fence')).toMatchObject({ state: 'undone' })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source'])
  await it.isFollowing('stock', it.pair.name)
})

test('never proven, it is opened on the word of somebody else, by the digest of what was shown, whoever dies meanwhile; what that was is told for good', async () => {
  await freeze()
  await refuse('StopDBInstance')
  const death = 'stateUnproven#1:after'
  it.capstan.arm(death)
  const running = failover('silent', '--fence-within', '1s')
  const { unproven, digest } = await asks('silent')
  expect(it.capstan.disarm(death)).toBe(false)
  const shown = (await it.pair.cli('ops', 'show', 'silent', '--plan')).stdout
  for (const evidence of unproven?.evidence ?? []) expect(shown).toContain(evidence)
  expect(shown).toMatch(
    /not proven fenced.*From the worker of postgres: silent.*From the standby: silent.*whoever reaches it writes there/s,
  )
  expect(await it.pair.cli('ops', 'approve', 'silent', '--by', 'alice')).toMatchObject({ code: 3 })
  await until('an approval', async () => (await it.pair.cli('ops', 'approve', 'silent', '--by', 'bob')).code === 0)
  const operation = await running
  expect(operation).toMatchObject({ status: 'succeeded', verdict: 'inconclusive', failure: null })
  const stepOf = (wanted: string) => operation.steps.find(({ id }) => id === wanted)
  expect(stepOf('approve')?.detail).toMatchObject({ approvedBy: 'bob', planDigest: digest })
  expect(stepOf('fence')?.detail).toMatchObject({ fence: 'not-proven', acknowledgedBy: 'bob' })
  expect(await document<FailoverFence>('silent', FAILOVER_DOCUMENTS.fenced)).toMatchObject({
    acknowledged: { by: 'bob', reason: expect.stringContaining(digest.slice(0, 12)) },
  })
  expect(await document<FailoverKept>('silent', FAILOVER_DOCUMENTS.kept)).toMatchObject({ lossMsMax: null })
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})
