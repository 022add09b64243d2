/** `npm start` itself: the compiled program with state of its own, from the first start to its removal. The tests go on from each other. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readRecords } from '../../embedded/processes/records'
import { isAlive, type ProcessIdentity } from '../../pgserver/process-identity'
import { processesNaming } from '../support/processes'

const ROOT = join(__dirname, '../..')
const STORY_MS = 900_000

const dir = mkdtempSync(join(tmpdir(), 'capstan-start-'))
const state = join(dir, 'state')
const env = { ...process.env, CAPSTAN_STATE_DIR: state, NO_COLOR: '1' }
/** Every process that was ever on record, in this file. */
const seen = new Map<number, ProcessIdentity>()
const children: ChildProcess[] = []

// PostgreSQL's own user has to get through.
beforeAll(() => chmod(dir, 0o711))
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await run('dist/embedded/main.js', 'reset').ended
  rmSync(dir, { recursive: true, force: true })
})

interface Run {
  readonly child: ChildProcess
  said(): string
  readonly ended: Promise<{ readonly code: number | null; readonly out: string }>
}

function run(program: string, ...args: string[]): Run {
  const child = spawn(process.execPath, [join(ROOT, program), ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (out += part))
  children.push(child)
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out }))
  return { child, said: () => out, ended }
}

/** Keeps an eye on the records until it has ended. */
async function watched({ child, ended }: Run): Promise<{ readonly code: number | null; readonly out: string }> {
  while (child.exitCode === null && child.signalCode === null) {
    for (const record of readRecords(join(state, 'processes.json'))) seen.set(record.pid, record)
    await sleep(50)
  }
  return await ended
}

function expectNothingLeft(): void {
  expect([...seen.values()].filter(isAlive)).toEqual([])
  expect(processesNaming(state)).toEqual([])
  expect(existsSync(join(state, 'endpoints.json'))).toBe(false)
}

const mode = (...path: string[]): number => statSync(join(state, ...path)).mode & 0o777
const faults = (): unknown[] => (JSON.parse(readFileSync(join(state, 'lab', 'lab.json'), 'utf8')) as { faults: unknown[] }).faults

test('Ctrl-C ends what "up" started, and nothing is left running', async () => {
  const up = run('dist/embedded/main.js', 'up')
  const ended = watched(up)
  while (!up.said().includes('Ctrl-C stops it') && up.child.exitCode === null) await sleep(50)
  const fault = ['drop-response', 'RebootDBInstance']
  expect(await run('bin/capstan.js', 'lab', 'fault', ...fault).ended).toMatchObject({ code: 0 })
  up.child.kill('SIGINT')
  expect(await ended).toEqual({ code: 0, out: expect.stringContaining('✔ Temporal · PostgreSQL 15') })
  // Temporal, lab and worker; the ledger's server is found by its folder.
  expect(seen.size).toBeGreaterThanOrEqual(3)
  expectNothingLeft()
  expect(faults()).toHaveLength(1)
})

test(
  'the story of a first start: stopped by a finding, applied safely through a kill, nothing lost',
  async () => {
    const { code, out } = await watched(run('dist/embedded/main.js', 'start', '--once', '--again'))
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^PASS {2}[\d,]+ commits acknowledged during the run, 0 lost/m),
    })
    expect(out).toMatch(/✘ V7:\d+ {2}ALTER TABLE orders/)
    expect(out).toMatch(/target untouched, canary removed/)
    const killed = /killing the worker inside CREATE INDEX CONCURRENTLY \(kill -9 (\d+)\)/.exec(out)?.[1]
    const successor = /resumed by worker (\d+)/.exec(out)?.[1]
    expect(seen.has(Number(killed))).toBe(true)
    expect(seen.has(Number(successor))).toBe(true)
    expect(successor).not.toBe(killed)
    expectNothingLeft()
  },
  STORY_MS,
)

test('what is kept is its owner’s alone, and the lab was emptied before the story because of --again', () => {
  const closed = process.getuid?.() === 0 ? 0o711 : 0o700
  expect([mode('.'), mode('logs'), mode('ledger'), mode('lab'), mode('evidence')]).toEqual(Array(5).fill(closed))
  for (const file of ['temporal.db', 'ports.json', 'secrets.json', 'shop-journal'])
    expect([file, mode(file)]).toEqual([file, 0o600])
  for (const log of ['temporal.log', 'worker.out', 'lab.out', 'ledger.log'])
    expect([log, mode('logs', log)]).toEqual([log, 0o600])
  expect(faults()).toEqual([])
})

test('reset removes the state', async () => {
  expect(await run('dist/embedded/main.js', 'reset').ended).toEqual({
    code: 0,
    out: `✔ removed all state of this clone (${state})\n`,
  })
  expect(existsSync(state)).toBe(false)
})
