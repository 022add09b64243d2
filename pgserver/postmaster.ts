/** What `postmaster.pid` says, and whether the process it names is really the server of that data folder. A number alone
 *  proves nothing: after a crash it may belong to anybody, so the process must also be at home in the data folder. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readProcessStat } from './process-stat'
import { readServerFile } from './server-files'

export interface Postmaster {
  pid: number
  port: number
  /** First address the server listens on; empty while it is not listening yet. */
  host: string
  /** 'starting', 'ready', 'standby' or 'stopping'; empty when not written yet. */
  status: string
}

/** Reads the file's lines: pid, folder, start time, port, socket folder, address, shared memory, status. */
export function readPostmaster(dataDir: string): Postmaster | undefined {
  let text: string
  try {
    text = readServerFile(join(dataDir, 'postmaster.pid')).toString('utf8')
  } catch {
    return undefined
  }
  const lines = text.split('\n')
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  return { pid, port: Number(lines[3] ?? 0), host: (lines[5] ?? '').trim(), status: (lines[7] ?? '').trim() }
}

export function acceptsConnections(postmaster: Postmaster): boolean {
  return postmaster.status === 'ready' || postmaster.status === 'standby'
}

/** Whether `pid` is a living process. A zombie that nobody reaps is dead. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  if (process.platform !== 'linux') return true
  const stat = readProcessStat(pid)
  return stat !== null && stat.state !== 'Z'
}

/** Removes a `postmaster.pid` whose number now belongs to a zombie that nobody reaped, or, after a restart of the machine, to a
 *  stranger: PostgreSQL would take either for a running server and refuse to start. The file also guards against backends
 *  that outlive their postmaster, so it is only removed when no process at all is at home in the data folder. */
export function forgetStranger(dataDir: string): void {
  const found = readPostmaster(dataDir)
  if (process.platform !== 'linux' || !found || isServerOf(found.pid, dataDir)) return
  const residents = readdirSync('/proc').some((name) => /^\d+$/.test(name) && mayBeAtHome(Number(name), dataDir))
  if (!residents) rmSync(join(dataDir, 'postmaster.pid'), { force: true })
}

/** Whether `pid` is alive and the server of `dataDir`: a postmaster's working directory is its data folder. */
export function isServerOf(pid: number, dataDir: string): boolean {
  if (!isAlive(pid) || !existsSync(dataDir)) return false
  const home = realpathSync(dataDir)
  try {
    if (process.platform === 'linux') return (workingFolder(pid) ?? dataFolderArgument(pid)) === home
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).includes(dataDir)
  } catch {
    return false
  }
}

/** Its servers, backends that outlived theirs, and every process of PostgreSQL of which nobody tells us where it is at home. */
function mayBeAtHome(pid: number, dataDir: string): boolean {
  if (isServerOf(pid, dataDir)) return true
  try {
    return workingFolder(pid) === null && /(^|\/)postgres\b/.test(argumentsOf(pid)[0] ?? '')
  } catch {
    return false
  }
}

/** Null: it is another user's, and we may not look (root may not either without CAP_SYS_PTRACE, as in most containers). */
function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return null
    throw error
  }
}

/** What a postmaster was started with; anybody may read it. */
function dataFolderArgument(pid: number): string | undefined {
  const given = argumentsOf(pid)
  const at = given.indexOf('-D')
  return at < 0 ? undefined : realpathSync(given[at + 1] ?? '')
}

function argumentsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
}
