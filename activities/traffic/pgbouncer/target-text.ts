/** The text of the file that poolers include: one section `[databases]` with one database, as a person has written it. A move gives its `host` and its
 *  `port` other values; every other byte stays, since what a database is given besides (the size of its pool, who asks for passwords) is not ours.
 *
 *  PgBouncer's own grammar, held against a real one: a name of letters, digits, `_`, `.` and `-`, then pairs `key=value` between blanks, a value in single quotes
 *  with a doubled quote for one. */
import type { HostPort } from '../../../contracts/endpoint'

/** What it is not; completes "The file … ". */
export interface UnfitTarget {
  readonly unfit: string
}

interface Span {
  readonly value: string
  readonly from: number
  readonly to: number
}

interface Target {
  readonly at: HostPort
  readonly host: Span
  readonly port: Span | null
}

const PORT = 5_432

export function targetOf(text: string, database: string): HostPort | UnfitTarget {
  const read = readTarget(text, database)
  return 'unfit' in read ? read : read.at
}

/** The same text, leading to `to`. */
export function retargeted(text: string, database: string, to: HostPort): string | UnfitTarget {
  if (!HOST.test(to.host)) return { unfit: 'cannot lead to a host of that name' }
  const read = readTarget(text, database)
  if ('unfit' in read) return read
  const { host, port } = read
  // from the back, so that places stay true
  const changes = [
    { ...host, value: to.host },
    port === null ? { from: host.to, to: host.to, value: ` port=${to.port}` } : { ...port, value: String(to.port) },
  ].sort((one, other) => other.from - one.from)
  return changes.reduce((out, { from, to: end, value }) => out.slice(0, from) + value + out.slice(end), text)
}

/** One host: PgBouncer takes several with commas between, and a path for a socket. */
const HOST = /^[A-Za-z0-9._:-]+$/

function readTarget(text: string, database: string): Target | UnfitTarget {
  const entries: { readonly name: string; readonly pairs: string; readonly at: number }[] = []
  let section = ''
  let at = 0
  for (const line of text.split('\n')) {
    const entry = /^(\s*([A-Za-z0-9_.-]+)\s*=)(.*)$/.exec(line.replace(/\r$/, ''))
    const header = /^\s*\[([^\]]*)\]\s*$/.exec(line)
    if (header !== null) section = header[1] ?? ''
    else if (entry !== null) entries.push({ name: entry[2] ?? '', pairs: entry[3] ?? '', at: at + (entry[1] ?? '').length })
    else if (!/^\s*([;#][^\n]*)?$/.test(line)) return { unfit: 'has a line that is no comment, section or database' }
    if (entry !== null && section !== 'databases') return { unfit: 'has a setting outside of its section [databases]' }
    at += line.length + 1
  }
  const [entry] = entries
  if (entry === undefined) return { unfit: `has no database; it has to have ${database}` }
  if (entries.length > 1) return { unfit: 'has several databases; give each a file of its own, since each is moved by itself' }
  if (entry.name !== database) return { unfit: 'has another database than the endpoint' }
  return targetIn(entry.pairs, entry.at)
}

function targetIn(line: string, at: number): Target | UnfitTarget {
  const pairs = pairsOf(line, at)
  if (pairs === null) return { unfit: 'has a database whose line cannot be read' }
  const keys = pairs.map(({ key }) => key)
  if (new Set(keys).size < keys.length) return { unfit: 'says something of its database twice' }
  if (keys.includes('password')) return { unfit: 'has a password; let the poolers have it by auth_file or auth_query' }
  const [host, port] = ['host', 'port'].map((word) => pairs.find(({ key }) => key === word) ?? null)
  if (host == null || !HOST.test(host.value)) return { unfit: 'has to name one host' }
  const number = port == null ? PORT : Number(port.value)
  if (!Number.isInteger(number) || number < 1 || number > 65_535) return { unfit: 'has a port that is none' }
  return { at: { host: host.value, port: number }, host, port: port ?? null }
}

type Pair = Span & { readonly key: string }

/** Null: no list of pairs. */
function pairsOf(line: string, at: number): Pair[] | null {
  const pairs: Pair[] = []
  const next = /\s*([a-z_]+)\s*=\s*('(?:[^']|'')*'|[^\s']\S*|)(?=\s|$)/y
  while (line.slice(next.lastIndex).trim() !== '') {
    const found = next.exec(line)
    if (found === null) return null
    const [whole, key = '', written = ''] = found
    const end = at + found.index + whole.length
    const value = written.startsWith("'") ? written.slice(1, -1).replaceAll("''", "'") : written
    pairs.push({ key, value, from: end - written.length, to: end })
  }
  return pairs
}
