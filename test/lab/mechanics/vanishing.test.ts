import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyFolder } from '../../../lab/postgres/copy'
import { giveToServer } from '../../../pgserver/reach'
import { serverUser } from '../../../pgserver/server-user'
import { type Mechanics, never, openMechanics } from './fixture'

let lab: Mechanics
beforeAll(async () => {
  lab = await openMechanics()
})
afterAll(() => lab.remove())

test.each(['file', 'folder'])('a %s that vanishes during a copy is missing, unless a server was writing', async (kind) => {
  const root = mkdtempSync(join(tmpdir(), 'capstan-copy-'))
  const from = join(root, 'from')
  mkdirSync(join(from, 'base', '1'), { recursive: true })
  writeFileSync(join(from, 'base', '2'), 'a table')
  for (const path of ['', 'base', 'base/1', 'base/2']) giveToServer(join(from, path), serverUser())
  const victim = kind === 'file' ? 'base/2' : 'base/1'
  const choose = (path: string) => {
    if (path === victim) rmSync(join(from, path), { recursive: true })
    return 'copy' as const
  }
  const copied = await copyFolder(from, join(root, 'one'), { choose, signal: never }).catch((error: Error) => error.message)
  expect(copied).toMatch(/vanished|ENOENT/)
  mkdirSync(join(from, 'base', '1'), { recursive: true })
  writeFileSync(join(from, 'base', '2'), 'a table')
  for (const path of ['base/1', 'base/2']) giveToServer(join(from, path), serverUser())
  await copyFolder(from, join(root, 'two'), { choose, alive: true, signal: never })
  expect(['base/1', 'base/2'].filter((path) => existsSync(join(root, 'two', path)))).toContain(
    kind === 'file' ? 'base/1' : 'base/2',
  )
  rmSync(root, { recursive: true, force: true })
})

test('a restore whose snapshot or archive is removed meanwhile fails, and never leaves out what was in it', async () => {
  const source = await lab.create('source', 17, { archive: 'source' })
  await lab.ask(source, 'CREATE TABLE journal AS SELECT 1 AS id')
  for (const name of ['one', 'two']) await lab.servers.snapshot(source, name, never)
  await lab.ask(source, 'INSERT INTO journal VALUES (2)')
  await lab.servers.archiveUpToNow(source, never)
  await lab.servers.halt('source')

  const copy = lab.spec('copy', 17)
  const restoring = lab.servers.restore(copy, 'one', never).catch((error: Error) => error.message)
  await lab.servers.removeSnapshot('one')
  expect(await restoring).toMatch(/vanished|ENOENT/)
  expect(existsSync(join(lab.stateDir, 'snapshots', 'one'))).toBe(false)
  await lab.servers.remove('copy')

  const point = { backup: 'two', archive: 'source', target: 'latest', signal: never }
  const recovering = lab.servers.restoreToTime(copy, point).catch((error: Error) => error.message)
  // it was looked at before the recovery began
  const data = join(lab.stateDir, 'instances', 'copy', 'data', 'recovery.signal')
  while (!existsSync(data)) await new Promise((resolve) => setTimeout(resolve, 1))
  await lab.servers.removeArchive('source')
  expect(await recovering).toMatch(/ENOENT/)
  expect(existsSync(join(lab.stateDir, 'instances', 'copy'))).toBe(false)
})
