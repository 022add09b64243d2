import fc from 'fast-check'
import { migrationChecksum } from '../../postgres/migrate/checksum'
import { compareVersions, parseMigrationName, versionKey } from '../../postgres/migrate/names'
import { failureOf, resolve } from './support/apply'

const refusal = (work: () => unknown) => failureOf(Promise.resolve().then(work))

test.each([
  ['V1__init.sql', '1', 'init'],
  ['V002.0.1__a_b__c.SQL', '002.0.1', 'a b  c'],
  ['V2_1__x.sql', '2.1', 'x'],
  ['sub/folder/V3__.sql', '3', ''],
  ['V4.sql', '4', ''],
  ['R__all_views.sql', null, 'all views'],
])('%s is version %s, "%s"', (script, version, description) => {
  expect(parseMigrationName(script)).toEqual({ kind: version === null ? 'repeatable' : 'versioned', version, description })
})

test.each(['README.md', 'U1__undo.sql', 'seed.sql', 'Views.sql', 'vacuum_all.sql', 'V1__x.sql.bak'])(
  '%s is no migration',
  (script) => {
    expect(parseMigrationName(script)).toBeNull()
  },
)

test.each(['V2_add_status.sql', 'V__x.sql', 'Vone__x.sql', 'R_views.sql', 'R1__views.sql', 'v1__x.sql', 'V1.__x.sql'])(
  '%s was meant as a migration and is refused',
  async (script) => {
    expect((await refusal(() => parseMigrationName(script))).code).toBe('MIGRATION_NAME_INVALID')
  },
)

test.each(['B3__baseline.sql', 'beforeMigrate.sql', 'afterEachMigrateStatement__x.sql', 'createSchema.sql'])(
  '%s is not run silently',
  async (script) => {
    expect((await refusal(() => parseMigrationName(script))).code).toBe('MIGRATION_UNSUPPORTED')
  },
)

test('equal versions are refused, naming both files', async () => {
  const failure = await refusal(() => resolve({ 'V1__a.sql': '', 'sub/V01.0__b.sql': '' }))
  expect(failure.code).toBe('MIGRATION_VERSION_DUPLICATE')
  expect(failure.message).toContain('V1__a.sql')
  expect(failure.message).toContain('sub/V01.0__b.sql')
})

test('equal descriptions of repeatable migrations are refused', async () => {
  expect((await refusal(() => resolve({ 'R__a.sql': '', 'sub/R__a.sql': '' }))).code).toBe('MIGRATION_DESCRIPTION_DUPLICATE')
})

const version = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 5 })

test('versions are ordered part by part as numbers, missing parts being zero', () => {
  fc.assert(
    fc.property(version, version, (a, b) => {
      const length = Math.max(a.length, b.length)
      const padded = (parts: number[]) => Array.from({ length }, (_, i) => String(parts[i] ?? 0).padStart(3, '0')).join()
      const expected = padded(a) === padded(b) ? 0 : padded(a) < padded(b) ? -1 : 1
      expect(compareVersions(a.join('.'), b.join('.'))).toBe(expected)
      expect(versionKey(a.join('.')) === versionKey(b.join('.'))).toBe(expected === 0)
    }),
  )
})

test('leading and trailing zeros do not make another version, and no number is too large', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 10n ** 30n }), { minLength: 1, maxLength: 4 }), (parts) => {
      const plain = parts.join('.')
      const dressed = `${parts.map((part) => `00${part}`).join('.')}.0.0`
      expect(compareVersions(plain, dressed)).toBe(0)
    }),
  )
})

// Values that Flyway wrote into its history.
test.each([
  ['', 0],
  ['\uFEFF', 0],
  ['abc', 891568578],
  ['create table a (id int);\r\ninsert into a values (1);\r\n', -94847981],
  ['\uFEFFcreate table b (id int);\n-- é😀\n', 345453716],
  ["select ';';\rselect 2;", -1728218581],
])('the checksum of %j is %i', (content, checksum) => {
  expect(migrationChecksum(content)).toBe(checksum)
})

test('the checksum ignores line ends and a byte order mark, and is a signed 32-bit integer', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n\uFEFF]/g, ''))
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('\n', '\r', '\r\n'), (lines, end) => {
      const checksum = migrationChecksum(lines.join('\n'))
      expect(migrationChecksum(lines.join(end))).toBe(checksum)
      expect(migrationChecksum(`\uFEFF${lines.join(end)}${end}`)).toBe(checksum)
      expect(checksum).toBe(referenceCrc(Buffer.from(lines.join(''))))
    }),
  )
})

/** CRC-32 bit by bit, as Java's CRC32 has it. */
function referenceCrc(bytes: Buffer): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc | 0
}
