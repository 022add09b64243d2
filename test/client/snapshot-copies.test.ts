import { snapshotListLines, snapshotPlanLines } from '../../client/cli/render/snapshots'
import type { SnapshotList, SnapshotPlan } from '../../contracts/snapshot'
import { ORDERS } from '../clouds/aurora-entry'

const paint = (_style: unknown, text: string): string => text
const NOW = Date.parse('2026-11-29T12:00:00.000Z')

const PLAN: SnapshotPlan = {
  ...{ version: 1, digest: 'd', bundle: 'b', instance: 'shop', instanceId: 'db-1', engineVersion: '17.2' },
  storage: { sizeGib: 100, encrypted: true, key: 'arn:aws:kms:eu-central-1:000000000000:key/one' },
  ...{ snapshot: 'cap-x-take', retentionHours: 168, expiring: [] },
}

const copyLines = (copy: Partial<NonNullable<SnapshotPlan['copies']>[number]>, plan: Partial<SnapshotPlan> = {}): string[] => {
  const whole = { region: 'eu-west-1', snapshot: 'cap-x-copy-eu-west-1', key: null, expiring: [], ...copy }
  const lines = snapshotPlanLines({ ...PLAN, ...plan, copies: [whole] }, ORDERS, paint)
  return lines.slice(3, lines.indexOf(''))
}

test('a plan says where a snapshot is copied, with which key, and what goes there', () => {
  const copied = '  copies it to eu-west-1 as cap-x-copy-eu-west-1, '
  expect(copyLines({})).toEqual([
    `${copied}encrypted with the default key there, since the fleet file names none`,
    '    then removes nothing there',
  ])
  expect(copyLines({ key: 'alias/backups', expiring: ['cap-w-copy-eu-west-1'] })).toEqual([
    `${copied}encrypted with alias/backups`,
    '    then removes 1 snapshot there:',
    '      cap-w-copy-eu-west-1',
  ])
  const storage = { ...PLAN.storage, encrypted: false, key: null }
  expect(copyLines({ expiring: null, unreached: 'It did not answer.' }, { storage })).toEqual([
    `${copied}not encrypted`,
    '    eu-west-1 could not be asked what would go there: It did not answer.',
  ])
})

test('a list names the region of each where there are copies, and the regions that could not be asked', () => {
  const one = {
    ...{ name: 'cap-x-take', state: 'available', createdAt: '2026-11-29T11:00:00.000Z', sizeGib: 100 },
    ...{ expiresAt: '2026-12-06T11:00:00.000Z', operation: 'x', step: 'take', standing: 'within-retention' as const },
  }
  const list: SnapshotList = { version: 1, database: 'shop', instance: 'shop', instanceId: 'db-1', snapshots: [one] }
  expect(snapshotListLines(list, { paint, now: NOW }).join('\n')).not.toContain('REGION')
  const copy = { ...one, region: 'eu-west-1', name: 'cap-x-copy-eu-west-1' }
  const unreached = [{ region: 'us-west-2', why: 'It did not answer.' }]
  const lines = snapshotListLines({ ...list, snapshots: [one, copy], unreached }, { paint, now: NOW })
  expect(lines.map((line) => line.replace(/ {2,}/g, ' | ').trim())).toEqual([
    'NAME | REGION | STATE | AGE | KEPT FOR | OPERATION | WHY IT STAYS',
    'cap-x-take | its own | available | 60 min | 6 d more | x | within its retention',
    'cap-x-copy-eu-west-1 | eu-west-1 | available | 60 min | 6 d more | x | within its retention',
    'us-west-2 could not be asked: It did not answer.',
  ])
})
