/** A few of the catalogue through real processes: bytes that are no text, streams that are gone, folders that nobody can write to. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokenRules } from './support/tone'

const ROOT = join(__dirname, '../..')
const CAPSTAN = join(ROOT, 'bin/capstan.js')
const EMBEDDED = join(ROOT, 'dist/embedded/main.js')
const folder = mkdtempSync(join(tmpdir(), 'capstan-bad-process-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const all = { PATH: process.env.PATH, HOME: folder, ...env }
    execFile(command, args, { env: all, timeout: 30_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}

/** The one sentence on standard error. */
function sentence({ err }: Ended): string {
  const [, text = err] = /^✘ (.*?)(?: \[\w+\])?\n$/s.exec(err) ?? []
  expect(brokenRules(text, { names: text })).toEqual([])
  return text
}

test('bytes that are no text are told as such', async () => {
  const ended = await run('/bin/sh', ['-c', `exec "$0" "$1" ops show "$(printf 'a\\377\\033[31m')"`, process.execPath, CAPSTAN])
  expect(ended).toMatchObject({ code: 2, out: '' })
  expect(sentence(ended)).toContain('"a\\u{fffd}\\u{1b}[31m" is no operation id')
})

test('nobody reads what is said, and the exit code is the same', async () => {
  const child = spawn(process.execPath, [CAPSTAN, 'ops', 'show', 'X!'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  child.stderr.destroy()
  const code = await new Promise((resolve) => child.once('exit', resolve))
  expect(code).toBe(2)
})

test.each([
  ['up', '/etc/hostname'],
  ['down', '/etc/hostname'],
  ['up', '/proc/self/nowhere'],
  ['up', join(folder, 'file', 'below')],
])('capstan %s with the state folder %s is refused in one sentence', async (command, state) => {
  writeFileSync(join(folder, 'file'), '')
  const ended = await run(process.execPath, [EMBEDDED, command], { CAPSTAN_STATE_DIR: state })
  expect(ended).toMatchObject({ code: 3 })
  expect(sentence(ended)).toContain('CAPSTAN_STATE_DIR')
})
