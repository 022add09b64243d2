/** Into other regions the operator copies what is Capstan's, and nothing else: the policies of AWS as they are shipped, in the lab. */
import { RDS } from '@aws-sdk/client-rds'
import { createInstance, eventually, openLab, refused, snapshotAvailable, type TestLab } from '../lab/fixture'
import { awsIdentity, type Who } from './identities'

let lab: TestLab
const REGION = 'eu-west-1'
const Tags = [{ Key: 'capstan-operation', Value: 'nightly' }]

beforeAll(async () => {
  lab = await openLab()
  await lab.call('PUT', '/_lab/profile', { profile: 'instant' })
  await createInstance(lab, 'shop')
  for (const DBSnapshotIdentifier of ['cap-nightly-take', 'before-the-sale']) {
    await lab.rds.createDBSnapshot({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier })
    await snapshotAvailable(lab, DBSnapshotIdentifier)
  }
})
afterAll(() => lab?.remove())

const inRegion = async (who: Who) =>
  new RDS({ region: REGION, endpoint: lab.lab.api, credentials: { ...(await awsIdentity(lab, who)) } })

test('the operator copies a snapshot of ours under a name of ours, and the cleaner removes that; no other one is copied', async () => {
  const [operator, cleaner] = await Promise.all([inRegion('operator'), inRegion('cleaner')])
  const copy = (who: RDS, source: string, TargetDBSnapshotIdentifier: string) =>
    who.copyDBSnapshot({
      SourceDBSnapshotIdentifier: `arn:aws:rds:us-east-1:000000000000:snapshot:${source}`,
      TargetDBSnapshotIdentifier,
      Tags,
    })
  const ours = 'cap-nightly-copy-eu-west-1'
  await refused(copy(operator, 'before-the-sale', ours), 'AccessDenied', 'rds:CopyDBSnapshot')
  await refused(copy(operator, 'cap-nightly-take', 'kept-for-good'), 'AccessDenied', 'rds:CopyDBSnapshot')
  await refused(copy(cleaner, 'cap-nightly-take', ours), 'AccessDenied', 'rds:CopyDBSnapshot')
  await copy(operator, 'cap-nightly-take', ours)
  const found = () => operator.describeDBSnapshots({}).then(({ DBSnapshots = [] }) => DBSnapshots)
  await eventually(async () => ((await found()).every(({ Status }) => Status === 'available') ? true : undefined))
  await cleaner.deleteDBSnapshot({ DBSnapshotIdentifier: ours })
  expect(await found()).toEqual([])
})
