import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../../embedded/config'
import { childEnvironment } from '../../embedded/processes/environment'
import { type Program, startProgram } from '../../embedded/processes/program'
import { ProcessRecords } from '../../embedded/processes/records'
import { supervise } from '../../embedded/processes/supervise'
import { sweep } from '../../embedded/processes/sweep'
import { labProgram, workerProgram } from '../../embedded/worker-program'
import { identify, isAlive } from '../../pgserver/process-identity'
import { folder, removeFolders } from './support'

afterAll(removeFolders)

function program(script: string): Program {
  return {
    name: 'worker',
    command: process.execPath,
    args: ['-e', script],
    env: process.env,
    ready: { kind: 'line' },
    readyTimeoutMs: 120_000,
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

test('what a program with a mask writes is its owner’s alone, and our own mask stays', async () => {
  const where = place()
  const file = join(where.stateDir, 'written')
  const ours = process.umask()
  const writes = program(`require('fs').writeFileSync(${JSON.stringify(file)}, ''); ${STAYS}`)
  const running = await startProgram({ ...writes, umask: 0o077 }, where)
  expect(process.umask()).toBe(ours)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  process.kill(running.identity.pid, 'SIGKILL')
  await running.exited
})

test('a child is given no cloud profile and no password of the user, but what it was said to need', () => {
  const user = { PATH: '/bin', HOME: '/home/ann', LC_ALL: 'C', XDG_CACHE_HOME: '/c', AWS_PROFILE: 'production', PGPASSWORD: 'x' }
  const { AWS_PROFILE: _, PGPASSWORD: __, ...plain } = user
  expect(childEnvironment(user)).toEqual(plain)
  expect(childEnvironment({ ...user, SHOP_A: '1', NOT_SHOP_B: '2' }, /^SHOP_/)).toEqual({ ...plain, SHOP_A: '1' })
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

test('neither worker nor lab sees the user’s AWS settings, and the worker sees failpoints and the shop’s passwords', () => {
  const config = readConfig({
    PATH: '/bin',
    AWS_PROFILE: 'production',
    AWS_SESSION_TOKEN: 'x',
    CAPSTAN_FAILPOINTS: '/f',
    CAPSTAN_STICKY_TIMEOUT_MS: '7',
    CAPSTAN_LEDGER_URL: 'postgres://production/ledger',
    SHOP_OTHER_PASSWORD: 'y',
  })
  const lab = labProgram({ config, block: '127.99.9', apiPort: 1 })
  expect(lab.env).toEqual({ PATH: '/bin' })
  const aws = { accessKeyId: 'lab', secretAccessKey: 'lab', region: 'us-east-1' }
  const secrets = { secretKey: '', ledgerPassword: '', shopAdmin: 'a', shopMigrator: 'm', shopApp: '' }
  const { env } = workerProgram({
    config,
    temporalAddress: 't:1',
    ledgerUrl: 'postgres://lab/ledger',
    lab: {
      ...{ api: 'http://lab', tlsApi: 'https://lab', certificateFile: '/lab.pem', dataPort: 5432, aws, token: null },
      azure: { subscriptionId: 's', token: 'azure-token' },
      gcp: { projectId: 'p', accessToken: 'gcp-token' },
    },
    block: '127.99.9',
    secrets,
  })
  expect(env).toMatchObject({
    AWS_ACCESS_KEY_ID: 'lab',
    AWS_CONFIG_FILE: '/dev/null',
    CAPSTAN_AZURE_ENDPOINT: 'https://lab',
    CAPSTAN_AZURE_TOKEN: 'azure-token',
    CAPSTAN_GCP_ENDPOINT: 'http://lab',
    CAPSTAN_GCP_TOKEN: 'gcp-token',
    CAPSTAN_FAILPOINTS: '/f',
    CAPSTAN_STICKY_TIMEOUT_MS: '7',
    CAPSTAN_LEDGER_URL: 'postgres://lab/ledger',
    SHOP_ADMIN_PASSWORD: 'a',
    SHOP_OTHER_PASSWORD: 'y',
  })
  expect(env).not.toHaveProperty('AWS_PROFILE')
  expect(env).not.toHaveProperty('AWS_SESSION_TOKEN')
})
