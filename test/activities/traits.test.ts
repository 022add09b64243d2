/** What a plan is told of each cloud, by what the adapters declare. */
import { assertKept, traitsOf } from '../../activities/traits'
import { snapshotLines } from '../../client/cli/render/traits'
import { createAurora } from '../../clouds/aws/aurora/aurora'
import { createRds } from '../../clouds/aws/rds'
import { createFlexibleServer } from '../../clouds/azure/flexible-server'
import { createCloudSql } from '../../clouds/gcp/cloud-sql'
import type { InstanceDescription } from '../../clouds/port'

const instance: InstanceDescription = {
  ...{ cloud: 'aws', account: 'a', region: 'r', name: 'shop', instanceId: 'shop-1', state: 'ready', cloudState: 'ready' },
  ...{ endpoint: null, engineVersion: '17', instanceClass: 'Standard_B1ms', deletionProtected: false, replicaOf: null, tags: {} },
  storage: { sizeGib: 20, encrypted: true, key: null },
  growsToGib: null,
  snapshots: { hoursMax: null, outliveInstance: true },
  automaticBackups: { taken: true, log: true },
}
const aws = createRds({}).capabilities
const azure = createFlexibleServer({ subscription: '', resourceGroup: '', location: '' }).capabilities
const gcp = createCloudSql({ project: '', region: '' }).capabilities

test('of RDS and Aurora there is nothing to say, so that plans are what they were', () => {
  for (const capabilities of [aws, createAurora({}).capabilities]) expect(traitsOf(instance, capabilities)).toEqual({})
})

test('of Azure and Google Cloud a plan is told what they do otherwise', () => {
  expect(traitsOf({ ...instance, snapshots: { hoursMax: 168, outliveInstance: false } }, azure)).toEqual({
    traits: { restoreFromSnapshot: 'moment', inertCopy: 'after-start', snapshotsOutliveInstance: false, snapshotHoursMax: 168 },
  })
  expect(traitsOf(instance, gcp)).toEqual({
    traits: {
      restoreFromSnapshot: 'in-place',
      inertCopy: 'before-first-start',
      snapshotsOutliveInstance: true,
      snapshotHoursMax: null,
    },
  })
})

test('whether snapshots stay without their instance is told of the instance as it is set up, and a plan warns where they go', () => {
  const { traits } = traitsOf({ ...instance, snapshots: { hoursMax: null, outliveInstance: false } }, gcp)
  expect(traits).toMatchObject({ snapshotsOutliveInstance: false })
  expect(snapshotLines(traits)).toEqual(['  snapshot: goes with its instance, whoever removes that'])
  expect(snapshotLines(traitsOf(instance, gcp).traits)).toEqual([])
})

test('an instance that has no snapshots is refused, and so is a retention that its cloud does not keep', () => {
  expect(() => traitsOf({ ...instance, snapshots: null }, azure)).toThrow(/no snapshot of an instance of class Standard_B1ms/)
  const { traits } = traitsOf({ ...instance, snapshots: { hoursMax: 168, outliveInstance: false } }, azure)
  expect(() => assertKept('shop', 168, traits)).not.toThrow()
  expect(() => assertKept('shop', 169, traits)).toThrow(/for 168 h at most, and 169 h were asked for/)
  expect(() => assertKept('shop', 87_600, undefined)).not.toThrow()
})
