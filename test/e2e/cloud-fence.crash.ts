/** An instance of each cloud is fenced through its cloud: the lab's stop is late, so that whoever was connected goes on writing, then it is proven; its
 *  cloud starts it for maintenance, and the schedule stops it again; and all of it is put back. */
import { createRds } from '../../clouds/aws/rds'
import { fenceScope } from '../../contracts/instance-fence'
import type { Session } from '../../postgres/connect/session'
import { type CapstanStack, startCapstan } from '../support/capstan-stack'
import { until } from '../support/eventually'
import { type Fenceable, type Fenced, fencedAt } from '../support/fencing'
import { labDoor } from '../support/lab'
import { createOtherTarget, MASTER_PASSWORD } from '../support/other-clouds'
import { createTarget, FIRST, type Target } from '../support/target'

const CLOUDS = ['aws', 'azure', 'gcp'] as const

let starting: Promise<CapstanStack> | undefined
let capstan: CapstanStack
const targets = new Map<string, Fenceable & { readonly target: Target }>()

beforeAll(async () => {
  starting = startCapstan({ env: { CAPSTAN_LAB_PROFILE: 'instant', SHOP_MASTER_PASSWORD: MASTER_PASSWORD } })
  capstan = await starting
  const { stack } = capstan
  const onAws = async () => {
    const adapter = createRds({
      region: 'us-east-1',
      endpoint: stack.endpoints.labApi,
      credentials: stack.lab.aws,
      maxAttempts: 3,
    })
    return Object.assign(await createTarget(capstan, '17'), { adapter, password: stack.secrets.shopAdmin })
  }
  const onOther = async (cloud: 'azure' | 'gcp') =>
    Object.assign(await createOtherTarget(cloud, capstan), { password: MASTER_PASSWORD })
  const [aws, azure, gcp] = await Promise.all([onAws(), onOther('azure'), onOther('gcp')])
  const prepare = async (cloud: string, target: typeof aws | typeof azure): Promise<void> => {
    await target.reset()
    const migrator = await target.migrator()
    await migrator.execute(FIRST['V1__items.sql'])
    await migrator.close()
    const { adapter, password } = target
    targets.set(cloud, { target, adapter, password, fleet: target.fleet(FIRST) })
  }
  await Promise.all([prepare('aws', aws), prepare('azure', azure), prepare('gcp', gcp)])
})
afterAll(async () => (await starting)?.close())

const writes = (session: Session): Promise<boolean> =>
  session.query(`INSERT INTO public.items (name) VALUES ('zombie') RETURNING id`).then(
    () => true,
    () => false,
  )

const comesIn = async (target: Target): Promise<boolean> => {
  const session = await target.app().catch(() => null)
  await session?.close()
  return session !== null
}

async function fencedAndBack(cloud: (typeof CLOUDS)[number]): Promise<void> {
  const fenceable = targets.get(cloud)
  if (fenceable === undefined) throw new Error(`there is no target on ${cloud}`)
  const { target } = fenceable
  const door = labDoor(capstan)
  const fenced: Fenced = await fencedAt(capstan, fenceable)
  const before = await fenced.access()
  const zombie = await target.app()
  expect(await fenced.holdWitness()).toEqual({ held: true })

  // The cloud says that it is stopped, and its networks are closed: who is inside writes on, who comes anew is refused.
  const late = await door.order({ kind: 'linger', cloud, instance: 'stock', for: '5m' })
  const ordered = await fenced.fence()
  expect(ordered).toMatchObject({ means: ['networks', 'stop'], untaken: [] })
  await until('its cloud to say that it is stopped', async () => (await fenced.access())?.instance.state === 'stopped')
  expect(await comesIn(target)).toBe(false)
  expect(await writes(zombie)).toBe(true)
  const lie = await fenced.judge(ordered)
  expect(lie).toMatchObject({ oldOnesDead: false, proven: false })
  await fenced.release()
  // Without a connection from before, whatever speaks at its address gives the cloud the lie.
  expect(await fenced.judge(ordered)).toMatchObject({ oldOnesDead: false, proven: false })

  await door.withdraw(late)
  await until('nobody to be left', async () => (await fenced.judge(ordered)).proven)
  expect(await fenced.judge(ordered)).toMatchObject({ newConnectionsRefused: true, oldOnesDead: true, gone: false })
  expect(await writes(zombie)).toBe(false)
  await zombie.close()

  await fenced.keep(1_000)
  await door.order({ kind: 'maintenance-start', cloud, instance: 'stock' })
  await until('the watch to stop it again', async () => ((await fenced.row())?.reasserted ?? 0) > 0)
  await until('it to be stopped', async () => (await fenced.access())?.instance.state === 'stopped')
  expect(await comesIn(target)).toBe(false)
  const listed = await capstan.capstan(['fence', 'list', '--prometheus'])
  expect(listed.stdout).toMatch(new RegExp(`capstan_fence_reasserted_total\\{cloud="${cloud}".*\\} [1-9]`))

  const lifted = await capstan.capstan([
    'fence',
    'lift',
    fenceScope((await fenced.row())!),
    '--yes',
    '--by',
    'ada',
    '--reason',
    'taken back',
    '--json',
  ])
  expect([lifted.code, lifted.stderr]).toEqual([0, ''])
  const after = await fenced.access()
  expect([after?.rules, after?.ruleNames, after?.instance.state]).toEqual([before?.rules, before?.ruleNames, 'ready'])
  await until('applications to come in', () => comesIn(target))
  expect(await fenced.row()).toMatchObject({ state: 'lifted', lifted: { by: 'ada', reason: 'taken back' } })
}

test('a fence is proven once nobody is left, is kept through maintenance, and is put back: on every cloud', async () => {
  await Promise.all(CLOUDS.map(fencedAndBack))
})
