/** An old writer that stood still, and that its cloud has fenced, becomes a standby of the new one, whoever dies meanwhile. A bank goes on through the router all the while, and the application
 *  knocks at both sides. */
import { keepFencedId } from '../../contracts/instance-fence'
import { REBUILD_DOCUMENTS, type RebuildPlan } from '../../contracts/rebuild'
import { until } from '../support/eventually'
import { recordHistory } from '../support/histories'
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

const rebuilt = (operation: string, ...more: string[]) =>
  it.ended(operation, 'replicate', it.pair.name, '--to', 'stock', '--rebuild', ...more)
const isAsked = (operation: string) =>
  until('the question', async () => isAt(await it.capstan.ledger.getOperation(operation), 'approve', 'running'))
const approve = (operation: string) =>
  until('an approval', async () => (await it.pair.cli('ops', 'approve', operation, '--by', 'bob')).code === 0)
/** What speaks against removing the old writer's instance. */
const old = async (...options: string[]) => {
  const { code, stdout } = await it.pair.run('standby', 'old', 'stock', ...options)
  return { code, ...(JSON.parse(stdout) as { readonly against: readonly string[]; readonly commands: readonly string[] }) }
}
const fenceIs = async () => (await it.capstan.ledger.listFences()).map(({ state, keep }) => `${state} ${keep}`)

test('one that stood still is not emptied before somebody has looked what it has alone', async () => {
  // it is to have something alone
  expect(await it.ended('paused', 'standby', 'pause', 'stock')).toMatchObject({ status: 'succeeded' })
  await it.writesGoOn()
  const frozen = await lab.order({ cloud: 'aws', kind: 'freeze-instance', instance: 'stock', for: '1h' })
  const running = it.ended('dead', 'failover', 'stock', '--to', it.pair.name, '--patience', '2s', '--accept-loss', '1h')
  const told = until('its cloud to be told', async () => {
    // on a slow machine too few places may have answered for one, and somebody is asked
    if (isAt(await it.capstan.ledger.getOperation('dead'), 'approve', 'running')) await approve('dead')
    return (await it.capstan.ledger.listFences()).some(({ operation, before }) => operation === 'dead' && before !== null)
  })
  // one that ended before says why; waiting says nothing
  const tooSoon = running.then((ended) => `ended before its cloud was told: ${JSON.stringify(ended)}`)
  expect(await Promise.race([told, tooSoon])).toBeUndefined()
  await lab.withdraw(frozen)
  expect(await running).toMatchObject({ status: 'succeeded' })
  expect(await rebuilt('unseen')).toMatchObject({ status: 'failed', failure: { code: 'DATABASE_REFUSED' } })
  expect(await fenceIs()).toEqual(['fenced stopped'])
  const stopped = await old()
  expect(stopped).toMatchObject({ code: 1, commands: [] })
  expect(stopped.against).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^Nobody has looked what stock has alone since dead/),
      expect.stringMatching(/^Its cloud keeps it closed, and which other databases it has could not be asked/),
    ]),
  )
  expect(await it.ended('salvage', 'salvage', 'rows', 'stock', '--into', it.pair.name)).toMatchObject({ status: 'succeeded' })
  const started = await old()
  expect(started).toMatchObject({ code: 1, commands: [] })
  expect(started.against.filter((one) => !/^stock alone has it.*--rows-given-up\.$/.test(one))).toEqual([])
  const given = await old('--rows-given-up')
  expect(given).toMatchObject({ code: 0, against: [] })
  expect(given.commands.at(-1)).toMatch(/^aws rds delete-db-instance .*--final-db-snapshot-identifier stock-last/)
  // it answers us by now, and what it holds is not what is written any more
  const followed = await it.ended('followed', 'replicate', 'stock', '--plan')
  expect(followed).toMatchObject({ status: 'failed', failure: { code: 'RESOURCE_NOT_OURS' } })
  expect(followed.failure?.message).toContain(`dead has given stock up and made ${it.pair.name} the writer`)
})

/** One in each part: before it is open to anybody, amid the copy, and behind the lifting. */
const DEATHS = ['letUsIn#1:after', 'admitGivenUp#1:after', 'subscribe#1:after', 'liftFence#1:after'] as const

test('it follows in the end, whoever dies meanwhile, and its fence ends only then; nobody has written there', async () => {
  for (const death of DEATHS) it.capstan.arm(death)
  const running = rebuilt('rebuilt')
  await isAsked('rebuilt')
  const plan = (await it.capstan.ledger.getDocument({ operation: 'rebuilt', name: REBUILD_DOCUMENTS.plan })) as RebuildPlan
  expect(plan).toMatchObject({ givenUpBy: 'dead', fencedBy: 'cloud', salvage: 'salvage', discard: null })
  expect((await it.pair.cli('ops', 'show', 'rebuilt', '--plan')).stdout).toContain('somebody else has to approve it')
  await approve('rebuilt')
  expect(await running).toMatchObject({ status: 'succeeded', failure: null })
  expect(DEATHS.filter((death) => it.capstan.disarm(death))).toEqual([])
  await recordHistory(it.capstan.temporal, 'rebuilt', 'replicate-rebuild')
  expect(await fenceIs()).toEqual(['lifted closed'])
  const [fence] = await it.capstan.ledger.listFences()
  if (fence === undefined) throw new Error('there was no fence')
  await expect(it.capstan.temporal.schedule.getHandle(keepFencedId(fence)).describe()).rejects.toThrow(/not found/)
  await it.isFollowing(it.pair.name, 'stock')
  await it.writesGoOn()
  await expect(it.pair.source.app()).rejects.toMatchObject({ code: 'CREDENTIALS_REJECTED' })
  const owner = await it.pair.source.migrator()
  const written = owner.execute('UPDATE public.accounts SET holder = holder WHERE id = 1').finally(() => owner.close())
  await expect(written).rejects.toMatchObject({ sqlState: '25006' })
  expect(it.writers()).toEqual(['source', 'standby'])
})

/** As its master, in the database itself. */
async function onOld(statement: string): Promise<void> {
  const master = await it.pair.source.admin()
  await master.execute(statement).finally(() => master.close())
}

test('opened by somebody, it is refused and stays open; closed again it is rebuilt once more, its pair having been removed', async () => {
  expect(await it.ended('removed', 'standby', 'remove', it.pair.name, '--to', 'stock')).toMatchObject({ status: 'succeeded' })
  await onOld('CREATE ROLE clerk LOGIN; GRANT CONNECT ON DATABASE stock TO clerk')
  expect(await rebuilt('opened')).toMatchObject({ status: 'failed', failure: { code: 'FENCE_NOT_PROVEN' } })
  await onOld('REVOKE CONNECT ON DATABASE stock FROM clerk; DROP ROLE clerk')
  expect(await rebuilt('again')).toMatchObject({ status: 'succeeded', failure: null })
  await it.isFollowing(it.pair.name, 'stock')
  await it.writesGoOn()
  expect(it.writers()).toEqual(['source', 'standby'])
})
