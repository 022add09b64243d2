/** What the lab does as root in folders whose owner wishes it ill. As a normal user there is nobody to step down to. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyFolder, copyOne } from '../../lab/postgres/copy'
import { removeFolder } from '../../lab/postgres/remove'
import { readPostmaster } from '../../pgserver/postmaster'
import { giveToServer } from '../../pgserver/reach'
import { replaceFile } from '../../pgserver/server-files'
import { serverUser } from '../../pgserver/server-user'

const user = serverUser()
const { signal } = new AbortController()
let root: string
let data: string
let secret: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'capstan-hostile-'))
  chmodSync(root, 0o755)
  data = join(root, 'server', 'data')
  secret = join(root, 'secret')
  mkdirSync(join(data, 'base'), { recursive: true })
  writeFileSync(secret, 'ours', { mode: 0o600 })
  writeFileSync(join(data, 'base', '1'), 'one')
  for (const path of [data, join(data, 'base'), join(data, 'base', '1')]) giveToServer(path, user)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test('a configuration file is written beside what was planted, never through it', () => {
  symlinkSync(secret, join(data, 'postgresql.conf.next'))
  symlinkSync(secret, join(data, 'postgresql.conf'))
  replaceFile(join(data, 'postgresql.conf'), 'port = 1\n', user)
  expect(readFileSync(secret, 'utf8')).toBe('ours')
  expect(lstatSync(secret).uid).toBe(process.getuid?.())
  expect(readFileSync(join(data, 'postgresql.conf'), 'utf8')).toBe('port = 1\n')
  expect(lstatSync(join(data, 'postgresql.conf'))).toMatchObject({ uid: user.uid, gid: user.gid })
})

test.each<[string, () => void]>([
  ['a link to a file', () => symlinkSync(secret, join(data, 'base', '2'))],
  ['a link to a folder', () => symlinkSync(root, join(data, 'base', '2'))],
  ['a pipe', () => execFileSync('mkfifo', [join(data, 'base', '2')])],
])('a copy of a folder with %s in it is refused', async (_, plant) => {
  plant()
  await expect(copyFolder(data, join(root, 'copy'), { signal })).rejects.toThrow('neither a file nor a folder')
  await expect(copyOne(join(data, 'base', '2'), join(root, 'one'))).rejects.toThrow()
  expect(existsSync(join(root, 'one'))).toBe(false)
})

test('a copy holds every file for the server, and nobody else can enter it before it is handed over', async () => {
  await copyFolder(data, join(root, 'copy'), { signal })
  expect(readFileSync(join(root, 'copy', 'base', '1'), 'utf8')).toBe('one')
  expect(lstatSync(join(root, 'copy', 'base', '1')).uid).toBe(user.uid)
  expect(lstatSync(join(root, 'copy'))).toMatchObject({ uid: process.getuid?.(), mode: 0o40700 })
  await expect(copyFolder(data, join(root, 'copy'), { signal })).rejects.toMatchObject({ code: 'EEXIST' })
})

test("a file of somebody else's is not copied, whatever way leads to it", async () => {
  if (!user.steppedDown) return
  symlinkSync(root, join(data, 'way'))
  await expect(copyOne(join(data, 'way', 'secret'), join(root, 'one'))).rejects.toThrow('left alone')
  chownSync(join(data, 'base'), 0, 0)
  await expect(copyFolder(data, join(root, 'copy'), { signal })).rejects.toThrow('left alone')
})

test('a pid file that is a link or a pipe names no server', () => {
  writeFileSync(secret, '4711\n')
  symlinkSync(secret, join(data, 'postmaster.pid'))
  expect(readPostmaster(data)).toBeUndefined()
  rmSync(join(data, 'postmaster.pid'))
  execFileSync('mkfifo', [join(data, 'postmaster.pid')])
  expect(readPostmaster(data)).toBeUndefined()
})

test('a removal takes the folder and leaves what links in it point to', async () => {
  symlinkSync(root, join(data, 'base', 'link'))
  symlinkSync(secret, join(data, 'file'))
  writeFileSync(join(root, 'server', 'server.log'), '')
  await removeFolder(join(root, 'server'))
  await removeFolder(join(root, 'server'))
  expect(readdirSync(root)).toEqual(['secret'])
})
