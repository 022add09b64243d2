import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { ensureBinaries, type PostgresBinaries, type PostgresMajor } from '../../pgserver/binaries'
import { adoptServer, findServer, initCluster, type RunningServer, startServer } from '../../pgserver/cluster'
import { isAlive } from '../../pgserver/postmaster'
import { childrenOf } from '../../pgserver/process-tree'
import { ensureEnterable } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'

const root = mkdtempSync(join(tmpdir(), 'capstan-pgserver-'))
const running: RunningServer[] = []

beforeAll(() => {
  chmodSync(root, 0o755)
  ensureEnterable(root, serverUser())
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop('immediate')))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, host, () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

async function newServer(major: PostgresMajor, name: string, binaries?: PostgresBinaries) {
  const used = binaries ?? (await ensureBinaries({ major, cacheDir: join(root, 'cache') }))
  const dataDir = join(root, name, 'data')
  await initCluster({ binaries: used, dataDir, superuser: 'boss', password: `it's "quoted"` })
  const port = await freePort('127.0.0.1')
  const start = () =>
    startServer({
      binaries: used,
      dataDir,
      hosts: ['127.0.0.1'],
      port,
      logFile: join(root, name, 'log'),
      settings: { cluster_name: `it's \\ ${name}` },
    })
  return { dataDir, port, start, binaries: used }
}

let shared: ReturnType<typeof newServer> | undefined
/** One cluster for all tests that only need some server that is not running. */
const anyServer = () => {
  shared ??= newServer(15, 'any')
  return shared
}

async function ask<Row extends object>(port: number, sql: string): Promise<Row> {
  const client = new Client({ host: '127.0.0.1', port, user: 'boss', password: `it's "quoted"`, database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<Row>(sql)
    return rows[0]!
  } finally {
    await client.end()
  }
}

test.each([15, 17] as const)(
  'a PostgreSQL %s server starts, keeps odd settings as data, and stops leaving nothing',
  async (major) => {
    const cluster = await newServer(major, `plain-${major}`)
    const server = await cluster.start()
    running.push(server)
    const row = await ask<{ version: string; name: string; collate: string; checksums: string }>(
      cluster.port,
      `SELECT current_setting('server_version') AS version, current_setting('cluster_name') AS name,
            current_setting('data_checksums') AS checksums,
            (SELECT datcollate FROM pg_database WHERE datname = 'postgres') AS collate`,
    )
    expect(row).toEqual({ version: cluster.binaries.version, name: `it's \\ plain-${major}`, collate: 'C', checksums: 'on' })
    await server.stop('fast')
    expect(() => process.kill(server.pid, 0)).toThrow()
    expect(await adoptServer({ dataDir: cluster.dataDir })).toBeUndefined()
  },
)

test('two clusters have different system identifiers', async () => {
  const sql = 'SELECT system_identifier::text AS id FROM pg_control_system()'
  const identifier = async (cluster: Awaited<ReturnType<typeof newServer>>) => {
    running.push(await cluster.start())
    return (await ask<{ id: string }>(cluster.port, sql)).id
  }
  const ids = await Promise.all([anyServer(), newServer(15, 'another')].map(async (cluster) => identifier(await cluster)))
  expect(new Set(ids).size).toBe(2)
})

test('a running server is adopted, the adopted handle sees its end, and a server killed outright starts again with its commits', async () => {
  const cluster = await anyServer()
  const first = await cluster.start()
  running.push(first)
  await ask(cluster.port, 'CREATE TABLE kept AS SELECT 1 AS n')
  const adopted = await adoptServer({ dataDir: cluster.dataDir })
  expect(adopted).toMatchObject({ pid: first.pid, port: cluster.port, host: '127.0.0.1' })
  process.kill(first.pid, 'SIGKILL')
  await adopted?.exited
  expect(await adoptServer({ dataDir: cluster.dataDir })).toBeUndefined()
  const again = await cluster.start()
  running.push(again)
  expect(await ask(cluster.port, 'SELECT n FROM kept')).toEqual({ n: 1 })
})

test('a server that goes on recovering is found by whoever wants its end, and ended when its starter gives up', async () => {
  const { binaries, dataDir, port, start } = await newServer(17, 'recovering')
  await (await start()).stop('fast')
  writeFileSync(join(dataDir, 'recovery.signal'), '')
  const giveUp = new AbortController()
  const recovering = (signal: AbortSignal) =>
    startServer({
      ...{ binaries, dataDir, port, signal, hosts: ['127.0.0.1'], logFile: join(dataDir, '..', 'log'), recovered: true },
      settings: { restore_command: 'sleep 1000; false', hot_standby: 'off' },
    })
  const given = expect(recovering(giveUp.signal)).rejects.toThrow('enough')
  while (!findServer(dataDir)) await sleep(20)
  const first = findServer(dataDir)
  giveUp.abort(new Error('enough'))
  await given
  await first?.exited
  const ended = expect(recovering(new AbortController().signal)).rejects.toMatchObject({ code: 'START_FAILED' })
  while (!findServer(dataDir)) await sleep(20)
  await findServer(dataDir)?.stop('immediate')
  await ended
  expect(findServer(dataDir)).toBeUndefined()
})

test('a server killed outright leaves nothing in memory once its folder is gone', async () => {
  const { start, dataDir } = await newServer(17, 'memory')
  const server = await start()
  running.push(server)
  const segments = readFileSync(`/proc/${server.pid}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => /\S*PostgreSQL\.\d+|\S*\/pg_dynshmem\/\S+/.exec(line) ?? [])
  expect(segments.length).toBeGreaterThan(0)
  for (const segment of segments) expect(segment).toContain(dataDir)
})

test('a frozen server keeps its connections and answers once it goes on; one that is stopped or killed meanwhile leaves nothing', async () => {
  const cluster = await anyServer()
  const server = await cluster.start()
  running.push(server)
  await ask(cluster.port, 'SELECT 1')
  server.freeze()
  expect(server.isAlive()).toBe(true)
  const asked = ask(cluster.port, 'SELECT 2 AS two')
  const silence = new Promise((resolve) => setTimeout(resolve, 300, 'silence'))
  expect(await Promise.race([asked, silence])).toBe('silence')
  server.thaw()
  server.thaw()
  expect(await asked).toEqual({ two: 2 })
  server.freeze()
  await server.stop('fast')
  const again = await cluster.start()
  running.push(again)
  const pids = [again.pid, ...childrenOf(again.pid)]
  expect(pids.length).toBeGreaterThan(3)
  again.freeze()
  await again.kill()
  expect(again.isAlive()).toBe(false)
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 20))
  running.push(await cluster.start())
})

test('a stale pid file whose number now belongs to a stranger does not keep the server from starting', async () => {
  const cluster = await anyServer()
  const { uid } = serverUser()
  // a stranger of the same user: PostgreSQL tells strangers of other users apart by itself
  const stranger = spawn('sleep', ['60'], process.getuid?.() === 0 ? { uid } : {})
  writeFileSync(join(cluster.dataDir, 'postmaster.pid'), `${stranger.pid}\n${cluster.dataDir}\n1\n5432\n\n127.0.0.1\n\nready\n`)
  try {
    expect(await adoptServer({ dataDir: cluster.dataDir })).toBeUndefined()
    running.push(await cluster.start())
  } finally {
    stranger.kill()
  }
})

test('a server that cannot start says why, with the end of its own log', async () => {
  const cluster = await anyServer()
  const blocker = createServer()
  await new Promise<void>((resolve) => blocker.listen(cluster.port, '127.0.0.1', resolve))
  await expect(cluster.start()).rejects.toMatchObject({
    code: 'START_FAILED',
    message: expect.stringContaining('could not bind'),
  })
  blocker.close()
})

test('two processes that install the same binaries at once end with one usable copy', async () => {
  const cacheDir = join(root, 'raced')
  const [one, two] = await Promise.all([ensureBinaries({ major: 17, cacheDir }), ensureBinaries({ major: 17, cacheDir })])
  expect(one).toEqual(two)
  expect(readdirSync(join(cacheDir, 'postgres'))).toHaveLength(1)
  const cluster = await newServer(17, 'from-race', one)
  running.push(await cluster.start())
})

/** Root keeps what it may do to other users' processes, except in containers: there it does without, as here. */
const asRoot = process.platform === 'linux' && process.getuid?.() === 0 ? test : test.skip
asRoot(
  'who may not look into the processes of other users knows a server by its arguments, and takes no living one for gone',
  async () => {
    const { dataDir, start } = await newServer(17, 'unseen')
    running.push(await start())
    const [pidFile, folder] = [join(dataDir, 'postmaster.pid'), JSON.stringify(dataDir)]
    const written = readFileSync(pidFile, 'utf8')
    const pid = Number.parseInt(written, 10)
    const ask = (question: string): string => {
      const program = `const asked = require(${JSON.stringify(join(__dirname, '../../dist/pgserver/postmaster.js'))}); console.log(${question})`
      const blind = ['--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace', process.execPath, '-e', program]
      return execFileSync('setpriv', blind, { encoding: 'utf8', stdio: 'pipe' }).trim()
    }

    expect(() => ask(`require('node:fs').readlinkSync('/proc/${pid}/cwd')`)).toThrow('EACCES')
    expect(ask(`asked.isServerOf(${pid}, ${folder})`)).toBe('true')
    expect(ask(`asked.isServerOf(${pid}, ${JSON.stringify(root)})`)).toBe('false')

    // as after a restart of the machine, when its number belongs to somebody else
    writeFileSync(pidFile, written.replace(String(pid), String(process.pid)))
    ask(`asked.forgetStranger(${folder})`)
    expect(readFileSync(pidFile, 'utf8')).toContain(String(process.pid))
    writeFileSync(pidFile, written)
  },
)
