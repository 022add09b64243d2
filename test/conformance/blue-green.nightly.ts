/** What `clouds/blue-green-port.ts` promises, held against RDS as the operator of infra/policies. */

import { createRds } from '../../clouds/aws/rds'
import type { BlueGreen, Deployment } from '../../clouds/blue-green-port'
import type { ManagedPostgres } from '../../clouds/port'
import { createInstance, openLab, type TestLab } from '../lab/fixture'
import { awsIdentity } from '../policies/identities'
import { faultsOf } from './lab-faults'
import { options, owned, refusal, retried, until } from './support'

let lab: TestLab
let cloud: ManagedPostgres
let blueGreen: BlueGreen
beforeAll(async () => {
  lab = await openLab()
  const credentials = await awsIdentity(lab, 'operator')
  cloud = createRds({ region: 'us-east-1', endpoint: lab.lab.api, credentials, maxAttempts: 3 })
  if (cloud.blueGreen === null) throw new Error('RDS has blue/green deployments')
  blueGreen = cloud.blueGreen
  const group = { DBParameterGroupName: 'tuned', DBParameterGroupFamily: 'postgres17', Description: 'of blue' }
  await lab.rds.createDBParameterGroup(group)
  const more = { BackupRetentionPeriod: 1, DeletionProtection: true, DBParameterGroupName: 'tuned' }
  await createInstance(lab, 'shop', { EngineVersion: '17', ...more })
})
afterAll(() => lab?.remove())

const OTHER_CLASS = { engineVersion: null, parameterGroup: null, instanceClass: 'db.m6g.large' }
const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
const ref = async (name: string) => ({ name, instanceId: (await cloud.describeInstance({ name }, options))?.instanceId ?? '' })
const reaches = (own: ReturnType<typeof owned>, state: Deployment['state']): Promise<Deployment> =>
  until(async () => {
    const found = await blueGreen.describe(own, options)
    return found?.state === state ? found : undefined
  })
const gone = (own: ReturnType<typeof owned>) =>
  until(async () => ((await blueGreen.describe(own, options)) === null ? true : undefined))

test('it says beforehand what it wants, in sentences with what to do', async () => {
  const source = await ref('shop')
  const asked = async (wanted: Partial<typeof OTHER_CLASS> | object) =>
    (await blueGreen.obstacles({ source, wanted: { ...OTHER_CLASS, ...wanted } }, options)).obstacles
  expect(await asked({})).toEqual([])
  expect(await asked({ instanceClass: null })).toEqual([expect.stringContaining('nothing to change')])
  expect(await asked({ engineVersion: '15' })).toEqual([expect.stringContaining('makes no instance older')])
  expect(await asked({ parameterGroup: 'nobodys' })).toEqual([expect.stringContaining('--db-parameter-group-family postgres17')])
  expect(await asked({ parameterGroup: 'default.postgres15' })).toEqual([expect.stringContaining('family postgres15')])
  // of another major version: its group does not go along, and RDS's default would come without a word
  expect(await asked({ engineVersion: '18' })).toEqual([expect.stringContaining('--parameter-group')])
  const another = { source: { ...source, instanceId: 'former' }, wanted: OTHER_CLASS }
  await expect(blueGreen.obstacles(another, options)).rejects.toEqual(refusal('TARGET_MISMATCH'))
})

test('it makes green once, whatever answer gets lost, and takes it away again, protected as it is', async () => {
  const faults = faultsOf(lab)
  const source = await ref('shop')
  const own = owned('making', 'green')
  const wanted = { ...own, source, wanted: OTHER_CLASS }
  await expect(blueGreen.start(wanted, lost)).rejects.toThrow('not mine')
  await faults.order({ kind: 'drop-response', operation: 'CreateBlueGreenDeployment', cloud: 'aws' })
  await retried(() => blueGreen.start(wanted, options))
  await retried(() => blueGreen.start(wanted, options))
  expect(await faults.allStruck()).toBe(true)
  const { blue, green, greens } = await reaches(own, 'ready')
  expect([blue, green]).toEqual(['shop', expect.stringMatching(/^shop-green-/)])
  expect(greens).toEqual([green])
  const made = await ref(green ?? '')
  expect(await blueGreen.lacking({ green: made, wanted: { ...OTHER_CLASS, parameterGroup: 'tuned' } }, options)).toEqual([])
  const others = { instanceClass: 'db.r6g.large', parameterGroup: 'nobodys' }
  expect(await blueGreen.lacking({ green: made, wanted: others }, options)).toEqual([
    expect.stringContaining('is of class db.m6g.large'),
    expect.stringContaining('has parameter group tuned'),
  ])
  const { owner } = owned('another', 'green')
  await expect(blueGreen.describe({ ...own, owner }, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
  await expect(blueGreen.startRemoval({ ...own, owner, withGreen: true }, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
  const second = { ...owned('second', 'green'), source, wanted: OTHER_CLASS }
  await expect(blueGreen.start(second, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'already'))
  expect((await blueGreen.obstacles({ source, wanted: OTHER_CLASS }, options)).obstacles).toEqual([
    expect.stringContaining('cap-making-green already'),
  ])
  await retried(() => blueGreen.startRemoval({ ...own, withGreen: true }, options))
  await gone(own)
  await blueGreen.startRemoval({ ...own, withGreen: true }, options)
  expect((await cloud.listInstances(options)).map(({ name, deletionProtected }) => [name, deletionProtected])).toEqual([
    ['shop', true],
  ])
})

test('one that is listed late is waited for, and not called somebody else’s', async () => {
  const faults = faultsOf(lab)
  const own = owned('late', 'green')
  await faults.order({ kind: 'stale-reads', operation: 'DescribeBlueGreenDeployments', cloud: 'aws', lag: '10s' })
  await faults.order({ kind: 'drop-response', operation: 'CreateBlueGreenDeployment', cloud: 'aws' })
  const wanted = { ...own, source: await ref('shop'), wanted: OTHER_CLASS }
  await expect(blueGreen.start(wanted, options)).rejects.toEqual(refusal('NOT_READY_YET', 'not listed yet'))
  await faults.clear()
  await blueGreen.start(wanted, options)
  await reaches(own, 'ready')
  await retried(() => blueGreen.startRemoval({ ...own, withGreen: true }, options))
  await gone(own)
})

test('it switches over once, whatever answer gets lost, and takes nothing away that has taken over', async () => {
  const faults = faultsOf(lab)
  const source = await ref('shop')
  const own = owned('switching', 'green')
  await blueGreen.start({ ...own, source, wanted: OTHER_CLASS }, options)
  const { green } = await reaches(own, 'ready')
  const { instanceId } = await ref(green ?? '')
  const over = { ...own, secondsMax: 60 }
  await expect(blueGreen.startSwitchover(over, lost)).rejects.toThrow('not mine')
  await faults.order({ kind: 'fail-operation', operation: 'SwitchoverBlueGreenDeployment', cloud: 'aws' })
  await retried(() => blueGreen.startSwitchover(over, options))
  expect((await reaches(own, 'stayed')).cloudState).toContain('came apart')
  expect(await ref('shop')).toEqual(source)
  await faults.order({ kind: 'drop-response', operation: 'SwitchoverBlueGreenDeployment', cloud: 'aws' })
  await retried(() => blueGreen.startSwitchover(over, options))
  // in a moment green is production: neither its protection nor anything else of it is touched
  await expect(blueGreen.startRemoval({ ...own, withGreen: true }, options)).rejects.toEqual(
    refusal('NOT_READY_YET', 'SWITCHOVER_IN_PROGRESS'),
  )
  expect(await reaches(own, 'switched')).toMatchObject({ blue: 'shop-old1', green: 'shop' })
  await blueGreen.startSwitchover(over, options)
  expect(await faults.allStruck()).toBe(true)
  expect(await ref('shop')).toEqual({ name: 'shop', instanceId })
  expect(await ref('shop-old1')).toEqual({ name: 'shop-old1', instanceId: source.instanceId })
  await expect(blueGreen.startRemoval({ ...own, withGreen: true }, options)).rejects.toEqual(
    refusal('CLOUD_REFUSED', 'production'),
  )
  await retried(() => blueGreen.startRemoval({ ...own, withGreen: false }, options))
  await gone(own)
  expect((await cloud.listInstances(options)).map(({ name }) => name).sort()).toEqual(['shop', 'shop-old1'])
  await expect(blueGreen.startSwitchover(over, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'gone'))
})
