import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readMigrationDirectory } from '../../postgres/migrate/read-directory'
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

test('a missing folder and a file that is not UTF-8 are named', async () => {
  expect((await failureOf(readMigrationDirectory(path.join(folder, 'no')), 'MIGRATIONS_MISSING')).message).toContain('ENOENT')
  await writeFile(path.join(folder, 'V1__latin.sql'), Buffer.from([0x53, 0xe9]))
  expect((await failureOf(readMigrationDirectory(folder), 'MIGRATION_UNSUPPORTED')).message).toContain(
    'V1__latin.sql is not UTF-8',
  )
})
