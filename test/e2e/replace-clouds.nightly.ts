/** A restored copy takes the instance's place on Azure, Google Cloud and Aurora; on Google Cloud of an instance that is gone. */
import { retirementOfOld } from '../../contracts/old-instance'
import { REPLACE_STEPS } from '../../contracts/replace'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { migratingAt } from '../support/migrating'
import { changing, createOtherTarget, MASTER_PASSWORD, type OtherCloud, type OtherTarget } from '../support/other-clouds'
import { ReplacementDesk } from '../support/replacements'
import { fillItems, moment, RestoreDesk } from '../support/restores'
import { FIRST, ROWS } from '../support/target'

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
})
afterAll(async () => (await starting)?.close())

const APPROVED = Object.values(REPLACE_STEPS).filter(({ id }) => id !== REPLACE_STEPS.removeCopy.id)

async function filled(cloud: OtherCloud) {
  const target = await createOtherTarget(cloud, capstan)
  await target.reset()
  await fillItems(target)
  // a server in a group of copies could not become production
  const fleet = target.fleet(FIRST, '', (yaml) => yaml.replace(/ {4}copiesResourceGroup: .*\n/, ''))
  const desk = new RestoreDesk(capstan, () => fleet)
  return {
    target,
    desk,
    replacing: new ReplacementDesk(
      migratingAt(() => ({ capstan, target })),
      desk,
    ),
  }
}

async function tagsOf({ adapter }: OtherTarget, name: string): Promise<Readonly<Record<string, string>>> {
  return (await adapter.listInstances(changing)).find((one) => one.name === name)?.tags ?? {}
}

/** To a publisher that never answers. */
async function subscribe(target: OtherTarget): Promise<void> {
  const admin = await target.admin()
  await admin.execute(
    `CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 password=x' PUBLICATION p WITH (connect = false)`,
  )
  await admin.execute('ALTER SUBSCRIPTION feed ENABLE')
  await admin.close()
}

async function activitiesOf(operation: string): Promise<string[]> {
  const { events } = await capstan.temporal.workflow.getHandle(operation).fetchHistory()
  return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [])
}

test.each(['azure', 'aurora'] as const)('on %s the moment before a bad DELETE takes the instance’s place', async (cloud) => {
  const { target, desk, replacing } = await filled(cloud)
  const more = cloud === 'aurora' ? [] : ['--was-dormant']
  if (cloud === 'aurora') await subscribe(target)
  const at = await moment()
  await target.rows('DELETE FROM public.items WHERE id > 10')
  const operation = `${cloud}-cut`
  await desk.reach(operation, at, ...more)
  const ended = await replacing.replace(operation, '--to', at, ...more, '--keep-old', '14d')
  expect([ended.status, ended.verdict, ended.failure]).toEqual(['succeeded', 'pass', null])
  expect(ended.steps.map(({ id, state }) => [id, state])).toEqual(APPROVED.map(({ id }) => [id, 'done']))
  // where subscriptions act there is no way back: a password that could not be had would be found out too late
  const asked = (await activitiesOf(operation)).filter((name) => ['adoptMaster', 'letAct'].includes(name))
  expect(asked[0]).toBe(cloud === 'aurora' ? 'adoptMaster' : 'letAct')
  expect((await replacing.report(operation)).tables).toEqual([
    expect.objectContaining({ table: 'public.items', onlyInLive: 0, onlyInCopy: ROWS - 10, changed: 0 }),
  ])
  const session = await replacing.appOf(operation, cloud === 'azure' ? 'require' : 'disable')
  const rows = await session.query('SELECT count(*)::int AS n FROM public.items').finally(() => session.close())
  expect(rows).toEqual([{ n: ROWS }])
  await expect(target.app()).rejects.toThrow()
  expect(await tagsOf(target, 'stock')).toMatchObject({ 'capstan-replaced-by': `cap-${operation}-copy` })
  const tags = await tagsOf(target, `cap-${operation}-copy`)
  expect(tags).toMatchObject({ 'capstan-took-over': operation })
  expect(Object.keys(tags)).not.toContain('capstan-operation')
  const look = await desk.cli('restore', 'old', operation, '--fleet', target.fleet(FIRST), '--json')
  expect(JSON.parse(look.stdout)).toMatchObject({
    standing: 'there',
    against: [
      expect.stringContaining('Its time is not over'),
      expect.stringContaining('The fleet file names it'),
      expect.stringContaining('Nobody can be asked where applications are led'),
    ],
  })
  // for good: nobody is reminded of it any more
  expect((await desk.cli('restore', 'keep', operation, '--for', 'ever')).code).toBe(0)
  await capstan.temporal.workflow.getHandle(retirementOfOld(operation)).result()
  expect(JSON.parse((await desk.cli('restore', 'list', '--json')).stdout)).toMatchObject({ replaced: [] })
  expect((await desk.cli('restore', 'keep', operation, '--for', '1h')).code).toBe(3)
})

test('on gcp a snapshot takes the place of an instance that is gone, once a person says so', async () => {
  const { target, desk, replacing } = await filled('gcp')
  const taken = await desk.cli('snapshot', 'stock', '--fleet', target.fleet(FIRST), '--json', '--operation', 'before')
  expect(JSON.parse(taken.stdout)).toMatchObject({ status: 'succeeded' })
  const of = ['--snapshot', 'cap-before-take']
  // one that answers is not gone
  const early = await desk.restore('early', ...of, '--as', 'replacement', '--old-is-gone', '--plan')
  expect(early.operation.failure).toMatchObject({ code: 'PLAN_DRIFTED', message: expect.stringContaining('--old-is-gone') })
  const instance = { name: 'stock', instanceId: target.instanceId }
  await target.whenFree(() => target.adapter.startStop({ instance }, changing))
  const down = async () => (await target.adapter.describeInstance({ name: 'stock' }, changing))?.state === 'stopped'
  for (;;) if (await down()) break
  const unsaid = await desk.restore('unsaid', ...of, '--as', 'replacement', '--plan')
  expect(unsaid.operation.failure).toMatchObject({ code: 'RESOURCE_FAILED', message: expect.stringContaining('--old-is-gone') })
  const ended = await replacing.replace('gcp-cut', ...of, '--old-is-gone')
  expect([ended.status, ended.verdict, ended.failure]).toEqual(['succeeded', 'pass', null])
  expect((await replacing.report('gcp-cut')).unasked).toContain('gone')
  const session = await replacing.appOf('gcp-cut')
  const rows = await session.query('SELECT count(*)::int AS n FROM public.items').finally(() => session.close())
  expect(rows).toEqual([{ n: ROWS }])
  expect(await tagsOf(target, 'cap-gcp-cut-copy')).toMatchObject({ 'capstan-took-over': 'gcp-cut' })
})
