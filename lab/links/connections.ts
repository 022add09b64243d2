/** Who is connected to whom, as Linux tells: a connection on loopback has both its ends in /proc/net/tcp, and each end is an open file of
 *  the process that holds it. Source: proc(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { childrenOfEach } from '../../pgserver/process-tree'

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
export function servingProcesses({ from, to, port, handedOn }: Question): number[] {
  const sockets = establishedSockets(readFileSync('/proc/net/tcp', 'latin1'))
  const places = new Set(to.map(({ address }) => `${address}:${port}`))
  const inodes = new Map(sockets.map(({ local, remote, inode }) => [`${local} ${remote}`, inode]))
  const arriving = sockets.filter(({ local }) => places.has(local))
  if (arriving.length === 0 || from.length === 0) return []
  const [callers, servers] = [holders(from), holders(to)]
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
function holders(listeners: readonly Listener[]): Map<string, number> {
  const pids = [...childrenOfEach(listeners.map(({ pid }) => pid)).values()].flat()
  const found = new Map<string, number>()
  for (const pid of pids) {
    try {
      for (const inode of socketsOf(pid)) found.set(inode, pid)
    } catch (error) {
      // it ended meanwhile
      if (!isGone(error)) throw error
    }
  }
  return found
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1] ?? []
    } catch (error) {
      // closed meanwhile
      if (isGone(error)) return []
      throw error
    }
  })
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ESRCH'
}
