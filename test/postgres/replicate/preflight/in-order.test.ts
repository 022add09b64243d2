/** What is judged without a server. */
import fc from 'fast-check'
import { PREFLIGHT_CHECKS, type PreflightCheckId, type PreflightFinding } from '../../../../contracts/preflight'
import type { Look } from '../../../../postgres/replicate/preflight/check'
import { versionProblem } from '../../../../postgres/replicate/preflight/checks/versions'
import { estimatedFree, roomForData, sizeForData } from '../../../../postgres/replicate/preflight/disk-room'
import { inOrder } from '../../../../postgres/replicate/preflight/in-order'
import { counted, named } from '../../../../postgres/replicate/preflight/in-words'
import { roomOf } from '../../../../postgres/replicate/preflight/room'
import { differingOrder, orderOf, type TextOrder } from '../../../../postgres/replicate/preflight/text-order'
import { toSet } from '../../../../postgres/replicate/preflight/to-set'
import { noWayBack } from '../../../../postgres/replicate/preflight/way-back'

const CHECKS = Object.keys(PREFLIGHT_CHECKS) as PreflightCheckId[]

const finding = fc.record({
  check: fc.constantFrom(...CHECKS),
  severity: fc.constantFrom('blocks', 'warning', 'note'),
  side: fc.constantFrom('source', 'standby'),
  object: fc.constant(null),
  message: fc.string(),
  why: fc.constant(''),
  command: fc.constant(''),
}) as fc.Arbitrary<PreflightFinding>

test('what blocks stands first, then the checks’ order counts, and nothing is lost or moved within a check', () => {
  fc.assert(
    fc.property(fc.array(finding), (findings) => {
      const told = inOrder(findings)
      const places = told.map(({ severity, check }) => (severity === 'blocks' ? 0 : CHECKS.length) + CHECKS.indexOf(check))
      expect(places).toEqual([...places].sort((a, b) => a - b))
      for (const check of CHECKS) {
        for (const blocks of [true, false]) {
          const of = (all: readonly PreflightFinding[]) =>
            all.filter((one) => one.check === check && (one.severity === 'blocks') === blocks)
          expect(of(told)).toEqual(of(findings))
        }
      }
    }),
  )
})

test('a standby that is no older than its source can follow it, from 15 on', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 25 }), fc.integer({ min: 10, max: 25 }), (source, standby) => {
      expect(versionProblem(source, standby)).toBe(source < 15 ? 'source-too-old' : standby < source ? 'standby-older' : null)
    }),
  )
})

test.each([
  [150_018, /PostgreSQL 15, and only from 16 on/],
  [160_006, /PostgreSQL 16\.6, and before 16\.7 a limit/],
  [170_002, /PostgreSQL 17\.2, and before 17\.3 a limit/],
])('of a source of version %i there is no way back', async (versionNum, why) => {
  // whatever else is asked is asked of newer ones
  expect(await noWayBack({ source: { versionNum } } as Look)).toMatch(why)
})

test('a disk of the size that is reckoned has room enough, and one that is a tenth smaller has not', () => {
  const size = fc.integer({ min: 1, max: 5_000 * 1024 ** 3 })
  fc.assert(
    fc.property(size, size, size, size, (data, held, log, used) => {
      const sizeGib = sizeForData({ data, held, log, used })
      const room = (gib: number) => roomForData({ data, held, log, free: estimatedFree({ sizeGib: gib, used }) })
      expect(room(sizeGib)).toBe('enough')
      expect(room(sizeGib - 1 - Math.ceil(sizeGib / 10))).not.toBe('enough')
    }),
  )
})

test('places: more of them never make it worse, and neither do fewer that are taken', () => {
  const ranks = ['none', 'scarce', 'enough']
  const few = fc.integer({ min: 0, max: 12 })
  fc.assert(
    fc.property(few, few, few, few, few, (max, taken, least, more, other) => {
      const places = { max, taken, least, wanted: least + more }
      const room = ranks.indexOf(roomOf(places))
      expect(ranks.indexOf(roomOf({ ...places, max: max + other }))).toBeGreaterThanOrEqual(room)
      expect(ranks.indexOf(roomOf({ ...places, taken: taken + other }))).toBeLessThanOrEqual(room)
      expect(roomOf({ ...places, max: taken + places.wanted })).toBe('enough')
      expect(roomOf(places) === 'none').toBe(Math.max(0, max - taken) < least)
    }),
  )
})

test('room for the data: what does not fit is none, and with the data again and the log it is enough', () => {
  const size = fc.integer({ min: 0, max: 2 ** 50 })
  fc.assert(
    fc.property(size, size, size, size, (data, held, log, free) => {
      const room = roomForData({ data, held, log, free })
      expect(room === 'none').toBe(free < data - held && free < data)
      expect(roomForData({ data, held, log, free: 2 * data + log })).toBe('enough')
    }),
  )
})

const UTF8: TextOrder = { encoding: 'UTF8', provider: 'c', locale: 'en_US.UTF-8', ctype: 'en_US.UTF-8', version: '2.36' }

test.each<[string, Partial<TextOrder>, Partial<TextOrder>, string | null]>([
  ['the same', {}, {}, null],
  ['the same locale in another spelling', {}, { locale: 'en_US.utf8', ctype: 'en_US.utf8' }, null],
  ['bytes by three names', { locale: 'C', version: null }, { provider: 'b', locale: 'C.UTF-8', version: '1' }, null],
  ['another version of the library', {}, { version: '2.39' }, 'note'],
  ['a version that one does not tell', {}, { version: null }, 'note'],
  ['another library for one locale', {}, { provider: 'i', locale: 'en-US' }, 'warning'],
  ['another locale', {}, { locale: 'de_DE.UTF-8' }, 'warning'],
  ['other letters', { locale: 'C' }, { locale: 'C', ctype: 'C' }, 'warning'],
  ['an encoding that holds all', { encoding: 'LATIN1' }, {}, 'warning'],
  ['an encoding that does not', {}, { encoding: 'LATIN1' }, 'blocks'],
  ['bytes that are said to be no text', { encoding: 'SQL_ASCII' }, {}, 'blocks'],
])('texts on both sides: %s', (_what, source, standby, severity) => {
  const found = differingOrder({ ...UTF8, ...source }, { ...UTF8, ...standby })
  expect(found.map((one) => one.severity)).toEqual(severity === null ? [] : [severity])
})

test('what orders texts is the same as itself, whatever it is called', () => {
  fc.assert(
    fc.property(fc.constantFrom('c', 'i', 'b'), fc.string(), (provider, locale) => {
      const order = { ...UTF8, provider, locale }
      expect(orderOf(order)).toBe(orderOf({ ...order }))
      expect(differingOrder(order, order)).toEqual([])
    }),
  )
})

test('settings are told as each cloud names them', () => {
  expect(toSet('aws', 'wal_level', 'logical', true)).toBe(
    'rds.logical_replication = 1 -- in a parameter group of its own, then reboot the instance',
  )
  expect(toSet('azure', 'wal_level', 'logical', true)).toBe(
    'wal_level = logical -- among the server parameters, then restart the server',
  )
  expect(toSet('gcp', 'wal_level', 'logical', true)).toBe(
    'cloudsql.logical_decoding = on -- among the database flags, which restarts the instance',
  )
  expect(toSet(null, 'max_wal_senders', 12, true)).toBe('ALTER SYSTEM SET max_wal_senders = 12; -- then restart the server')
  expect(toSet('aws', 'max_slot_wal_keep_size', 5, false)).toBe('max_slot_wal_keep_size = 5 -- in a parameter group of its own')
})

test('many things are named by their first, and counted', () => {
  expect(named(['a'])).toBe('a')
  expect(named(['a', 'b', 'c', 'd'])).toBe('a, b, c and 1 other')
  expect(named(['a', 'b', 'c', 'd', '"x\u001b"'])).toBe('a, b, c and 2 others')
  expect([counted(1, 'table'), counted(1_204, 'table')]).toEqual(['1 table', '1,204 tables'])
})
