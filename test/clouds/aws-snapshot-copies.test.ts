/** Copies of snapshots that are on their way from another region, which takes hours in life: how many there may be, and what gives one up. */
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { createRds } from '../../clouds/aws/rds'
import { options, owned, refusal } from '../conformance/support'
import { auroraOf } from '../lab/aws/aurora-fixture'
import { createInstance, eventually, openLab, snapshotAvailable, type TestLab } from '../lab/fixture'

const [ACCOUNT, HERE, THERE] = ['000000000000', 'us-east-1', 'eu-west-1']
let lab: TestLab
beforeAll(async () => {
  lab = await openLab()
})
afterAll(() => lab?.remove())
afterEach(() => lab.call('PUT', '/_lab/profile', { profile: 'fast' }))

const at = (region: string) => ({ region, endpoint: lab.lab.api, credentials: { ...lab.lab.credentials.aws }, maxAttempts: 3 })
const asInLife = () => lab.call('PUT', '/_lab/profile', { profile: 'realistic' })
const requestOf = (name: string, step: string) => {
  const copy = owned('many', step)
  const source = { account: ACCOUNT, region: HERE, name, encrypted: false }
  return { source, snapshot: copy.name, key: null, owner: copy.owner }
}

test('more than a region lets come at once wait until there is room; more than it may keep are refused', async () => {
  await createInstance(lab, 'shop')
  const { name, owner } = owned('many', 'take')
  await createRds(at(HERE)).startSnapshot({ instance: 'shop', snapshot: name, owner }, options)
  await snapshotAvailable(lab, name)
  await asInLife()
  const there = createRds(at(THERE))
  const copied = (n: number) => there.startSnapshotCopy(requestOf(name, `copy-${n}`), options)
  for (let n = 0; n < 20; n += 1) expect(await copied(n)).toMatchObject({ state: 'changing' })
  await expect(copied(20)).rejects.toEqual(refusal('CLOUD_BUSY', 'across regions'))
  // Each region has room of its own, and a copy that is on its way is adopted all the same.
  const elsewhere = createRds(at('ap-south-1')).startSnapshotCopy(requestOf(name, 'copy-elsewhere'), options)
  expect(await elsewhere).toMatchObject({ state: 'changing' })
  expect(await copied(3)).toMatchObject({ state: 'changing' })
  await lab.call('PUT', '/_lab/profile', { profile: 'fast' })
  const instanceId = (await createRds(at(HERE)).describeInstance({ name: 'shop' }, options))?.instanceId ?? ''
  await eventually(async () => {
    const listed = await there.listSnapshots({ instanceId }, options)
    return listed.every(({ state }) => state === 'ready') || undefined
  })
  expect(await copied(20)).toMatchObject({ name: 'cap-many-copy-20' })
  await lab.call('POST', '/_lab/faults', { kind: 'fail', operation: 'CopyDBSnapshot', code: 'SnapshotQuotaExceeded', times: 1 })
  await expect(copied(21)).rejects.toEqual(refusal('CLOUD_REFUSED', 'SnapshotQuotaExceeded'))
})

test('the copy of a cluster’s snapshot is given up by its removal; one of an instance’s is busy until it is there', async () => {
  await auroraOf(() => lab).createCluster('orders')
  await auroraOf(() => lab).clusterAvailable('orders')
  const { name, owner } = owned('cluster', 'take')
  const here = createAurora(at(HERE))
  await here.startSnapshot({ instance: 'orders', snapshot: name, owner }, options)
  const found = await eventually(async () => {
    const taken = await here.describeSnapshot({ instance: 'orders', name }, options)
    return taken?.state === 'ready' ? taken : undefined
  })
  await asInLife()
  const there = createAurora(at(THERE))
  const request = requestOf(name, 'copy-cluster')
  expect(await there.startSnapshotCopy(request, options)).toMatchObject({ state: 'changing', cloudState: 'copying' })
  const removal = { snapshot: request.snapshot, instanceId: found.instanceId, owner: request.owner }
  await there.startSnapshotRemoval(removal, options)
  expect(await there.describeSnapshot({ instance: 'orders', name: request.snapshot }, options)).toBeNull()

  const ofInstance = requestOf(owned('many', 'take').name, 'copy-busy')
  const rds = createRds(at(THERE))
  const { instanceId } = await rds.startSnapshotCopy(ofInstance, options)
  const busy = rds.startSnapshotRemoval({ snapshot: ofInstance.snapshot, instanceId, owner: ofInstance.owner }, options)
  await expect(busy).rejects.toEqual(refusal('CLOUD_BUSY'))
})
