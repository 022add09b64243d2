/** Names, connection strings and what is left of a copy: nothing here needs a server. */
import fc from 'fast-check'
import type { CopyProgress } from '../../../contracts/standby'
import { conninfoOf, type Publisher } from '../../../postgres/replicate/conninfo'
import { estimate, progressOf } from '../../../postgres/replicate/copy-progress'
import { standbyNames } from '../../../postgres/replicate/names'

const fleetName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/)

test('names fit into a slot’s, are the same each time, and differ for different pairs', () => {
  fc.assert(
    fc.property(fleetName, fleetName, fleetName, fleetName, (a, b, c, d) => {
      const names = standbyNames({ source: a, target: b })
      for (const name of Object.values(names)) expect(name).toMatch(/^[a-z0-9_]{1,63}$/)
      expect(standbyNames({ source: a, target: b })).toEqual(names)
      if (a !== b) expect(standbyNames({ source: b, target: a })).not.toEqual(names)
      if (a !== c || b !== d) expect(standbyNames({ source: c, target: d }).slot).not.toBe(names.slot)
    }),
  )
})

test('names that differ only behind what is shown, or in what is folded, differ', () => {
  const long = 'a'.repeat(30)
  const slots = [
    [`${long}-1`, 'b'],
    [`${long}-2`, 'b'],
    ['a-b', 'c'],
    ['a', 'b-c'],
    ['a_b', 'c'],
    ['', 'a-b-c'],
  ].map(([source = '', target = '']) => standbyNames({ source, target }).slot)
  expect(new Set(slots).size).toBe(slots.length)
})

/** libpq's own reading (conninfo_parse in src/interfaces/libpq/fe-connect.c). */
function parsed(conninfo: string): Record<string, string> {
  const found: Record<string, string> = {}
  let at = 0
  while (at < conninfo.length) {
    if (conninfo[at] === ' ') {
      at += 1
      continue
    }
    const equals = conninfo.indexOf('=', at)
    const key = conninfo.slice(at, equals)
    at = equals + 1
    if (conninfo[at] !== "'") throw new Error(`${key} stands without quotes`)
    at += 1
    let value = ''
    while (conninfo[at] !== "'") {
      if (at >= conninfo.length) throw new Error('a quote is not closed')
      if (conninfo[at] === '\\') at += 1
      value += conninfo[at]
      at += 1
    }
    at += 1
    if (key in found) throw new Error(`${key} stands twice`)
    found[key] = value
  }
  return found
}

const wild = fc
  .string({
    unit: fc.oneof(fc.constantFrom("'", '\\', ' ', '=', '"', '$', '%', '\n'), fc.string({ minLength: 1, maxLength: 1 })),
  })
  .map((text) => text.replaceAll('\0', ''))
const plain: Publisher = { host: '10.0.0.7', port: 5432, database: 'shop', user: 'follower', password: 'secret', tls: 'disable' }

test('whatever a value holds, libpq reads it back and nothing besides', () => {
  fc.assert(
    fc.property(wild, wild, wild, (database, user, password) => {
      const found = parsed(conninfoOf({ ...plain, database, user, password }, 170_000))
      expect(found).toMatchObject({ host: '10.0.0.7', port: '5432', dbname: database, user, password, sslmode: 'disable' })
    }),
  )
})

test('encryption is as declared, and the password is for none but its server', () => {
  const words = (tls: Publisher['tls'], version: number) => parsed(conninfoOf({ ...plain, tls }, version))
  expect(words('disable', 170_000)).toMatchObject({ sslmode: 'disable', require_auth: 'scram-sha-256' })
  expect(words('disable', 150_000)).not.toHaveProperty('require_auth')
  expect(words('require', 150_000)).toMatchObject({ sslmode: 'require', channel_binding: 'require' })
  expect(words('verify-full', 160_000)).toMatchObject({ sslmode: 'verify-full', sslrootcert: 'system' })
  expect(() => words('verify-full', 150_019)).toThrow(/PostgreSQL 15 cannot ask the public authorities/)
})

test.each(['', '/var/run', '@abstract', 'one,other', 'a\0b'])('%j is no host', (host) => {
  expect(() => conninfoOf({ ...plain, host }, 170_000)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
})

const progress = (more: Partial<CopyProgress>): CopyProgress => ({
  tables: 2,
  ready: 0,
  copying: [],
  bytesDone: 0,
  bytesTotal: 1_000,
  ...more,
})

test('what is left is told by the pace between two looks, and not where there was none', () => {
  const at = (atMs: number, bytesDone: number, ready = 0) => ({ atMs, progress: progress({ bytesDone, ready }) })
  expect(estimate(at(0, 100), at(1_000, 200))).toBe(8_000)
  expect(estimate(null, at(1_000, 200))).toBeNull()
  expect(estimate(at(0, 200), at(1_000, 200))).toBeNull()
  expect(estimate(at(0, 300), at(1_000, 200))).toBeNull()
  expect(estimate(at(1_000, 100), at(1_000, 200))).toBeNull()
  expect(estimate(null, at(0, 1_000, 2))).toBe(0)
  const any = fc.record({
    atMs: fc.nat(),
    progress: fc.record({ bytesDone: fc.nat(), bytesTotal: fc.nat(), ready: fc.nat(3) }).map(progress),
  })
  fc.assert(
    fc.property(fc.option(any), any, (previous, now) => {
      const left = estimate(previous, now)
      if (left !== null) expect(Number.isSafeInteger(left) && left >= 0).toBe(true)
    }),
  )
})

test('what is copied is never more than there is', () => {
  const sizes = new Map([
    ['public.a', 100],
    ['public.b', 50],
    ['public.unknown', 7],
  ])
  const rows = [
    { table: 'public.a', state: 'd', bytes: 170 },
    { table: 'public.b', state: 's', bytes: 0 },
    { table: 'public.stranger', state: 'd', bytes: 3 },
  ]
  expect(progressOf(rows, sizes)).toEqual({
    tables: 4,
    ready: 0,
    copying: [
      { table: 'public.a', bytesDone: 100, bytesTotal: 100 },
      { table: 'public.stranger', bytesDone: 3, bytesTotal: null },
    ],
    bytesDone: 150,
    bytesTotal: 157,
  })
})
