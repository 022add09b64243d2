/** The endpoint of a database of the fleet file: which fields belong to which kind, and what a program may be called. */
import type { Endpoint, Pooler, PoolerTarget } from '../../contracts/endpoint'
import type { DatabaseEntry } from '../../contracts/fleet'
import { toDns } from './dns-endpoint'
import type { Around, EndpointReader, FileEndpoint } from './endpoint-reading'
import type { FieldPath } from './source'
import { parseDurationMs } from './units'

interface UniqueReader {
  unique(values: readonly string[], pathOf: (index: number) => FieldPath, another: string): void
}

const TIMEOUT_MS = 60_000
const TIMEOUT_MS_MAX = 600_000

/** A file name, never a path. */
const PROGRAM = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

const USER_BYTES_MAX = 63

/** PgBouncer's own grammar: it quotes no name in its file. */
const POOLER_DATABASE = /^[A-Za-z0-9_.-]{1,63}$/
const NO_POOLER_DATABASE =
  'given a database: the poolers’ name for it, of letters, digits, dots, hyphens and underscores, since no pooler can call it by its own'

/** What belongs to another kind is wrong: whoever wrote it meant that kind. */
const FIELDS = {
  none: { needed: [], allowed: [], rule: 'kind: none and nothing else' },
  command: { needed: ['move', 'check'], allowed: ['timeout'], rule: 'kind: command with move and check, and a timeout or not' },
  'lab-router': { needed: ['name'], allowed: [], rule: 'kind: lab-router with name, and nothing else' },
  pgbouncer: {
    needed: ['poolers'],
    allowed: ['database', 'file', 'write', 'timeout'],
    rule: 'kind: pgbouncer with poolers, with file or write, with database or not, and a timeout only beside write',
  },
  dns: {
    needed: ['provider', 'zone', 'name'],
    allowed: ['account', 'resourceGroup', 'ttl', 'port'],
    rule: 'kind: dns with provider, zone and name, and account, resourceGroup, ttl and port or not',
  },
} as const satisfies Record<Endpoint['kind'], { needed: readonly string[]; allowed: readonly string[]; rule: string }>

const ROUTER_NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/

export function toEndpoint(
  { endpoint: file, around }: { readonly endpoint: FileEndpoint; readonly around: Around },
  path: FieldPath,
  reader: EndpointReader,
): Endpoint {
  const { kind, ...others } = file
  const { needed, allowed, rule } = FIELDS[kind]
  const known: readonly string[] = [...needed, ...allowed]
  const given = Object.keys(others)
  const whole = needed.every((field) => given.includes(field)) && given.every((field) => known.includes(field))
  if (!whole || (kind === 'pgbouncer' && !hasOneTarget(file))) reader.wrong(path, rule)
  switch (kind) {
    case 'none':
      return { kind }
    case 'command':
      return { kind, ...toPrograms(file, path, reader), timeoutMs: toTimeout(file.timeout, path, reader) }
    case 'lab-router':
      if (file.name !== undefined && !ROUTER_NAME.test(file.name))
        reader.wrong([...path, 'name'], 'a name of the lab’s router, such as shop')
      return { kind, name: file.name ?? '' }
    case 'dns':
      return toDns(file, { path, reader, around })
    case 'pgbouncer': {
      const database = file.database ?? around.database
      if (!POOLER_DATABASE.test(database)) reader.wrong(path, NO_POOLER_DATABASE)
      return { kind, database, poolers: toPoolers(file, path, reader), target: toTarget(file, path, reader) }
    }
  }
}

/** A name that two entries lead somewhere is moved by either, under the lock of its own instance. */
export function refuseSharedNames(entries: readonly DatabaseEntry[], reader: UniqueReader): void {
  const named = entries.flatMap(({ endpoint }, index) =>
    endpoint?.kind === 'dns' ? [{ name: endpoint.name, path: ['databases', index, 'endpoint', 'name'] }] : [],
  )
  const names = named.map(({ name }) => name)
  reader.unique(names, (index) => named[index]?.path ?? [], 'another name')
}

/** What two entries name both would move: each operation holds the lock of its own instance, and takes back what the other has written. */
export function refuseSharedPoolers(entries: readonly DatabaseEntry[], reader: UniqueReader): void {
  const declared = entries.flatMap(({ endpoint }, index) =>
    endpoint?.kind === 'pgbouncer' ? [{ endpoint, path: ['databases', index, 'endpoint'] }] : [],
  )
  const files = declared.flatMap(({ endpoint: { target }, path }) =>
    target.by === 'file' ? [{ name: target.file, path: [...path, 'file'] }] : [],
  )
  const databases = declared.flatMap(({ endpoint: { poolers, database }, path }, entry) =>
    poolers.map(({ host, port }, index) => ({
      entry,
      name: `${host.toLowerCase()} ${port} ${database}`,
      path: [...path, 'poolers', index, 'host'],
    })),
  )
  // within one entry it has been told already
  const among = databases.filter(
    ({ entry, name }, index) => databases.findIndex((one) => one.entry === entry && one.name === name) === index,
  )
  for (const [named, another] of [
    [files, 'another file'],
    [among, 'another pooler, or given another database of it'],
  ] as const) {
    reader.unique(
      named.map(({ name }) => name),
      (index) => named[index]?.path ?? [],
      another,
    )
  }
}

function hasOneTarget({ file, write, timeout }: FileEndpoint): boolean {
  return (file === undefined) !== (write === undefined) && (timeout === undefined || write !== undefined)
}

function toPoolers({ poolers = [] }: FileEndpoint, path: FieldPath, reader: EndpointReader): Pooler[] {
  const places = poolers.map(({ host, port }) => `${host.toLowerCase()} ${port}`)
  for (const [index, place] of places.entries()) {
    if (places.indexOf(place) < index) reader.wrong([...path, 'poolers', index], 'another pooler than those before it')
  }
  for (const [index, { user }] of poolers.entries()) {
    if (Buffer.byteLength(user) > USER_BYTES_MAX) reader.wrong([...path, 'poolers', index, 'user'], 'a name of 63 bytes at most')
  }
  return poolers.map((pooler) => ({ ...pooler, tls: pooler.tls ?? 'require' }))
}

function toTarget({ file = '', write, timeout }: FileEndpoint, path: FieldPath, reader: EndpointReader): PoolerTarget {
  if (write === undefined) return { by: 'file', file }
  toProgram('write', write, { path, reader })
  return { by: 'program', write, timeoutMs: toTimeout(timeout, path, reader) }
}

function toPrograms({ move = [], check = [] }: FileEndpoint, path: FieldPath, reader: EndpointReader) {
  toProgram('move', move, { path, reader })
  toProgram('check', check, { path, reader })
  return { move, check }
}

function toProgram(
  field: string,
  [name]: readonly string[],
  { path, reader }: { path: FieldPath; reader: EndpointReader },
): void {
  if (name === undefined || PROGRAM.test(name)) return
  reader.wrong([...path, field, 0], 'the file name of a program in the worker’s CAPSTAN_ENDPOINT_COMMANDS, never a path')
}

function toTimeout(text: string | undefined, path: FieldPath, reader: EndpointReader): number {
  if (text === undefined) return TIMEOUT_MS
  const timeoutMs = parseDurationMs(text) ?? 0
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX) return timeoutMs
  reader.wrong([...path, 'timeout'], 'whole milliseconds, at most 10m')
  return TIMEOUT_MS
}
