import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(__dirname, '../..')
const run = promisify(execFile)
let clone: string

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'capstan-prepare-'))
  for (const name of ['scripts', 'package.json', 'package-lock.json', 'tsconfig.base.json'])
    cpSync(join(ROOT, name), join(clone, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  mkdirSync(join(clone, 'ledger', 'migrations'), { recursive: true })
  writeFileSync(join(clone, 'ledger', 'migrations', 'V1__one.sql'), 'SELECT 1;\n')
  writeFileSync(join(clone, 'ledger', 'a.ts'), 'export const a: number = 1\n')
  writeFileSync(join(clone, 'ledger', 'b.ts'), `import { a } from './a'\nexport const b = a + 1\n`)
})
afterEach(() => rmSync(clone, { recursive: true, force: true }))

const prepare = async (): Promise<string> => (await run(process.execPath, [join(clone, 'scripts/prepare.js')])).stdout
const dist = (name: string): string => join(clone, 'dist', name)

test('a fresh clone is compiled, with the SQL that is read at run time beside the code', async () => {
  expect(await prepare()).toContain('compiled 3 files')
  expect(execFileSync(process.execPath, ['-p', `require('${dist('ledger/b.js')}').b`], { encoding: 'utf8' })).toBe('2\n')
  expect(readFileSync(dist('ledger/migrations/V1__one.sql'), 'utf8')).toBe('SELECT 1;\n')
})

test('with nothing to do it says nothing and writes nothing, even when files were touched', async () => {
  await prepare()
  const before = statSync(dist('ledger/a.js')).mtimeMs
  utimesSync(join(clone, 'ledger', 'a.ts'), new Date(), new Date())
  expect(await prepare()).toBe('')
  expect(statSync(dist('ledger/a.js')).mtimeMs).toBe(before)
})

test('only what changed is compiled again, and what lost its source is removed', async () => {
  await prepare()
  writeFileSync(join(clone, 'ledger', 'a.ts'), 'export const a = 41\n')
  rmSync(join(clone, 'ledger', 'migrations', 'V1__one.sql'))
  expect(await prepare()).toContain('compiled 1 files')
  expect(existsSync(dist('ledger/migrations/V1__one.sql'))).toBe(false)
  expect(execFileSync(process.execPath, ['-p', `require('${dist('ledger/b.js')}').b`], { encoding: 'utf8' })).toBe('42\n')
})

test('a compiled file that was lost is made again', async () => {
  await prepare()
  rmSync(dist('ledger/a.js'))
  await prepare()
  expect(existsSync(dist('ledger/a.js'))).toBe(true)
})

test('four at once leave one whole result, no lock and no half-written file', async () => {
  const said = await Promise.all([prepare(), prepare(), prepare(), prepare()])
  expect(said.filter((text) => text.includes('compiled'))).toHaveLength(1)
  expect(execFileSync(process.execPath, ['-p', `require('${dist('ledger/b.js')}').b`], { encoding: 'utf8' })).toBe('2\n')
  expect(readdirSync(join(clone, 'dist')).filter((name) => /lock|tmp/.test(name))).toEqual([])
})

test('the lock of a prepare that was killed does not hold up the next', async () => {
  mkdirSync(join(clone, 'dist'))
  const dead = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim()
  writeFileSync(dist('.prepare.lock'), dead)
  expect(await prepare()).toContain('compiled 3 files')
})

test('a file that does not parse is named, without a stack', async () => {
  writeFileSync(join(clone, 'ledger', 'a.ts'), 'export const = 1\n')
  const failed = await run(process.execPath, [join(clone, 'scripts/prepare.js')]).catch(
    (error: unknown) => error as { code: number; stderr: string },
  )
  expect(failed).toMatchObject({ code: 70, stderr: expect.stringContaining('ledger/a.ts(1,14): error TS1134') })
  expect((failed as { stderr: string }).stderr).not.toContain('    at ')
})
