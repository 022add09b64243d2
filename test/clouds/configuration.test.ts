import { changesTo, combined, differences } from '../../clouds/configuration'
import type { InstanceConfiguration } from '../../contracts/instance-configuration'

const CONFIGURATION: InstanceConfiguration = {
  version: 1,
  kind: 'rds',
  instance: 'shop',
  instanceId: 'db-1',
  capturedAt: '2026-11-29T00:00:00.000Z',
  parameters: { group: 'of-shop', clusterGroup: 'of-all', values: { work_mem: '8192', max_logical_replication_workers: '4' } },
  capacity: {
    instanceClass: 'db.t4g.micro',
    storageGib: 20,
    growsToGib: null,
    storageType: 'gp3',
    iops: null,
    throughputMib: null,
  },
  availability: { standby: 'other-zone', standbyZone: null },
  backups: {
    keptDays: 7,
    keptCount: null,
    logDays: 7,
    window: '03:00-03:30',
    location: null,
    tagged: true,
    outliveInstance: null,
  },
  maintenance: { window: null, minorUpgrades: true, denied: [] },
  monitoring: { intervalSeconds: 60, role: 'watcher', insightsDays: 0, insights: { plans: 5 }, logs: ['postgresql', 'upgrade'] },
  access: { identities: null, passwords: null, tenant: null, certificate: null },
  network: { rules: ['sg-1'], publicAddress: false, tls: null },
  tags: { team: 'orders' },
  protection: { deletion: true, tag: null },
  notCarried: ['alarms'],
}

test('what differs is named by part and setting; who was asked, when, and what is not held is no difference', () => {
  const { monitoring, ...same } = CONFIGURATION
  const values = { work_mem: '4096', max_logical_replication_workers: '0', 'pg_stat_statements.track': 'all' }
  const found: InstanceConfiguration = {
    ...{ ...same, instance: 'copy', instanceId: 'db-2', capturedAt: '2026-11-30T00:00:00.000Z', notCarried: [] },
    parameters: { group: 'cap-x-copy', clusterGroup: 'cap-x-copy', values },
    monitoring: { ...monitoring, insights: null, logs: ['postgresql'] },
    tags: {},
  }
  expect(differences(CONFIGURATION, CONFIGURATION)).toEqual([])
  expect(differences(CONFIGURATION, found).map(({ message, keepsInert }) => [message, keepsInert])).toEqual([
    ['parameters.clusterGroup is cap-x-copy, wanted was of-all', true],
    ['parameters.group is cap-x-copy, wanted was of-shop', true],
    ['parameters.values.max_logical_replication_workers is 0, wanted was 4', true],
    ['parameters.values.pg_stat_statements.track is all, wanted was none', false],
    ['parameters.values.work_mem is 4096, wanted was 8192', false],
    ['monitoring.insights.plans is none, wanted was 5', false],
    ['monitoring.logs is postgresql, wanted was postgresql, upgrade', false],
    ['tags.team is none, wanted was orders', false],
  ])
  expect(differences(CONFIGURATION, found, ['backups', 'tags'])).toMatchObject([
    { part: 'tags', setting: 'tags.team', wanted: 'orders', found: null },
  ])
})

test('what a cloud cannot be told is named and not asked for; what it can be told is asked for once', () => {
  const { capacity, backups, monitoring, ...same } = CONFIGURATION
  const standing: InstanceConfiguration = {
    ...same,
    capacity: { ...capacity, storageGib: 40, storageType: 'gp2' },
    backups: { ...backups, keptDays: 1, logDays: 1 },
    monitoring: { ...monitoring, insights: { plans: 1, length: 9 } },
    tags: { somebody: 'else' },
  }
  const { changes, notCarried } = changesTo<object>(
    {
      'capacity.storageGib': () => null,
      'backups.keptDays': ({ backups: { keptDays } }) => ({ backup: { keptDays } }),
      'backups.logDays': ({ backups: { logDays } }) => ({ backup: { logDays } }),
      'monitoring.insights': () => ({ insights: true }),
      tags: ({ tags }) => ({ tags }),
    },
    { wanted: CONFIGURATION, standing, parts: ['capacity', 'backups', 'monitoring', 'tags', 'parameters', 'network'] },
  )
  expect(combined(changes)).toEqual({ backup: { keptDays: 7, logDays: 7 }, insights: true, tags: { team: 'orders' } })
  expect(changes).toHaveLength(4)
  expect(notCarried).toEqual([
    'alarms',
    'capacity.storageGib is 40, wanted was 20',
    'capacity.storageType is gp2, wanted was gp3',
  ])
})
