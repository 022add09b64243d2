import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, startProgram } from '../../embedded/processes/program'
import { ProcessRecords } from '../../embedded/processes/records'
import { supervise } from '../../embedded/processes/supervise'
import { sweep } from '../../embedded/processes/sweep'
import { identify, isAlive } from '../../embedded/state/process-identity'
import { folder, removeFolders } from './support'

afterAll(removeFolders)

function program(script: string): Program {
  return {
    name: 'worker',
    command: process.execPath,
    args: ['-e', script],
    env: process.env,
    ready: { kind: 'line' },
    readyTimeoutMs: 20_000,
    stopSignal: 'SIGTERM',
  }
}

const STAYS = 'console.log(JSON.stringify({ ready: true, pid: process.pid })); setInterval(() => {}, 1000)'

function place() {
  const stateDir = folder()
  mkdirSync(join(stateDir, 'logs'))
  const records = new ProcessRecords(join(stateDir, 'processes.json'))
  return { stateDir, logDir: join(stateDir, 'logs'), records }
}

test('a worker that is killed is started again, and whoever waits for its successor gets it', async () => {
  const where = place()
  const seen: string[] = []
  const worker = await supervise(program(STAYS), where, ({ state }) => seen.push(state))
  const first = worker.pid() as number
  const successor = worker.successor(first)
  process.kill(first, 'SIGKILL')
  const second = await successor
  expect(second.identity.pid).not.toBe(first)
  expect(worker.pid()).toBe(second.identity.pid)
  expect(seen).toEqual(['died', 'restarted'])
  await worker.stop(5_000)
  expect(isAlive(second.identity)).toBe(false)
  expect(where.records.alive()).toEqual([])
})

test('after stop nothing is started again', async () => {
  const where = place()
  const worker = await supervise(program(STAYS), where, () => undefined)
  await worker.stop(5_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(where.records.alive()).toEqual([])
})

test('a program that ignores the request to end is killed', async () => {
  const worker = await supervise(program(`process.on('SIGTERM', () => {}); ${STAYS}`), place())
  const who = identify(worker.pid() as number)!
  await worker.stop(100)
  expect(isAlive(who)).toBe(false)
})

test('a program that cannot start fails in one sentence with its own last words', async () => {
  const broken = program(`throw new Error('the ledger is not there')`)
  await expect(startProgram(broken, place())).rejects.toMatchObject({
    code: 'EMBEDDED_START_FAILED',
    message: expect.stringMatching(/^worker did not start: Error: the ledger is not there\. Its log: /),
  })
})

test('what a killed supervisor leaves behind is ended by a sweep, and a stranger with a recorded number is not', async () => {
  const where = place()
  const left = await startProgram(program(STAYS), where)
  const stranger = spawn(process.execPath, ['-e', STAYS], { stdio: 'ignore' })
  where.records.add('lab', { pid: stranger.pid as number, started: 'another time' })
  expect(await sweep(where.stateDir)).toEqual(['worker'])
  await left.exited
  expect(stranger.exitCode).toBeNull()
  stranger.kill('SIGKILL')
  await once(stranger, 'exit')
  expect(JSON.parse(readFileSync(join(where.stateDir, 'processes.json'), 'utf8'))).not.toContainEqual(
    expect.objectContaining({ name: 'worker' }),
  )
})
