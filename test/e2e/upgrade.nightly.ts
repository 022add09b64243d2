/** A changed copy takes the place of an instance of RDS: what upgrade.crash.ts has no time for. One stack for all: each test goes on from where the one before left the
 *  instance. */
import { UPGRADE_DOCUMENTS, type UpgradePlan } from '../../contracts/upgrade'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
import { GROUP, Upgrading } from '../support/upgrading'

let it: Upgrading
beforeAll(async () => {
  it = await Upgrading.start()
})
afterAll(() => it?.close())

const ASKED = '      approval: required\n'
const TUNED = ['--parameter-group', GROUP, '--observe', '1s'] as const
const ALONE = { instances: ['stock'], deployments: [] }

const LATE = { cloud: 'aws', kind: 'stale-reads', operation: 'DescribeBlueGreenDeployments' } as const

const planOf = async (operation: string) =>
  (await it.capstan.ledger.getDocument({ operation, name: UPGRADE_DOCUMENTS.plan })) as UpgradePlan
const rulesOf = ({ blocks }: UpgradePlan) => blocks.map(({ rule }) => rule)

test('a plan says which way is taken and why, and of another major version what keeps rows from following; nothing is made', async () => {
  const since = await it.lab.mark()
  const migrator = await it.target.migrator()
  await migrator.execute('CREATE TABLE public.notes (text text)')
  await it.inOther('CREATE TABLE public.bills (text text)')
  expect(await it.ended('same', [...TUNED, '--plan'])).toMatchObject({ status: 'planned', failure: null })
  expect(await planOf('same')).toMatchObject({
    ...{ called: 'RDS blue/green deployment', follows: 'physically', blocks: [] },
    warnings: [{ rule: 'upgrade:whole', message: expect.stringContaining('billing') }],
    why: expect.stringContaining('no client is led elsewhere'),
  })
  await it.ended('major', ['--to-version', '18', '--plan'])
  const major = await planOf('major')
  expect(major).toMatchObject({ follows: 'logically' })
  expect(rulesOf(major)).toEqual(expect.arrayContaining(['upgrade:wal-level', 'upgrade:replica-identity']))
  expect(major.blocks.find(({ rule }) => rule === 'upgrade:wal-level')?.message).toContain('rds.logical_replication = 1')
  expect(major.blocks.find(({ rule }) => rule === 'upgrade:replica-identity')?.message).toContain('public.notes')
  expect(major.blocks.map(({ message }) => message).join()).toContain('Database billing: Table public.bills')
  expect(major.asked['replica-identity']).toEqual([expect.stringContaining('SELECT'), expect.stringContaining('SELECT')])
  await migrator.execute('DROP TABLE public.notes')
  await migrator.close()
  await it.ended('wrong-group', ['--parameter-group', 'nobodys', '--plan'])
  expect((await planOf('wrong-group')).blocks).toEqual([
    { rule: 'upgrade:cloud', message: expect.stringContaining('create-db-parameter-group') },
  ])
  await it.ended('older', ['--to-version', '15', '--plan'])
  expect(rulesOf(await planOf('older'))).toContain('upgrade:cloud')
  await it.ended('nothing', ['--to-version', '17', '--plan'])
  expect((await planOf('nothing')).blocks[0]?.message).toContain('nothing to change')
  expect(await it.effects('CreateBlueGreenDeployment', since)).toBe(0)
})

test.each([
  ['is rejected', 'reject', 'rejected'],
  ['is aborted', 'abort', 'aborted'],
] as const)(
  'one that %s once green is proven leaves the instance, protected as it is, and nothing else',
  async (_, word, status) => {
    await it.protect(true)
    const ending = it.ended(`not-${word}`, TUNED, ASKED)
    await it.decide(word, `not-${word}`, '--reason', 'not today')
    expect(await ending).toMatchObject({ status })
    expect(await it.left()).toEqual(ALONE)
    await it.protect(false)
    await it.writesGoOn()
  },
)

test('a copy that its cloud cannot make ends it, and takes nothing with it', async () => {
  await it.lab.order({ cloud: 'aws', kind: 'fail-operation', operation: 'CreateBlueGreenDeployment' })
  const ended = await it.ended('unmade', TUNED)
  expect(ended).toMatchObject({ status: 'failed', failure: { code: 'RESOURCE_FAILED' } })
  expect(await it.left()).toEqual(ALONE)
})

test('a switchover that its cloud takes back leaves the instance the writer, and green goes', async () => {
  await it.lab.order({ cloud: 'aws', kind: 'fail-operation', operation: 'SwitchoverBlueGreenDeployment' })
  const ended = await it.ended('taken-back', TUNED)
  expect(ended).toMatchObject({ status: 'failed', verdict: 'fail', failure: null })
  expect(ended.steps.find(({ id }) => id === 'prove')?.detail).toMatchObject({ writer: 'blue' })
  expect(ended.steps.map(({ id }) => id)).not.toContain('observe')
  expect(await it.left()).toEqual(ALONE)
  await it.writesGoOn()
  await it.isWhole()
  expect(await it.ask('stock', 'SHOW work_mem')).toEqual([{ work_mem: '4MB' }])
})

test('one that is aborted while its cloud lists nothing of it yet leaves no deployment behind', async () => {
  const since = await it.lab.mark()
  const late = await it.lab.order({ ...LATE, lag: '12s' })
  const ending = it.ended('unseen', TUNED)
  await until('the call', async () => (await it.effects('CreateBlueGreenDeployment', since)) === 1)
  await it.abort('unseen')
  expect(await ending).toMatchObject({ status: 'aborted' })
  await it.lab.withdraw(late)
  expect(await it.left()).toEqual(ALONE)
})

const DEATHS = [
  'startGreen#1:before',
  'startGreen#1:after',
  'awaitGreen#1:before',
  'proveGreen#1:after',
  'markBlue#1:after',
  'beginSwitch#1:before',
  'beginSwitch#1:after',
  'awaitSwitch#1:before',
  'placesNow#1:after',
  'proveUpgraded#1:after',
  'watchWriter#1:before',
  'removeDeployment#1:after',
] as const

test('its cloud makes and switches over once, whatever dies on the way', async () => {
  const since = await it.lab.mark()
  for (const death of DEATHS) it.capstan.arm(death)
  const ending = it.ended('there', TUNED, ASKED)
  await it.decide('approve', 'there')
  const ended = await ending
  await recordHistory(it.capstan.temporal, 'there', 'upgrade')
  expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  expect(await it.effects('CreateBlueGreenDeployment', since)).toBe(1)
  expect(await it.effects('SwitchoverBlueGreenDeployment', since)).toBe(1)
  expect(await it.left()).toEqual({ instances: ['stock', 'stock-old1'], deployments: [] })
  await it.writesGoOn()
  await it.isWhole()
  expect(await it.ask('stock', 'SHOW work_mem')).toEqual([{ work_mem: '8MB' }])
})

test('the class of an instance is changed in the same way, under the same name once more, though its cloud tells everything late', async () => {
  // it shows what was ready long after it was told to switch over: that is no word of having taken it back
  const late = await it.lab.order({ ...LATE, lag: '12s' })
  const ended = await it.ended('larger', ['--instance-class', 'db.m6g.large', '--observe', '1s'])
  expect(ended).toMatchObject({ status: 'succeeded', verdict: 'pass', failure: null })
  await it.lab.withdraw(late)
  expect(await it.left()).toEqual({ instances: ['stock', 'stock-old1', 'stock-old2'], deployments: [] })
  await it.writesGoOn()
  await it.isWhole()
})
