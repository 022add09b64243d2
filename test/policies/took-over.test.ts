/** What took an instance's place is production: the policies of AWS as they are shipped, held against the vendor's own SDK in the lab. */
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { options, owned, retried } from '../conformance/support'
import { createInstance, eventually, openLab, PASSWORD, refused, sdk, type TestLab } from '../lab/fixture'
import { awsIdentity } from './identities'

let lab: TestLab
const Tags = [{ Key: 'capstan-operation', Value: 'replace-1' }]

beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  await createInstance(lab, 'shop')
})
afterAll(() => lab?.remove())

test('what took over is handed over by the operator and by nobody made a copy again; of production only its replacement is told', async () => {
  const [operator, cleaner] = await Promise.all(
    (['operator', 'cleaner'] as const).map(async (who) => sdk(lab.lab.api, await awsIdentity(lab, who))),
  )
  const DBInstanceIdentifier = 'cap-replace-1-copy'
  const ResourceName = `arn:aws:rds:us-east-1:000000000000:db:${DBInstanceIdentifier}`
  const OfCopy = [...Tags, { Key: 'capstan-step', Value: 'copy' }]
  await createInstance(lab, DBInstanceIdentifier, { Tags: [...OfCopy, { Key: 'team', Value: 'orders' }] })
  await operator!.addTagsToResource({ ResourceName, Tags: [{ Key: 'capstan-took-over', Value: 'replace-1' }] })
  // also as long as it bears the tags of a copy
  for (const who of [operator!, cleaner!]) {
    const removal = who.deleteDBInstance({ DBInstanceIdentifier, SkipFinalSnapshot: true })
    await refused(removal, 'AccessDenied', 'with an explicit deny')
  }
  const untag = (...TagKeys: string[]) => operator!.removeTagsFromResource({ ResourceName, TagKeys })
  await refused(untag('capstan-took-over'), 'AccessDenied', 'with an explicit deny')
  await refused(untag('capstan-operation', 'capstan-took-over'), 'AccessDenied', 'with an explicit deny')
  // twice: the first answer may be lost
  for (const _ of [1, 2]) await untag('capstan-operation', 'capstan-step', 'capstan-expires')
  await refused(untag('team'), 'AccessDenied')
  await refused(operator!.addTagsToResource({ ResourceName, Tags: OfCopy }), 'AccessDenied', 'with an explicit deny')

  const production = ResourceName.replace(DBInstanceIdentifier, 'shop')
  const replaced = { Key: 'capstan-replaced-by', Value: DBInstanceIdentifier }
  await refused(operator!.addTagsToResource({ ResourceName: production, Tags: [replaced, ...Tags] }), 'AccessDenied')
  await operator!.addTagsToResource({ ResourceName: production, Tags: [replaced] })
  await refused(operator!.removeTagsFromResource({ ResourceName: production, TagKeys: ['capstan-replaced-by'] }), 'AccessDenied')
})

test('the members of a cluster that took over are handed over with it: nobody removes one of them', async () => {
  const [operator, cleaner] = await Promise.all((['operator', 'cleaner'] as const).map((who) => awsIdentity(lab, who)))
  const at = { region: 'us-east-1', endpoint: lab.lab.api }
  const root = createAurora({ ...at, credentials: { ...lab.lab.credentials.aws } })
  const acting = createAurora({ ...at, credentials: operator! })
  const name = 'cap-replace-2-copy'
  const made = {
    ...{ instance: name, engineVersion: '17', instanceClass: 'db.r6g.large', storageGib: null, deletionProtected: false },
    ...{ master: { name: 'boss', password: PASSWORD }, owner: owned('replace-2', 'copy').owner },
  }
  await retried(() => root.startCreate(made, options))
  const instance = await eventually(async () => {
    const found = await root.describeInstance({ name }, options)
    return found?.state === 'ready' ? found : undefined
  })
  const vendor = await sdk(lab.lab.api, lab.lab.credentials.aws)
  const membersOf = async () =>
    ((await vendor.describeDBInstances({})).DBInstances ?? []).filter((one) => one.DBClusterIdentifier === name)
  const byHand = { DBInstanceIdentifier: 'cap-by-hand', DBInstanceClass: 'db.r6g.large', Engine: 'aurora-postgresql' }
  await vendor.createDBInstance({ ...byHand, DBClusterIdentifier: name, Tags: [{ Key: 'team', Value: 'orders' }] })
  const wanted = {
    instance,
    set: { 'capstan-took-over': 'replace-2' },
    remove: ['capstan-operation', 'capstan-step', 'capstan-expires'],
  }
  await eventually(async () => ((await retried(() => acting.setTags(wanted, options))).done ? true : undefined))
  const tagged = Object.fromEntries(
    (await membersOf()).map(({ DBInstanceIdentifier = '', TagList = [] }) => [
      DBInstanceIdentifier,
      Object.fromEntries(TagList.map(({ Key = '', Value }) => [Key, Value])),
    ]),
  )
  const { 'cap-by-hand': others, ...ours } = tagged
  expect(others).toEqual({ team: 'orders' })
  expect(Object.values(ours)).toEqual([{ 'capstan-took-over': 'replace-2' }])
  const asCleaner = await sdk(lab.lab.api, cleaner!)
  const asOperator = await sdk(lab.lab.api, operator!)
  for (const who of [asCleaner, asOperator])
    for (const DBInstanceIdentifier of Object.keys(ours))
      await refused(
        who.deleteDBInstance({ DBInstanceIdentifier, SkipFinalSnapshot: true }),
        'AccessDenied',
        'with an explicit deny',
      )
})
