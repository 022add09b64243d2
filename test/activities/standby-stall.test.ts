import { standbyStall } from '../../activities/schema/standby-stall'
import { LOOK, MB, RECORD } from '../postgres/replicate/watch/looks'

const script = (name: string, onStandbys: 'schema' | 'mixed' | 'free' | 'rows') => ({
  ...{ script: name, version: null, description: '', checksum: 1, statements: [] },
  onStandbys,
})
const records = [
  { script: 'V1__a.sql', durationMs: 30_000 },
  { script: 'V2__b.sql', durationMs: 20_000 },
  { script: 'V3__c.sql', durationMs: 900_000 },
  { script: 'V4__d.sql', durationMs: 900_000 },
]
const pending = [
  script('V1__a.sql', 'schema'),
  script('V2__b.sql', 'mixed'),
  script('V3__c.sql', 'free'),
  script('V4__d.sql', 'rows'),
]

test('log that is written while a standby is at a line is held against what its slot may hold back still', () => {
  // 100 MB are declared and 1 MB is held back: 99 MB are left, over the 50 s of the two files that have a line
  const stall = (bytesPerSecond: number) =>
    standbyStall({ pending, records, bytesPerSecond, standbys: [{ ...RECORD, look: LOOK }] })
  expect(stall(1.98 * MB)).toEqual([])
  const [found] = stall(2 * MB)
  expect(found).toMatchObject({ rule: 'standby-stall', measured: 100 * MB, allowed: 99 * MB })
  expect(found?.message).toContain('While shop-azure gets what took 50 s on the canary, about 100 MB of log')
})
