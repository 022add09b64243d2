/** A PostgreSQL server of one's own: make its data folder, start it, find it again, stop it. `postgres` is spawned directly
 *  and detached, so that a server outlives a crash of whoever started it and can be adopted afterwards. Ready means that
 *  the server itself says so in `postmaster.pid`; no driver is needed here. */
import { execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { PostgresBinaries } from './binaries'
import { PostgresServerError } from './failure'
import { acceptsConnections, forgetStranger, isAlive, isServerOf, readPostmaster } from './postmaster'
import { identify, isAlive as isStillThere, type ProcessIdentity } from './process-identity'
import { childrenOf, isStopped, signalIfThere } from './process-tree'
import { ensureEnterable, giveToServer, makeServerFolder } from './reach'
import { replaceFile } from './server-files'
import { type ServerUser, serverUser } from './server-user'
import { type Settings, SMALL_SERVER, writeSettings } from './settings'

const run = promisify(execFile)

export type StopMode = 'smart' | 'fast' | 'immediate'
const STOP_SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const satisfies Record<
  StopMode,
  NodeJS.Signals
>

export interface RunningServer {
  pid: number
  host: string
  port: number
  dataDir: string
  /** Resolves once the server's process is gone. Safe to repeat. `fast` breaks connections but loses no commit;
   *  after `graceMs` (default 10 s; never for `smart`) it falls back to `immediate`, which recovers at the next start. */
  stop(mode: StopMode, graceMs?: number): Promise<void>
  /** Ends every process of the server at once, as a power cut would, and resolves when it is gone. It recovers at its next start. */
  kill(): Promise<void>
  /** Stops every process where it is (SIGSTOP): connections hang, none breaks. */
  freeze(): void
  /** Undoes it; nothing to do for a server that is not frozen. */
  thaw(): void
  isAlive(): boolean
  /** Asks the server to read its configuration files again; takes effect soon after, not at once. */
  reload(): void
  /** Resolves when the process is gone, for whatever reason. Never rejects. */
  exited: Promise<void>
}

export interface NewCluster {
  binaries: PostgresBinaries
  dataDir: string
  superuser: string
  password: string
  /** A power of two; PostgreSQL's own 16 when left out. Smaller ones make an archive that is filled often smaller. */
  walSegmentMib?: number
}

export interface ServerConfiguration {
  dataDir: string
  /** Addresses to listen on; the first is the one reported. */
  hosts: readonly string[]
  port: number
  /** On top of `SMALL_SERVER`; `postgresql.conf` is rewritten with them, so what is left out returns to its default. */
  settings?: Settings
}

export interface ServerStart extends ServerConfiguration {
  binaries: PostgresBinaries
  logFile: string
  /** Default 60 s. */
  readyTimeoutMs?: number
  /** Waits until the server recovers nothing and follows nobody any more. Otherwise one that can be read is ready. */
  recovered?: boolean
  /** Gives up waiting for the server, and ends it. */
  signal?: AbortSignal
}

/** Makes a new data folder: UTF8, locale C (equal order everywhere), scram passwords, page checksums, TCP connections from
 *  loopback only. Each one has a system identifier of its own. The folder must not exist or be empty.
 *  @throws PostgresServerError INIT_FAILED with what initdb said. */
export async function initCluster(cluster: NewCluster): Promise<void> {
  const user = serverUser()
  if (/[\r\n]/.test(cluster.password)) throw new RangeError('The password contains a line break.')
  ensureEnterable(dirname(cluster.dataDir), user)
  makeServerFolder(cluster.dataDir, user)
  const passwordFile = `${cluster.dataDir}.password`
  replaceFile(passwordFile, `${cluster.password}\n`, user)
  const options = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--data-checksums', '--no-instructions', '--no-sync']
  if (cluster.walSegmentMib !== undefined) options.push(`--wal-segsize=${cluster.walSegmentMib}`)
  const args = ['-D', cluster.dataDir, '-U', cluster.superuser, `--pwfile=${passwordFile}`, ...options]
  try {
    await run(join(cluster.binaries.binDir, 'initdb'), args, { cwd: cluster.dataDir, env: environment(), ...identity(user) })
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr ?? error).trim()
    throw new PostgresServerError('INIT_FAILED', `initdb could not make ${cluster.dataDir}: ${said}`)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** Rewrites the configuration file; a running server sees it at its next reload. */
export function configureServer(configuration: ServerConfiguration): void {
  const { hosts, port } = configuration
  const fixed = { listen_addresses: hosts.join(','), port: String(port) }
  writeSettings(configuration.dataDir, { ...SMALL_SERVER, ...configuration.settings, ...fixed }, serverUser())
}

/** Starts a server and resolves when it accepts connections (after crash recovery, if it needs one).
 *  @throws PostgresServerError START_FAILED with the end of the server's log. */
export async function startServer(start: ServerStart): Promise<RunningServer> {
  ensureEnterable(dirname(start.dataDir), serverUser())
  configureServer(start)
  const deadline = Date.now() + (start.readyTimeoutMs ?? 60_000)
  for (;;) {
    start.signal?.throwIfAborted()
    forgetStranger(start.dataDir)
    try {
      return await startOnce(start, deadline)
    } catch (error) {
      start.signal?.throwIfAborted()
      if (!isPassing(error, start.dataDir) || Date.now() > deadline) throw error
      await sleep(100)
    }
  }
}

/** The backends of a postmaster that was killed hold its place for a moment longer. */
function isPassing(error: unknown, dataDir: string): boolean {
  if (!(error instanceof PostgresServerError)) return false
  const before = readPostmaster(dataDir)
  const deadBefore = before === undefined || !isServerOf(before.pid, dataDir)
  return deadBefore && /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(error.message)
}

async function startOnce(start: ServerStart, deadline: number): Promise<RunningServer> {
  const user = serverUser()
  const log = openSync(start.logFile, 'a', 0o600)
  giveToServer(start.logFile, user)
  const logStart = fstatSync(log).size
  const child = spawn(join(start.binaries.binDir, 'postgres'), ['-D', start.dataDir], {
    cwd: start.dataDir,
    env: environment(),
    detached: true,
    stdio: ['ignore', log, log],
    ...identity(user),
  })
  closeSync(log)
  child.unref()
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const pid = child.pid
  if (pid !== undefined) {
    if (await becomesReady({ pid, exited, ...start }, deadline)) {
      return runningServer({ pid, host: start.hosts[0] ?? '', port: start.port, dataDir: start.dataDir, exited })
    }
    // by the handle, not by the number: a child that was reaped may have left its number to somebody else
    if (child.exitCode === null && child.signalCode === null) {
      // its children too: one that waits for a restore command would hold the server's place until that ends
      const children = childrenOf(pid)
      child.kill('SIGKILL')
      for (const one of children) signalIfThere(one, 'SIGKILL')
    }
  }
  const said = readFileSync(start.logFile).subarray(logStart).toString('utf8').trim().split('\n').slice(-12).join('\n')
  throw new PostgresServerError(
    'START_FAILED',
    `PostgreSQL ${start.binaries.version} did not start in ${start.dataDir}:\n${said}`,
  )
}

/** The server that is already running in `dataDir`, if there is one: left behind when its starter died. Waits until it
 *  accepts connections; a server that is stopping is waited for and not adopted. */
export async function adoptServer(adopt: { dataDir: string; readyTimeoutMs?: number }): Promise<RunningServer | undefined> {
  const found = findServer(adopt.dataDir)
  if (!found) return undefined
  const deadline = Date.now() + (adopt.readyTimeoutMs ?? 60_000)
  if (!(await becomesReady(found, deadline))) return undefined
  const { pid, host, port } = readPostmaster(adopt.dataDir) ?? found
  return runningServer({ pid, host, port, dataDir: adopt.dataDir, exited: found.exited })
}

/** The same server in whatever state it is, for whoever wants its end: one that recovers or stops does not become ready soon. */
export function findServer(dataDir: string): RunningServer | undefined {
  const found = readPostmaster(dataDir)
  // who it is first: should the number change hands after that, it is nobody's we wait for
  const who = found && identify(found.pid)
  if (!found || !who || !isServerOf(found.pid, dataDir)) return undefined
  return runningServer({ pid: found.pid, host: found.host, port: found.port, dataDir, exited: untilGone(who) })
}

/** Whether `dataDir` holds a cluster that initdb finished. */
export function clusterExists(dataDir: string): boolean {
  return existsSync(join(dataDir, 'PG_VERSION')) && existsSync(join(dataDir, 'global', 'pg_control'))
}

type Found = Pick<RunningServer, 'pid' | 'host' | 'port' | 'dataDir' | 'exited'>

function runningServer(server: Found): RunningServer {
  const { pid, dataDir, exited } = server
  const signal = (name: NodeJS.Signals): void => {
    // never by number alone: after our server is gone the number may be somebody else's
    if (isServerOf(pid, dataDir)) process.kill(pid, name)
  }
  const living = (): boolean => isServerOf(pid, dataDir)
  // the postmaster first, so that it starts nobody new meanwhile
  const freeze = (): void => {
    signal('SIGSTOP')
    if (living()) for (const child of childrenOf(pid)) signalIfThere(child, 'SIGSTOP')
  }
  const thaw = (): void => {
    if (!living() || !isStopped(pid)) return
    for (const child of childrenOf(pid)) signalIfThere(child, 'SIGCONT')
    signal('SIGCONT')
  }
  const kill = async (): Promise<void> => {
    freeze()
    const children = living() ? childrenOf(pid) : []
    signal('SIGKILL')
    for (const child of children) signalIfThere(child, 'SIGKILL')
    await exited
  }
  const stop = async (mode: StopMode, graceMs = 10_000): Promise<void> => {
    // whoever stands still does not hear
    thaw()
    signal(STOP_SIGNALS[mode])
    if (mode === 'smart' || (await settlesWithin(exited, graceMs))) return exited
    signal('SIGQUIT')
    if (await settlesWithin(exited, 5_000)) return
    signal('SIGKILL')
    if (await settlesWithin(exited, 5_000)) return
    throw new PostgresServerError('STOP_FAILED', `The PostgreSQL server in ${dataDir} (pid ${pid}) does not stop.`)
  }
  return { ...server, stop, kill, freeze, thaw, isAlive: living, reload: () => signal('SIGHUP') }
}

type Expected = Pick<RunningServer, 'pid' | 'dataDir' | 'exited'> & Pick<ServerStart, 'recovered' | 'signal'>

async function becomesReady({ pid, dataDir, exited, recovered, signal }: Expected, deadline: number): Promise<boolean> {
  let gone = false
  void exited.then(() => {
    gone = true
  })
  while (!gone && !signal?.aborted && Date.now() < deadline) {
    const postmaster = readPostmaster(dataDir)
    const ready = postmaster && (recovered ? postmaster.status === 'ready' : acceptsConnections(postmaster))
    if (postmaster?.pid === pid && ready) return true
    await sleep(10)
  }
  return false
}

/** A number that is taken again is told by who has it; that is looked up less often, because elsewhere than on Linux it takes a program. */
async function untilGone(who: ProcessIdentity): Promise<void> {
  for (let look = 0; isAlive(who.pid); look++) {
    if (look % 20 === 0 && !isStillThere(who)) return
    await sleep(50, undefined, { ref: false })
  }
}

async function settlesWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  const waiting = new AbortController()
  const late = sleep(ms, false, { signal: waiting.signal }).catch(() => false)
  const settled = await Promise.race([promise.then(() => true), late])
  waiting.abort()
  return settled
}

function identity(user: ServerUser): { uid: number; gid: number } | Record<string, never> {
  return user.steppedDown ? { uid: user.uid, gid: user.gid } : {}
}

/** The server's environment is fixed: a caller's LC_*, TZ or PG* variables must not change what a database does. */
function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}
