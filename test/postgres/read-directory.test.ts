import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { FILE_BYTES_MAX, readMigrationDirectory } from '../../postgres/migrate/read-directory'
import { resolveMigrations } from '../../postgres/migrate/resolve'
import { printable } from '../../postgres/printable'
import { failureOf } from './support/apply'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'capstan-migrations-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('subfolders are read, paths use forward slashes, other files are left alone', async () => {
  await mkdir(path.join(folder, 'b', 'c'), { recursive: true })
  await writeFile(path.join(folder, 'b', 'c', 'V2__x.sql'), '\uFEFFSELECT 2')
  await writeFile(path.join(folder, 'V1__x.SQL'), 'SELECT 1')
  await writeFile(path.join(folder, 'README.md'), Buffer.from([0xff]))

  expect(await readMigrationDirectory(folder)).toEqual([
    { script: 'V1__x.SQL', content: 'SELECT 1' },
    { script: 'b/c/V2__x.sql', content: '\uFEFFSELECT 2' },
  ])
})

test('a missing folder, an unreadable one and a file that is not UTF-8 are named', async () => {
  expect((await failureOf(readMigrationDirectory(path.join(folder, 'no')), 'MIGRATIONS_MISSING')).message).toContain('ENOENT')
  await writeFile(path.join(folder, 'V1__latin.sql'), Buffer.from([0x53, 0xe9]))
  expect((await refusal()).message).toBe('V1__latin.sql is not UTF-8: convert it.')
  const file = path.join(folder, 'V1__latin.sql')
  expect((await failureOf(readMigrationDirectory(file), 'MIGRATIONS_MISSING')).message).toContain('ENOTDIR')
})

const refusal = () => failureOf(readMigrationDirectory(folder), 'MIGRATION_UNSUPPORTED')

describe('a link', () => {
  let outside: string
  beforeEach(async () => {
    outside = await mkdtemp(path.join(tmpdir(), 'capstan-outside-'))
    await writeFile(path.join(outside, 'secret'), 'SELECT 1')
    await writeFile(path.join(outside, 'V1__x.sql'), 'SELECT 1')
  })
  afterEach(() => rm(outside, { recursive: true }))

  test('to a file outside is refused', async () => {
    await symlink(path.join(outside, 'secret'), path.join(folder, 'V1__x.sql'))
    expect((await refusal()).message).toBe(
      'V1__x.sql is a link that leads out of the migrations folder: put what it points at into the folder.',
    )
  })

  test('to a folder outside is refused, and so is one that goes out and names a neighbour of the same beginning', async () => {
    await symlink(outside, path.join(folder, 'more'))
    expect((await refusal()).message).toMatch(/^more is a link that leads out/)
    await rm(path.join(folder, 'more'))
    const neighbour = `${folder}-neighbour`
    await mkdir(neighbour)
    await writeFile(path.join(neighbour, 'V1__x.sql'), 'SELECT 1')
    await symlink(path.join('..', path.basename(neighbour), 'V1__x.sql'), path.join(folder, 'V1__x.sql'))
    expect((await refusal()).message).toMatch(/^V1__x\.sql is a link that leads out/)
    await rm(neighbour, { recursive: true })
  })

  test('that leads nowhere or in a circle is refused', async () => {
    await symlink('missing', path.join(folder, 'V1__x.sql'))
    expect((await refusal()).message).toMatch(/^V1__x\.sql is a link that leads nowhere/)
    await rm(path.join(folder, 'V1__x.sql'))
    await symlink('V2__y.sql', path.join(folder, 'V2__y.sql'))
    expect((await refusal()).message).toMatch(/^V2__y\.sql is a link that leads nowhere/)
  })

  test('to a file inside is read, and one to a folder inside is not followed', async () => {
    await mkdir(path.join(folder, 'data'))
    await writeFile(path.join(folder, 'data', 'first'), 'SELECT 1')
    await symlink(path.join('data', 'first'), path.join(folder, 'V1__x.sql'))
    await symlink('data', path.join(folder, 'again'))
    await symlink('.', path.join(folder, 'self'))
    await symlink(path.join(outside, 'secret'), path.join(folder, 'README'))
    expect(await readMigrationDirectory(folder)).toEqual([{ script: 'V1__x.sql', content: 'SELECT 1' }])
  })

  test('may be the folder itself', async () => {
    await symlink(outside, path.join(folder, 'link'))
    expect(await readMigrationDirectory(path.join(folder, 'link'))).toEqual([{ script: 'V1__x.sql', content: 'SELECT 1' }])
  })
})

test('a pipe, a folder and a socket in the place of a migration are refused and hold nobody up', async () => {
  const place = path.join(folder, 'V1__x.sql')
  execFileSync('mkfifo', [place])
  expect((await refusal()).message).toBe('V1__x.sql is no regular file: rename or remove it.')
  await symlink('V1__x.sql', path.join(folder, 'V0__to_the_pipe.sql'))
  expect((await refusal()).message).toMatch(/is no regular file/)
  await rm(path.join(folder, 'V0__to_the_pipe.sql'))
  await rm(place)
  await mkdir(place)
  expect((await refusal()).message).toBe('V1__x.sql is a folder: rename or remove it.')
  await rm(place, { recursive: true })
  const server = createServer().listen(place)
  await once(server, 'listening')
  expect((await refusal()).message).toBe('V1__x.sql is no regular file: rename or remove it.')
  server.close()
})

test('a device is refused even behind a link inside the folder', async () => {
  expect((await failureOf(readMigrationDirectory('/dev/null'), 'MIGRATIONS_MISSING')).message).toContain('ENOTDIR')
  await symlink('/dev/zero', path.join(folder, 'V1__x.sql'))
  expect((await refusal()).message).toMatch(/^V1__x\.sql is a link that leads out/)
})

test('a file that is too large is refused before it is read', async () => {
  const file = await open(path.join(folder, 'V1__x.sql'), 'w')
  await file.truncate(FILE_BYTES_MAX + 1)
  await file.close()
  expect((await refusal()).message).toBe('V1__x.sql is larger than the 64 MiB that a migration may have: split it.')
})

test.each([
  ['V1__a\nV2__forged line.sql', 'V1__a\\u{a}V2__forged line.sql'],
  ['V1__\u001b[2J.sql', 'V1__\\u{1b}[2J.sql'],
  ['V1__\u009b31m.sql', 'V1__\\u{9b}31m.sql'],
  ['V1__\u202elqs.sql', 'V1__\\u{202e}lqs.sql'],
  ['V1__a.sql\r', 'V1__a.sql\\u{d}'],
  ['V1__a.sql ', 'V1__a.sql '],
])('the name %j is refused in one line that nothing can be forged with', async (name, shown) => {
  await writeFile(path.join(folder, name), 'SELECT 1')
  const { message, facts } = await failureOf(readMigrationDirectory(folder), 'MIGRATION_NAME_INVALID')
  expect(message).toBe(`The name "${shown}" holds characters that cannot be printed, or ends with a blank: rename the file.`)
  expect(facts).toEqual({ script: shown })
  expect(() => resolveMigrations([{ script: name, content: '' }])).toThrow('cannot be printed')
})

test('a name that is not UTF-8 is refused, and a folder with such a name is shown escaped', async () => {
  await writeFile(Buffer.concat([Buffer.from(path.join(folder, 'V1__')), Buffer.from([0xff]), Buffer.from('.sql')]), 'SELECT 1')
  expect((await failureOf(readMigrationDirectory(folder), 'MIGRATION_NAME_INVALID')).message).toContain('V1__\\u{fffd}.sql')
  const missing = await failureOf(readMigrationDirectory(path.join(folder, 'a\u001b[0m\nb')), 'MIGRATIONS_MISSING')
  expect(missing.message).toContain('a\\u{1b}[0m\\u{a}b cannot be read')
})

test('whatever a file is called, no sentence about it has a second line or a control character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    }),
  )
})
