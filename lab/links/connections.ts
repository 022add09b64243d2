/** Who is connected to whom, as Linux tells: a connection on loopback has both its ends in /proc/net/tcp, and each end is an open file of
 *  the process that holds it. Source: proc(5). */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { childrenOfEach } from '../../pgserver/process-tree'
import { serverUser } from '../../pgserver/server-user'

/** A server that runs, as the network sees it. */
export interface Listener {
  readonly address: string
  /** Of its first process. */
  readonly pid: number
  /** Stands still as a whole. */
  readonly frozen: boolean
}

/** One end of a connection: 'a.b.c.d:port' here and there. */
export interface End {
  readonly local: string
  readonly remote: string
}

export interface Question {
  readonly from: readonly Listener[]
  readonly to: readonly Listener[]
  /** Of all servers. */
  readonly port: number
  /** For a connection that somebody hands on: the caller's own end, by the end of whoever does. */
  handedOn(local: string): End | undefined
}

interface Socket extends End {
  readonly inode: string
}

const ESTABLISHED = '01'

/** Processes of the servers `to` that each serve a connection from a process of the servers `from`. */
export async function servingProcesses({ from, to, port, handedOn }: Question): Promise<number[]> {
  const sockets = establishedSockets(readFileSync('/proc/net/tcp', 'latin1'))
  const places = new Set(to.map(({ address }) => `${address}:${port}`))
  const inodes = new Map(sockets.map(({ local, remote, inode }) => [`${local} ${remote}`, inode]))
  const arriving = sockets.filter(({ local }) => places.has(local))
  if (arriving.length === 0 || from.length === 0) return []
  const [callers, servers] = await Promise.all([holders(from), holders(to)])
  return arriving.flatMap(({ local, remote, inode }) => {
    const caller = handedOn(remote) ?? { local: remote, remote: local }
    const called = inodes.get(`${caller.local} ${caller.remote}`)
    const serving = servers.get(inode)
    return serving !== undefined && called !== undefined && callers.has(called) ? [serving] : []
  })
}

/** A row: `sl local remote state queues timer retransmits uid timeout inode …`; addresses are hexadecimal, in the byte order of the machine. */
export function establishedSockets(table: string): Socket[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/)
      return state === ESTABLISHED ? [{ local: placeOf(local), remote: placeOf(remote), inode }] : []
    })
}

/** '0100007F:1538' → '127.0.0.1:5432' */
function placeOf(text: string): string {
  const [address = '', port = ''] = text.split(':')
  const bytes = address.match(/../g) ?? []
  return `${bytes
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')}:${Number.parseInt(port, 16)}`
}

/** Socket → the process that holds it, of those that the first processes began; those themselves only hand theirs on. */
async function holders(listeners: readonly Listener[]): Promise<Map<string, number>> {
  const pids = [...childrenOfEach(listeners.map(({ pid }) => pid)).values()].flat()
  const found = new Map<string, number>()
  const denied: number[] = []
  for (const pid of pids) {
    try {
      for (const inode of socketsOf(pid)) found.set(inode, pid)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EACCES' || code === 'EPERM') denied.push(pid)
      // it ended meanwhile
      else if (code !== 'ENOENT' && code !== 'ESRCH') throw error
    }
  }
  if (denied.length > 0) for (const [inode, pid] of await askedAsServer(denied)) found.set(inode, pid)
  return found
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1] ?? []
    } catch (error) {
      // closed meanwhile
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}

/** Root in a container may not look into others' processes; the servers' own user may. */
async function askedAsServer(pids: readonly number[]): Promise<[string, number][]> {
  const { uid, gid } = serverUser()
  const listing = await new Promise<string>((resolve) => {
    // what ended meanwhile makes it fail; it shows the others all the same
    const folders = pids.map((pid) => `/proc/${pid}/fd`)
    execFile('ls', ['-lnR', ...folders], { uid, gid, maxBuffer: 1 << 26 }, (_, stdout) => resolve(stdout))
  })
  return socketsListed(listing)
}

/** `/proc/12/fd:` heads the lines of process 12, such as `… 5 -> socket:[345]`. */
export function socketsListed(listing: string): [string, number][] {
  let pid = 0
  return listing.split('\n').flatMap((line): [string, number][] => {
    pid = Number(/^\/proc\/(\d+)\/fd:$/.exec(line)?.[1] ?? pid)
    const inode = / -> socket:\[(\d+)\]$/.exec(line)?.[1]
    return inode === undefined ? [] : [[inode, pid]]
  })
}
