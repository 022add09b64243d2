import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processesNaming } from '../support/processes'
import { folder, removeFolders } from './support'

/** The command as a user runs it, from dist/, with state of the test's own. */
const ROOT = join(__dirname, '../..')
let state: string
let env: NodeJS.ProcessEnv

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function embedded(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, 'dist/embedded/main.js'), ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr }),
    )
  })
}

const status = async () =>
  JSON.parse((await embedded('status', '--json')).stdout) as { running: boolean; supervisor: number | null }
/** Living processes that mention the state folder. */
const ours = (): number[] => processesNaming(state)

beforeEach(() => {
  // PostgreSQL's own user has to be able to enter.
  state = folder()
  execFileSync('chmod', ['0755', state])
  env = { ...process.env, CAPSTAN_STATE_DIR: state }
})
afterEach(async () => {
  await embedded('down')
})
afterAll(removeFolders)

test('a second start names the first, and a supervisor that is killed leaves nothing running', async () => {
  expect(await embedded('up', '--detach')).toMatchObject({ code: 0 })
  const { supervisor } = await status()
  const second = await embedded('up')
  expect(second).toMatchObject({ code: 3, stderr: expect.stringContaining(`already running, as process ${supervisor}.`) })
  expect(second.stderr.trim().split('\n')).toHaveLength(1)
  process.kill(supervisor as number, 'SIGKILL')
  while (ours().length > 0) await sleep(50)
  expect(await status()).toMatchObject({ running: false, supervisor: null })
})

test('with 5432 and 7233 taken everything starts all the same, and down leaves neither process nor endpoint', async () => {
  const taken = [5432, 7233].map((port) =>
    createServer()
      .on('error', () => undefined)
      .listen(port, '0.0.0.0'),
  )
  try {
    expect(await embedded('up', '--detach')).toMatchObject({ code: 0 })
    const endpoints = JSON.parse(readFileSync(join(state, 'endpoints.json'), 'utf8')) as { temporal: { address: string } }
    expect(endpoints.temporal.address).not.toMatch(/:7233$/)
    expect(await embedded('down')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✔ stopped: supervisor \d+\n$/) })
  } finally {
    for (const server of taken) server.close()
  }
  expect(ours()).toEqual([])
  expect(existsSync(join(state, 'endpoints.json'))).toBe(false)
})

test('a wrong option is one sentence and exit code 2', async () => {
  const ended = await embedded('start', '--onec')
  expect(ended).toMatchObject({ code: 2, stderr: "✘ Unknown option '--onec'. See: npm start -- --help\n" })
})

test('with --json a command ends in one document, which says what runs now', async () => {
  for (const command of ['down', 'status', 'reset']) {
    const { code, stdout } = await embedded(command, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, running: false, stateDir: state })
  }
})

test.each([
  [['up', '--json'], 2, 'OPTION_INVALID'],
  [['start', '--json'], 2, 'OPTION_INVALID'],
  [['down', '--json', '--onec'], 2, 'OPTION_INVALID'],
  [['reset', '--json'], 3, 'FOLDER_NOT_OURS'],
])('with --json the failure of %j is one document with its code', async (args, exit, code) => {
  writeFileSync(join(state, 'letter.txt'), 'dear')
  const ended = await embedded(...args)
  expect(ended).toMatchObject({ code: exit, stderr: '' })
  expect(JSON.parse(ended.stdout)).toEqual({
    version: 1,
    error: { code, message: expect.stringMatching(/^.+[.)]/), facts: expect.anything() },
  })
  rmSync(join(state, 'letter.txt'))
})
